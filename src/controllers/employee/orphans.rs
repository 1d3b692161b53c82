//! Credentials of a person that are active and that no grant justifies.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::employee::OrphanedCredential;
use crate::controllers::world::{Person, Realm};
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::ids::ConnectorName;
use crate::plan::{AccountPlan, Goal, PersonPlan};

/// Entitlements that no grant justifies, active accounts whose access has ended, and active accounts
/// that no role is known to have given.
#[must_use]
pub fn of(
    realm: &Realm,
    person: &Person,
    plan: &PersonPlan,
    now: Timestamp,
) -> Vec<OrphanedCredential> {
    let mut found: Vec<(String, &str, String)> = Vec::new();
    for (name, account) in &plan.accounts {
        for entitlement in &account.rogue {
            found.push((name.to_string(), "Entitlement", entitlement.to_string()));
        }
        let active = open_account(realm, plan, name, account);
        if let Some(active) = active {
            found.push((name.to_string(), "Account", active.username.to_string()));
        }
    }
    let unread = plan.accounts.keys().any(|name| is_unread(realm, name));
    let known = if found.is_empty() && !unread {
        Vec::new()
    } else {
        person.status.newest().orphaned_credentials
    };
    // What was told of a target stands until it is read.
    let stands = known.iter().filter(|o| {
        let name = ConnectorName::new(&o.connector);
        plan.accounts.contains_key(&name) && is_unread(realm, &name)
    });
    let mut out: Vec<OrphanedCredential> = stands.cloned().collect();
    out.extend(found.into_iter().map(|(connector, kind, name)| {
        let since = known
            .iter()
            .find(|o| o.connector == connector && o.kind == kind && o.name == name)
            .map_or(Time(now), |o| o.since.clone());
        OrphanedCredential {
            connector,
            kind: kind.to_owned(),
            name,
            since,
        }
    }));
    out
}

fn is_unread(realm: &Realm, name: &ConnectorName) -> bool {
    let entry = realm.connectors.get(name);
    entry.is_some_and(|entry| !entry.inventory.is_readable())
}

/// The account in a connector, where it is active and nothing justifies that.
#[must_use]
pub fn open_account<'a>(
    realm: &'a Realm,
    plan: &PersonPlan,
    name: &ConnectorName,
    account: &AccountPlan,
) -> Option<&'a ObservedAccount> {
    let recorded = plan.record.accounts.get(name);
    recorded
        .filter(|r| match account.goal {
            Goal::Ended => true,
            Goal::Kept => r.roles.is_empty(),
            Goal::Live | Goal::Prepared | Goal::Paused => false,
        })
        .and_then(|r| r.id.as_ref())
        .and_then(|id| realm.connectors.get(name)?.inventory.by_id(id))
        .filter(|a| a.activity == Activity::Active)
}
