//! Starts connectors, and takes in what dispatch reports of their targets and what the status writer
//! did.

use std::sync::Arc;

use super::Engine;
use super::changes::is_older;
use super::claims;
use super::orphans;
use crate::connectors::{ConnectorError, ErrorKind};
use crate::controllers::app_connector::{connect, sharing};
use crate::controllers::employee::outcome::{Context, made_without_mark};
use crate::controllers::watch::{Change, Key};
use crate::controllers::world::Running;
use crate::dispatch::order::{ConnectorKey, Effect, Event, Outcome, Report};
use crate::dispatch::{Dispatch, Target};
use crate::domain::ids::{ConnectorName, EmployeeName, EntitlementName, RoleName};
use crate::domain::problem::Cure;
use crate::runtime::status_writer::{ObjectKind, Part, StatusWritten, WriteError};

impl Engine {
    /// Starts a connector's dispatch, starts it anew where its address, credential or pace changed,
    /// and stops it where it may not be used.
    pub(super) fn connect(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        let Some(realm) = self.world.realms.get(namespace) else {
            return;
        };
        let Some(entry) = realm.connectors.get(name) else {
            return;
        };
        let Some(spec) = entry.spec.clone() else {
            self.stop(namespace, name);
            self.answer_request(namespace, name);
            self.summary_of_connector(namespace, name.clone());
            return;
        };
        let mut asked = entry.secrets.clone();
        let opened = if let Some(problem) = sharing::waits_for_elder(realm, name) {
            Err(problem)
        } else {
            asked.clear();
            connect::open(&*self.ports.open, &spec, &realm.secrets, &mut asked)
        };
        let before = (entry.epoch(), entry.problems.clone());
        match opened {
            Err(problem) => {
                // A credential that was taken back is not used on.
                self.stop(namespace, name);
                self.answer_request(namespace, name);
                if let Some(entry) = self.world.connector_mut(namespace, name) {
                    entry.problems = vec![problem];
                }
            }
            Ok(ready) => self.run_connector(namespace, name, ready),
        }
        let Some(entry) = self.world.connector_mut(namespace, name) else {
            return;
        };
        entry.secrets = asked;
        if before != (entry.epoch(), entry.problems.clone()) {
            self.look_at_those_in(namespace, name);
            self.summary_of_connector(namespace, name.clone());
        }
    }

    /// Goes on with the run there is where it was started from the same, else begins another once that
    /// one is over.
    fn run_connector(&mut self, namespace: &Arc<str>, name: &ConnectorName, ready: connect::Ready) {
        let Some(entry) = self.world.connector_mut(namespace, name) else {
            return;
        };
        entry.problems.retain(|p| p.cure == Cure::EditThis);
        let running = entry.running.as_ref();
        if running.is_some_and(|r| r.fingerprint == ready.fingerprint) {
            return;
        }
        self.stop(namespace, name);
        if self.realm(namespace).stopping.contains(name) {
            return;
        }
        let epoch = self.next();
        let target = Target {
            connector: ready.connector,
            key: ConnectorKey {
                namespace: Arc::clone(namespace),
                name: name.clone(),
            },
            epoch,
        };
        let handle = Dispatch::start(target, ready.settings, self.ports.dispatch.clone());
        if let Some(entry) = self.world.connector_mut(namespace, name) {
            entry.running = Some(Running {
                handle,
                epoch,
                knows: 0,
                fingerprint: ready.fingerprint,
            });
        }
    }

    /// Ends a run. The next begins once the last writes of this one are over.
    pub(super) fn stop(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let Some(entry) = realm.connectors.get_mut(name) else {
            return;
        };
        if let Some(running) = entry.running.take() {
            running.handle.stop();
            realm.stopping.insert(name.clone());
            let changes = self.ports.changes.clone();
            let key = Key {
                namespace: Arc::clone(namespace),
                name: Arc::from(name.as_str()),
            };
            tokio::spawn(async move {
                running.handle.stopped().await;
                // Nobody listens any more: then nothing is to be started either.
                let _ = changes.send(Change::Stopped(key)).await;
            });
            entry.unavailable = None;
            entry.capabilities = None;
            for matter in entry.orphan_work.matters.values_mut() {
                matter.begin_anew();
            }
            for person in realm.people.values_mut() {
                // What was in flight may or may not have been done.
                let under_way = person
                    .unsettled
                    .there()
                    .and_then(|m| m.submitted.remove(name));
                if under_way.is_some_and(|s| s.operation.is_write()) {
                    person.unsettled.in_doubt.insert(name.clone());
                    entry.inventory.doubt(&person.employee_id);
                }
                if let Some(matters) = person.unsettled.there() {
                    matters.failures.retain(|key, _| key.connector != *name);
                }
            }
        }
    }

    pub(super) fn report(&mut self, report: Report) {
        let Report {
            connector: key,
            epoch,
            event,
        } = report;
        let Some(realm) = self.world.realms.get_mut(&key.namespace) else {
            return;
        };
        let Some(entry) = realm.connectors.get_mut(&key.name) else {
            return;
        };
        if entry.running.as_ref().is_none_or(|r| r.epoch != epoch) {
            if let Event::Done(outcome) = event {
                claims::ended_after_its_run(realm, &key, &outcome.order);
            }
            return;
        }
        match event {
            Event::Probed(capabilities) => {
                if entry.probed(&key.name, capabilities) {
                    self.stale_policies.insert(Arc::clone(&key.namespace));
                }
            }
            Event::ListingStarted => {
                entry.inventory.begin_listing();
                entry.request.listing_begins();
            }
            Event::ListingFailed(error) => {
                entry.request.listing_ended();
                entry.inventory.fail_listing(&error.message);
                let nothing_known = !entry.inventory.is_readable();
                entry.listing_failed = Some(error);
                if nothing_known {
                    self.look_at_everyone(&key.namespace);
                }
            }
            Event::Unavailable { error, retry_at } => {
                let retry_at = super::whole_seconds(retry_at);
                entry.request.settle();
                let known = entry.unavailable.replace((error, retry_at));
                if known.is_none() {
                    orphans::withdraw_all(entry);
                    self.look_at_everyone(&key.namespace);
                }
            }
            Event::Available => {
                entry.unavailable = None;
                self.look_at_everyone(&key.namespace);
            }
            Event::Listed(listing) => self.listed(&key, *listing),
            Event::Done(outcome) => {
                self.done(&key, *outcome);
                return;
            }
        }
        self.summary_of_connector(&key.namespace, key.name.clone());
        self.summaries_of_templates(&key);
    }

    fn done(&mut self, key: &ConnectorKey, outcome: Outcome) {
        let now = self.now();
        let id = outcome.order.employee.clone();
        let Some(realm) = self.world.realms.get_mut(&key.namespace) else {
            return;
        };
        if let Some(running) = realm
            .connectors
            .get_mut(&key.name)
            .and_then(|entry| entry.running.as_mut())
        {
            running.knows = outcome.number;
        }
        let Some(outcome) = self.orphan_done(key, outcome) else {
            return;
        };
        let Some(realm) = self.world.realms.get_mut(&key.namespace) else {
            return;
        };
        let Some(object) = realm.owner(&id).cloned() else {
            // The person's object is gone; what the account says of marks concerns everyone.
            if let Some(account) = made_without_mark(&outcome)
                && let Some(entry) = realm.connectors.get_mut(&key.name)
            {
                entry.mark_dropped = Some(account.clone());
                claims::ended_without_owner(realm, key, outcome);
                self.look_at_everyone(&key.namespace);
            } else {
                claims::ended_without_owner(realm, key, outcome);
            }
            return;
        };
        let (Some(person), Some(entry)) = (
            realm.people.get_mut(&object),
            realm.connectors.get_mut(&key.name),
        ) else {
            return;
        };
        // An entitlement was deleted, or made anew under another identifier: a listing tells. It also
        // tells what a target that can't be searched won't.
        let lost = lost_entitlements(&outcome);
        for name in &lost {
            entry.inventory.entitlement_not_found(name);
        }
        if (!lost.is_empty() || unsearchable(&outcome))
            && let Some(running) = &entry.running
        {
            running.handle.refresh();
        }
        let before = entry.inventory.by_mark(&id).len();
        let kept_marks = entry.mark_dropped.is_none();
        let scope = entry.inventory.scope().clone();
        Context {
            scope: &scope,
            connector: &key.name,
            names: entry
                .target
                .as_ref()
                .and_then(|target| self.world.names.get_mut(target)),
            inventory: &mut entry.inventory,
            mark_dropped: &mut entry.mark_dropped,
            person,
            now,
            jitter: fastrand::f64(),
        }
        .take(outcome);
        let turned = kept_marks != entry.mark_dropped.is_none();
        let appeared = entry.inventory.by_mark(&id).len() != before;
        let reports: Vec<EmployeeName> = if appeared {
            realm
                .reports
                .get(&object)
                .into_iter()
                .flatten()
                .cloned()
                .collect()
        } else {
            Vec::new()
        };
        if turned {
            // Accounts that were about to be made are not, or are after all.
            self.look_at_everyone(&key.namespace);
        }
        // All of that id: without its account, the object may speak for it no longer.
        self.look_at_id(&key.namespace, &id);
        for report in reports {
            self.look_at(&key.namespace, &report);
        }
        self.summary_of_connector(&key.namespace, key.name.clone());
    }

    pub(super) fn written(&mut self, written: &StatusWritten) {
        let namespace: Arc<str> = Arc::from(written.namespace.as_str());
        let saved = written.result.as_ref().ok().cloned();
        if let Err(error) = &written.result {
            tracing::warn!(kind = written.kind.as_str(), namespace = written.namespace, name = written.name, reason = error.reason(), %error, "a write to Kubernetes was given up");
        }
        let Some(realm) = self.world.realms.get_mut(&namespace) else {
            return;
        };
        let refused = matches!(written.result, Err(WriteError::Refused { .. }));
        let mut overtaken = false;
        macro_rules! settle {
            ($entry:expr) => {
                if let Some(entry) = $entry {
                    let known = &entry.meta.resource_version;
                    match &saved {
                        Some(saved)
                            if written.part == Part::Status
                                && is_older(&saved.resource_version, known) =>
                        {
                            // The watch has shown what came of it, and what someone did since.
                            entry.status.give_up(written.token);
                            overtaken = true;
                        }
                        Some(saved) if written.part == Part::Status => {
                            entry.status.confirm(written.token);
                            entry.meta.resource_version = saved.resource_version.as_str().into();
                        }
                        Some(_) => {}
                        None if refused => entry.status.refuse(written.token),
                        None => entry.status.give_up(written.token),
                    }
                }
            };
        }
        match written.kind {
            ObjectKind::Employee => settle!(realm.people.get_mut(written.name.as_str())),
            ObjectKind::RoleTemplate => settle!(realm.templates.get_mut(written.name.as_str())),
            ObjectKind::AppConnector => settle!(realm.connectors.get_mut(written.name.as_str())),
        }
        if written.part == Part::Status && written.kind == ObjectKind::AppConnector {
            let name = ConnectorName::new(&written.name);
            let is_stored = saved.is_some();
            self.releases_remembered(&namespace, &name, written.token, is_stored);
        }
        if overtaken {
            match written.kind {
                ObjectKind::Employee => self.look_at(&namespace, &EmployeeName::new(&written.name)),
                ObjectKind::RoleTemplate => {
                    self.summary_of_template(&namespace, RoleName::new(&written.name));
                }
                ObjectKind::AppConnector => {
                    self.summary_of_connector(&namespace, ConnectorName::new(&written.name));
                }
            }
        }
    }
}

/// Entitlements that were listed and do not exist any more.
fn lost_entitlements(outcome: &Outcome) -> Vec<EntitlementName> {
    let Ok(Effect::Entitlements { results, .. }) = &outcome.result else {
        return Vec::new();
    };
    let lost = |result: &Result<(), ConnectorError>| matches!(result, Err(error) if error.kind == ErrorKind::NotFound);
    let lost = results.iter().filter(|(_, result)| lost(result));
    lost.map(|(name, _)| name.clone()).collect()
}

/// Whether a direct read was tried that the target has no means for.
fn unsearchable(outcome: &Outcome) -> bool {
    !outcome.order.operation.is_write()
        && matches!(&outcome.result, Err(error) if error.kind == ErrorKind::Unsupported)
}
