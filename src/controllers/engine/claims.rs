//! Several objects that claim one `employeeId`. Only its owner acts, and what another began while it
//! was the owner is the owner's affair from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Engine;
use crate::controllers::world::{Person, Realm, Submitted};
use crate::dispatch::order::{ConnectorKey, Effect, Order, Outcome};
use crate::domain::ids::{ConnectorName, EmployeeId, EmployeeName};

/// What someone who acts no more leaves behind.
#[derive(Default)]
pub(super) struct Begun {
    submitted: BTreeMap<ConnectorName, Submitted>,
    in_doubt: BTreeSet<ConnectorName>,
}

impl Begun {
    /// Takes from a person what they have begun.
    pub(super) fn by(person: &mut Person) -> Self {
        Self {
            submitted: std::mem::take(&mut person.unsettled.submitted),
            in_doubt: std::mem::take(&mut person.unsettled.in_doubt),
        }
    }

    fn is_empty(&self) -> bool {
        self.submitted.is_empty() && self.in_doubt.is_empty()
    }

    /// Hands it to the owner of the `employeeId`: dispatch knows orders by that, and carries them out for
    /// whoever owns it. Where the owner has ordered something since, that has replaced them. Orders of
    /// nobody are withdrawn, and what they may have done all the same stays in doubt.
    pub(super) fn pass_on(self, realm: &mut Realm, id: &EmployeeId) {
        let owner = realm.owner(id).cloned();
        if let Some(heir) = owner.and_then(|name| realm.people.get_mut(&name)) {
            for (connector, order) in self.submitted {
                heir.unsettled.submitted.entry(connector).or_insert(order);
            }
            heir.unsettled.in_doubt.extend(self.in_doubt);
            return;
        }
        let mut in_doubt = self.in_doubt;
        for (connector, order) in self.submitted {
            let Some(entry) = realm.connectors.get_mut(&connector) else {
                continue;
            };
            if let Some(running) = &entry.running {
                running.handle.withdraw(id);
            }
            if order.operation.is_write() {
                // It may be on its way already, and an object of that id may come again.
                entry.inventory.doubt(id);
                in_doubt.insert(connector);
            }
        }
        realm.places.gone(id, |name| in_doubt.contains(name));
        if !in_doubt.is_empty() {
            realm.left_in_doubt.insert(id.clone(), in_doubt);
        }
    }
}

/// An order of someone whose object is gone has ended: what the target showed is kept for whoever comes
/// with that id, and what it did not show has to be looked for.
pub(super) fn ended_without_owner(realm: &mut Realm, key: &ConnectorKey, outcome: Outcome) {
    let id = &outcome.order.employee;
    let Some(entry) = realm.connectors.get_mut(&key.name) else {
        return;
    };
    match outcome.result {
        Ok(
            Effect::Created(account)
            | Effect::Updated(Some(account))
            | Effect::ActivitySet(Some(account))
            | Effect::Marked(Some(account)),
        ) => entry.inventory.saw(account, false),
        Ok(_) | Err(_) => entry.inventory.doubt(id),
    }
}

/// An order has ended of which the run is over. It may have been taken back while it was under way, so
/// that nobody waits for it: what it did has to be looked for.
pub(super) fn ended_after_its_run(realm: &mut Realm, key: &ConnectorKey, order: &Order) {
    if !order.operation.is_write() {
        return;
    }
    let id = &order.employee;
    if let Some(entry) = realm.connectors.get_mut(&key.name) {
        entry.inventory.doubt(id);
    }
    let owner = realm.owner(id).cloned();
    match owner.and_then(|name| realm.people.get_mut(&name)) {
        Some(person) => person.unsettled.in_doubt.insert(key.name.clone()),
        None => realm
            .left_in_doubt
            .entry(id.clone())
            .or_default()
            .insert(key.name.clone()),
    };
}

impl Engine {
    /// Before someone is looked at: if others claim the same `employeeId`, what those began who do not
    /// own it passes to the one who does.
    pub(super) fn settle_claims(&mut self, namespace: &Arc<str>, name: &EmployeeName) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let Some(id) = realm.people.get(name).map(|p| p.employee_id.clone()) else {
            return;
        };
        let claimants = realm.by_id.get(&id).filter(|names| names.len() > 1);
        let Some(claimants) = claimants.cloned() else {
            return;
        };
        let owner = realm.owner(&id).cloned();
        let mut passed_on = false;
        for other in claimants
            .iter()
            .filter(|other| Some(*other) != owner.as_ref())
        {
            let begun = realm.people.get_mut(other).map(|person| Begun::by(person));
            if let Some(begun) = begun.filter(|begun| !begun.is_empty()) {
                begun.pass_on(realm, &id);
                passed_on = true;
            }
        }
        if let Some(owner) = owner.filter(|owner| passed_on && owner != name) {
            self.look_at(namespace, &owner);
        }
    }
}
