//! People whom the rules of a connector find by the same value: each is looked at when the other changes.

use std::sync::Arc;

use super::Engine;
use crate::controllers::rivals::{self, Doubts};
use crate::domain::ids::{ConnectorName, EmployeeId};

impl Engine {
    /// Before someone is looked at: where rules tell whose an account is, who else it may be is known.
    pub(super) fn know_rivals(&mut self, namespace: &Arc<str>) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        if realm.policy.connectors().any(|c| !c.matching.is_empty()) {
            rivals::know(realm);
        }
    }

    /// Somebody came, changed or went.
    pub(super) fn rivals_changed(&mut self, namespace: &Arc<str>, id: &EmployeeId) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let before = realm.rivals.doubts().map(Doubts::outline);
        let concerned = rivals::changed(realm, id);
        let turned = before != realm.rivals.doubts().map(Doubts::outline);
        // What is due with accounts that were never ours waits for it to be known whose they are.
        let waiting = realm.policy.connectors().filter(|_| turned);
        let waiting = waiting.filter(|connector| connector.spec.orphans.undeclared_too);
        let waiting: Vec<ConnectorName> = waiting.map(|c| c.spec.name.clone()).collect();
        for other in &concerned {
            self.look_at_id(namespace, other);
        }
        for name in waiting {
            self.summary_of_connector(namespace, name);
        }
    }
}
