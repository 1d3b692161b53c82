//! What the statuses of role templates and connectors need to know of one person.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::controllers::employee::{orphans, revoked};
use crate::controllers::pause::Pause;
use crate::controllers::world::{ConnectorEntry, Outlook, Person, Provisioning, Realm, Unusual};
use crate::domain::desired::Desired;
use crate::domain::ids::{ConnectorName, EntitlementName};
use crate::domain::small_set::exact;
use crate::plan::operation::EntitlementTarget;
use crate::plan::parts::{AccountPlan, GrantState};
use crate::plan::{Goal, Operation, PersonPlan};
use crate::runtime::metrics::EmployeeCount;

/// What others need to know of a person after a look.
#[must_use]
pub fn of(
    realm: &Realm,
    person: &Person,
    desired: &Desired,
    plan: &PersonPlan,
    ready: bool,
    now: Timestamp,
) -> Outlook {
    // Before the first day and after the last, nobody holds anything.
    let stage = desired.lifecycle.stage;
    let employed = stage.may_work() || stage.is_paused();
    let roles = desired
        .roles
        .held
        .keys()
        .filter(|_| employed)
        .map(|role| {
            let grants = realm.policy.template(role).map(|t| &t.spec.grants);
            let worst = grants
                .into_iter()
                .flatten()
                .map(
                    |(connector, entitlements)| match plan.accounts.get(connector) {
                        Some(account) if is_there(account, entitlements.iter()) => {
                            Provisioning::Done
                        }
                        Some(account) if person.failing(connector, account, now).is_some() => {
                            Provisioning::Failed
                        }
                        _ => Provisioning::Underway,
                    },
                )
                .max_by_key(|p| match p {
                    Provisioning::Done => 0,
                    Provisioning::Underway => 1,
                    Provisioning::Failed => 2,
                });
            (role.clone(), worst.unwrap_or(Provisioning::Done))
        })
        .collect();
    let roles = exact(roles);
    let rogue = plan
        .accounts
        .iter()
        .filter(|(_, account)| !account.rogue.is_empty())
        .map(|(name, account)| (name.clone(), account.rogue.clone()))
        .collect();
    let dry_run = plan
        .accounts
        .iter()
        .filter(|(name, _)| is_only_told(realm, name))
        .map(|(name, account)| (name.clone(), would_do(account)))
        .filter(|(_, operations)| !operations.is_empty())
        .collect::<BTreeMap<_, _>>();
    let count = EmployeeCount {
        stage: desired.lifecycle.stage.word(),
        ready,
    };
    let unusual = Unusual {
        rogue,
        open: plan
            .accounts
            .iter()
            .filter(|(name, account)| orphans::open_account(realm, plan, name, account).is_some())
            .map(|(name, _)| name.clone())
            .collect(),
        dry_run,
    };
    Outlook::new(count, roles, unusual)
}

fn is_there<'a>(
    account: &AccountPlan,
    mut entitlements: impl Iterator<Item = &'a EntitlementName>,
) -> bool {
    // A person who does not work has what the stage allows.
    let live = account.goal == Goal::Live;
    let exists = !account.steps.iter().any(|s| s.operation.brings_account());
    let held = |name: &EntitlementName| {
        !live
            || account
                .grants
                .get(name)
                .is_some_and(|g| g.state == GrantState::Held)
    };
    account.goal != Goal::Kept && exists && entitlements.all(held)
}

/// Whether what is planned in a connector is told there and not done.
fn is_only_told(realm: &Realm, name: &ConnectorName) -> bool {
    let connector = realm.policy.connector(name);
    let entry = realm.connectors.get(name);
    connector.is_some_and(|connector| connector.spec.dry_run)
        || entry.is_some_and(|entry| Pause::of_connector(realm, entry).is_some())
}

/// What would be done, the entitlements of an account that is yet to be made included.
#[must_use]
pub fn would_do(account: &AccountPlan) -> Vec<Operation> {
    let mut operations: Vec<Operation> = account
        .steps
        .iter()
        .map(|step| step.operation.clone())
        .chain(
            account
                .withheld
                .iter()
                .flat_map(|w| w.operations.iter().cloned()),
        )
        .collect();
    let creates = operations.iter().any(|o| matches!(o, Operation::Create(_)));
    let pending: BTreeMap<EntitlementName, EntitlementTarget> = account
        .grants
        .iter()
        .filter(|(_, grant)| grant.state == GrantState::Pending && grant.problem.is_none())
        .map(|(name, _)| (name.clone(), EntitlementTarget::ToBeCreated))
        .collect();
    if creates && !pending.is_empty() {
        operations.push(Operation::AddEntitlements {
            id: crate::domain::ids::AccountId::new(""),
            entitlements: pending,
        });
    }
    operations
}

/// Whether a status should be written now, or is likely to be out of date in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Nothing more is on its way: now.
    Now,
    /// Work is going on and nothing speaks against its ending well: in a moment.
    Soon,
    /// The first listing of a target since the start is under way, and what was written before the
    /// start still speaks of this spec: once it has ended.
    AfterListing,
}

/// When the status of a person is to be written.
#[must_use]
pub fn timing(
    realm: &Realm,
    person: &Person,
    desired: &Desired,
    plan: &PersonPlan,
    now: Timestamp,
) -> Timing {
    let first_listing = |name: &ConnectorName| {
        realm
            .connectors
            .get(name)
            .is_some_and(ConnectorEntry::awaits_first_listing)
    };
    let unseen = revoked::unseen(realm, desired, plan);
    let out_of_sight = unseen.iter().any(|name| !first_listing(name));
    let troubled = plan.accounts.iter().any(|(name, account)| {
        let unavailable = realm
            .connectors
            .get(name)
            .is_some_and(|c| c.unavailable.is_some());
        !first_listing(name)
            && (!account.problems.is_empty()
                || unavailable
                || person.failing(name, account, now).is_some())
    });
    let listing = plan.accounts.keys().chain(unseen).any(first_listing);
    let considered = |name: &ConnectorName| {
        let entry = realm.connectors.get(name);
        entry.is_some_and(|entry| entry.gate.considers(&person.employee_id))
    };
    let underway = plan
        .accounts
        .keys()
        .any(|name| person.unsettled.submitted.contains_key(name) || considered(name));
    let told_before = person.status.known_generation() == person.meta.generation;
    // Watches of different kinds keep no order between each other: the role template that was applied
    // just before this person may be seen just after.
    let perhaps_early =
        !told_before && plan.accounts.is_empty() && desired.lifecycle.stage.may_work();
    match () {
        () if troubled || out_of_sight => Timing::Now,
        () if listing && told_before => Timing::AfterListing,
        () if listing || underway || perhaps_early => Timing::Soon,
        () => Timing::Now,
    }
}
