//! What is about to be taken away: gathered by connector, decided once everyone is looked at whom it
//! concerns, and let through once it is remembered in the status that it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::hand_over::Subject;
use super::{Engine, Work};
use crate::controllers::gate;
use crate::controllers::world::{ConnectorEntry, World};
use crate::domain::desired::Desired;
use crate::domain::ids::{ConnectorName, EmployeeId, EmployeeName};
use crate::plan::guard::{Bounds, Cause, Overall, Verdict};
use crate::plan::{Lane, PersonPlan};
use crate::runtime::status_writer::ObjectKind;

/// How long it must be quiet before a wave that nobody's leaving causes is decided: many edits, or many
/// answers of a target, come one after another and are one change all the same.
const QUIET: SignedDuration = SignedDuration::from_secs(2);
/// How long it is waited for that, at most.
const AT_MOST: SignedDuration = SignedDuration::from_secs(10);
/// When a decision that could not be remembered is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

impl Engine {
    /// Tells the gates what the plan of a person takes away.
    pub(super) fn ask_gates(
        &mut self,
        namespace: &Arc<str>,
        name: &EmployeeName,
        desired: &Desired,
        plan: &PersonPlan,
        now: Timestamp,
    ) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let Some(person) = realm.people.get(name) else {
            return;
        };
        let policy = Arc::clone(&realm.policy);
        let id = person.employee_id.clone();
        let takings = gate::takings(realm, person, &policy, desired, plan, now);
        let at = self.ports.clock.now();
        let mut asked = Vec::new();
        for (connector, entry) in &mut realm.connectors {
            // What can't be told now stays as it was told before.
            let planned = plan.accounts.get(connector);
            if planned.is_some_and(|account| account.taking.is_none()) {
                continue;
            }
            let taking = takings.get(connector).cloned();
            if taking.is_none() && !entry.gate.knows(&id) {
                continue;
            }
            let leaves = taking.as_ref().is_some_and(|t| t.cause != Cause::Change);
            let answer = entry.gate.ask(&id, taking, now);
            if answer.undecided {
                entry.gathering_since = entry.gathering_since.or(Some(at));
            }
            asked.push((connector.clone(), leaves, answer, entry.gathering_since));
        }
        for (connector, leaves, answer, since) in asked {
            if answer.undecided && leaves {
                let work = Work::Leavers(Arc::clone(namespace), connector.clone());
                self.queue.add(work, Lane::Leaver);
            } else if answer.undecided || answer.held_changed {
                let first = since.unwrap_or(at);
                let due = later(at, QUIET).min(later(first, AT_MOST));
                let work = Work::Wave(Arc::clone(namespace), connector.clone());
                self.queue.set_at(work, Lane::Mover, due);
            }
            if answer.held_changed {
                self.summary_of_connector(namespace, connector);
            }
        }
    }

    /// Nothing of a person who is gone is taken away any more.
    pub(super) fn leave_gates(&mut self, namespace: &Arc<str>, id: &EmployeeId) {
        let now = self.now();
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let mut changed = Vec::new();
        for (connector, entry) in &mut realm.connectors {
            if entry.gate.ask(id, None, now).held_changed {
                changed.push(connector.clone());
            }
        }
        for connector in changed {
            let work = Work::Wave(Arc::clone(namespace), connector);
            self.queue.add(work, Lane::Mover);
        }
    }

    /// Somebody may have approved what is held.
    pub(super) fn hear_approval(&mut self, namespace: &Arc<str>, connector: &ConnectorName) {
        let entry = self.world.connector(namespace, connector);
        if entry.is_some_and(|e| e.meta.approved.is_some() && e.gate.digest().is_some()) {
            let work = Work::Wave(Arc::clone(namespace), connector.clone());
            self.queue.add(work, Lane::Leaver);
        }
    }

    /// Decides what is undecided of these causes. What is let through runs once that is remembered.
    pub(super) fn decide(
        &mut self,
        namespace: &Arc<str>,
        connector: &ConnectorName,
        causes: &[Cause],
        now: Timestamp,
    ) {
        let overall = overall(&self.world, now);
        let Some(entry) = self.world.connector_mut(namespace, connector) else {
            return;
        };
        let Some(compiled) = entry.compiled.clone() else {
            return;
        };
        if causes.contains(&Cause::Change) {
            entry.gathering_since = None;
        }
        let before = entry.gate.approvals();
        let approval = entry.meta.approved.clone();
        let people = entry.gate.held().count();
        let Verdict { released, held } = entry.gate.decide(
            causes,
            &Bounds {
                policy: &compiled.spec.guard,
                accounts: entry.inventory.marked(),
                overall: &overall,
                approval: approval.as_deref(),
                now,
            },
        );
        if entry.gate.approvals() != before {
            entry.approved_last = approval.map(|approval| (*approval, now, people));
        }
        let waits = entry.gate.held().next().is_some();
        let again = entry.gate.next_end(now).filter(|_| waits);
        if let Some(at) = again {
            let work = Work::Wave(Arc::clone(namespace), connector.clone());
            self.queue.add_at(work, Lane::Mover, at);
        }
        if released || waits {
            self.summary_of_connector(namespace, connector.clone());
        }
        for id in &held {
            self.look_at_id(namespace, id);
        }
        self.remember_releases(namespace, connector);
    }

    /// Writes down what was let through, ahead of everything else: an operator that is killed after the first
    /// of it must know.
    fn remember_releases(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        let token = self.next();
        let now = self.ports.clock.now();
        let Some(entry) = self.world.connector_mut(namespace, name) else {
            return;
        };
        if entry.gate.unsaved().is_empty() {
            return;
        }
        let work = Work::Leavers(Arc::clone(namespace), name.clone());
        let mut status = entry.status.newest();
        status.guard = gate::told(entry);
        let ConnectorEntry {
            meta,
            status: tracked,
            gate,
            saving,
            ..
        } = entry;
        let subject = Subject {
            kind: ObjectKind::AppConnector,
            namespace,
            name: name.as_str(),
            meta,
            lane: Lane::Leaver,
        };
        if self
            .ports
            .hand_over(&subject, tracked, &status, token, |_, _| Vec::new())
        {
            *saving = Some((token, gate.unsaved().clone()));
        } else if tracked.is_stored(&status) {
            // The same was let through before, and the status still says so: nothing is to be written, and nothing
            // would come back.
            let items = gate.unsaved().clone();
            self.saved(namespace, name, &items);
            return;
        }
        self.queue.add_at(work, Lane::Leaver, later(now, AGAIN));
    }

    /// A status was written: what it says was let through may run.
    pub(super) fn releases_remembered(
        &mut self,
        namespace: &Arc<str>,
        name: &ConnectorName,
        token: u64,
    ) {
        let Some(entry) = self.world.connector_mut(namespace, name) else {
            return;
        };
        if let Some((_, items)) = entry.saving.take_if(|(saving, _)| *saving == token) {
            self.saved(namespace, name, &items);
        }
    }

    /// Who may lose these now is looked at.
    fn saved(&mut self, namespace: &Arc<str>, name: &ConnectorName, items: &BTreeSet<u64>) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let Some(entry) = realm.connectors.get_mut(name) else {
            return;
        };
        entry.gate.save(items);
        let concerned = realm.people.iter();
        let concerned = concerned.filter(|(_, p)| entry.gate.concern(items, &p.employee_id));
        let concerned: Vec<EmployeeName> = concerned.map(|(name, _)| name.clone()).collect();
        for person in concerned {
            self.look_at(namespace, &person);
        }
    }
}

/// What counts towards the limits of the whole operator.
fn overall(world: &World, now: Timestamp) -> Overall {
    let people = world.realms.values().map(|realm| realm.people.len()).sum();
    let mut overall = Overall::new(world.limits, people);
    let entries = world.realms.values().flat_map(|r| r.connectors.values());
    for entry in entries {
        overall.count(&entry.gate, now);
    }
    overall
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
