//! A connector that leads to another application than before.

use std::sync::Arc;

use super::Engine;
use crate::domain::ids::ConnectorName;

impl Engine {
    /// Looks, after a listing or where somebody may have answered, whether the accounts that are recorded are in
    /// the application that a connector leads to. Tells whether what may be done changed.
    pub(super) fn look_whether_moved(
        &mut self,
        namespace: &Arc<str>,
        name: &ConnectorName,
    ) -> bool {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return false;
        };
        let Some(entry) = realm.connectors.get_mut(name) else {
            return false;
        };
        let Some(target) = entry
            .target
            .clone()
            .filter(|_| entry.inventory.is_readable())
        else {
            return false;
        };
        let (mut all, mut found) = (0, 0);
        for person in realm.people.values() {
            let account = person.record.accounts.get(name);
            if account.is_some_and(|account| account.id.is_some()) {
                all += 1;
                let marked = entry.inventory.by_mark(&person.employee_id);
                found += usize::from(!marked.is_empty());
            }
        }
        let confirmed = entry.meta.confirmed.as_deref() == Some(&*target.0);
        entry.home.look(&target, all, found, confirmed)
    }

    /// Somebody may have said that another application is meant.
    pub(super) fn hear_confirmation(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        if self.look_whether_moved(namespace, name) {
            self.look_at_everyone(namespace);
        }
    }
}
