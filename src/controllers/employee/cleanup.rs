//! What happens to accounts when an Employee object is deleted. By default nothing: they are released,
//! and no finalizer delays the deletion.

use std::collections::BTreeMap;

use crate::api::FINALIZER;
use crate::api::app_connector::DeletionPolicy;
use crate::controllers::world::{ConnectorEntry, Meta};
use crate::domain::desired::Desired;
use crate::domain::ids::ConnectorName;
use crate::domain::lifecycle::Stage;
use crate::domain::record::Record;
use crate::plan::{Observation, PersonPlan};

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
        .any(|name| acts(connectors.get(name)))
}

fn acts(entry: Option<&ConnectorEntry>) -> bool {
    entry
        .and_then(|e| e.spec.as_ref())
        .is_some_and(|spec| spec.deletion.policy == DeletionPolicy::Disable)
}

/// Leaves in view only the accounts that a policy disables, and treats their owner as gone. A
/// connector that is gone gives way.
pub fn release(
    connectors: &BTreeMap<ConnectorName, ConnectorEntry>,
    desired: &mut Desired,
    record: &mut Record,
) {
    desired.lifecycle.stage = Stage::Departed;
    desired.lifecycle.next = None;
    desired.accounts.clear();
    record.accounts.retain(|name, _| acts(connectors.get(name)));
}

/// Leaves out what targets show where no policy acts: those accounts stay as they are.
pub fn look_away(
    connectors: &BTreeMap<ConnectorName, ConnectorEntry>,
    observations: &mut BTreeMap<ConnectorName, Observation>,
) {
    observations.retain(|name, _| acts(connectors.get(name)));
}

/// Whether nothing is left to do before the object may go.
#[must_use]
pub fn is_done(plan: &PersonPlan) -> bool {
    plan.accounts
        .iter()
        .filter(|(name, _)| plan.record.accounts.contains_key(*name))
        .all(|(_, account)| account.is_settled())
}
