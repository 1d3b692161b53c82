//! What people ask for by annotations: a brake, and a look now.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Engine, Work, orphans};
use crate::controllers::names;
use crate::controllers::world::{ConnectorEntry, FailureKey, Person, World};
use crate::domain::ids::{ConnectorName, EmployeeName, RoleName};
use crate::plan::{Lane, PersonPlan};

impl Engine {
    /// A connector is paused, or no longer. What dispatch has and did not send is taken back at once;
    /// what is in flight ends, and is recorded.
    pub(super) fn brake(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let running = realm.connectors.get(name).and_then(|c| c.running.as_ref());
        if let Some(running) = running {
            running.handle.withdraw_all();
            if let Some(entry) = realm.connectors.get_mut(name) {
                orphans::withdraw_all(entry);
            }
            for person in realm.people.values_mut() {
                // Reads go on; a look orders them anew. So it does the others, where the brake is off by then.
                let submitted = person.unsettled.there().into_iter();
                let submitted = submitted.filter_map(|matters| matters.submitted.get_mut(name));
                submitted.for_each(|submitted| submitted.taken_back = true);
            }
        }
        self.look_at_those_in(namespace, name);
    }

    /// Whether somebody asks for a look at a person now: nothing waits for its next attempt, and each
    /// account is read directly.
    pub(super) fn hear_person(&mut self, namespace: &Arc<str>, name: &EmployeeName) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let Some(person) = realm.people.get_mut(name) else {
            return;
        };
        if !person.request.hear(person.meta.requested.as_deref()) {
            return;
        }
        person.try_again();
        let accounts = person.record.accounts.iter();
        let unread = accounts
            .filter(|(_, account)| account.id.is_some())
            .map(|(name, _)| name.clone())
            .collect();
        if let Some(asked) = person.request.asked_mut() {
            asked.unread = unread;
        }
    }

    /// Whether somebody asks for a look at a connector now: its application is tried and listed,
    /// whatever it waits for.
    pub(super) fn hear_connector(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let Some(entry) = realm.connectors.get_mut(name) else {
            return;
        };
        if !entry.request.hear(entry.meta.requested.as_deref()) {
            return;
        }
        if let Some(running) = &entry.running {
            running.handle.try_now();
        }
        self.try_connector_again(namespace, name);
        // Where nothing runs, this tries to start it; what it says then is the answer.
        let work = Work::Connector(Arc::clone(namespace), name.clone());
        self.queue.add(work, Lane::Leaver);
        self.look_at_everyone(namespace);
    }

    /// What was refused through a connector is tried again at once: somebody asks for it, or the mapping
    /// is another now.
    pub(super) fn try_connector_again(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        let World { realms, names, .. } = &mut self.world;
        let Some(realm) = realms.get_mut(namespace) else {
            return;
        };
        let failing = |p: &Person| {
            p.unsettled
                .failures
                .keys()
                .any(|key| key.connector == *name)
        };
        let concerned = realm.people.iter().filter(|(_, p)| failing(p));
        let concerned: Vec<EmployeeName> = concerned.map(|(name, _)| name.clone()).collect();
        for person in concerned {
            names::forget_refused(names, realm, &person, |c| c == name);
            let person = realm.people.get_mut(&person);
            if let Some(matters) = person.and_then(|person| person.unsettled.there()) {
                matters.failures.retain(|key, _| key.connector != *name);
            }
        }
    }

    /// The connector can't be run: that is the answer to whoever asked for a look.
    pub(super) fn answer_request(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        if let Some(entry) = self.world.connector_mut(namespace, name)
            && entry.request.asked().is_some()
        {
            entry.request.settle();
            self.summary_of_connector(namespace, name.clone());
        }
    }

    /// Whether somebody asks for a look at a role template now: whoever holds it is tried again in the
    /// applications that it gives something in, and everyone is compared with it.
    pub(super) fn hear_template(&mut self, namespace: &Arc<str>, name: &RoleName) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let Some(entry) = realm.templates.get_mut(name) else {
            return;
        };
        if !entry.request.hear(entry.meta.requested.as_deref()) {
            return;
        }
        entry.request.settle();
        if let Some(template) = entry.compiled.clone() {
            let grants = &template.spec.grants;
            let holders = realm.people.values_mut();
            for person in holders.filter(|p| p.record.roles.contains_key(name)) {
                if let Some(matters) = person.unsettled.there() {
                    let concerned = |key: &FailureKey| grants.contains_key(&key.connector);
                    matters.failures.retain(|key, _| !concerned(key));
                }
            }
        }
        self.look_at_everyone(namespace);
    }
}

/// A look that was asked for is over once no account is left that can be read directly and was not.
pub(super) fn settle(
    connectors: &BTreeMap<ConnectorName, ConnectorEntry>,
    person: &mut Person,
    plan: &PersonPlan,
) {
    let Some(asked) = person.request.asked_mut() else {
        return;
    };
    asked.unread.retain(|name| {
        let answers = connectors
            .get(name)
            .is_some_and(|entry| entry.running.is_some() && entry.unavailable.is_none());
        let steps = plan.accounts.get(name).map(|account| &account.steps);
        let mut steps = steps.into_iter().flatten();
        answers && steps.any(|step| !step.operation.is_write())
    });
    if asked.unread.is_empty() {
        person.request.settle();
    }
}
