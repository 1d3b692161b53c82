//! What comes of taking credentials away from an account, and of handing over what it owns.

use super::{ConnectorError, ErrorKind};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::AccountId;

/// Things that are named, at most; the rest is counted.
pub(super) const MAX_NAMED: usize = 50;

/// What became of credentials that were to be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The target showed afterwards that none is left that can be used, rather than only accepting the request.
    pub verified: bool,
    /// What is known of it, in a short sentence for a person. Never a secret.
    pub evidence: String,
}

impl Revocation {
    /// The target showed that none is left.
    #[must_use]
    pub fn verified(evidence: impl Into<String>) -> Self {
        Self {
            verified: true,
            evidence: evidence.into(),
        }
    }

    /// The target accepted it, and shows no more than that.
    #[must_use]
    pub fn requested(evidence: impl Into<String>) -> Self {
        Self {
            verified: false,
            evidence: evidence.into(),
        }
    }
}

/// What an account owns in a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Some of the things, in words such as `table app.public.orders`. Sorted and bounded.
    pub things: Vec<String>,
    /// How many there are.
    pub total: usize,
}

impl Owned {
    /// What is owned, all of it. Things may be called alike.
    #[must_use]
    pub fn of(things: impl IntoIterator<Item = String>) -> Self {
        let mut things: Vec<String> = things.into_iter().collect();
        things.sort_unstable();
        let total = things.len();
        things.truncate(MAX_NAMED);
        Self { things, total }
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// What came of handing over what an account owned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// What the other one has by now that it did not have before.
    pub moved: Owned,
    /// What the first one owns all the same.
    pub left: Owned,
}

impl Transfer {
    /// What was owned before, and what is left of it.
    #[must_use]
    pub fn between(before: Owned, left: Owned) -> Self {
        let mut moved = before;
        moved.things.retain(|thing| !left.things.contains(thing));
        moved.total = moved.total.saturating_sub(left.total);
        moved.things.truncate(moved.total);
        Self { moved, left }
    }
}

/// Told where a target knows no credentials of a kind, or nothing says how they are revoked.
pub(super) fn not_revoked(kind: CredentialKind) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Unsupported,
        format!("{} can't be revoked here", kind.within_a_sentence()),
    )
}

/// Told where accounts own nothing.
pub(super) fn no_ownership() -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Unsupported,
        "accounts own nothing here that can be handed over",
    )
}

/// Refuses to hand something to whom it belongs already.
pub(super) fn must_differ(
    what: &str,
    from: &AccountId,
    to: &AccountId,
) -> Result<(), ConnectorError> {
    if from != to {
        return Ok(());
    }
    Err(ConnectorError::new(
        ErrorKind::Invalid,
        format!("{what}: it can't be handed to itself: name another account"),
    ))
}

/// What is known of sessions once none is left.
pub(super) fn ended(count: usize) -> String {
    match count {
        0 => "no session was open".to_owned(),
        count => format!("no session is left ({count} ended)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_counted_and_some_is_named() {
        let many = Owned::of((0..90).map(|n| format!("table {n:02}")));
        assert_eq!(many.total, 90);
        assert_eq!(many.things.len(), MAX_NAMED);
        assert_eq!(many.things[1], "table 01");
        let alike = Owned::of(["b", "a", "b"].map(str::to_owned));
        assert_eq!((alike.things.join(" ").as_str(), alike.total), ("a b b", 3));
        assert!(Owned::default().is_empty());
    }

    #[test]
    fn what_moved_is_what_is_not_left() {
        let owned = |things: &[&str]| Owned::of(things.iter().map(|thing| (*thing).to_owned()));
        let transfer = Transfer::between(owned(&["a", "b", "c"]), owned(&["b"]));
        assert_eq!(transfer.moved, owned(&["a", "c"]));
        assert_eq!(transfer.left, owned(&["b"]));
        // Something that is new was not moved.
        let transfer = Transfer::between(Owned::default(), owned(&["new"]));
        assert_eq!(transfer.moved, Owned::default());
    }
}
