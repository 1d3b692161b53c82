//! The namespace as it would be: the world that the operator would have, made of objects alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::listing::{self, Shown};
use super::objects::Objects;
use super::orphan_listing;
use super::state::State;
use super::{unfit, usernames};
use crate::api::{AppConnector, AppConnectorStatus};
use crate::connectors::registry;
use crate::controllers::employee::{intake, record};
use crate::controllers::gate;
use crate::controllers::names::{self, AllNames, TargetKey};
use crate::controllers::rivals;
use crate::controllers::role_template;
use crate::controllers::watch::meta_of;
use crate::controllers::words::Words;
use crate::controllers::world::{ConnectorEntry, Person, Realm, Request, TemplateEntry, Tracked};
use crate::domain::desired::desire;
use crate::domain::ids::{
    AccountId, ConnectorName, EmployeeId, EmployeeName, EntitlementName, RoleName,
};
use crate::domain::policy::Policy;
use crate::plan::guard::Gate;

/// What marks begin with here. They are read and written by nobody else.
const INSTALLATION: &str = "preview";

/// The namespace as it would be.
pub(super) struct Company {
    /// What the operator would know.
    pub(super) realm: Realm,
    /// User names that are taken.
    pub(super) names: AllNames,
    /// The policy as it is.
    pub(super) policy_before: Policy,
    /// Employees that the manifests delete.
    pub(super) deleted: BTreeSet<EmployeeName>,
    /// Those who are gone, as nothing keeps their objects.
    pub(super) gone: BTreeMap<EmployeeName, Box<Person>>,
    /// What is not known, and matters.
    pub(super) notes: Vec<String>,
}

/// What it is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inputs<'a> {
    /// What the cluster says.
    pub(super) state: &'a State,
    /// Its objects.
    pub(super) before: &'a Objects,
    /// The same once the manifests are applied.
    pub(super) after: &'a Objects,
    /// The manifests, in the words of the state.
    pub(super) manifests: &'a Objects,
    /// The manifests as they are written.
    pub(super) written: &'a Objects,
    /// Whether what they lack is deleted.
    pub(super) prune: bool,
    /// The instant.
    pub(super) now: Timestamp,
}

/// Puts it together.
pub(super) fn company(inputs: &Inputs<'_>) -> Company {
    let Inputs {
        state,
        before,
        after,
        ..
    } = *inputs;
    let namespace: Arc<str> = Arc::from(state.namespace.as_str());
    let mut company = Company {
        realm: Realm::new(INSTALLATION, &namespace),
        names: AllNames::default(),
        policy_before: listing::policy(before, &state.unfit),
        deleted: BTreeSet::new(),
        gone: BTreeMap::new(),
        notes: Vec::new(),
    };
    company.take_templates(after);
    company.take_people(before, after);
    let shown = company.shown(inputs);
    for (name, object) in &after.connectors {
        company.take_connector(&ConnectorName::new(name), object, inputs, &shown);
    }
    unfit::take(&mut company, inputs);
    company.realm.rebuild_policy();
    let Realm { people, .. } = &company.realm;
    for name in people.keys() {
        names::reserve(&mut company.names, &company.realm, name);
    }
    usernames::settle(&mut company, inputs);
    rivals::know(&mut company.realm);
    company
}

/// Gates, by connector.
pub(super) type Gates = BTreeMap<ConnectorName, Gate>;

impl Company {
    /// A person, also one who is gone.
    pub(super) fn person(&self, name: &EmployeeName) -> Option<&Person> {
        let person = self.realm.people.get(name);
        person.or_else(|| self.gone.get(name)).map(Box::as_ref)
    }

    /// The gates as they are, before something is tried.
    pub(super) fn gates(&self) -> Gates {
        let connectors = self.realm.connectors.iter();
        connectors
            .map(|(name, entry)| (name.clone(), entry.gate.clone()))
            .collect()
    }

    /// As they were.
    pub(super) fn restore(&mut self, gates: Gates) {
        for (name, gate) in gates {
            if let Some(entry) = self.realm.connectors.get_mut(&name) {
                entry.gate = gate;
            }
        }
    }

    fn take_templates(&mut self, after: &Objects) {
        for (name, object) in &after.roles {
            let name = RoleName::new(name);
            let status = object.status.clone().unwrap_or_default();
            let entry = TemplateEntry {
                meta: meta_of(&object.metadata),
                compiled: Some(role_template::intake::compile(&name, &object.spec)),
                unreadable: None,
                rogue: role_template::rogue::told_by(&status),
                request: Request::default(),
                status: Tracked::new(&status),
            };
            self.realm.templates.insert(name, entry);
        }
    }

    fn take_people(&mut self, before: &Objects, after: &Objects) {
        let mut words = Words::default();
        let gone = before.people.iter();
        let gone = gone.filter(|(name, _)| !after.people.contains_key(*name));
        let deleted: BTreeSet<EmployeeName> =
            gone.clone().map(|(n, _)| EmployeeName::new(n)).collect();
        for (name, object) in after.people.iter().chain(gone) {
            let name = EmployeeName::new(name);
            let facts = intake::facts(&name, &object.spec, &mut words).map(Arc::new);
            let id = match &facts {
                Ok(facts) => facts.employee_id.clone(),
                Err(_) => EmployeeId::new(&object.spec.employee_id),
            };
            let mut meta = meta_of(&object.metadata);
            meta.deleting |= deleted.contains(&name);
            // What somebody asks to be looked at again changes nothing.
            meta.requested = None;
            let status = object.status.clone().unwrap_or_default();
            let record = record::from_status(&status, &mut words);
            let person = Person::new(meta, facts, id.clone(), record, &status);
            self.realm.people.insert(name.clone(), Box::new(person));
            self.realm.by_id.entry(id).or_default().insert(name);
        }
        self.deleted = deleted;
    }

    /// What accounts show: what the cluster wants now or, of those whose facts were redacted and are among the
    /// manifests, what is known to be the same.
    fn shown(&self, inputs: &Inputs<'_>) -> Shown {
        let Inputs {
            state, before, now, ..
        } = *inputs;
        let all = listing::baseline(state, before, &self.policy_before).into_iter();
        let mut shown: Shown = all
            .map(|(who, connector, attributes)| ((who, connector), attributes))
            .collect();
        if !state.redacted {
            return shown;
        }
        let policy = &self.policy_before;
        for name in inputs.manifests.people.keys() {
            let name = EmployeeName::new(name);
            let Some(person) = self.realm.people.get(&name) else {
                continue;
            };
            let Ok(facts) = &person.facts else { continue };
            let desired = desire(policy, facts, &person.record, now);
            for (connector, wanted) in &desired.accounts {
                let manager = wanted.manager.as_ref().and_then(|m| m.manager.as_ref());
                let manager = manager.and_then(|manager| self.account_of(manager, connector));
                let attributes = listing::compared(state, &name, connector, wanted, manager);
                shown.insert((name.clone(), connector.clone()), attributes);
            }
        }
        shown
    }

    fn account_of(&self, name: &EmployeeName, connector: &ConnectorName) -> Option<AccountId> {
        let person = self.realm.people.get(name)?;
        person.record.accounts.get(connector)?.id.clone()
    }

    fn take_connector(
        &mut self,
        name: &ConnectorName,
        object: &AppConnector,
        inputs: &Inputs<'_>,
        shown: &Shown,
    ) {
        let before = inputs.before;
        let status = object.status.clone().unwrap_or_default();
        let namespace = Arc::clone(&self.realm.namespace);
        let scope = self.realm.scope.clone();
        let scope = scope.for_purpose(object.spec.account.purpose.as_deref());
        let mut meta = meta_of(&object.metadata);
        let gate = gate::restored(&namespace, name, &meta.uid, status.guard.as_ref());
        meta.requested = None;
        let mut entry = ConnectorEntry::new(meta, scope.clone(), gate, &status);
        entry.able = listing::abilities(object);
        entry.target = registry::target(&object.spec).map(|target| TargetKey(target.into()));
        entry.spec = Some(Arc::new(object.spec.clone()));
        entry.compile(name);
        let named = self.named(name);
        // Another application is another inventory, and nothing of it is known.
        let home = entry.home.target().zip(entry.target.as_ref());
        let same = home.is_none_or(|(home, target)| home == target);
        if !same {
            entry.forget_orphans();
        }
        let nobodys = Some(&status).filter(|_| same);
        let listed = listing::of(&scope, name, before, shown, &named, nobodys);
        let told = status.entitlements.iter().map(|told| told.name.as_str());
        let held = listed.entitlements.iter().filter(|e| !e.holders.is_empty());
        let known: BTreeSet<&str> = told.chain(held.map(|e| e.name.as_str())).collect();
        let unknown = named.iter().filter(|e| !known.contains(e.as_str()));
        let unknown: Vec<String> = unknown.map(ToString::to_string).collect();
        match status.inventory.as_ref().map(|i| i.completeness.as_str()) {
            None => self.notes.push(format!(
                "{name} has not been listed yet: accounts that are there already are not known"
            )),
            Some("Complete") => {}
            Some(word) => self.notes.push(format!(
                "the last listing of {name} was {word}: what is taken away there is read directly first"
            )),
        }
        if !unknown.is_empty() && status.inventory.is_some() {
            let creates = entry
                .compiled
                .as_ref()
                .is_some_and(|c| c.spec.create_entitlements);
            let then = if creates { ": it is made if not" } else { "" };
            self.notes.push(format!(
                "it is not known whether {name} has {}{then}",
                unknown.join(", ")
            ));
        }
        let records = self.realm.people.values();
        let records =
            records.filter(|p| p.record.accounts.get(name).is_some_and(|a| a.id.is_some()));
        let (recorded, found) = (records.count(), listed.accounts.len());
        if let Some(target) = entry.target.clone() {
            let answer = entry.meta.confirmed.clone();
            let found = if same { found } else { 0 };
            entry.home.look(&target, recorded, found, answer.as_deref());
            if !same {
                self.notes.push(format!(
                    "{name} leads to another application: nothing of what is there is known"
                ));
            }
        }
        if let Some(compiled) = &entry.compiled {
            let was = before.connectors.get(name.as_str()).map(Arc::as_ref);
            let policy = &compiled.spec.orphans;
            let written = inputs.state.redacted.then(|| {
                let words = inputs.state.pseudonyms();
                let written = inputs.written.connectors.get(name.as_str());
                orphan_listing::written(&words, written.map(Arc::as_ref))
            });
            let notes = orphan_listing::notes(name, object, was, policy, written.as_ref());
            self.notes.extend(notes);
        }
        self.note_claimed(name, &status);
        entry.inventory.begin_listing();
        entry.inventory.complete_listing(listed);
        self.realm.connectors.insert(name.clone(), entry);
    }

    /// Accounts that were nobody's and are somebody's now.
    fn note_claimed(&mut self, name: &ConnectorName, status: &AppConnectorStatus) {
        for told in &status.orphaned_accounts {
            let of = told.employee_id.as_ref().map(EmployeeId::new);
            if let Some(owner) = of.and_then(|of| self.realm.owner(&of)) {
                self.notes.push(format!(
                    "{} in {name}, which was nobody's, is of the Employee {owner}: what it holds and shows is not known",
                    told.username
                ));
            }
        }
    }

    /// Entitlements of a connector that templates name.
    fn named(&self, connector: &ConnectorName) -> BTreeSet<EntitlementName> {
        let templates = self.realm.templates.values();
        let compiled = templates.filter_map(|entry| entry.compiled.as_ref());
        let grants = compiled.filter_map(|template| template.spec.grants.get(connector));
        grants.flatten().cloned().collect()
    }
}
