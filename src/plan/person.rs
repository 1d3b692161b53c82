//! The plan of one person: additions everywhere first, then removals (invariant 3).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::account::{self, Assessment};
use super::observation::Observation;
use super::operation::Operation;
use crate::domain::desired::Desired;
use crate::domain::ids::{ConnectorName, EmployeeId, EntitlementName, RoleName};
use crate::domain::lifecycle::Stage;
use crate::domain::mark::Scope;
use crate::domain::policy::Policy;
use crate::domain::problem::Problem;
use crate::domain::record::Record;
use crate::domain::roles::Why;
use crate::plan::operation::Lane;

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
    /// The instant.
    pub now: Timestamp,
}

/// One person's plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonPlan {
    /// One entry for each connector concerned.
    pub accounts: BTreeMap<ConnectorName, AccountPlan>,
    /// What to remember from now on.
    pub record: Record,
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
    /// What stands in the way, or went wrong. Steps may exist beside problems.
    pub problems: Vec<Problem>,
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
    /// Can't be used, and keeps its entitlements.
    Paused,
    /// Can't be used, and holds nothing that we gave.
    Ended,
    /// Stays as it is, as it can't be decided.
    Kept,
}

/// State of one grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantPlan {
    /// Where it stands.
    pub state: GrantState,
    /// Roles that give it, or gave it.
    pub roles: BTreeSet<RoleName>,
    /// What stands in its way.
    pub problem: Option<Problem>,
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

/// Plans one person. The answer depends on nothing but the arguments.
#[must_use]
pub fn plan(inputs: &Inputs<'_>) -> PersonPlan {
    let connectors: BTreeSet<&ConnectorName> = inputs
        .desired
        .accounts
        .keys()
        .chain(inputs.record.accounts.keys())
        .chain(inputs.observations.keys())
        .collect();
    let assessed: BTreeMap<ConnectorName, Assessment> = connectors
        .into_iter()
        .map(|name| (name.clone(), account::assess(inputs, name)))
        .collect();
    // Where a target is only read, additions never come, and nobody waits for them.
    let additions_outstanding = assessed.iter().any(|(name, a)| {
        a.additions_outstanding
            && !inputs
                .policy
                .connector(name)
                .is_some_and(|c| c.spec.dry_run)
    });
    let mut record = Record::default();
    let mut wake_at = inputs.desired.lifecycle.next.as_ref().map(|next| next.at);
    let mut accounts = BTreeMap::new();
    for (name, assessment) in assessed {
        let hold = inputs
            .policy
            .connector(&name)
            .map_or(SignedDuration::ZERO, |c| c.spec.hold);
        if let Some(remembered) = &assessment.record {
            record.accounts.insert(name.clone(), remembered.clone());
        }
        wake_at = earliest(wake_at, assessment.wake_at);
        let plan = assessment.finish(additions_outstanding, hold, inputs.now);
        wake_at = earliest(wake_at, plan.withheld.as_ref().map(|w| w.until));
        accounts.insert(name, plan);
    }
    record.roles = remembered_roles(inputs, &record);
    PersonPlan {
        accounts,
        record,
        wake_at: wake_at.filter(|at| *at > inputs.now),
    }
}

/// Roles held now, and those that only a template's absence or fault took away.
fn remembered_roles(inputs: &Inputs<'_>, record: &Record) -> BTreeMap<RoleName, Why> {
    let roles = &inputs.desired.roles;
    let kept = inputs.record.roles.iter().filter(|(name, _)| {
        roles.undecided.contains_key(*name) || roles.vanished.contains_key(*name)
    });
    let still_needed = |name: &RoleName| {
        record.accounts.values().any(|account| {
            // Of an account that is proven to be disabled, no role keeps anything but its grants.
            let keeps_account = account.roles.contains(name) && account.verified_disabled.is_none();
            keeps_account || account.grants.values().any(|g| g.roles.contains(name))
        })
    };
    kept.filter(|(name, _)| roles.undecided.contains_key(*name) || still_needed(name))
        .chain(&roles.held)
        .map(|(name, why)| (name.clone(), why.clone()))
        .collect()
}

/// Whether the stage ends access rather than pausing it.
pub(super) fn ends_access(stage: Stage) -> bool {
    matches!(stage, Stage::Departed | Stage::Retired)
}

/// The earlier of two instants, where there is one.
pub(super) fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    [a, b].into_iter().flatten().min()
}
