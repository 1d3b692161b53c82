//! Where access came from, learnt beside the record that the plan keeps for itself.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::checks::GRACE;
use super::town::Look;
use crate::domain::desired::Desired;
use crate::domain::ids::{ConnectorName, EmployeeId, EntitlementName, RoleName};
use crate::domain::lifecycle::Stage;

/// An entitlement in a target, or the account itself.
type What = (EmployeeId, ConnectorName, Option<EntitlementName>);

/// Which roles gave what, and since when templates are gone.
#[derive(Default)]
pub(super) struct Origins {
    given: BTreeMap<What, BTreeSet<RoleName>>,
    vanished: BTreeMap<(EmployeeId, RoleName), Timestamp>,
}

impl Origins {
    /// Takes in what a person should have now.
    pub(super) fn learn(&mut self, now: Timestamp, id: &EmployeeId, look: &Look) {
        let roles = &look.desired.roles;
        self.vanished
            .retain(|(who, role), _| who != id || roles.vanished.contains_key(role));
        for role in roles.vanished.keys() {
            self.vanished
                .entry((id.clone(), role.clone()))
                .or_insert(now);
        }
        for ((who, ..), given) in &mut self.given {
            if who == id {
                given.retain(|role| {
                    roles.held.contains_key(role)
                        || roles.undecided.contains_key(role)
                        || roles.vanished.contains_key(role)
                });
            }
        }
        let remembers = |name: &ConnectorName| look.plan.record.accounts.contains_key(name);
        // What was forgotten, as with a lost status, can't be kept for its origin.
        self.given
            .retain(|(who, name, _), _| who != id || remembers(name));
        if look.desired.lifecycle.stage != Stage::Active {
            return;
        }
        for (name, account) in &look.desired.accounts {
            let mut add = |what: Option<EntitlementName>, roles: &BTreeSet<RoleName>| {
                self.given
                    .entry((id.clone(), name.clone(), what))
                    .or_default()
                    .extend(roles.iter().cloned());
            };
            add(None, &account.roles);
            for (entitlement, roles) in &account.entitlements {
                add(Some(entitlement.clone()), roles);
            }
        }
    }

    /// Panics where something is taken that an undecided role, or one that vanished a moment ago,
    /// gave.
    pub(super) fn may_take(
        &self,
        now: Timestamp,
        id: &EmployeeId,
        name: &ConnectorName,
        what: Option<&EntitlementName>,
        desired: &Desired,
    ) {
        let key = (id.clone(), name.clone(), what.cloned());
        let Some(given) = self.given.get(&key) else {
            return;
        };
        let undecided = given
            .iter()
            .find(|role| desired.roles.undecided.contains_key(*role));
        assert_eq!(undecided, None, "{id}: {what:?} is taken in {name}");
        let vanished = given.iter().find(|role| {
            self.vanished
                .get(&(id.clone(), (*role).clone()))
                .is_some_and(|since| now.duration_since(*since) < GRACE)
        });
        assert_eq!(vanished, None, "{id}: {what:?} is taken in {name} at once");
    }
}
