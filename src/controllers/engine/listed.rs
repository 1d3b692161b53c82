//! Takes in what a listing shows, under the names that manifests use.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use crate::connectors::{ErrorKind, Listing};
use crate::controllers::employee::outcome::{Context, forget_carried_out, forget_taken_over};
use crate::controllers::world::{Holders, Realm};
use crate::dispatch::order::ConnectorKey;
use crate::domain::ids::{ConnectorName, EmployeeId};

impl Engine {
    /// A listing ended: whoever it concerns is looked at.
    pub(super) fn listed(&mut self, key: &ConnectorKey, mut listing: Listing) {
        let now = self.now();
        let asks = self.looks_moved_in(key, &listing);
        let Some(realm) = self.world.realms.get_mut(&key.namespace) else {
            return;
        };
        let holders = holders(realm, &key.name);
        let Some(entry) = realm.connectors.get_mut(&key.name) else {
            return;
        };
        // Only where it is certain that it is the same application: identifiers mean nothing in another one.
        if entry.home.target() == entry.target.as_ref() {
            entry.followed.follow(&mut listing.entitlements, &holders);
        }
        let first = !entry.inventory.is_readable();
        entry.listing_failed = None;
        entry.request.listing_ended();
        entry.oddities.clone_from(&listing.oddities);
        let outline = entry.inventory.outline();
        let mut changed = entry.inventory.complete_listing(listing);
        for person in realm.people.values_mut() {
            forget_taken_over(person, &key.name, &entry.inventory);
            forget_carried_out(person, &key.name, &entry.inventory);
        }
        let keeps_marks = entry.may_keep_marks_again();
        if first {
            let records = realm.people.values().map(|p| &p.record.accounts);
            entry.recall_dropped_mark(records.filter_map(|accounts| accounts.get(&key.name)));
        }
        let redrawn = outline != entry.inventory.outline();
        if entry.home.moved().is_none() {
            entry.followed.learn(&entry.inventory, &holders);
        }
        self.refused_names_may_be_free(key);
        let decided = self.decide_doubts(key);
        self.holders_listed(key);
        self.ports
            .metrics
            .inventory_listed(&key.namespace, key.name.as_str(), now);
        let again = self.try_entitlements_again(key, redrawn);
        if first || redrawn || keeps_marks || asks {
            self.look_at_everyone(&key.namespace);
        } else {
            for id in &changed {
                self.look_at_reports_of(&key.namespace, id);
            }
            changed.extend(self.not_at_rest(key));
            changed.extend(decided);
            changed.extend(again);
            for id in changed {
                self.look_at_id(&key.namespace, &id);
            }
        }
    }

    /// Ends the doubts that the listing decides, and tells whose. A target that can't be searched has
    /// no other way out of them.
    fn decide_doubts(&mut self, key: &ConnectorKey) -> Vec<EmployeeId> {
        let now = self.now();
        let Some(realm) = self.world.realms.get_mut(&key.namespace) else {
            return Vec::new();
        };
        let Some(entry) = realm.connectors.get_mut(&key.name) else {
            return Vec::new();
        };
        let mut names = entry
            .target
            .as_ref()
            .and_then(|target| self.world.names.get_mut(target));
        let mut decided = Vec::new();
        realm.left_in_doubt.retain(|id, connectors| {
            if entry.inventory.decides(id) {
                connectors.remove(&key.name);
            }
            !connectors.is_empty()
        });
        let scope = entry.inventory.scope().clone();
        for person in realm.people.values_mut() {
            let ended = Context {
                scope: &scope,
                connector: &key.name,
                names: names.as_deref_mut(),
                inventory: &mut entry.inventory,
                mark_dropped: &mut entry.mark_dropped,
                person,
                now,
                jitter: fastrand::f64(),
            }
            .listed();
            if ended {
                decided.push(person.employee_id.clone());
            }
        }
        decided
    }

    /// What failed of entitlements is tried again: all of it where entitlements came or went or are seen better, else
    /// what failed as the entitlement did not exist. It may have been made anew, and written through, before
    /// anything was listed. Tells whose it is.
    fn try_entitlements_again(&mut self, key: &ConnectorKey, all: bool) -> Vec<EmployeeId> {
        let mut again = Vec::new();
        let realm = self.world.realms.get_mut(&key.namespace);
        // A listing that does not tell which there are says nothing of one that was not found.
        let seen = realm
            .as_ref()
            .and_then(|realm| realm.connectors.get(&key.name))
            .is_some_and(|entry| entry.inventory.entitlements_completeness().is_complete());
        for person in realm
            .into_iter()
            .flat_map(|realm| realm.people.values_mut())
        {
            let Some(matters) = person.unsettled.there() else {
                continue;
            };
            let before = matters.failures.len();
            matters.failures.retain(|failed, failure| {
                let concerned = failed.connector == key.name && failed.entitlement.is_some();
                let lacked = seen && failure.reason == ErrorKind::NotFound.reason();
                !concerned || !(all || lacked)
            });
            if matters.failures.len() != before {
                again.push(person.employee_id.clone());
            }
        }
        again
    }

    /// A name that the target refused may have become free since.
    fn refused_names_may_be_free(&mut self, key: &ConnectorKey) {
        let target = self
            .world
            .connector_mut(&key.namespace, &key.name)
            .and_then(|entry| entry.target.clone());
        if let Some(names) = target.and_then(|target| self.world.names.get_mut(&target)) {
            names.refused.clear();
        }
    }

    /// After a change of policy: manifests may use the new names by now.
    pub(super) fn take_over_names(&mut self, namespace: &Arc<str>) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let names: Vec<ConnectorName> = realm.connectors.keys().cloned().collect();
        for name in names {
            let follows = realm.connectors.get(&name);
            if !follows.is_some_and(|entry| entry.followed.has_renamed()) {
                continue;
            }
            let holders = holders(realm, &name);
            if let Some(entry) = realm.connectors.get_mut(&name) {
                entry.followed.take_over(&mut entry.inventory, &holders);
            }
        }
    }
}

/// The entitlements of a connector that templates name, or that people are remembered to have, and the accounts
/// that are remembered to hold each.
fn holders(realm: &Realm, name: &ConnectorName) -> Holders {
    let templates = realm.policy.templates();
    let named = templates.filter_map(|template| template.spec.grants.get(name));
    let mut holders: Holders = named
        .flatten()
        .map(|entitlement| (entitlement.clone(), BTreeSet::default()))
        .collect();
    for person in realm.people.values() {
        let Some(account) = person.record.accounts.get(name) else {
            continue;
        };
        for (entitlement, grant) in &account.grants {
            let held = holders.entry(entitlement.clone()).or_default();
            if let (Some(id), Some(_)) = (&account.id, grant.since) {
                held.insert(id.clone());
            }
        }
    }
    holders
}
