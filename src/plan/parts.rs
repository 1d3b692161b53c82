//! What goes into a plan, and what a plan is made of.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::first_day::Readiness;
use super::guard::Loss;
use super::observation::Observation;
use super::offboarding::StepPlan;
use super::operation::{Lane, Operation};
use crate::domain::desired::Desired;
use crate::domain::ids::{ConnectorName, EmployeeId, EntitlementName, RoleName};
use crate::domain::mark::Scope;
use crate::domain::policy::Policy;
use crate::domain::problem::Problem;
use crate::domain::record::Record;
use crate::domain::small_set::SmallSet;

/// How long grants are kept after the RoleTemplate that gave them disappeared (invariant 4).
pub const VANISHED_GRACE: SignedDuration = SignedDuration::from_hours(1);

/// Everything that decides one person's plan.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The person.
    pub employee: &'a EmployeeId,
    /// Whose mark is ours.
    pub scope: &'a Scope,
    /// The policy of the namespace.
    pub policy: &'a Policy,
    /// What the person should have.
    pub desired: &'a Desired,
    /// What we remember.
    pub record: &'a Record,
    /// What each target shows. A connector without an entry has not been listed yet.
    pub observations: &'a BTreeMap<ConnectorName, Observation>,
    /// Connectors that are paused: what is planned there is told and not done.
    pub held: &'a BTreeSet<ConnectorName>,
    /// Connectors whose account somebody asks to be read directly, whatever is known of it.
    pub asked_for: &'a BTreeSet<ConnectorName>,
    /// The instant.
    pub now: Timestamp,
}

impl Inputs<'_> {
    /// Whether the plan of an account is only told: the target is only read now.
    #[must_use]
    pub fn only_read(&self, name: &ConnectorName) -> bool {
        let connector = self.policy.connector(name);
        self.held.contains(name) || connector.is_some_and(|c| c.spec.dry_run)
    }
}

/// One person's plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonPlan {
    /// One entry for each connector concerned.
    pub accounts: BTreeMap<ConnectorName, AccountPlan>,
    /// What to remember from now on.
    pub record: Record,
    /// What is promised for the first day and is not there, where that is a question.
    pub first_day: Option<Readiness>,
    /// Whether nothing is left to do for somebody whose last day is over, nor to wait for.
    pub retired: bool,
    /// When the passing of time alone will change this plan.
    pub wake_at: Option<Timestamp>,
}

/// The plan of one account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountPlan {
    /// What is to become of the account.
    pub goal: Goal,
    /// What may be done now, in this order.
    pub steps: Vec<Step>,
    /// Removals that wait for additions, until the given instant at most.
    pub withheld: Option<Withheld>,
    /// What is taken away by all that, also where a direct read has to come first. Nothing is known of it where the
    /// account can't be looked at, or is in doubt.
    pub taking: Option<BTreeSet<Loss>>,
    /// What stands in the way, or went wrong. Steps may exist beside problems.
    pub problems: Vec<Problem>,
    /// Until when the account is kept, where a time is all that keeps it.
    pub kept_until: Option<Timestamp>,
    /// Where each step of offboarding it stands, of somebody whose last day is over.
    pub offboarding: Vec<StepPlan>,
    /// State of every grant, desired or recorded.
    pub grants: BTreeMap<EntitlementName, GrantPlan>,
    /// Entitlements that the account holds, while active, and that no grant justifies.
    pub rogue: BTreeSet<EntitlementName>,
}

/// One operation, its lane, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub operation: Operation,
    /// How urgent.
    pub lane: Lane,
    /// Why, for the audit.
    pub cause: String,
}

/// Removals that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// What waits.
    pub operations: Vec<Operation>,
    /// Until when, at most.
    pub until: Timestamp,
}

/// What is to become of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Exists and can be used.
    Live,
    /// Exists with what it is to hold, and can't be used before the first day.
    Prepared,
    /// Can't be used, and keeps its entitlements.
    Paused,
    /// Can't be used, and holds nothing that we gave.
    Ended,
    /// Stays as it is, as it can't be decided.
    Kept,
}

impl Goal {
    /// Whether the account shall be there, with what roles give.
    #[must_use]
    pub fn provides(self) -> bool {
        matches!(self, Self::Live | Self::Prepared)
    }
}

/// State of one grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantPlan {
    /// Where it stands.
    pub state: GrantState,
    /// Roles that give it, or gave it.
    pub roles: SmallSet<RoleName>,
    /// What stands in its way.
    pub problem: Option<Problem>,
    /// Until when it is kept, where a time is all that keeps it.
    pub kept_until: Option<Timestamp>,
}

/// Where one grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// Desired and seen.
    Held,
    /// Desired and not seen.
    Pending,
    /// No longer desired, still seen.
    Removing,
    /// Seen and kept, as it can't be decided.
    Kept,
}

impl AccountPlan {
    /// Whether the account is as desired.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.steps.is_empty()
            && self.withheld.is_none()
            && self.problems.is_empty()
            && self.grants.values().all(|g| g.problem.is_none())
    }
}

/// The earlier of two instants, where there is one.
pub(super) fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    [a, b].into_iter().flatten().min()
}
