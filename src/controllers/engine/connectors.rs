//! Takes in what changed of connectors in Kubernetes.

use std::sync::Arc;

use super::changes::{is_older, unreadable};
use super::{Engine, Work};
use crate::api::AppConnector;
use crate::api::app_connector::Mode;
use crate::connectors::registry;
use crate::controllers::gate;
use crate::controllers::names::{self, TargetKey};
use crate::controllers::watch::{Key, Seen};
use crate::controllers::world::ConnectorEntry;
use crate::dispatch::inventory::Inventory;
use crate::domain::ids::ConnectorName;
use crate::plan::Lane;
use crate::runtime::status_writer::ObjectKind;

impl Engine {
    /// A connector is there, was edited, or is gone.
    pub(super) fn connector(&mut self, seen: Seen<AppConnector>) {
        let (key, meta, spec, problem, status) = match seen {
            Seen::Gone(key) => return self.connector_gone(&key),
            Seen::Unreadable(key, meta, unfit) => {
                (key, meta, None, Some(unreadable(&unfit)), unfit.status())
            }
            Seen::There(key, meta, object) => {
                let status = Some(object.status.unwrap_or_default());
                (key, meta, Some(object.spec), None, status)
            }
        };
        let name = ConnectorName::new(&key.name);
        let realm = self.realm(&key.namespace);
        if realm
            .connectors
            .get(&name)
            .is_some_and(|c| c.meta.uid != meta.uid)
        {
            self.connector_gone(&key);
        }
        let realm = self.realm(&key.namespace);
        let purpose = spec
            .as_ref()
            .and_then(|spec| spec.account.purpose.as_deref());
        let scope = realm.scope.for_purpose(purpose);
        if let Some(entry) = realm.connectors.get_mut(&name) {
            if is_older(&meta.resource_version, &entry.meta.resource_version) {
                return;
            }
            if let Some(status) = &status {
                entry.status.show(status);
            }
            let same_spec = entry.meta.generation == meta.generation;
            let now_dry = spec.as_ref().map(|spec| spec.mode) == Some(Mode::DryRun)
                && entry.spec.as_ref().map(|spec| spec.mode) != Some(Mode::DryRun);
            let was_paused = entry.meta.paused;
            entry.meta.clone_from(&meta);
            if was_paused != meta.paused || now_dry {
                self.brake(&key.namespace, &name);
            }
            if same_spec {
                self.hear_connector(&key.namespace, &name);
                self.hear_confirmation(&key.namespace, &name);
                self.hear_approval(&key.namespace, &name);
                self.summary_of_connector(&key.namespace, name);
                return;
            }
        }
        let realm = self.realm(&key.namespace);
        let target = spec
            .as_ref()
            .and_then(registry::target)
            .map(|t| TargetKey(Arc::from(t)));
        let known = realm.connectors.get(&name);
        let was_known = known.is_some();
        let moved = known.and_then(|entry| entry.target.as_ref()) != target.as_ref()
            || known.is_some_and(|entry| *entry.inventory.scope() != scope);
        if moved {
            // What the target before showed, and still reports, is nothing that this one shows.
            self.look_at_those_in(&key.namespace, &name);
            self.stop(&key.namespace, &name);
        }
        let realm = self.realm(&key.namespace);
        let former = &mut realm.former;
        let entry = realm.connectors.entry(name.clone()).or_insert_with(|| {
            let status = status.unwrap_or_default();
            let mut gate = gate::restored(&key.namespace, &name, &meta.uid, status.guard.as_ref());
            gate.count_as_well(former.remove(&name).as_ref());
            let mut entry = ConnectorEntry::new(meta, scope.clone(), gate, &status);
            let before = status.target.as_deref();
            if before.is_some() && before != target.as_ref().map(|target| &*target.0) {
                entry.forget_orphans();
            }
            entry
        });
        if moved && was_known {
            entry.forget_orphans();
        }
        if moved {
            entry.inventory = Inventory::new(scope);
            entry.mark_dropped = None;
            entry.able = None;
            for person in realm.people.values_mut() {
                person.forget_target(&name);
            }
        }
        entry.spec = spec.map(Arc::new);
        entry.compile(&name);
        entry.target = target;
        entry.problems = problem.into_iter().collect();
        self.stale_policies.insert(Arc::clone(&key.namespace));
        if moved {
            self.reserve_names_anew(&key.namespace, &name);
            self.look_at_connectors(&key.namespace);
        }
        self.try_connector_again(&key.namespace, &name);
        self.hear_connector(&key.namespace, &name);
        self.hear_approval(&key.namespace, &name);
        self.limits_changed(&key.namespace, &name, was_known);
        self.queue
            .add(Work::Connector(key.namespace, name), Lane::Leaver);
    }

    /// The connector speaks to another application from now on: in that one, the names it recorded
    /// are reserved before anyone is looked at.
    fn reserve_names_anew(&mut self, namespace: &Arc<str>, connector: &ConnectorName) {
        names::free_connector(&mut self.world.names, namespace, connector);
        let Some(realm) = self.world.realms.get(namespace) else {
            return;
        };
        for person in realm.people.keys() {
            names::reserve(&mut self.world.names, realm, person);
        }
    }

    /// The connector is gone: its accounts stay as they are.
    fn connector_gone(&mut self, key: &Key) {
        let name = ConnectorName::new(&key.name);
        let now = self.now();
        // What was in flight may or may not be done, and an object of that name may come again.
        self.look_at_those_in(&key.namespace, &name);
        self.stop(&key.namespace, &name);
        let realm = self.realm(&key.namespace);
        realm.gone.since.insert(name.clone(), now);
        let gone = realm.connectors.remove(&name);
        if let Some(gate) = gone.map(|entry| entry.gate) {
            realm.former.insert(name.clone(), gate);
        }
        for person in realm.people.values_mut() {
            if let Some(matters) = person.unsettled.there() {
                matters.failures.retain(|key, _| key.connector != name);
            }
            person.forget_target(&name);
        }
        self.ports
            .statuses
            .forget(ObjectKind::AppConnector, &key.namespace, &key.name);
        names::free_connector(&mut self.world.names, &key.namespace, &name);
        self.ports
            .metrics
            .forget_connector(&key.namespace, &key.name);
        self.queue.remove(&Work::ConnectorStatus(
            Arc::clone(&key.namespace),
            name.clone(),
        ));
        self.queue
            .remove(&Work::Connector(Arc::clone(&key.namespace), name));
        self.consider_shared(&key.namespace);
        self.look_at_connectors(&key.namespace);
        self.stale_policies.insert(Arc::clone(&key.namespace));
    }

    /// Each connector of a namespace looks whether another one of the same application stands in its
    /// way, or does so no longer.
    fn look_at_connectors(&mut self, namespace: &Arc<str>) {
        self.look_at_connectors_that(namespace, |_| true);
    }

    pub(super) fn look_at_connectors_that(
        &mut self,
        namespace: &Arc<str>,
        concerned: impl Fn(&ConnectorEntry) -> bool,
    ) {
        let connectors = self.realm(namespace).connectors.iter();
        let names: Vec<ConnectorName> = connectors
            .filter(|(_, entry)| concerned(entry))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.queue
                .add(Work::Connector(Arc::clone(namespace), name), Lane::Leaver);
        }
    }
}
