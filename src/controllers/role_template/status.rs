//! The status of a RoleTemplate: who holds it, how far they are, and who holds what it gives without
//! policy giving it to them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::conditions::{self, Wanted};
use crate::api::role_template::{RogueHolder, RoleTemplateStatus};
use crate::controllers::app_connector::status::Ignored;
use crate::controllers::text;
use crate::controllers::world::{Provisioning, Realm, TemplateEntry};
use crate::domain::ids::RoleName;
use crate::domain::mark::Marking;
use crate::domain::problem::{Cure, Problem};

/// Rogue holders listed, at most; all are counted.
const LIST_CAP: usize = 100;

/// The status of a template as things stand.
#[must_use]
pub fn derive(
    realm: &Realm,
    name: &RoleName,
    entry: &TemplateEntry,
    now: Timestamp,
) -> RoleTemplateStatus {
    let (mut holders, mut provisioned, mut failures) = (0, 0, 0);
    for person in realm.people.values() {
        match person.outlook.roles.get(name) {
            None => {}
            Some(state) => {
                holders += 1;
                provisioned += i64::from(*state == Provisioning::Done);
                failures += i64::from(*state == Provisioning::Failed);
            }
        }
    }
    let rogue = rogue_holders(realm, entry, now);
    let problems: Vec<Problem> = match &entry.unreadable {
        Some(problem) => vec![problem.clone()],
        None => realm.policy.template_problems(name),
    };
    let mut wanted = readiness(&problems, holders);
    if !rogue.is_empty() {
        wanted.push(Wanted::new(
            conditions::ORPHANED_CREDENTIALS,
            true,
            "HoldersWithoutGrant",
            text::bounded(&format!(
                "held without a grant: {}",
                text::listed(rogue.iter().map(RogueHolder::told))
            )),
        ));
    }
    RoleTemplateStatus {
        observed_generation: entry.meta.generation,
        conditions: conditions::merge(
            &entry.status.newest().conditions,
            wanted,
            entry.meta.generation,
            now,
        ),
        holders,
        provisioned,
        failures,
        orphans: i64::try_from(rogue.len()).unwrap_or(i64::MAX),
        orphaned_credentials: rogue.into_iter().take(LIST_CAP).collect(),
        last_handled_reconcile_at: entry.request.handled(),
    }
}

fn readiness(problems: &[Problem], holders: i64) -> Vec<Wanted> {
    let first = problems
        .iter()
        .find(|p| p.cure == Cure::EditThis)
        .or(problems.first());
    let Some(problem) = first else {
        let message = match holders {
            1 => "in force; 1 employee holds it".to_owned(),
            n => format!("in force; {n} employees hold it"),
        };
        return vec![Wanted::new(conditions::READY, true, "InForce", message)];
    };
    let message = text::bounded(&text::listed(problems.iter().map(|p| p.message.clone())));
    let beside = match problem.cure {
        Cure::EditThis => conditions::STALLED,
        Cure::Elsewhere => conditions::RECONCILING,
    };
    vec![
        Wanted::new(conditions::READY, false, problem.reason, message.clone()),
        Wanted::new(beside, true, problem.reason, message),
    ]
}

/// Holders of the template's entitlements whom no policy gives them: people of ours, and accounts that
/// nobody declared. Accounts of other installations, and ignored ones, are neither.
fn rogue_holders(realm: &Realm, entry: &TemplateEntry, now: Timestamp) -> Vec<RogueHolder> {
    let Some(template) = entry.compiled.as_ref() else {
        return Vec::new();
    };
    let known = entry.status.newest().orphaned_credentials;
    let mut out = Vec::new();
    for (connector_name, entitlements) in &template.spec.grants {
        let Some(connector) = realm.connectors.get(connector_name) else {
            continue;
        };
        let ignored = Ignored::of(connector.spec.as_deref());
        for entitlement in entitlements {
            let holders: BTreeSet<_> = connector
                .inventory
                .entitlements(entitlement)
                .iter()
                .flat_map(|e| &e.holders)
                .collect();
            for id in holders {
                let account = connector.inventory.by_id(id);
                let employee = match account.map(|a| realm.scope.read(a.mark.as_deref())) {
                    Some(Marking::Foreign) => continue,
                    Some(Marking::Ours(who)) => realm.person_by_id(&who).zip(realm.owner(&who)),
                    Some(Marking::None) | None => None,
                };
                let username = account.map(|a| a.username.to_string());
                match employee {
                    Some((person, _))
                        if !person
                            .outlook
                            .rogue
                            .get(connector_name)
                            .is_some_and(|names| names.contains(entitlement)) =>
                    {
                        continue;
                    }
                    None if username.as_deref().is_some_and(|u| ignored.covers(u)) => continue,
                    _ => {}
                }
                let since = known
                    .iter()
                    .find(|o| {
                        o.connector == connector_name.as_str()
                            && o.entitlement == entitlement.as_str()
                            && o.account_id == id.as_str()
                    })
                    .map_or(Time(now), |o| o.since.clone());
                out.push(RogueHolder {
                    connector: connector_name.to_string(),
                    entitlement: entitlement.to_string(),
                    account_id: id.to_string(),
                    username,
                    employee: employee.map(|(_, object)| object.to_string()),
                    since,
                });
            }
        }
    }
    out
}
