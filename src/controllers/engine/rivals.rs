//! People whom the rules of a connector find by the same value: each is looked at when the other changes.

use std::sync::Arc;

use super::Engine;
use crate::domain::ids::EmployeeId;

impl Engine {
    /// Before someone is looked at: where rules tell whose an account is, who else it may be is known.
    pub(super) fn know_rivals(&mut self, namespace: &Arc<str>) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        if realm.policy.connectors().any(|c| !c.matching.is_empty()) {
            let people = realm.people.values();
            let facts = people.filter_map(|person| person.facts.as_deref().ok());
            realm.rivals.know(&realm.policy, facts);
        }
    }

    /// Somebody came, changed or went.
    pub(super) fn rivals_changed(&mut self, namespace: &Arc<str>, id: &EmployeeId) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let owner = realm.owner(id).and_then(|name| realm.people.get(name));
        let facts = owner.and_then(|person| person.facts.clone().ok());
        let concerned = realm.rivals.changed(&realm.policy, id, facts.as_deref());
        for other in &concerned {
            self.look_at_id(namespace, other);
        }
    }
}
