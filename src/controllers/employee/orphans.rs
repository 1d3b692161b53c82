//! Credentials of a person that are active and that no grant justifies.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::employee::OrphanedCredential;
use crate::controllers::world::{Person, Realm};
use crate::domain::account::Activity;
use crate::plan::{Goal, PersonPlan};

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
        let recorded = plan.record.accounts.get(name);
        let active = recorded
            .filter(|r| match account.goal {
                Goal::Ended => true,
                Goal::Kept => r.roles.is_empty(),
                Goal::Live | Goal::Paused => false,
            })
            .and_then(|r| r.id.as_ref())
            .and_then(|id| realm.connectors.get(name)?.inventory.by_id(id))
            .filter(|a| a.activity == Activity::Active);
        if let Some(active) = active {
            found.push((name.to_string(), "Account", active.username.to_string()));
        }
    }
    let known = if found.is_empty() {
        Vec::new()
    } else {
        person.status.newest().orphaned_credentials
    };
    found
        .into_iter()
        .map(|(connector, kind, name)| {
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
        })
        .collect()
}
