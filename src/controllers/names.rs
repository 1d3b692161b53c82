//! User names, allocated per target before anything is sent, and reserved from then on.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::world::Realm;
use crate::domain::ids::{ConnectorName, EmployeeId, EmployeeName, Username};

/// One application, however many connector objects speak to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetKey(pub Arc<str>);

/// User names of every target.
pub type AllNames = HashMap<TargetKey, Names>;

/// Who has which user name in one target, as far as we gave it.
#[derive(Debug, Default)]
pub struct Names {
    /// Names allocated, and to whom.
    pub allocated: HashMap<Username, Owner>,
    /// Names that the target refused although no listing shows them.
    pub refused: BTreeSet<Username>,
    /// Names that stay whatever facts give: words in a preview, which stand for names that still fit or of which that
    /// can't be told.
    pub settled: BTreeSet<Username>,
}

/// To whom a user name was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Namespace of the person and the connector.
    pub namespace: Arc<str>,
    /// The connector object.
    pub connector: ConnectorName,
    /// The person.
    pub employee: EmployeeId,
}

/// Reserves the names that a person's record holds, those from before as well. Done as soon as the person and the connector are
/// known, before anyone is looked at: a newcomer who is looked at first must not get them.
pub fn reserve(names: &mut AllNames, realm: &Realm, person: &EmployeeName) {
    let Some(person) = realm.people.get(person) else {
        return;
    };
    for (connector, account) in &person.record.accounts {
        let target = realm
            .connectors
            .get(connector)
            .and_then(|c| c.target.as_ref());
        let Some(target) = target else {
            continue;
        };
        let owner = Owner {
            namespace: Arc::clone(&realm.namespace),
            connector: connector.clone(),
            employee: person.employee_id.clone(),
        };
        let table = names.entry(target.clone()).or_default();
        for username in account.username.iter().chain(&account.former) {
            let held = table.allocated.entry(username.clone());
            held.or_insert_with(|| owner.clone());
        }
    }
}

/// Forgets the names of accounts that could not be made: with other facts, or another mapping, the
/// person may be given another. A name that an account has, or may have, stays.
pub fn forget_refused(
    names: &mut AllNames,
    realm: &mut Realm,
    person: &EmployeeName,
    concerned: impl Fn(&ConnectorName) -> bool,
) {
    let Some(person) = realm.people.get_mut(person) else {
        return;
    };
    let failures = &person.unsettled.failures;
    let refused = |name: &ConnectorName| {
        failures
            .keys()
            .any(|key| key.connector == *name && key.verb == "Create")
    };
    for (connector, account) in &mut person.record.accounts {
        let unmade = account.id.is_none() && !person.unsettled.in_doubt.contains(connector);
        if !unmade || !concerned(connector) || !refused(connector) {
            continue;
        }
        let target = realm.connectors.get(connector);
        let target = target.and_then(|c| c.target.as_ref());
        let Some(username) = account.username.take() else {
            continue;
        };
        if let Some(table) = target.and_then(|target| names.get_mut(target)) {
            let owner = Owner {
                namespace: Arc::clone(&realm.namespace),
                connector: connector.clone(),
                employee: person.employee_id.clone(),
            };
            if table.allocated.get(&username) == Some(&owner) {
                table.allocated.remove(&username);
            }
        }
    }
}

/// Frees what was allocated for a person whose object is gone.
pub fn free_person(names: &mut AllNames, namespace: &Arc<str>, employee: &EmployeeId) {
    for table in names.values_mut() {
        table
            .allocated
            .retain(|_, o| o.namespace != *namespace || o.employee != *employee);
    }
}

/// Frees what was allocated for a connector that is gone or speaks to another application now.
pub fn free_connector(names: &mut AllNames, namespace: &Arc<str>, connector: &ConnectorName) {
    for table in names.values_mut() {
        table
            .allocated
            .retain(|_, o| o.namespace != *namespace || o.connector != *connector);
    }
}
