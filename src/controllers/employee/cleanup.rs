//! What happens to accounts when an Employee object is deleted. By default nothing: they are released,
//! and no finalizer delays the deletion.

use std::collections::BTreeMap;

use crate::api::FINALIZER;
use crate::api::app_connector::{DeletionPolicy, Mode};
use crate::api::conditions::{self, Wanted};
use crate::api::employee::AccountStatus;
use crate::controllers::text;
use crate::controllers::world::{ConnectorEntry, Meta};
use crate::domain::desired::Desired;
use crate::domain::ids::ConnectorName;
use crate::domain::lifecycle::{Lifecycle, Stage};
use crate::domain::problem::Cure;
use crate::domain::record::Record;
use crate::domain::roles::Resolution;
use crate::plan::{AccountPlan, Observation, PersonPlan};

/// Whether our finalizer is on an object.
#[must_use]
pub fn has_finalizer(meta: &Meta) -> bool {
    meta.finalizers.iter().any(|f| f == FINALIZER)
}

/// Whether the policy of some connector concerned must act when the object is deleted.
#[must_use]
pub fn needs_finalizer(
    connectors: &BTreeMap<ConnectorName, ConnectorEntry>,
    plan: &PersonPlan,
) -> bool {
    plan.accounts
        .keys()
        .chain(plan.record.accounts.keys())
        .any(|name| connectors.get(name).is_some_and(wants_to_act))
}

/// Whether the policy is to disable, where the application may be written to at all.
fn wants_to_act(entry: &ConnectorEntry) -> bool {
    entry.spec.as_ref().is_some_and(|spec| {
        spec.deletion.policy == DeletionPolicy::Disable && spec.mode == Mode::Enforce
    })
}

/// Whether the policy can act. A connector that is gone, or that its author broke, gives way; one whose
/// application or Secret is away for now is waited for.
fn acts(entry: Option<&ConnectorEntry>) -> bool {
    entry.is_some_and(|entry| {
        wants_to_act(entry) && entry.problems.iter().all(|p| p.cure != Cure::EditThis)
    })
}

/// What someone should have whose object is being deleted: nothing. That takes no facts, which may be
/// unusable, and no roles.
#[must_use]
pub fn desired() -> Desired {
    Desired {
        lifecycle: Lifecycle {
            stage: Stage::Departed,
            next: None,
        },
        first_day: None,
        legal_hold: None,
        deleting: true,
        role_ends: Vec::new(),
        roles: Resolution::default(),
        accounts: BTreeMap::new(),
    }
}

/// Leaves in view only the accounts that a policy disables.
pub fn release(connectors: &BTreeMap<ConnectorName, ConnectorEntry>, record: &mut Record) {
    record.accounts.retain(|name, _| acts(connectors.get(name)));
}

/// What an object says while its deletion waits. `open` tells of an account that it waits for.
#[must_use]
pub fn readiness(open: Option<&AccountStatus>) -> Vec<Wanted> {
    let waits_for = match open {
        Some(account) => format!(
            "{}: {}",
            account.connector,
            account.message.as_deref().unwrap_or("to be disabled")
        ),
        None => "the applications are asked which accounts there are".to_owned(),
    };
    let message = text::bounded(&format!(
        "deleted once its accounts are disabled, as spec.deletion.policy of the AppConnector says (Release lets it go at once); {waits_for}"
    ));
    vec![
        Wanted::new(conditions::READY, false, "Deleting", message.clone()),
        Wanted::new(conditions::RECONCILING, true, "Deleting", message),
    ]
}

/// Leaves out what targets show where no policy acts: those accounts stay as they are.
pub fn look_away(
    connectors: &BTreeMap<ConnectorName, ConnectorEntry>,
    observations: &mut BTreeMap<ConnectorName, Observation>,
) {
    observations.retain(|name, _| acts(connectors.get(name)));
}

/// Whether nothing is left to do before the object may go: also no search for an account that a listing
/// may have left out. Of someone of whom nothing is `remembered`, perhaps because an operator ended before
/// it could write that down, the targets know more, and for a first listing under way everyone waits.
#[must_use]
pub fn is_done(
    connectors: &BTreeMap<ConnectorName, ConnectorEntry>,
    remembered: &Record,
    plan: &PersonPlan,
) -> bool {
    let matters =
        |entry: &ConnectorEntry| remembered.accounts.is_empty() || entry.awaits_first_listing();
    let unseen = connectors
        .values()
        .any(|entry| acts(Some(entry)) && !entry.inventory.is_readable() && matters(entry));
    !unseen && plan.accounts.values().all(AccountPlan::is_settled)
}
