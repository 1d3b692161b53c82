//! Accounts that nobody declared.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::AppConnectorSpec;
use crate::api::app_connector::OrphanedAccount;
use crate::connectors::registry;
use crate::controllers::app_connector::status::told_before;
use crate::controllers::first_seen::FirstSeen;
use crate::controllers::world::{ConnectorEntry, Realm};
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::ids::AccountId;
use crate::domain::mark::Marking;
use crate::domain::patterns::Patterns;
use crate::domain::small_set::SmallSet;

/// Orphans listed, at most; all are counted.
const LIST_CAP: usize = 100;

/// User names that are never orphans: those that are to be ignored, and those that no plan may change.
#[must_use]
pub fn ignored(spec: Option<&AppConnectorSpec>) -> Patterns {
    let patterns = spec
        .iter()
        .flat_map(|spec| spec.orphans.ignore.iter().chain(&spec.protected.accounts));
    let own = spec.and_then(registry::own_account);
    Patterns::new(patterns.map(String::as_str), own.as_deref())
}

/// What a status tells of orphans.
#[derive(Debug)]
pub struct Orphans {
    /// How many there are.
    pub total: i64,
    /// The first of them, by user name.
    pub listed: Vec<OrphanedAccount>,
}

/// Accounts that nobody declared, never ours or ours until their Employee was deleted, and the user names
/// of those that were not there before. Where nothing could be read yet, what was told before stands.
#[must_use]
pub fn look(
    realm: &Realm,
    entry: &ConnectorEntry,
    now: Timestamp,
) -> (Orphans, FirstSeen<AccountId>, Vec<String>) {
    let mut first_seen = entry.orphans.clone();
    if !entry.inventory.is_readable() {
        let told = told_before(entry);
        let orphans = Orphans {
            total: told.as_ref().map_or(0, |told| told.orphans),
            listed: told.map(|told| told.orphaned_accounts).unwrap_or_default(),
        };
        return (orphans, first_seen, Vec::new());
    }
    let mut found = find(realm, entry);
    let ids = found.iter().map(|(account, _)| account.id.clone());
    let new: BTreeSet<AccountId> = first_seen.see(ids, now).into_iter().collect();
    found.sort_by_key(|(account, _)| (&account.username, &account.id));
    let names = found
        .iter()
        .filter(|(account, _)| new.contains(&account.id))
        .map(|(account, _)| account.username.to_string())
        .collect();
    let listed = found.iter().take(LIST_CAP).map(|(account, kind)| {
        let since = first_seen.since(&account.id).unwrap_or(now);
        tell(account, kind, since)
    });
    let orphans = Orphans {
        total: i64::try_from(found.len()).unwrap_or(i64::MAX),
        listed: listed.collect(),
    };
    (orphans, first_seen, names)
}

fn find<'a>(realm: &Realm, entry: &'a ConnectorEntry) -> Vec<(&'a ObservedAccount, &'static str)> {
    let ignored = ignored(entry.spec.as_deref());
    let accounts = entry.inventory.accounts();
    accounts
        .filter(|account| !ignored.covers(account.username.as_str()))
        .filter_map(|account| {
            let kind = match entry.inventory.scope().read(account.mark.as_deref()) {
                Marking::None => "Undeclared",
                Marking::Ours(who) if realm.by_id.get(&who).is_none_or(SmallSet::is_empty) => {
                    "Released"
                }
                Marking::Ours(_) | Marking::Foreign => return None,
            };
            Some((account, kind))
        })
        .collect()
}

fn tell(account: &ObservedAccount, kind: &str, since: Timestamp) -> OrphanedAccount {
    OrphanedAccount {
        account_id: account.id.to_string(),
        username: account.username.to_string(),
        kind: kind.to_owned(),
        active: match account.activity {
            Activity::Active => Some(true),
            Activity::Disabled => Some(false),
            Activity::Unknown => None,
        },
        since: Time(since),
    }
}
