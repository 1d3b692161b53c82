//! Between the guard and what is known: what a plan takes away.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub use super::remembered::{last_approval, restored, told};
use super::world::{Person, Realm};
use crate::api::EmployeeStatus;
use crate::api::employee::Departure;
use crate::domain::desired::Desired;
use crate::domain::facts::Facts;
use crate::domain::ids::{ConnectorName, EmployeeName};
use crate::domain::lifecycle::{self, Stage};
use crate::plan::guard::{Asked, Cause, Taking, loss};
use crate::plan::{AccountPlan, PersonPlan};

/// What the plan of a person takes away, by connector.
#[must_use]
pub fn takings(
    realm: &Realm,
    person: &Person,
    desired: &Desired,
    plan: &PersonPlan,
    now: Timestamp,
) -> BTreeMap<ConnectorName, Taking> {
    let policy = &realm.policy;
    let takes = |account: &AccountPlan| account.taking.as_ref().is_some_and(|t| !t.is_empty());
    let takes = plan.accounts.iter().filter(|(_, account)| takes(account));
    let mut takes = takes.peekable();
    if takes.peek().is_none() {
        return BTreeMap::new();
    }
    let facts = person.facts.as_deref().ok();
    let announced = desired.lifecycle.stage.ends_access()
        && departure(&person.status.newest(), facts, now) == Departure::Announced;
    let one = |(name, account): (&ConnectorName, _)| {
        let connector = policy.connector(name)?;
        let recorded = person.record.accounts.get(name);
        let found = plan.record.accounts.get(name).or(recorded);
        let found = found.and_then(|r| r.id.as_ref());
        let inventory = realm.connectors.get(name).map(|entry| &entry.inventory);
        let shown = inventory.zip(found).and_then(|(all, id)| all.held(id));
        let taking = loss::taking(
            policy, connector, desired, account, recorded, shown, announced,
        )?;
        Some((name.clone(), taking))
    };
    takes.filter_map(one).collect()
}

/// Asks the gate of each connector about what the plan of a person takes away, and tells what is asked and answered.
/// Where nothing is written now nothing is asked and nothing held, and what can't be told now stays as it was told before.
pub fn ask(
    realm: &mut Realm,
    name: &EmployeeName,
    look: Asking<'_>,
    now: Timestamp,
) -> Vec<(ConnectorName, Cause, Asked)> {
    let Some(person) = realm.people.get(name) else {
        return Vec::new();
    };
    let policy = &realm.policy;
    let mut takings = takings(realm, person, look.desired, look.plan, now);
    let id = &person.employee_id;
    let mut asked = Vec::new();
    for (connector, entry) in &mut realm.connectors {
        let compiled = policy.connector(connector);
        let dry_run = compiled.is_none_or(|c| c.spec.dry_run);
        let planned = look.plan.accounts.get(connector);
        let taking = takings.remove(connector);
        let put_off = if dry_run || look.held.contains(connector) {
            Some(entry.gate.set_aside(id))
        } else if planned.is_some_and(|account| account.taking.is_none()) {
            // Where nothing can be told of anybody, what was told before the start stands.
            let is_sound = compiled.is_some_and(|c| c.faults.is_empty());
            Some(is_sound && entry.inventory.is_readable() && entry.gate.put_off(id))
        } else {
            None
        };
        if let Some(held_changed) = put_off {
            if held_changed {
                let undecided = false;
                let answer = Asked {
                    undecided,
                    held_changed,
                };
                asked.push((connector.clone(), Cause::Change, answer));
            }
            continue;
        }
        if taking.is_none() && !entry.gate.knows(id) {
            continue;
        }
        let cause = taking.as_ref().map_or(Cause::Change, |taking| taking.cause);
        let answer = entry.gate.ask(id, taking, now);
        asked.push((connector.clone(), cause, answer));
    }
    asked
}

/// What the gates are asked about: a look at a person.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// What the person should have.
    pub desired: &'a Desired,
    /// What is planned.
    pub plan: &'a PersonPlan,
    /// Connectors through which nothing is written for this person now.
    pub held: &'a BTreeSet<ConnectorName>,
}

/// How employment ended, of somebody whose last day is over: whether that had been told before it came.
#[must_use]
pub fn departure(newest: &EmployeeStatus, facts: Option<&Facts>, now: Timestamp) -> Departure {
    if let Some(told) = newest.departure {
        return told;
    }
    let ended = facts.and_then(lifecycle::ends_at);
    let told = newest.next_transition.as_ref().is_some_and(|next| {
        let departs = next.stage.as_deref() == Some(Stage::Departed.word());
        departs && Some(next.at.0) == ended && next.at.0 <= now
    });
    if told {
        Departure::Announced
    } else {
        Departure::AtOnce
    }
}
