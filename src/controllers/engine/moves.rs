//! A connector that leads to another application than before.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Engine;
use crate::connectors::Listing;
use crate::controllers::world::{Followed, Settled};
use crate::dispatch::order::ConnectorKey;
use crate::domain::account::{Completeness, ObservedAccount};
use crate::domain::ids::{AccountId, ConnectorName, EmployeeId, Username};
use crate::domain::mark::Scope;
use crate::domain::record::RecordedAccount;

/// What tells that a person's account is there.
struct Seen {
    marked: HashSet<EmployeeId>,
    names: HashMap<AccountId, Username>,
}

impl Seen {
    fn of<'a>(scope: &Scope, accounts: impl Iterator<Item = &'a ObservedAccount>) -> Self {
        let mut seen = Self {
            marked: HashSet::new(),
            names: HashMap::new(),
        };
        for account in accounts {
            let employee = scope.employee(account.mark.as_deref());
            seen.marked.extend(employee.map(EmployeeId::new));
            seen.names
                .insert(account.id.clone(), account.username.clone());
        }
        seen
    }

    /// By the mark; or, where somebody took that off, by the identifier together with the name.
    fn shows(&self, employee: &EmployeeId, recorded: &RecordedAccount) -> bool {
        let named = recorded.id.as_ref().and_then(|id| self.names.get(id));
        self.marked.contains(employee) || (named.is_some() && named == recorded.username.as_ref())
    }
}

impl Engine {
    /// Before a listing is taken in: whether the accounts that are recorded are in the application that the connector
    /// leads to. Tells whether what may be done changed.
    pub(super) fn looks_moved_in(&mut self, key: &ConnectorKey, listing: &Listing) -> bool {
        if matches!(listing.accounts_completeness, Completeness::Unreadable(_)) {
            return false;
        }
        let realm = self.world.realms.get(&key.namespace);
        let Some(entry) = realm.and_then(|realm| realm.connectors.get(&key.name)) else {
            return false;
        };
        let seen = Seen::of(entry.inventory.scope(), listing.accounts.iter());
        self.look_whether_moved(&key.namespace, &key.name, &seen)
    }

    /// Somebody may have said that another application is meant.
    pub(super) fn hear_confirmation(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        let realm = self.world.realms.get(namespace);
        let entry = realm.and_then(|realm| realm.connectors.get(name));
        let Some(entry) = entry.filter(|entry| entry.home.moved().is_some()) else {
            return;
        };
        let seen = Seen::of(entry.inventory.scope(), entry.inventory.accounts());
        if self.look_whether_moved(namespace, name, &seen) {
            self.look_at_everyone(namespace);
        }
    }

    fn look_whether_moved(
        &mut self,
        namespace: &Arc<str>,
        name: &ConnectorName,
        seen: &Seen,
    ) -> bool {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return false;
        };
        let Some(entry) = realm.connectors.get_mut(name) else {
            return false;
        };
        let Some(target) = entry.target.clone() else {
            return false;
        };
        let (mut all, mut found) = (0, 0);
        for person in realm.people.values() {
            let account = person.record.accounts.get(name);
            if let Some(account) = account.filter(|account| account.id.is_some()) {
                all += 1;
                found += usize::from(seen.shows(&person.employee_id, account));
            }
        }
        let answer = entry.meta.confirmed.as_deref();
        let looked = entry.home.look(&target, all, found, answer);
        if let Some(settled) = looked.settled {
            // Identifiers mean nothing in another application, and may be others at another address: marks decide.
            for person in realm.people.values_mut() {
                if let Some(account) = person.record.accounts.get_mut(name) {
                    account.id = None;
                    account.verified_disabled = None;
                    if settled == Settled::Anew {
                        for (_, grant) in &mut account.grants {
                            Arc::make_mut(grant).since = None;
                        }
                    }
                }
            }
            if settled == Settled::Anew {
                entry.followed = Followed::default();
            }
        }
        looked.turned
    }
}
