//! Removals that may have to wait, each since it was lost.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::operation::Operation;
use super::super::parts::{Step, earliest};
use crate::domain::ids::EntitlementName;

/// A removal, taken apart by how long each part of it may wait: those that were `lost` together stay
/// together. A step that is no removal of entitlements is about the account, or comes before whatever is
/// due first.
pub(super) fn parts(
    removal: Step,
    account_lost_at: Option<Timestamp>,
    lost: &BTreeMap<EntitlementName, Timestamp>,
) -> Vec<(Step, Option<Timestamp>)> {
    let Step {
        operation,
        lane,
        cause,
    } = removal;
    let step = |operation| Step {
        operation,
        lane,
        cause: cause.clone(),
    };
    match operation {
        Operation::RemoveEntitlements { id, entitlements } => {
            let mut by_time: BTreeMap<Option<Timestamp>, BTreeMap<_, _>> = BTreeMap::new();
            for (name, entitlement) in entitlements {
                let since = lost.get(&name).copied();
                by_time.entry(since).or_default().insert(name, entitlement);
            }
            by_time
                .into_iter()
                .map(|(since, entitlements)| {
                    let id = id.clone();
                    (
                        step(Operation::RemoveEntitlements { id, entitlements }),
                        since,
                    )
                })
                .collect()
        }
        Operation::Read(_) => {
            let since = earliest(account_lost_at, lost.values().min().copied());
            vec![(step(operation), since)]
        }
        _ => vec![(step(operation), account_lost_at)],
    }
}

/// A removal, in the part that must come before additions, as it conflicts with them, and the rest.
pub(super) fn broken_first(
    removal: Step,
    breaking: &BTreeSet<EntitlementName>,
    account_breaks: bool,
) -> (Option<Step>, Option<Step>) {
    match removal.operation {
        Operation::RemoveEntitlements { id, entitlements } => {
            let (first, rest): (BTreeMap<_, _>, BTreeMap<_, _>) = entitlements
                .into_iter()
                .partition(|(name, _)| breaking.contains(name));
            let step = |entitlements: BTreeMap<_, _>| Step {
                operation: Operation::RemoveEntitlements {
                    id: id.clone(),
                    entitlements,
                },
                lane: removal.lane,
                cause: removal.cause.clone(),
            };
            let some = |part: BTreeMap<_, _>| Some(part).filter(|part| !part.is_empty());
            (some(first).map(step), some(rest).map(step))
        }
        // A direct read comes before what is lost, whichever that is.
        Operation::Read(_) if account_breaks || !breaking.is_empty() => (Some(removal), None),
        _ if account_breaks => (Some(removal), None),
        _ => (None, Some(removal)),
    }
}

/// Puts an operation behind others, or into the last one where both remove entitlements.
pub(super) fn join(operations: &mut Vec<Operation>, operation: Operation) {
    let more = match operations.last_mut() {
        Some(last) => merged(last, operation),
        None => Some(operation),
    };
    operations.extend(more);
}

/// The same for steps.
pub(super) fn join_step(steps: &mut Vec<Step>, step: Step) {
    let Step {
        operation,
        lane,
        cause,
    } = step;
    let more = match steps.last_mut() {
        Some(last) => merged(&mut last.operation, operation),
        None => Some(operation),
    };
    steps.extend(more.map(|operation| Step {
        operation,
        lane,
        cause,
    }));
}

/// Lays an operation into another, or gives it back.
fn merged(last: &mut Operation, operation: Operation) -> Option<Operation> {
    match (last, operation) {
        (
            Operation::RemoveEntitlements { entitlements, .. },
            Operation::RemoveEntitlements {
                entitlements: more, ..
            },
        ) => {
            entitlements.extend(more);
            None
        }
        (_, operation) => Some(operation),
    }
}
