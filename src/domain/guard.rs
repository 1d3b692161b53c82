//! How much access may be taken away at once, as connectors and the operator say it.

use jiff::SignedDuration;

/// How many people may lose something within a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Never more than these, where that is set.
    pub most: Option<u32>,
    /// Nor more than this share of those who have an account, rounded up; 100 is no limit.
    pub percent: u8,
    /// Whatever the share, so many are always allowed: in a small company one person is a large one.
    pub always: u32,
}

impl Limits {
    /// No limit at all.
    pub const NONE: Self = Self {
        most: None,
        percent: 100,
        always: 0,
    };

    /// How many people may lose something, of so many.
    #[must_use]
    pub fn allow(&self, of: usize) -> usize {
        let share = match self.percent {
            100.. => usize::MAX,
            percent => of.saturating_mul(percent.into()).div_ceil(100),
        };
        let allowed = share.max(self.always.try_into().unwrap_or(usize::MAX));
        let most = self.most.and_then(|most| most.try_into().ok());
        most.map_or(allowed, |most| allowed.min(most))
    }
}

/// How much a connector lets be taken away before somebody has to approve it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardPolicy {
    /// For what changes of policy, facts or the target take away.
    pub changes: Limits,
    /// For those whose employment ends; each way of ending is counted by itself.
    pub leavers: Limits,
    /// Patterns of names of entitlements of which fewer may be lost.
    pub privileged: Vec<String>,
    /// How many people may lose one of those.
    pub privileged_most: u32,
    /// For how long what was let through counts.
    pub window: SignedDuration,
}

impl GuardPolicy {
    /// Lets everything through.
    #[must_use]
    pub fn open() -> Self {
        Self {
            changes: Limits::NONE,
            leavers: Limits::NONE,
            privileged: Vec::new(),
            privileged_most: 0,
            window: SignedDuration::from_hours(24),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_is_never_too_small_and_a_number_that_is_never_passed() {
        let limits = |most, percent, always| Limits {
            most,
            percent,
            always,
        };
        for (limits, of, allowed) in [
            (limits(None, 5, 10), 1000, 50),
            (limits(None, 5, 10), 1001, 51),
            (limits(None, 5, 10), 100, 10),
            (limits(None, 5, 10), 0, 10),
            (limits(None, 5, 0), 0, 0),
            (limits(Some(20), 5, 10), 1000, 20),
            (limits(Some(3), 5, 10), 1000, 3),
            (limits(Some(0), 100, 10), 1000, 0),
            (limits(None, 0, 0), 1000, 0),
            (limits(None, 100, 0), 10, usize::MAX),
        ] {
            assert_eq!(limits.allow(of), allowed, "{limits:?} of {of}");
        }
    }
}
