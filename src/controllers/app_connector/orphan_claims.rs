//! Accounts without a mark that may be somebody's all the same, by any of the connectors that lead to their application:
//! what one of them says is somebody's is no orphan of another.

use std::collections::BTreeSet;

use crate::controllers::app_connector::sharing;
use crate::controllers::text;
use crate::controllers::world::{ConnectorEntry, Realm};
use crate::domain::account::ObservedAccount;
use crate::domain::clues;
use crate::domain::ids::{AccountId, ConnectorName, EmployeeId, Username};
use crate::domain::mark::Marking;

/// People who are looked through to be named in a sentence.
const TOLD: usize = 10;

/// Accounts without a mark that may be somebody's all the same.
pub struct Claims<'a> {
    realm: &'a Realm,
    name: &'a ConnectorName,
    entry: &'a ConnectorEntry,
    ids: BTreeSet<&'a AccountId>,
    usernames: BTreeSet<&'a Username>,
}

impl<'a> Claims<'a> {
    /// Looks through everybody once, for many accounts.
    #[must_use]
    pub fn of(realm: &'a Realm, name: &'a ConnectorName, entry: &'a ConnectorEntry) -> Self {
        let connectors: Vec<&ConnectorName> = sharing::of_one_application(realm, name, entry)
            .map(|(name, _)| name)
            .collect();
        let (mut ids, mut usernames) = (BTreeSet::new(), BTreeSet::new());
        for person in realm.people.values() {
            let recorded = connectors.iter().copied();
            for recorded in recorded.filter_map(|name| person.record.accounts.get(name)) {
                ids.extend(recorded.id.as_ref());
                usernames.extend(recorded.username.as_ref());
            }
        }
        Self {
            realm,
            name,
            entry,
            ids,
            usernames,
        }
    }

    /// Whether somebody is recorded to have it, or rules or links find it for somebody.
    #[must_use]
    pub fn cover(&self, account: &ObservedAccount) -> bool {
        if self.entry.inventory.scope().read(account.mark.as_deref()) != Marking::None {
            return false;
        }
        if self.ids.contains(&account.id) || self.usernames.contains(&account.username) {
            return true;
        }
        let mut connectors = sharing::of_one_application(self.realm, self.name, self.entry);
        connectors.any(|(name, other)| self.is_found(account, name, other))
    }

    /// Whether links or rules of a connector find it for somebody.
    fn is_found(
        &self,
        account: &ObservedAccount,
        name: &ConnectorName,
        other: &ConnectorEntry,
    ) -> bool {
        let rivals = &self.realm.rivals;
        if rivals.naming(name, account).next().is_some() {
            return true;
        }
        let Some(connector) = other.compiled.as_deref() else {
            return false;
        };
        // Each connector asks for the attributes that it has a use for.
        let is_other = name != self.name && other.target == self.entry.target;
        let seen = is_other.then(|| other.inventory.by_id(&account.id));
        let shown = std::iter::once(account).chain(seen.flatten());
        let mut clues = shown.flat_map(|account| clues::of_account(connector, account));
        clues.any(|clue| rivals.with(name, &clue).next().is_some())
    }
}

/// Why it is not known of everybody which accounts without a mark may be theirs; nothing where it is.
#[must_use]
pub fn doubt(realm: &Realm, name: &ConnectorName, entry: &ConnectorEntry) -> Option<String> {
    let Some(doubts) = realm.rivals.doubts() else {
        return Some("whom rules find is yet to be looked at".to_owned());
    };
    if !doubts.unfit.is_empty() {
        return Some(format!(
            "the Employee of employeeId {} has mistakes: mend it (see its status)",
            listed(&doubts.unfit)
        ));
    }
    for (other, one) in sharing::of_one_application(realm, name, entry) {
        if let Some(failed) = doubts.failed.get(other) {
            return Some(format!(
                "spec.matching of the AppConnector {other} can't be evaluated for the employeeId {}: mend the rule or the Employee",
                listed(failed)
            ));
        }
        if other != name && !tells(one, entry) {
            return Some(format!(
                "the AppConnector {other}, of the same application, is broken, leads elsewhere or was not listed in full: see its conditions"
            ));
        }
    }
    None
}

/// Whether it is known which accounts of an application another connector of it finds for anybody.
fn tells(other: &ConnectorEntry, entry: &ConnectorEntry) -> bool {
    let Some(connector) = &other.compiled else {
        return false;
    };
    let all_sound = connector.matching.len() == connector.spec.matching.rules.len();
    let by_attribute = connector.matching.iter().any(|(by, _)| by.is_some());
    let sees_all = other.inventory.accounts_completeness().is_complete();
    other.target == entry.target && all_sound && (sees_all || !by_attribute)
}

fn listed(people: &BTreeSet<EmployeeId>) -> String {
    let some: Vec<String> = people.iter().take(TOLD).map(ToString::to_string).collect();
    text::first_of(&some, people.len())
}
