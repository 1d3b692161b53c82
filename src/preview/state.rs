//! What a cluster says of one namespace at one instant: for where no cluster is at hand, in a file without what names
//! a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use kube::Resource;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::listing::{baseline, policy};
use super::pseudonyms::{Naming, Namings, Pseudonyms};
use super::{Objects, redact};
use crate::api::{AppConnector, Employee, RoleTemplate};
use crate::domain::account::AttributeValue;

/// The form that this program writes and reads.
const VERSION: u32 = 2;

/// What a cluster says of one namespace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    /// Which form it has.
    pub version: u32,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Of which namespace.
    pub namespace: String,
    /// Whether it was written without what names a person.
    pub redacted: bool,
    /// The Employees, with their statuses.
    pub employees: Vec<Employee>,
    /// The role templates.
    pub role_templates: Vec<RoleTemplate>,
    /// The connectors, with their statuses.
    pub app_connectors: Vec<AppConnector>,
    /// Of each managed attribute of each account, by Employee and connector, what tells whether another value is the
    /// same. Only in what is redacted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>,
    /// Objects that do not fit the schema of this version, so that no more is known of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfit: Vec<UnfitObject>,
}

/// An object that does not fit the schema of this version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnfitObject {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What does not fit.
    pub why: String,
}

/// A state can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is no state.
    #[error("it is no exported state: {0}; write one with rollcall export")]
    NoState(#[from] serde_json::Error),
    /// It has another form.
    #[error(
        "it has the form {0}, and this program reads {VERSION}: write it anew with rollcall export of this version"
    )]
    OtherVersion(u32),
}

impl State {
    /// What was read of a cluster.
    #[must_use]
    pub fn new(namespace: String, objects: Objects, taken_at: Timestamp) -> Self {
        Self {
            version: VERSION,
            taken_at,
            namespace,
            redacted: false,
            employees: owned(objects.people),
            role_templates: owned(objects.roles),
            app_connectors: owned(objects.connectors),
            attributes: BTreeMap::new(),
            unfit: Vec::new(),
        }
    }

    /// Reads one that was exported.
    ///
    /// # Errors
    /// A [`StateError`], where it is none, or of another version.
    pub fn read(text: &str) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_str(text)?;
        if version != VERSION {
            return Err(StateError::OtherVersion(version));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// Without what names a person: names, mail addresses, user names, free texts. What rules ask for (department,
    /// job title, location, dates, free attributes) stays, and so do the names of objects and `employeeId`s.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        let mut attributes: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>> =
            BTreeMap::new();
        let words = self.pseudonyms();
        let objects = self.take_objects();
        let connectors = objects.connectors.iter();
        let namings: Namings = connectors
            .map(|(name, object)| (name.clone(), Naming::of(object)))
            .collect();
        let ids = redact::account_ids(&objects);
        let ids = ids.iter().map(|id| words.account(id)).collect();
        for (employee, connector, values) in
            baseline(&self, &objects, &policy(&objects, &self.unfit))
        {
            let digests = values.iter();
            let digests = digests.map(|(name, value)| {
                let value = redact::account_value(&words, value.clone());
                (name.to_string(), self.digest(&value))
            });
            let of_employee = attributes.entry(employee.to_string()).or_default();
            of_employee.insert(connector.to_string(), digests.collect());
        }
        self.attributes = attributes;
        self.employees = owned(objects.people);
        self.role_templates = owned(objects.roles);
        self.app_connectors = owned(objects.connectors);
        for employee in &mut self.employees {
            redact::employee(employee, &words, &namings, &ids);
        }
        for template in &mut self.role_templates {
            redact::template(template, &words, &namings);
        }
        for connector in &mut self.app_connectors {
            redact::connector(connector, &words, &namings);
        }
        for unfit in &mut self.unfit {
            // It may repeat what is written there.
            "redacted".clone_into(&mut unfit.why);
        }
        self.redacted = true;
        self
    }

    /// Whether an attribute had this value when the state was taken; nothing where that is not known.
    pub(super) fn had(
        &self,
        employee: &str,
        connector: &str,
        attribute: &str,
        value: &AttributeValue,
    ) -> Option<bool> {
        let known = self.attributes.get(employee)?.get(connector)?;
        Some(*known.get(attribute)? == self.digest(value))
    }

    /// The words that stand in it for what names a person.
    pub(super) fn pseudonyms(&self) -> Pseudonyms {
        Pseudonyms::new(self.salt())
    }

    fn salt(&self) -> String {
        format!("{} {}", self.namespace, self.taken_at)
    }

    fn digest(&self, value: &AttributeValue) -> String {
        let mut value = value.clone();
        if let AttributeValue::Texts(texts) = &mut value {
            texts.sort_unstable();
        }
        let hash = Sha256::digest(format!("{}\n{value:?}", self.salt()));
        format!("{hash:x}").chars().take(16).collect()
    }

    /// The objects, by name, taken out: many people are much to have twice.
    #[must_use]
    pub(super) fn take_objects(&mut self) -> Objects {
        Objects {
            people: named(std::mem::take(&mut self.employees)),
            roles: named(std::mem::take(&mut self.role_templates)),
            connectors: named(std::mem::take(&mut self.app_connectors)),
        }
    }
}

fn named<K: Resource>(objects: Vec<K>) -> BTreeMap<String, Arc<K>> {
    let objects = objects.into_iter();
    objects
        .map(|o| (o.meta().name.clone().unwrap_or_default(), Arc::new(o)))
        .collect()
}

fn owned<K: Clone>(objects: BTreeMap<String, Arc<K>>) -> Vec<K> {
    objects.into_values().map(Arc::unwrap_or_clone).collect()
}
