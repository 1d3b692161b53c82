//! Takes in what changed in Kubernetes.

use std::sync::Arc;

use super::claims::Begun;
use super::{Engine, Work};
use crate::api::{Employee, EmployeeStatus, RoleTemplate};
use crate::controllers::employee::{intake, record};
use crate::controllers::guard::Unfit;
use crate::controllers::names;
use crate::controllers::role_template;
use crate::controllers::watch::{Change, Key, Seen};
use crate::controllers::world::{Meta, Person, Realm, Request, TemplateEntry, Tracked, World};
use crate::domain::facts::Facts;
use crate::domain::ids::{ConnectorName, EmployeeId, EmployeeName, RoleName};
use crate::domain::problem::Problem;
use crate::plan::Lane;
use crate::runtime::secrets::SecretView;
use crate::runtime::status_writer::ObjectKind;

impl Engine {
    pub(super) fn change(&mut self, change: Change) {
        match change {
            Change::Employee(seen) => self.employee(seen),
            Change::RoleTemplate(seen) => self.template(seen),
            Change::AppConnector(seen) => self.connector(seen),
            Change::Secret(seen) => self.secret(seen),
            Change::Synced(source) => {
                tracing::info!(
                    kind = source.kind,
                    namespace = source.namespace,
                    "watch is in step"
                );
                self.unsynced.remove(&source);
                self.ports.health.present(&source.to_string());
            }
            Change::Failing(source, error) => {
                tracing::warn!(
                    kind = source.kind,
                    namespace = source.namespace,
                    error,
                    "watch fails; it is tried again"
                );
                self.ports.metrics.watch_failed(source.kind);
                if self.unsynced.contains(&source) {
                    self.ports.health.missing(
                        source.to_string(),
                        format!("{source} can't be listed: {error}"),
                    );
                }
            }
            Change::Stopped(key) => {
                let name = ConnectorName::new(&key.name);
                self.realm(&key.namespace).stopping.remove(&name);
                self.queue
                    .add(Work::Connector(key.namespace, name), Lane::Leaver);
            }
        }
    }

    fn employee(&mut self, seen: Seen<Employee>) {
        match seen {
            Seen::Gone(key) => self.employee_gone(&key),
            Seen::Unreadable(key, meta, unfit) => {
                let id = EmployeeId::new(unfit.spec_text("employeeId").unwrap_or_default());
                let status: EmployeeStatus = unfit.status().unwrap_or_default();
                self.employee_there(&key, meta, &id, Err(unreadable(&unfit)), &status);
            }
            Seen::There(key, meta, object) => {
                let name = EmployeeName::from(Arc::clone(&key.name));
                let facts = intake::facts(&name, &object.spec, &mut self.world.words).map(Arc::new);
                let id = match &facts {
                    Ok(facts) => facts.employee_id.clone(),
                    Err(_) => EmployeeId::new(&object.spec.employee_id),
                };
                self.employee_there(&key, meta, &id, facts, &object.status.unwrap_or_default());
            }
        }
    }

    fn employee_there(
        &mut self,
        key: &Key,
        meta: Meta,
        id: &EmployeeId,
        facts: Result<Arc<Facts>, Problem>,
        status: &EmployeeStatus,
    ) {
        let name = EmployeeName::from(Arc::clone(&key.name));
        let realm = self.realm(&key.namespace);
        let known = realm.people.get(&name);
        if known.is_some_and(|p| p.meta.uid != meta.uid || p.employee_id != *id) {
            self.employee_gone(key);
        } else if known.is_some_and(|p| is_older(&meta.resource_version, &p.meta.resource_version))
        {
            return;
        }
        if !self.realm(&key.namespace).people.contains_key(&name) {
            self.claim_orphans(&key.namespace, id);
        }
        let manager = facts.as_ref().ok().and_then(|f| f.manager.clone());
        let World {
            realms,
            names,
            words,
            ..
        } = &mut self.world;
        let Some(realm) = realms.get_mut(&key.namespace) else {
            return;
        };
        let known = realm.people.get(&name);
        let is_news = known.is_none_or(|person| person.facts != facts);
        let before = known.and_then(|person| person.facts.clone().ok());
        if known.is_some_and(|p| p.meta.generation != meta.generation) {
            names::forget_refused(names, realm, &name, |_| true);
        }
        if let Some(person) = realm.people.get_mut(&name) {
            let old_manager = person.facts.as_ref().ok().and_then(|f| f.manager.clone());
            if person.meta.generation != meta.generation {
                // Something relevant changed: what was refused is tried again at once.
                person.try_again();
            }
            person.meta = meta;
            if person.facts != facts {
                person.facts = facts;
            }
            person.status.show(status);
            if old_manager != manager {
                forget_report(realm, old_manager.as_ref(), &name);
            }
        } else {
            let record = record::from_status(status, words);
            let mut person = Person::new(meta, facts, id.clone(), record, status);
            if let Some(in_doubt) = realm.left_in_doubt.remove(id) {
                person.unsettled.in_doubt = in_doubt;
            }
            realm.people.insert(name.clone(), Box::new(person));
            realm
                .by_id
                .entry(id.clone())
                .or_default()
                .insert(name.clone());
            if let Some(realm) = self.world.realms.get(&key.namespace) {
                names::reserve(&mut self.world.names, realm, &name);
                let mut seen = realm.connectors.values();
                if seen.any(|entry| !entry.inventory.by_mark(id).is_empty()) {
                    // Accounts that were released have an owner again.
                    self.summaries(&key.namespace);
                }
            }
            self.look_at_reports(&key.namespace, &name);
        }
        let realm = self.realm(&key.namespace);
        if let Some(manager) = manager {
            realm
                .reports
                .entry(manager)
                .or_default()
                .insert(name.clone());
        }
        self.hear_person(&key.namespace, &name);
        if is_news {
            self.namesakes_changed(&key.namespace, before.as_deref(), &name);
            self.rivals_changed(&key.namespace, id);
            self.spare_claimed(&key.namespace);
        }
        self.look_at_id(&key.namespace, id);
        self.look_at(&key.namespace, &name);
    }

    /// Those who name this person as their manager wait for the object, or may miss it.
    fn look_at_reports(&mut self, namespace: &Arc<str>, manager: &EmployeeName) {
        let reports = self.realm(namespace).reports.get(manager).cloned();
        for report in reports.into_iter().flatten() {
            self.look_at(namespace, &report);
        }
    }

    /// The same by the manager's `employeeId`, as targets show it.
    pub(super) fn look_at_reports_of(&mut self, namespace: &Arc<str>, manager: &EmployeeId) {
        let names = self.realm(namespace).by_id.get(manager).cloned();
        for name in names.into_iter().flatten() {
            self.look_at_reports(namespace, &name);
        }
    }

    /// The object is gone. Its accounts stay as they are, and show up as released.
    fn employee_gone(&mut self, key: &Key) {
        let name = EmployeeName::new(&key.name);
        let realm = self.realm(&key.namespace);
        let Some(mut person) = realm.people.remove(&name) else {
            return;
        };
        let manager = person.facts.as_ref().ok().and_then(|f| f.manager.clone());
        forget_report(realm, manager.as_ref(), &name);
        if let Some(names) = realm.by_id.get_mut(&person.employee_id) {
            names.remove(&name);
            if names.is_empty() {
                realm.by_id.remove(&person.employee_id);
            }
        }
        Begun::by(&mut person).pass_on(realm, &person.employee_id);
        let namespace = Arc::clone(&realm.namespace);
        self.ports
            .metrics
            .count_employee(&namespace, person.outlook.count, None);
        names::free_person(&mut self.world.names, &namespace, &person.employee_id);
        if let Some(realm) = self.world.realms.get(&namespace) {
            let others = realm.by_id.get(&person.employee_id);
            for other in others.into_iter().flatten() {
                names::reserve(&mut self.world.names, realm, other);
            }
        }
        self.ports
            .statuses
            .forget(ObjectKind::Employee, &namespace, name.as_str());
        self.queue.remove(&Work::Person(
            Arc::clone(&namespace),
            person.employee_id.clone(),
            name.clone(),
        ));
        self.leave_gates(&namespace, &person.employee_id);
        self.release_accounts(&namespace, &person.employee_id);
        self.look_at_reports(&namespace, &name);
        self.namesakes_changed(&namespace, person.facts.as_deref().ok(), &name);
        self.rivals_changed(&namespace, &person.employee_id);
        // Another object may have claimed the same employeeId, and waited.
        self.look_at_id(&namespace, &person.employee_id);
        self.allot_soon(&namespace);
        self.summaries(&namespace);
    }

    fn template(&mut self, seen: Seen<RoleTemplate>) {
        let (key, meta, spec, unreadable, status) = match seen {
            Seen::Gone(key) => {
                let name = RoleName::new(&key.name);
                self.realm(&key.namespace).templates.remove(&name);
                self.ports
                    .statuses
                    .forget(ObjectKind::RoleTemplate, &key.namespace, &key.name);
                self.ports
                    .metrics
                    .forget_template(&key.namespace, &key.name);
                self.queue
                    .remove(&Work::TemplateStatus(Arc::clone(&key.namespace), name));
                self.stale_policies.insert(key.namespace);
                return;
            }
            Seen::Unreadable(key, meta, unfit) => {
                (key, meta, None, Some(unreadable(&unfit)), unfit.status())
            }
            Seen::There(key, meta, object) => {
                let status = Some(object.status.unwrap_or_default());
                (key, meta, Some(object.spec), None, status)
            }
        };
        let name = RoleName::new(&key.name);
        let realm = self.realm(&key.namespace);
        let known = realm.templates.get(&name);
        if known.is_some_and(|t| {
            t.meta.uid == meta.uid && is_older(&meta.resource_version, &t.meta.resource_version)
        }) {
            return;
        }
        let same_spec =
            known.is_some_and(|t| t.meta.uid == meta.uid && t.meta.generation == meta.generation);
        if same_spec {
            if let Some(entry) = realm.templates.get_mut(&name) {
                entry.meta = meta;
                if let Some(status) = status {
                    entry.status.show(&status);
                }
            }
            self.hear_template(&key.namespace, &name);
            self.summary_of_template(&key.namespace, name);
            return;
        }
        // A template that can't be read any more is broken, not gone: what it gave is kept.
        let before = known.and_then(|t| t.compiled.as_deref());
        let broken = || role_template::intake::broken(&name, unreadable.as_ref(), before);
        let compiled = spec
            .as_ref()
            .map_or_else(broken, |spec| role_template::intake::compile(&name, spec));
        let status = status.unwrap_or_default();
        let rogue = match known.filter(|known| known.meta.uid == meta.uid) {
            Some(known) => known.rogue.clone(),
            None => role_template::rogue::told_by(&status),
        };
        let entry = TemplateEntry {
            rogue,
            meta,
            compiled: Some(compiled),
            unreadable,
            request: Request::after(status.last_handled_reconcile_at.as_deref()),
            status: Tracked::new(&status),
        };
        realm.templates.insert(name.clone(), entry);
        self.hear_template(&key.namespace, &name);
        self.stale_policies.insert(key.namespace);
    }

    /// A Secret changed: the connectors that asked for it open anew with it.
    fn secret(&mut self, seen: Seen<SecretView>) {
        let key = match seen {
            Seen::Gone(key) => {
                self.realm(&key.namespace).secrets.remove(&*key.name);
                key
            }
            Seen::There(key, _, view) => {
                self.realm(&key.namespace)
                    .secrets
                    .insert(key.name.to_string(), *view);
                key
            }
            Seen::Unreadable(key, ..) => key,
        };
        self.look_at_connectors_that(&key.namespace, |entry| entry.secrets.contains(&*key.name));
    }
}

pub(super) fn unreadable(unfit: &Unfit) -> Problem {
    Problem::edit(
        "Unreadable",
        format!(
            "the object does not fit the schema of this version ({}): mend it, or upgrade the operator",
            unfit.error
        ),
    )
}

fn forget_report(realm: &mut Realm, manager: Option<&EmployeeName>, name: &EmployeeName) {
    if let Some(manager) = manager
        && let Some(reports) = realm.reports.get_mut(manager)
    {
        reports.remove(name);
        if reports.is_empty() {
            realm.reports.remove(manager);
        }
    }
}

/// Whether a version of an object is older than the one known, as after a write of our own whose
/// answer overtook the watch. Resource versions of one kind compare as numbers (KEP-5504).
pub(super) fn is_older(seen: &str, known: &str) -> bool {
    match (seen.parse::<u64>(), known.parse::<u64>()) {
        (Ok(seen), Ok(known)) => seen < known,
        _ => false,
    }
}
