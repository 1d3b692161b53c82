//! The objects of one namespace, by name.

use std::collections::BTreeMap;

use crate::api::{AppConnector, Employee, RoleTemplate};

/// The objects of one namespace, by name.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// Employees.
    pub people: BTreeMap<String, Employee>,
    /// Role templates.
    pub roles: BTreeMap<String, RoleTemplate>,
    /// Connectors.
    pub connectors: BTreeMap<String, AppConnector>,
}

impl Objects {
    /// These, as they are once manifests are applied. What the manifests lack stays, unless that is pruned.
    #[must_use]
    pub fn after(&self, manifests: &Self, prune: bool) -> Self {
        let mut after = if prune { Self::default() } else { self.clone() };
        for (name, written) in &manifests.people {
            let mut object = written.clone();
            let known = self.people.get(name);
            object.status = known.and_then(|known| known.status.clone());
            object.metadata = metadata(
                written.metadata.clone(),
                known.map(|known| (&known.metadata, known.spec == written.spec)),
            );
            after.people.insert(name.clone(), object);
        }
        for (name, written) in &manifests.roles {
            let mut object = written.clone();
            let known = self.roles.get(name);
            object.status = known.and_then(|known| known.status.clone());
            object.metadata = metadata(
                written.metadata.clone(),
                known.map(|known| (&known.metadata, known.spec == written.spec)),
            );
            after.roles.insert(name.clone(), object);
        }
        for (name, written) in &manifests.connectors {
            let mut object = written.clone();
            let known = self.connectors.get(name);
            object.status = known.and_then(|known| known.status.clone());
            object.metadata = metadata(
                written.metadata.clone(),
                known.map(|known| (&known.metadata, known.spec == written.spec)),
            );
            after.connectors.insert(name.clone(), object);
        }
        after
    }
}

type Metadata = kube::core::ObjectMeta;

/// Annotations of others stay, as an apply leaves them; another spec is another generation.
fn metadata(mut written: Metadata, known: Option<(&Metadata, bool)>) -> Metadata {
    let Some((known, is_same)) = known else {
        written.generation = Some(1);
        return written;
    };
    let mut annotations = known.annotations.clone().unwrap_or_default();
    annotations.extend(written.annotations.take().unwrap_or_default());
    let generation = known.generation.unwrap_or_default() + i64::from(!is_same);
    Metadata {
        annotations: Some(annotations),
        generation: Some(generation),
        ..known.clone()
    }
}
