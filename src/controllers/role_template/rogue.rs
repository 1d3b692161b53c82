//! Who holds what a role template gives without policy giving it to them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::RoleTemplateStatus;
use crate::api::role_template::RogueHolder;
use crate::controllers::app_connector::orphans;
use crate::controllers::first_seen::FirstSeen;
use crate::controllers::world::{ConnectorEntry, Realm, RogueKey, TemplateEntry};
use crate::domain::ids::{AccountId, ConnectorName, EntitlementName};
use crate::domain::mark::Marking;
use crate::domain::patterns::Patterns;

/// Rogue holders listed, at most; all are counted.
const LIST_CAP: usize = 100;

/// What a status tells of rogue holders.
#[derive(Debug)]
pub struct RogueHolders {
    /// How many there are.
    pub total: i64,
    /// The first of them, by connector and entitlement.
    pub listed: Vec<RogueHolder>,
}

/// Holders of the template's entitlements whom no policy gives them, and in words those of them that did
/// not hold them before. Where nothing could be read yet, what was told before stands.
#[must_use]
pub fn look(
    realm: &Realm,
    entry: &TemplateEntry,
    now: Timestamp,
) -> (RogueHolders, FirstSeen<RogueKey>, Vec<String>) {
    let mut first_seen = entry.rogue.clone();
    let found = find(realm, entry, now);
    let new: BTreeSet<RogueKey> = if is_seen(realm, entry) {
        let keys = found.iter().map(|(key, _)| key.clone());
        first_seen.see(keys, now).into_iter().collect()
    } else {
        BTreeSet::new()
    };
    let told = |(key, who): &(RogueKey, Holder)| RogueHolder {
        connector: key.0.to_string(),
        entitlement: key.1.to_string(),
        account_id: key.2.to_string(),
        username: who.username.clone(),
        employee: who.employee.clone(),
        since: Time(first_seen.since(key).unwrap_or(now)),
    };
    let names = found.iter().filter(|(key, _)| new.contains(key));
    let names = names.map(|one| told(one).told()).collect();
    let holders = RogueHolders {
        total: i64::try_from(found.len()).unwrap_or(i64::MAX),
        listed: found.iter().take(LIST_CAP).map(told).collect(),
    };
    (holders, first_seen, names)
}

/// What a status says of them.
#[must_use]
pub fn told_by(status: &RoleTemplateStatus) -> FirstSeen<RogueKey> {
    let listed = status.orphaned_credentials.iter().map(|one| {
        let key = (
            ConnectorName::new(&one.connector),
            EntitlementName::new(&one.entitlement),
            AccountId::new(&one.account_id),
        );
        (key, one.since.0)
    });
    FirstSeen::listed(listed, status.orphans)
}

/// Whether every target that the template gives something in could be read.
fn is_seen(realm: &Realm, entry: &TemplateEntry) -> bool {
    let connectors = entry
        .compiled
        .iter()
        .flat_map(|template| template.spec.grants.keys())
        .filter_map(|name| realm.connectors.get(name));
    connectors
        .into_iter()
        .all(|connector| connector.inventory.is_readable())
}

/// Who holds something, as far as it is known.
struct Holder {
    username: Option<String>,
    employee: Option<String>,
}

/// People of ours, and accounts that nobody declared. Accounts of other installations, and ignored ones,
/// are neither.
fn find(realm: &Realm, entry: &TemplateEntry, now: Timestamp) -> Vec<(RogueKey, Holder)> {
    let Some(template) = entry.compiled.as_ref() else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (name, entitlements) in &template.spec.grants {
        let Some(connector) = realm.connectors.get(name) else {
            continue;
        };
        if !connector.inventory.is_readable() {
            out.extend(told_before(entry, name, entitlements));
            continue;
        }
        let ignored = orphans::ignored(connector, now);
        for entitlement in entitlements {
            for id in connector.inventory.holders(entitlement) {
                if let Some(holder) = rogue(realm, name, connector, entitlement, id, &ignored) {
                    out.push(((name.clone(), entitlement.clone(), id.clone()), holder));
                }
            }
        }
    }
    out
}

/// The holder, where no policy gives it what it holds.
fn rogue(
    realm: &Realm,
    name: &ConnectorName,
    connector: &ConnectorEntry,
    entitlement: &EntitlementName,
    id: &AccountId,
    ignored: &Patterns,
) -> Option<Holder> {
    let account = connector.inventory.by_id(id);
    let employee = match account.map(|a| connector.inventory.scope().read(a.mark.as_deref())) {
        Some(Marking::Foreign) => return None,
        Some(Marking::Ours(who)) => realm.person_by_id(&who).zip(realm.owner(&who)),
        Some(Marking::None) | None => None,
    };
    let username = account.map(|a| a.username.to_string());
    let is_rogue = match employee {
        Some((person, _)) => person
            .outlook
            .unusual()
            .rogue
            .get(name)
            .is_some_and(|names| names.contains(entitlement)),
        None => !username.as_deref().is_some_and(|u| ignored.covers(u)),
    };
    is_rogue.then(|| Holder {
        username,
        employee: employee.map(|(_, object)| object.to_string()),
    })
}

/// What the newest status says of a connector.
fn told_before(
    entry: &TemplateEntry,
    connector: &ConnectorName,
    entitlements: &BTreeSet<EntitlementName>,
) -> Vec<(RogueKey, Holder)> {
    let listed = entry.status.newest().orphaned_credentials.into_iter();
    listed
        .filter(|one| one.connector == connector.as_str())
        .filter(|one| entitlements.contains(one.entitlement.as_str()))
        .map(|one| {
            let key = (
                connector.clone(),
                EntitlementName::new(one.entitlement),
                AccountId::new(one.account_id),
            );
            let holder = Holder {
                username: one.username,
                employee: one.employee,
            };
            (key, holder)
        })
        .collect()
}
