//! Everything is carried out on what is known, as if nothing went wrong, until nothing is left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::company::Company;
use super::orphans::{self, Fates};
use super::{effects, later};
use crate::controllers::app_connector::orphan_matters::forget_unknown;
use crate::controllers::employee::apply;
use crate::controllers::employee::look::{self, Look};
use crate::controllers::employee::outcome::Context;
use crate::controllers::engine::waves::{asked_in, overall, usable};
use crate::controllers::gate::{self, Asking};
use crate::controllers::places::Looked;

use crate::dispatch::order::{Order, Outcome};
use crate::domain::guard::Limits;
use crate::domain::ids::{ConnectorName, EmployeeName};
use crate::domain::problem::Problem;
use crate::plan::Operation;
use crate::plan::guard::{Bounds, Cause, Loss, Taking};

/// Rounds, at most. Each carries out one operation of each account, so this is far beyond what any plan has.
pub(super) const ROUNDS: usize = 64;

/// One operation that would be carried out.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) connector: ConnectorName,
    pub(super) operation: Operation,
    pub(super) why: String,
}

/// What came of one person.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// What would be done, in this order.
    pub(super) done: Vec<Done>,
    /// How everything stands then.
    pub(super) look: Option<Look>,
    /// Why the object can't be used.
    pub(super) unusable: Option<Problem>,
    /// Whether the object is being deleted, and nothing keeps it.
    pub(super) gone: bool,
    /// What would be held, by connector.
    pub(super) held: BTreeMap<ConnectorName, Taking>,
    /// What would be taken away later, and when: what is kept for a time, and what the last day ends.
    pub(super) later: BTreeMap<(ConnectorName, Timestamp), Later>,
}

/// What is taken away at an instant to come.
#[derive(Clone, Debug)]
pub(super) struct Later {
    pub(super) at: Timestamp,
    pub(super) losses: BTreeSet<Loss>,
    pub(super) why: String,
    /// Whether the guard would hold it.
    pub(super) held: bool,
}

/// Everybody, and how it ends.
pub(super) type Endings = BTreeMap<EmployeeName, Ending>;

/// Carries everything out. Of those who are concerned it is also told what their last day ends; and it is told what
/// becomes of accounts that are nobody's.
pub(super) fn run(
    company: &mut Company,
    limits: Limits,
    concerned: &BTreeSet<EmployeeName>,
    now: Timestamp,
) -> (Endings, Fates) {
    let order = order(company, now);
    let mut fates = Fates::default();
    let connectors: Vec<ConnectorName> = company.realm.connectors.keys().cloned().collect();
    for connector in &connectors {
        forget_unknown(&mut company.realm, connector, now);
    }
    let mut endings: Endings = BTreeMap::new();
    for _ in 0..ROUNDS {
        for name in &order {
            look_at(company, &mut endings, name, now);
        }
        orphans::ask(company, now);
        decide(company, limits, now);
        let realm = &mut company.realm;
        let mut is_quiet = realm
            .places
            .allot(&realm.policy, &realm.connectors)
            .is_empty();
        for name in &order {
            is_quiet &= !carry_out(company, &mut endings, name, now);
        }
        is_quiet &= !orphans::carry_out(company, &mut fates, now, now);
        if is_quiet {
            break;
        }
    }
    note_held(company, &mut endings);
    orphans::note_held(company, &mut fates, now, now);
    later::note(company, &mut endings, limits, concerned, now);
    orphans::later(company, &mut fates, &endings, limits, now);
    (endings, fates)
}

/// As the operator's queue has them: who leaves, then who has something, then the others; each by `employeeId`.
fn order(company: &Company, now: Timestamp) -> Vec<EmployeeName> {
    let people = company.realm.people.iter();
    let mut all: Vec<_> = people
        .map(|(name, person)| (person.lane(now), person.employee_id.clone(), name.clone()))
        .collect();
    all.sort();
    all.into_iter().map(|(.., name)| name).collect()
}

fn look_at(company: &mut Company, endings: &mut Endings, name: &EmployeeName, now: Timestamp) {
    let Company { realm, names, .. } = company;
    let ending = endings.entry(name.clone()).or_default();
    let Some(person) = realm.people.get(name) else {
        return;
    };
    let look = if person.meta.deleting {
        ending.gone = true;
        if realm.owner(&person.employee_id) != Some(name) {
            return;
        }
        let (look, done) = look::at_deleted(realm, names, person, now);
        ending.gone = done;
        look
    } else {
        match look::usable(realm, person, name) {
            Ok(facts) => look::at(realm, names, person, &facts, now),
            Err(problem) => {
                ending.unusable = Some(problem);
                return;
            }
        }
    };
    let policy = Arc::clone(&realm.policy);
    let asking = Asking {
        desired: &look.desired,
        plan: &look.plan,
        held: &look.held,
    };
    gate::ask(realm, name, asking, now);
    if let Some(person) = realm.people.get_mut(name) {
        person.record = look.plan.record.clone();
    }
    if let Some(person) = realm.people.get(name)
        && policy.counts_holders()
    {
        let looked = Looked {
            person,
            planned: Some((&look.desired, &look.plan)),
            observations: &look.observations,
        };
        realm.places.put(&policy, &realm.connectors, &looked);
    }
    ending.look = Some(look);
}

/// Decides every wave, as it is known as a whole now.
pub(super) fn decide(company: &mut Company, limits: Limits, now: Timestamp) {
    let realm = &mut company.realm;
    let asked = asked_in(realm);
    let names: Vec<ConnectorName> = realm.connectors.keys().cloned().collect();
    for name in names {
        // What the others let through counts by now, as where the operator decides.
        let overall = overall(std::iter::once(&*realm), realm, &asked, limits, now);
        let Some(entry) = realm.connectors.get_mut(&name) else {
            continue;
        };
        let Some(compiled) = entry.compiled.clone() else {
            continue;
        };
        let approval = entry.meta.approved.clone();
        entry.gate.decide(
            &Cause::ALL,
            &Bounds {
                policy: &compiled.spec.guard,
                accounts: usable(entry),
                overall: &overall,
                reconsider: true,
                approval: approval.as_deref(),
                now,
            },
        );
        let unsaved = entry.gate.unsaved().clone();
        entry.gate.save(&unsaved);
    }
}

/// Carries out the next step of each account of a person. Tells whether there was one, or whether another look finds
/// something else.
fn carry_out(
    company: &mut Company,
    endings: &mut Endings,
    name: &EmployeeName,
    now: Timestamp,
) -> bool {
    let Company { realm, names, .. } = company;
    let scope = realm.scope.clone();
    let Some(person) = realm.people.get_mut(name) else {
        return false;
    };
    let Some(ending) = endings.get_mut(name) else {
        return false;
    };
    let Some(look) = &ending.look else {
        return false;
    };
    let mut moved = look.again;
    for (connector, account) in &look.plan.accounts {
        let Some(entry) = realm.connectors.get_mut(connector) else {
            continue;
        };
        let Some(step) = apply::next(entry, &look.held, connector, account, person, now) else {
            continue;
        };
        moved = true;
        if step.operation.is_write() {
            ending.done.push(Done {
                connector: connector.clone(),
                operation: step.operation.clone(),
                why: step.cause.clone(),
            });
        }
        let effect = effects::of(&step.operation, &person.employee_id, &entry.inventory);
        let order = Order {
            employee: person.employee_id.clone(),
            lane: step.lane,
            operation: step.operation,
            revision: 0,
            cause: step.cause,
            knows: 0,
        };
        let target = entry.target.as_ref();
        let mut context = Context {
            scope: &scope,
            connector,
            inventory: &mut entry.inventory,
            mark_dropped: &mut entry.mark_dropped,
            names: target.and_then(|target| names.get_mut(target)),
            person,
            now,
            jitter: 0.0,
        };
        context.take(Outcome {
            order,
            result: Ok(effect),
            number: 1,
        });
    }
    moved
}

fn note_held(company: &Company, endings: &mut Endings) {
    for (connector, entry) in &company.realm.connectors {
        let held = Cause::ALL
            .into_iter()
            .flat_map(|cause| entry.gate.held(cause));
        for (id, taking) in held {
            let owner = company.realm.owner(id);
            if let Some(ending) = owner.and_then(|name| endings.get_mut(name)) {
                ending.held.insert(connector.clone(), taking.clone());
            }
        }
    }
}
