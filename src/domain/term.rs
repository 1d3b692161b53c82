//! Roles that are held for a time: on which terms, and what ends when.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::facts::Facts;
use super::ids::RoleName;
use super::lifecycle::end_of;

/// How long beforehand it is told that a role ends.
pub const TOLD_BEFORE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The terms on which an Employee names a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The role.
    pub role: RoleName,
    /// The last day, inclusive, in the person's zone.
    pub until: Option<Date>,
    /// Why it was given.
    pub reason: Option<Box<str>>,
    /// Who approved it.
    pub approved_by: Option<Box<str>>,
    /// Where it was asked for.
    pub ticket: Option<Box<str>>,
}

impl Term {
    /// A role that is named, and no more said of it.
    #[must_use]
    pub fn of(role: RoleName) -> Self {
        Self {
            role,
            until: None,
            reason: None,
            approved_by: None,
            ticket: None,
        }
    }

    /// The instant from which the role is not held any more.
    #[must_use]
    pub fn ends_at(&self, facts: &Facts) -> Option<Timestamp> {
        end_of(&facts.zone, self.until?)
    }
}

/// Roles that end together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// Those that nothing else gives from then on.
    pub roles: Vec<RoleName>,
}

impl End {
    /// Since when it is told.
    #[must_use]
    pub fn told_from(&self) -> Timestamp {
        self.at.saturating_sub(TOLD_BEFORE).unwrap_or(self.at)
    }
}

impl Facts {
    /// The terms on which a role is named, where it is.
    #[must_use]
    pub fn term(&self, role: &RoleName) -> Option<&Term> {
        self.terms.iter().find(|term| term.role == *role)
    }

    /// Whether the term of a role that is named is over.
    #[must_use]
    pub fn is_over(&self, role: &RoleName, now: Timestamp) -> bool {
        let ends = self.term(role).and_then(|term| term.ends_at(self));
        ends.is_some_and(|at| at <= now)
    }

    /// The instants, after this one, at which terms end, each once.
    #[must_use]
    pub fn term_ends(&self, now: Timestamp) -> Vec<Timestamp> {
        let ends = self.terms.iter().filter_map(|term| term.ends_at(self));
        let mut ends: Vec<Timestamp> = ends.filter(|at| *at > now).collect();
        ends.sort_unstable();
        ends.dedup();
        ends
    }
}
