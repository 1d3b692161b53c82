//! Offboarding: what is done with an account whose owner's last day is over, step by step, and what is
//! remembered of each step.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use litemap::LiteMap;

use super::credentials::CredentialKind;
use super::ids::{EmployeeName, EntitlementName};
use super::small_set::SmallSet;

/// One step of offboarding an account, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// It can't be used any more.
    Disable,
    /// Every credential of a kind is taken away.
    Revoke(CredentialKind),
    /// What it owns goes to somebody else.
    TransferOwnership,
    /// What roles gave is taken away.
    RemoveEntitlements,
    /// It is kept for a time, disabled.
    Retain,
    /// It is deleted.
    Delete,
}

impl Step {
    /// The word in status and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Disable => "Disable",
            Self::Revoke(CredentialKind::Sessions) => "RevokeSessions",
            Self::Revoke(CredentialKind::Tokens) => "RevokeTokens",
            Self::Revoke(CredentialKind::Keys) => "RevokeKeys",
            Self::Revoke(CredentialKind::Passwords) => "RevokePasswords",
            Self::TransferOwnership => "TransferOwnership",
            Self::RemoveEntitlements => "RemoveEntitlements",
            Self::Retain => "Retain",
            Self::Delete => "Delete",
        }
    }

    /// The step of a word, as [`Step::word`] gives it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let revoke = CredentialKind::ALL.map(Self::Revoke);
        let all = [
            Self::Disable,
            Self::TransferOwnership,
            Self::RemoveEntitlements,
            Self::Retain,
            Self::Delete,
        ];
        all.into_iter()
            .chain(revoke)
            .find(|step| step.word() == word)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a connector says is to be done with the accounts of those who left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaverPolicy {
    /// Kinds of credentials to take away.
    pub revoke: BTreeSet<CredentialKind>,
    /// Whether what the account owns goes to the manager.
    pub transfer: bool,
    /// Who gets it where no manager is there to.
    pub fallback: Option<EmployeeName>,
    /// How long the account is kept once it is disabled.
    pub retain: SignedDuration,
    /// Whether it is deleted then.
    pub delete: bool,
    /// What the target can do; `None` until it has said so.
    pub able: Option<Abilities>,
}

impl LeaverPolicy {
    /// What is asked of the target and can be, or not; `None` where nothing is asked, or the answer is not known.
    #[must_use]
    pub fn asks(&self) -> Option<Abilities> {
        let asks = !self.revoke.is_empty() || self.transfer || self.delete;
        self.able.clone().filter(|_| asks)
    }
}

/// What a target can do about the accounts of those who leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "a table of independent yes-or-no facts"
)]
pub struct Abilities {
    /// Whether it disables accounts.
    pub disable: bool,
    /// Whether it renames accounts.
    pub rename: bool,
    /// Kinds of credentials that it can take away.
    pub revokes: BTreeSet<CredentialKind>,
    /// Whether it knows what accounts own.
    pub ownership: bool,
    /// Whether it deletes accounts.
    pub delete: bool,
}

/// What is remembered of the offboarding of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offboarding {
    /// Since when.
    pub since: Timestamp,
    /// What roles had given when it began.
    pub held: SmallSet<EntitlementName>,
    /// What is known of each step that was begun. Keeping the account is none: it is only waited for.
    pub steps: LiteMap<Step, Done>,
    /// The time for which it is kept before it is deleted, while that runs.
    pub kept: Option<Kept>,
}

/// The time for which an account is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Since when.
    pub since: Timestamp,
    /// For how long.
    pub time: SignedDuration,
}

/// What is known of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// How often it was tried.
    pub attempts: u32,
    /// When, and how sure that is; `None` until the target accepted it.
    pub reached: Option<Reached>,
}

/// What came of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Whether the target showed it to be so, or only accepted to do it.
    pub verified: bool,
    /// When.
    pub at: Timestamp,
    /// What shows it, for a person. Never a secret.
    pub evidence: Box<str>,
}

impl Offboarding {
    /// One that begins.
    #[must_use]
    pub fn begin(now: Timestamp, held: SmallSet<EntitlementName>) -> Self {
        Self {
            since: now,
            held,
            steps: LiteMap::new(),
            kept: None,
        }
    }

    /// Since when it is kept for a time: from now on, unless that time runs already.
    pub fn keep(&mut self, time: SignedDuration, now: Timestamp) -> Timestamp {
        let runs = self.kept.filter(|kept| kept.time == time);
        let kept = runs.unwrap_or(Kept { since: now, time });
        self.kept = Some(kept);
        kept.since
    }

    /// What came of a step, where anything did.
    #[must_use]
    pub fn reached(&self, step: Step) -> Option<&Reached> {
        self.steps.get(&step)?.reached.as_ref()
    }

    /// What is known of a step from now on.
    pub fn step(&mut self, step: Step) -> &mut Done {
        self.steps.entry(step).or_default()
    }

    /// The target was asked to take a step.
    pub fn tried(&mut self, step: Step) {
        let done = self.step(step);
        done.attempts = done.attempts.saturating_add(1);
    }

    /// The target took a step. What was verified before stays so.
    pub fn took(&mut self, step: Step, verified: bool, at: Timestamp, evidence: &str) {
        let done = self.step(step);
        if done
            .reached
            .as_ref()
            .is_none_or(|reached| !reached.verified)
        {
            done.reached = Some(Reached {
                verified,
                at,
                evidence: evidence.into(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_and_steps_come_in_their_order() {
        let words = [
            "Disable",
            "RevokeSessions",
            "RevokeTokens",
            "RevokeKeys",
            "RevokePasswords",
            "TransferOwnership",
            "RemoveEntitlements",
            "Retain",
            "Delete",
        ];
        let steps: Vec<Step> = words.iter().filter_map(|word| Step::parse(word)).collect();
        assert!(steps.is_sorted());
        let back: Vec<&str> = steps.iter().map(|step| step.word()).collect();
        assert_eq!(back, words);
        assert_eq!(Step::parse("Forget"), None);
    }

    #[test]
    fn what_was_proven_is_not_unproven_by_what_was_only_accepted() {
        let at = Timestamp::UNIX_EPOCH;
        let mut offboarding = Offboarding::begin(at, SmallSet::default());
        offboarding.tried(Step::Disable);
        assert_eq!(offboarding.reached(Step::Disable), None);
        offboarding.took(Step::Disable, false, at, "accepted");
        offboarding.took(Step::Disable, true, at, "read back");
        offboarding.took(Step::Disable, false, at, "accepted");
        let reached = offboarding.reached(Step::Disable).unwrap();
        assert_eq!((reached.verified, &*reached.evidence), (true, "read back"));
        assert_eq!(offboarding.step(Step::Disable).attempts, 1);
    }

    #[test]
    fn the_time_for_which_it_is_kept_begins_anew_when_it_becomes_another() {
        let at = |hour| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
        let mut offboarding = Offboarding::begin(at(0), SmallSet::default());
        for (hour, time, since) in [(1, 30, 1), (2, 30, 1), (3, 20, 3), (4, 30, 4)] {
            let kept = offboarding.keep(SignedDuration::from_hours(time), at(hour));
            assert_eq!(kept, at(since), "at {hour}");
        }
    }
}
