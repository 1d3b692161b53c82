//! Writes the statuses of role templates and connectors.

use std::sync::Arc;

use jiff::Timestamp;

use super::hand_over::Subject;
use super::{Engine, Work};
use crate::controllers::world::{ConnectorEntry, TemplateEntry};
use crate::controllers::{app_connector, role_template};
use crate::dispatch::order::ConnectorKey;
use crate::domain::ids::{ConnectorName, RoleName};
use crate::plan::Lane;
use crate::runtime::status_writer::ObjectKind;

impl Engine {
    /// The statuses of role templates and connectors follow in a moment.
    pub(super) fn summaries(&mut self, namespace: &Arc<str>) {
        let Some(realm) = self.world.realms.get(namespace) else {
            return;
        };
        let templates = realm.templates.keys().cloned();
        let connectors = realm.connectors.keys().cloned();
        let all: Vec<Work> = templates
            .map(|name| Work::TemplateStatus(Arc::clone(namespace), name))
            .chain(connectors.map(|name| Work::ConnectorStatus(Arc::clone(namespace), name)))
            .collect();
        for work in all {
            self.summary(work);
        }
    }

    pub(super) fn summary_of_template(&mut self, namespace: &Arc<str>, name: RoleName) {
        self.summary(Work::TemplateStatus(Arc::clone(namespace), name));
    }

    pub(super) fn summary_of_connector(&mut self, namespace: &Arc<str>, name: ConnectorName) {
        self.summary(Work::ConnectorStatus(Arc::clone(namespace), name));
    }

    /// Such a status gathers changes for a while.
    fn summary(&mut self, work: Work) {
        let now = self.ports.clock.now();
        let at = now
            .checked_add(self.summary_costs.delay(&work))
            .unwrap_or(Timestamp::MAX);
        self.queue.add_at(work, Lane::Joiner, at);
    }

    /// The templates that give something in a connector.
    pub(super) fn summaries_of_templates(&mut self, connector: &ConnectorKey) {
        let names: Vec<RoleName> = self
            .world
            .realms
            .get(&connector.namespace)
            .into_iter()
            .flat_map(|realm| realm.policy.templates())
            .filter(|template| template.spec.grants.contains_key(&connector.name))
            .map(|template| template.spec.name.clone())
            .collect();
        for name in names {
            self.summary_of_template(&connector.namespace, name);
        }
    }

    pub(super) fn template_status(
        &mut self,
        namespace: &Arc<str>,
        name: &RoleName,
        now: Timestamp,
    ) {
        let token = self.next();
        let Some(realm) = self.world.realms.get(namespace) else {
            return;
        };
        let Some(entry) = realm.templates.get(name) else {
            return;
        };
        let told_before = entry.status.known_generation() == entry.meta.generation;
        let listing = entry.compiled.iter().any(|template| {
            let mut connectors = template.spec.grants.keys();
            connectors.any(|c| {
                realm
                    .connectors
                    .get(c)
                    .is_some_and(ConnectorEntry::awaits_first_listing)
            })
        });
        if told_before && listing {
            // What was written before the start stands; the end of the listing brings us back.
            return;
        }
        let (rogue, first_seen, new) = role_template::rogue::look(realm, entry, now);
        self.ports
            .metrics
            .set_rogue_holders(namespace, name.as_str(), rogue.total);
        let status = role_template::status::derive(realm, name, entry, rogue, now);
        let Some(TemplateEntry {
            meta,
            status: tracked,
            rogue,
            ..
        }) = self.world.template_mut(namespace, name)
        else {
            return;
        };
        *rogue = first_seen;
        let subject = Subject {
            kind: ObjectKind::RoleTemplate,
            namespace,
            name: name.as_str(),
            meta,
            lane: Lane::Joiner,
        };
        let _ = self
            .ports
            .hand_over(&subject, tracked, &status, token, |before, after| {
                role_template::events::notices(namespace, name, meta, before, after, &new)
            });
    }

    pub(super) fn connector_status(
        &mut self,
        namespace: &Arc<str>,
        name: &ConnectorName,
        now: Timestamp,
    ) {
        let token = self.next();
        let Some(realm) = self.world.realms.get(namespace) else {
            return;
        };
        let Some(entry) = realm.connectors.get(name) else {
            return;
        };
        let told_before = entry.status.known_generation() == entry.meta.generation;
        if told_before && entry.awaits_first_listing() {
            // What was written before the start stands; the end of the listing brings us back.
            return;
        }
        self.deal_with_orphans(namespace, name, now);
        let Some(realm) = self.world.realms.get(namespace) else {
            return;
        };
        let Some(entry) = realm.connectors.get(name) else {
            return;
        };
        let app_connector::orphans::Look {
            orphans,
            first_seen,
            kept,
            new,
            next,
        } = app_connector::orphans::look(realm, name, entry, now);
        let status = app_connector::status::derive(realm, name, entry, orphans, now);
        if let Some(at) = next {
            let work = Work::ConnectorStatus(Arc::clone(namespace), name.clone());
            self.queue.add_at(work, Lane::Joiner, at);
        }
        self.ports
            .metrics
            .set_orphaned_accounts(namespace, name.as_str(), status.orphans);
        let held = entry.gate.held_people();
        self.ports.metrics.set_held_people(
            namespace,
            name.as_str(),
            i64::try_from(held).unwrap_or(i64::MAX),
        );
        let unjustified = realm
            .people
            .values()
            .map(|person| person.outlook.unjustified(name))
            .sum::<usize>();
        self.ports.metrics.set_orphaned_credentials(
            namespace,
            name.as_str(),
            i64::try_from(unjustified).unwrap_or(i64::MAX),
        );
        let Some(ConnectorEntry {
            meta,
            status: tracked,
            orphans,
            orphan_work,
            gate,
            saving,
            ..
        }) = self.world.connector_mut(namespace, name)
        else {
            return;
        };
        *orphans = first_seen;
        orphan_work.kept = kept;
        let subject = Subject {
            kind: ObjectKind::AppConnector,
            namespace,
            name: name.as_str(),
            meta,
            lane: Lane::Joiner,
        };
        let written = self
            .ports
            .hand_over(&subject, tracked, &status, token, |before, after| {
                app_connector::events::notices(namespace, name, meta, before, after, &new)
            });
        if written {
            saving.insert(token, gate.unsaved().clone());
        }
    }
}
