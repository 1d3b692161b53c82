//! Accounts that are nobody's: which they are, and what a connector says is to become of them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::account::ObservedAccount;
use super::ids::{AccountId, EmployeeId};
use super::mark::{Marking, Scope};
use super::patterns::Patterns;

/// What a connector says is to become of accounts that are nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrphanPolicy {
    /// What is done with them.
    pub consequence: Consequence,
    /// Whether that is done as well with accounts that were never ours.
    pub undeclared_too: bool,
    /// How long one is left alone since it was first seen.
    pub after: SignedDuration,
    /// How long it is kept, disabled, before it is deleted.
    pub retain: SignedDuration,
    /// Patterns of user names that are no orphans.
    pub ignore: Vec<String>,
    /// The same, each for a reason, and perhaps for a time.
    pub exceptions: Vec<Exception>,
}

/// What is done with an account that is nobody's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consequence {
    /// It is told of.
    #[default]
    Report,
    /// It is disabled, and keeps what it holds.
    Disable,
    /// It is disabled, and deleted after a further time.
    Delete,
}

/// User names that are no orphans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// A pattern.
    pub username: String,
    /// Why.
    pub reason: String,
    /// The last day on which that counts, in UTC.
    pub until: Option<Date>,
}

impl Exception {
    /// Whether it counts no more.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        let today = now.to_zoned(TimeZone::UTC).date();
        self.until.is_some_and(|until| today > until)
    }
}

impl OrphanPolicy {
    /// User names that are never orphans at this instant: those that are to be ignored, and those that no plan may
    /// change.
    #[must_use]
    pub fn spared(&self, protected: &[String], own: Option<&str>, now: Timestamp) -> Patterns {
        let counts = |exception: &&Exception| !exception.is_over(now);
        let exceptions = self.exceptions.iter().filter(counts);
        let patterns = self
            .ignore
            .iter()
            .chain(protected)
            .chain(exceptions.map(|exception| &exception.username));
        Patterns::new(patterns.map(String::as_str), own)
    }
}

/// How an account came to be nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was never ours.
    Undeclared,
    /// It was ours, of this person, until the Employee was deleted.
    Released(EmployeeId),
}

impl Kind {
    /// The word used in status.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Undeclared => "Undeclared",
            Self::Released(_) => "Released",
        }
    }

    /// Whose it was.
    #[must_use]
    pub fn of(&self) -> Option<&EmployeeId> {
        match self {
            Self::Undeclared => None,
            Self::Released(who) => Some(who),
        }
    }
}

/// How an account is nobody's; `None` where it is somebody's, another scope's, or to be left in peace.
#[must_use]
pub fn kind_of(
    account: &ObservedAccount,
    scope: &Scope,
    spared: &Patterns,
    has_owner: impl Fn(&EmployeeId) -> bool,
) -> Option<Kind> {
    if spared.covers(account.username.as_str()) {
        return None;
    }
    match scope.read(account.mark.as_deref()) {
        Marking::None => Some(Kind::Undeclared),
        Marking::Ours(who) if !has_owner(&who) => Some(Kind::Released(who)),
        Marking::Ours(_) | Marking::Foreign => None,
    }
}

/// Before whatever is nobody's, where a person stands else. No `employeeId` can hold a colon.
const RELEASED: &str = "released:";
/// The same for accounts that were never ours.
const UNDECLARED: &str = "undeclared:";

/// Whom the guard counts where an account is nobody's: the person that it was of, wherever else that one had accounts;
/// else the account itself.
#[must_use]
pub fn counted_as(kind: &Kind, connector: &str, id: &AccountId) -> EmployeeId {
    EmployeeId::new(match kind {
        Kind::Released(who) => format!("{RELEASED}{who}"),
        Kind::Undeclared => format!("{UNDECLARED}{connector}/{id}"),
    })
}

/// By whom dispatch knows the account: by whoever it was of, so that nothing that is done for one who claims it
/// meets what is done here; else by itself.
#[must_use]
pub fn ordered_for(kind: &Kind, id: &AccountId) -> EmployeeId {
    match kind {
        Kind::Released(who) => who.clone(),
        Kind::Undeclared => EmployeeId::new(format!("{UNDECLARED}{id}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::at;

    #[test]
    fn an_exception_counts_through_its_last_day() {
        let exception = |until: Option<&str>| Exception {
            username: "svc-*".to_owned(),
            reason: "backup".to_owned(),
            until: until.map(|day| day.parse().unwrap()),
        };
        let policy = |until| OrphanPolicy {
            exceptions: vec![exception(until)],
            ignore: vec!["old-*".to_owned()],
            ..OrphanPolicy::default()
        };
        for (until, now, spared) in [
            (None, "2099-01-01T00:00:00Z", true),
            (Some("2026-06-30"), "2026-06-29T12:00:00Z", true),
            (Some("2026-06-30"), "2026-06-30T23:59:59Z", true),
            (Some("2026-06-30"), "2026-07-01T00:00:00Z", false),
        ] {
            let names = policy(until).spared(&["root".to_owned()], Some("o*"), at(now));
            assert_eq!(names.covers("SVC-1"), spared, "{until:?} {now}");
            assert!(names.covers("old-1") && names.covers("root") && names.covers("o*"));
            assert!(!names.covers("ox"));
        }
    }

    #[test]
    fn nobody_is_called_like_an_account_of_nobody() {
        let released = Kind::Released("1042".into());
        let id = AccountId::new("a");
        let names = [
            counted_as(&released, "directory", &id),
            counted_as(&Kind::Undeclared, "directory", &id),
            ordered_for(&Kind::Undeclared, &id),
        ];
        assert!(names.iter().all(|name| name.as_str().contains(':')));
        assert_eq!(ordered_for(&released, &id).as_str(), "1042");
    }
}
