//! Hands the next step of each account to dispatch, and takes back what is no longer wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::controllers::world::{ConnectorEntry, FailureKey, Person, Submitted};
use crate::dispatch::order::Order;
use crate::domain::ids::{ConnectorName, EntitlementName};
use crate::domain::policy::Connector;
use crate::plan::parts::Step;
use crate::plan::{AccountPlan, Operation, PersonPlan};

/// Submits the next step of every account. Waits for nothing. Where writes are `held`, only reads go.
pub fn submit(
    connectors: &BTreeMap<ConnectorName, ConnectorEntry>,
    held: &BTreeSet<ConnectorName>,
    person: &mut Person,
    plan: &PersonPlan,
    revision: u64,
    now: Timestamp,
) {
    withdraw_unplanned(connectors, person, plan);
    for (name, account) in &plan.accounts {
        let Some(entry) = connectors.get(name) else {
            continue;
        };
        let Some(running) = &entry.running else {
            person.unsettled.submitted.remove(name);
            continue;
        };
        let step = next(entry, held, name, account, person, now);
        match step {
            None => {
                if person.unsettled.submitted.remove(name).is_some() {
                    running.handle.withdraw(&person.employee_id);
                }
            }
            Some(step) => {
                let same = person
                    .unsettled
                    .submitted
                    .get(name)
                    .is_some_and(|s| s.operation == step.operation && !s.taken_back);
                if same {
                    continue;
                }
                if let Operation::AddEntitlements { entitlements, .. } = &step.operation {
                    let unsure = person.unsettled.unsure.entry(name.clone()).or_default();
                    unsure.extend(entitlements.keys().cloned());
                }
                person.unsettled.submitted.insert(
                    name.clone(),
                    Submitted {
                        revision,
                        operation: step.operation.clone(),
                        taken_back: false,
                    },
                );
                running.handle.submit(Order {
                    employee: person.employee_id.clone(),
                    lane: step.lane,
                    operation: step.operation,
                    revision,
                    cause: step.cause,
                    knows: running.knows,
                });
            }
        }
    }
}

/// What is to be sent now for one account, if anything.
#[must_use]
pub fn next(
    entry: &ConnectorEntry,
    held: &BTreeSet<ConnectorName>,
    name: &ConnectorName,
    account: &AccountPlan,
    person: &Person,
    now: Timestamp,
) -> Option<Step> {
    let dry_run = entry.compiled.as_ref().is_none_or(|c| c.spec.dry_run);
    let only_read = dry_run || held.contains(name);
    next_step(entry, name, account, person, now)
        .filter(|step| !only_read || !step.operation.is_write())
        .filter(|step| {
            entry.mark_dropped.is_none() || !matches!(step.operation, Operation::Create(_))
        })
}

/// Takes back what was ordered where the plan says nothing at all, such as of someone who is let go.
fn withdraw_unplanned(
    connectors: &BTreeMap<ConnectorName, ConnectorEntry>,
    person: &mut Person,
    plan: &PersonPlan,
) {
    let id = &person.employee_id;
    person.unsettled.submitted.retain(|name, _| {
        let planned = plan.accounts.contains_key(name);
        let running = connectors
            .get(name)
            .and_then(|entry| entry.running.as_ref());
        if let Some(running) = running.filter(|_| !planned) {
            running.handle.withdraw(id);
        }
        planned
    });
}

/// The first step that is not waiting for its next attempt, nor for the guard, without the entitlements that
/// are.
fn next_step(
    entry: &ConnectorEntry,
    connector: &ConnectorName,
    account: &AccountPlan,
    person: &Person,
    now: Timestamp,
) -> Option<Step> {
    let failures = &person.unsettled.failures;
    let id = &person.employee_id;
    let waits = |verb: &'static str, entitlement: Option<&EntitlementName>| {
        let key = FailureKey {
            connector: connector.clone(),
            verb,
            entitlement: entitlement.cloned(),
        };
        failures.get(&key).is_some_and(|f| f.retry_at > now)
    };
    account.steps.iter().find_map(|step| {
        let verb = step.operation.verb();
        if waits(verb, None) {
            return None;
        }
        let mut step = step.clone();
        let nothing_left = match &mut step.operation {
            Operation::AddEntitlements { entitlements, .. } => {
                entitlements.retain(|name, _| !waits(verb, Some(name)));
                entitlements.is_empty()
            }
            Operation::RemoveEntitlements { entitlements, .. } => {
                entitlements.retain(|name, _| !waits(verb, Some(name)));
                entitlements.is_empty()
            }
            _ => false,
        };
        if nothing_left {
            return None;
        }
        // What the application can't do takes nothing: it is tried, so that it is told.
        // By what it said since it was started: an edit may have taught it to.
        let cannot_disable = |c: &Arc<Connector>| c.spec.preboarding.cannot_disable;
        let is_void = matches!(step.operation, Operation::Disable(_))
            && entry.capabilities.is_some()
            && entry.compiled.as_ref().is_some_and(cannot_disable);
        if !is_void {
            step.operation = entry.gate.permit(id, step.operation)?;
        }
        if let Some(approval) = entry.gate.approval_of(id, &step.operation) {
            let by = approval.by.as_deref().unwrap_or("somebody unrecorded");
            step.cause = format!("{}; approved by {by} as {}", step.cause, approval.digest);
        }
        Some(step)
    })
}
