//! Whom each listing matters to, whatever it shows of them.

use super::Engine;
use crate::dispatch::order::ConnectorKey;
use crate::domain::ids::EmployeeId;
use crate::domain::lifecycle::Stage;

impl Engine {
    /// People whose picture need not have changed for a new listing to matter: an absence may be certain
    /// now, or what stood in somebody's way, such as an account of another's, may be gone.
    pub(super) fn not_at_rest(&self, key: &ConnectorKey) -> Vec<EmployeeId> {
        let Some(realm) = self.world.realms.get(&key.namespace) else {
            return Vec::new();
        };
        let connector = realm.policy.connector(&key.name);
        let matches = connector.is_some_and(|c| !c.spec.matching.rules.is_empty());
        realm
            .people
            .values()
            .filter(|person| {
                person.tell_at.is_some()
                    // Somebody may have opened an account of theirs that is nobody's yet.
                    || (matches && person.outlook.count.is_some_and(|c| c.stage != Stage::Active.word()))
                    || !person.outlook.count.is_some_and(|count| count.ready)
                    || person.unsettled.in_doubt.contains(&key.name)
                    || person
                        .record
                        .accounts
                        .get(&key.name)
                        .is_some_and(|r| r.id.is_none())
            })
            .map(|person| person.employee_id.clone())
            .collect()
    }
}
