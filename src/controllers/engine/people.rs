//! One look at one person: facts, desire, plan, orders, status. Microseconds of pure work between
//! taking from the world and giving to dispatch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::hand_over::Subject;
use super::{Engine, Work, requests};
use crate::api::EmployeeStatus;
use crate::api::conditions::READY;
use crate::controllers::employee::look::{self, Look};
use crate::controllers::employee::outlook::Timing;
use crate::controllers::employee::{apply, cleanup, events, outcome, outlook, stalled, status};
use crate::controllers::gate::Asking;
use crate::controllers::world::{Person, Realm};
use crate::domain::desired::Desired;
use crate::domain::ids::{ConnectorName, EmployeeName};
use crate::plan::{Goal, Lane, PersonPlan};
use crate::runtime::status_writer::{FinalizerChange, ObjectKind};

/// The lane of a look at an instant to come: all who leave at that instant are looked at before anybody else,
/// and before it is decided what they lose.
fn lane_then(person: &Person, lane_now: Lane, at: Timestamp) -> Lane {
    if person.must_be_out(at) {
        Lane::Leaver
    } else {
        lane_now
    }
}

impl Engine {
    pub(super) fn person(&mut self, namespace: &Arc<str>, name: &EmployeeName, now: Timestamp) {
        self.settle_claims(namespace, name);
        self.know_rivals(namespace);
        let Some(realm) = self.world.realms.get(namespace) else {
            return;
        };
        let Some(person) = realm.people.get(name) else {
            return;
        };
        if person.meta.deleting && may_act(realm, person, name) {
            self.delete(namespace, name, now);
            return;
        }
        let lane = person.lane(now);
        let facts = match look::usable(realm, person, name) {
            Ok(facts) => facts,
            Err(problem) => {
                if let Some(person) = self.world.person_mut(namespace, name) {
                    person.request.settle();
                }
                let Some(person) = self.world.person(namespace, name) else {
                    return;
                };
                let status = stalled::derive(person, &problem, now);
                if person.meta.deleting {
                    self.set_finalizer(namespace, name, false);
                }
                self.idle(namespace, name);
                self.nothing_is_taken(namespace, name);
                self.stands(namespace, name, None, &BTreeMap::new());
                self.write_person(namespace, name, lane, &status);
                return;
            }
        };
        let look = look::at(realm, &mut self.world.names, person, &facts, now);
        let Look {
            desired,
            observations,
            plan,
            held,
            again,
        } = look;
        let guarded = cleanup::needs_finalizer(&realm.connectors, &plan);
        let ready = guarded == cleanup::has_finalizer(&person.meta);
        if !ready {
            self.set_finalizer(namespace, name, guarded);
        }
        if guarded && !ready {
            // The finalizer comes before the first write to a target; the watch brings us back.
            self.stands(namespace, name, Some((&desired, &plan)), &observations);
            return;
        }
        let asking = Asking {
            desired: &desired,
            plan: &plan,
            held: &held,
        };
        self.ask_gates(namespace, name, asking, now);
        self.submit(namespace, name, &plan, &held, now);
        let uncounted = self.stands(namespace, name, Some((&desired, &plan)), &observations);
        if !uncounted {
            self.tell(namespace, name, lane, &desired, &plan, now);
        }
        if again {
            self.look_at(namespace, name);
        }
    }

    /// Remembers what the plan says, and hands its next steps to dispatch.
    fn submit(
        &mut self,
        namespace: &Arc<str>,
        name: &EmployeeName,
        plan: &PersonPlan,
        held: &BTreeSet<ConnectorName>,
        now: Timestamp,
    ) {
        let revision = self.next();
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let Some(person) = realm.people.get_mut(name) else {
            return;
        };
        let id = person.employee_id.clone();
        person.record = plan.record.clone();
        person.record.share();
        outcome::forget_unwanted(person, plan);
        requests::settle(&realm.connectors, person, plan);
        let giving = gives_access(person);
        apply::submit(&realm.connectors, held, person, plan, revision, now);
        for name in giving.difference(&gives_access(person)) {
            // What is under way can't be called back. Where it is no longer wanted, a direct read tells
            // what came of it; dispatch sends that after it.
            let unwanted = plan.accounts.get(name).is_none_or(|a| a.goal != Goal::Live);
            if unwanted && let Some(entry) = realm.connectors.get_mut(name) {
                person.unsettled.in_doubt.insert(name.clone());
                entry.inventory.doubt(&id);
            }
        }
        let known = &person.record.accounts;
        person
            .unsettled
            .unsure
            .retain(|name, _| known.contains_key(name));
        if realm.owner(&id) != Some(name) {
            // What spoke for this object was its account, and that is gone.
            self.look_at_id(namespace, &id);
        }
    }

    /// Writes the status that the plan amounts to, now or in a moment, and comes back when the passing
    /// of time changes something.
    fn tell(
        &mut self,
        namespace: &Arc<str>,
        name: &EmployeeName,
        lane: Lane,
        desired: &Desired,
        plan: &PersonPlan,
        now: Timestamp,
    ) {
        let Some(realm) = self.world.realms.get(namespace) else {
            return;
        };
        let Some(person) = realm.people.get(name) else {
            return;
        };
        let status = status::derive(realm, person, desired, plan, now);
        let ready = status
            .conditions
            .iter()
            .any(|c| c.type_ == READY && c.status == "True");
        let outlook = outlook::of(realm, person, desired, plan, ready, now);
        let wake = [plan.wake_at]
            .into_iter()
            .chain(person.unsettled.failures.values().map(|f| Some(f.retry_at)))
            .flatten()
            .filter(|at| *at > now)
            .min();
        let id = person.employee_id.clone();
        let timing = outlook::timing(realm, person, desired, plan, now);
        let Some(person) = self.world.person_mut(namespace, name) else {
            return;
        };
        let changed = person.outlook != outlook;
        let before = std::mem::replace(&mut person.outlook, outlook);
        person.unsettled.tidy();
        person.tell_at = match timing {
            Timing::Now => None,
            Timing::Soon | Timing::AfterListing => person
                .tell_at
                .or_else(|| Some(self.progress.next(lane, now))),
        };
        let wait_until = person
            .tell_at
            .filter(|at| timing == Timing::Soon && *at > now);
        let due = timing != Timing::AfterListing && wait_until.is_none();
        let work = Work::Person(Arc::clone(namespace), id, name.clone());
        match wake.into_iter().chain(wait_until).min() {
            Some(at) => self
                .queue
                .set_at(work.clone(), lane_then(person, lane, at), at),
            None => self.queue.cancel_at(&work),
        }
        if due {
            self.write_person(namespace, name, lane, &status);
        }
        if changed {
            self.outlook_changed(namespace, name, &before);
        }
    }

    /// Nothing is asked of any target for a person whose facts can't be used.
    fn idle(&mut self, namespace: &Arc<str>, name: &EmployeeName) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let Some(person) = realm.people.get_mut(name) else {
            return;
        };
        for connector in std::mem::take(&mut person.unsettled.submitted).into_keys() {
            if let Some(running) = realm
                .connectors
                .get(&connector)
                .and_then(|c| c.running.as_ref())
            {
                running.handle.withdraw(&person.employee_id);
            }
        }
    }

    /// The object is being deleted: where a policy acts on that, its accounts are disabled first.
    fn delete(&mut self, namespace: &Arc<str>, name: &EmployeeName, now: Timestamp) {
        let Some(realm) = self.world.realms.get(namespace) else {
            return;
        };
        let Some(person) = realm.people.get(name) else {
            return;
        };
        let (look, done) = look::at_deleted(realm, &mut self.world.names, person, now);
        let Look {
            desired,
            observations,
            plan,
            held,
            ..
        } = look;
        let asking = Asking {
            desired: &desired,
            plan: &plan,
            held: &held,
        };
        self.ask_gates(namespace, name, asking, now);
        self.submit(namespace, name, &plan, &held, now);
        self.stands(namespace, name, Some((&desired, &plan)), &observations);
        if done {
            self.set_finalizer(namespace, name, false);
        } else {
            self.tell(namespace, name, Lane::Leaver, &desired, &plan, now);
        }
    }

    fn set_finalizer(&mut self, namespace: &Arc<str>, name: &EmployeeName, present: bool) {
        let token = self.next();
        let Some(person) = self.world.person(namespace, name) else {
            return;
        };
        if cleanup::has_finalizer(&person.meta) == present {
            return;
        }
        self.ports.statuses.change_finalizer(FinalizerChange {
            kind: ObjectKind::Employee,
            namespace: namespace.to_string(),
            name: name.to_string(),
            uid: person.meta.uid.to_string(),
            lane: Lane::Leaver,
            finalizer: crate::api::FINALIZER.to_owned(),
            present,
            seen: person.meta.finalizers.clone(),
            token,
        });
    }

    fn write_person(
        &mut self,
        namespace: &Arc<str>,
        name: &EmployeeName,
        lane: Lane,
        status: &EmployeeStatus,
    ) {
        let token = self.next();
        let Some(Person {
            meta,
            status: tracked,
            ..
        }) = self.world.person_mut(namespace, name)
        else {
            return;
        };
        let subject = Subject {
            kind: ObjectKind::Employee,
            namespace,
            name: name.as_str(),
            meta,
            lane,
        };
        let _ = self
            .ports
            .hand_over(&subject, tracked, status, token, |before, after| {
                events::notices(namespace, name, meta, before, after)
            });
    }
}

/// Where an account is being made or enabled, as far as dispatch has told.
fn gives_access(person: &Person) -> BTreeSet<ConnectorName> {
    let submitted = person
        .unsettled
        .submitted
        .iter()
        .filter(|(_, s)| s.operation.gives_access());
    submitted.map(|(name, _)| name.clone()).collect()
}

/// Whether this object speaks for its `employeeId`, whatever else it says: no other owns it.
fn may_act(realm: &Realm, person: &Person, name: &EmployeeName) -> bool {
    let id = &person.employee_id;
    !id.as_str().is_empty() && realm.owner(id) == Some(name)
}

impl Engine {
    /// What others' statuses say of this person changed.
    fn outlook_changed(
        &mut self,
        namespace: &Arc<str>,
        name: &EmployeeName,
        before: &crate::controllers::world::Outlook,
    ) {
        let Some(person) = self.world.person(namespace, name) else {
            return;
        };
        let after = person.outlook.clone();
        self.ports
            .metrics
            .count_employee(namespace, before.count, after.count);
        let (was, is) = (before.unusual(), after.unusual());
        let roles: BTreeSet<_> = before.roles.keys().chain(after.roles.keys()).collect();
        let rogue_changed = was.rogue != is.rogue || was.open != is.open;
        for role in roles {
            self.summary_of_template(namespace, role.clone());
        }
        if rogue_changed {
            self.summaries(namespace);
        }
        let connectors = was.dry_run.keys().chain(is.dry_run.keys()).cloned();
        let connectors: Vec<_> = connectors.collect();
        for connector in connectors {
            self.summary_of_connector(namespace, connector);
        }
    }
}
