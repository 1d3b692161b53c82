//! The objects of one namespace, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Resource;
use kube::core::object::{HasSpec, HasStatus};

use crate::api::{AppConnector, Employee, RoleTemplate};

/// The objects of one namespace, by name. Those that manifests leave as they are are shared: of many people few change.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// Employees.
    pub people: BTreeMap<String, Arc<Employee>>,
    /// Role templates.
    pub roles: BTreeMap<String, Arc<RoleTemplate>>,
    /// Connectors.
    pub connectors: BTreeMap<String, Arc<AppConnector>>,
}

impl Objects {
    /// These, as they are once manifests are applied. What the manifests lack stays, unless that is pruned.
    #[must_use]
    pub fn after(&self, manifests: &Self, prune: bool) -> Self {
        let mut after = if prune { Self::default() } else { self.clone() };
        overlay(&mut after.people, &self.people, &manifests.people);
        overlay(&mut after.roles, &self.roles, &manifests.roles);
        overlay(
            &mut after.connectors,
            &self.connectors,
            &manifests.connectors,
        );
        after
    }
}

/// Lays what is written over what there is: statuses and what others annotate stay.
fn overlay<K>(
    after: &mut BTreeMap<String, Arc<K>>,
    before: &BTreeMap<String, Arc<K>>,
    manifests: &BTreeMap<String, Arc<K>>,
) where
    K: Resource + HasSpec<Spec: PartialEq> + HasStatus<Status: Clone> + Clone,
{
    for (name, written) in manifests {
        let known = before.get(name);
        let same = known.filter(|known| {
            known.spec() == written.spec() && adds_nothing(known.meta(), written.meta())
        });
        if let Some(same) = same {
            after.insert(name.clone(), Arc::clone(same));
            continue;
        }
        let mut object = K::clone(written);
        *object.status_mut() = known.and_then(|known| known.status().cloned());
        *object.meta_mut() = metadata(
            written.meta().clone(),
            known.map(|known| (known.meta(), known.spec() == written.spec())),
        );
        after.insert(name.clone(), Arc::new(object));
    }
}

/// Whether an object has every annotation already.
fn adds_nothing(known: &Metadata, written: &Metadata) -> bool {
    let has = |name: &String| known.annotations.as_ref().and_then(|all| all.get(name));
    let mut written = written.annotations.iter().flatten();
    written.all(|(name, value)| has(name) == Some(value))
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
