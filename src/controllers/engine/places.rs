//! Entitlements that only so many may hold: how everybody stands is known from looks at them, and places are allotted
//! when nobody is left to be looked at, so that the order of looks decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Engine, Work};
use crate::controllers::places::Looked;
use crate::dispatch::order::ConnectorKey;
use crate::domain::desired::Desired;
use crate::domain::ids::{ConnectorName, EmployeeName};
use crate::plan::{Lane, Observation, PersonPlan};

impl Engine {
    /// Somebody was looked at. Tells whether they ask for a place and have no answer yet: a look follows that has it.
    pub(super) fn stands(
        &mut self,
        namespace: &Arc<str>,
        name: &EmployeeName,
        planned: Option<(&Desired, &PersonPlan)>,
        observations: &BTreeMap<ConnectorName, Observation>,
    ) -> bool {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return false;
        };
        if !realm.policy.counts_holders() {
            return false;
        }
        let Some(person) = realm.people.get(name) else {
            return false;
        };
        if realm.owner(&person.employee_id) != Some(name) {
            return false;
        }
        let looked = Looked {
            person,
            planned,
            observations,
        };
        let waits = realm.places.put(&realm.policy, &realm.connectors, &looked);
        self.allot_soon(namespace);
        waits
    }

    /// Places are allotted behind every look that is due.
    pub(super) fn allot_soon(&mut self, namespace: &Arc<str>) {
        let realm = self.world.realms.get(namespace);
        if realm.is_some_and(|realm| realm.places.is_stale()) {
            let work = Work::Places(Arc::clone(namespace));
            self.queue.add(work, Lane::Drift);
        }
    }

    /// A listing told of holders, also of those whose objects are gone.
    pub(super) fn holders_listed(&mut self, key: &ConnectorKey) {
        let Some(realm) = self.world.realms.get_mut(&key.namespace) else {
            return;
        };
        let (by_id, left) = (&realm.by_id, &realm.left_in_doubt);
        realm.places.listed(&key.name, |id| {
            let in_doubt = left.get(id).is_some_and(|names| names.contains(&key.name));
            by_id.contains_key(id) || in_doubt
        });
        self.allot_soon(&key.namespace);
    }

    /// Allots the places of a namespace, and looks at those who have another answer than before.
    pub(super) fn allot_places(&mut self, namespace: &Arc<str>) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let concerned = realm.places.allot(&realm.policy, &realm.connectors);
        for id in concerned {
            self.look_at_id(namespace, &id);
        }
    }
}
