//! What the applications show, as far as statuses tell: the last inventory, put together from what it came to.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::employee::{AccountState, AccountStatus, GrantState};
use crate::api::{AppConnector, AppConnectorStatus, Employee};
use crate::connectors::Listing;
use crate::controllers::words::Words;
use crate::controllers::{app_connector, employee, role_template};
use crate::domain::account::{
    Activity, AttributeValue, Attributes, Completeness, ObservedAccount, ObservedEntitlement,
};
use crate::domain::desired::{DesiredAccount, desire};
use crate::domain::ids::{
    AccountId, AttributeName, ConnectorName, EmployeeId, EmployeeName, EntitlementId,
    EntitlementName, RoleName, Username,
};
use crate::domain::mark::Scope;
use crate::domain::offboarding::Abilities;
use crate::domain::policy::Policy;

use super::state::{State, UnfitObject};
use super::{Objects, orphan_listing, unfit};
use crate::domain::credentials::CredentialKind;

/// What the attributes of an account are worth that differ from what is known: no value of a person's.
pub(super) const UNKNOWN: &str = "(another value)";

/// The policy of these objects, compiled as the operator compiles it; and of those that do not fit its schema.
pub(super) fn policy(objects: &Objects, unfit: &[UnfitObject]) -> Policy {
    let templates = objects.roles.iter();
    let templates = templates
        .map(|(name, role)| role_template::intake::compile(&RoleName::new(name), &role.spec));
    let connectors = objects.connectors.iter();
    let connectors = connectors.map(|(name, object)| {
        let able = abilities(object);
        app_connector::intake::compile(&ConnectorName::new(name), &object.spec, able.as_ref())
    });
    let unfit = unfit::templates(unfit).map(|(_, _, broken)| broken);
    Policy::new(templates.chain(unfit), connectors)
}

/// What the application can do, as the status tells; nothing where it has not answered yet.
pub(super) fn abilities(object: &AppConnector) -> Option<Abilities> {
    let told = &object.status.as_ref()?.capabilities;
    let can = |word: &str| told.iter().any(|told| told == word);
    let revokes = CredentialKind::ALL.into_iter();
    let revokes = revokes.filter(|kind| can(&format!("Revoke{kind}")));
    (!told.is_empty()).then(|| Abilities {
        disable: can("Disable"),
        rename: can("Rename"),
        revokes: revokes.collect(),
        ownership: can("TransferOwnership"),
        delete: can("Delete"),
    })
}

/// The managed attributes of every account that is there, as the objects of the cluster want them: what it has
/// brought about.
pub(super) fn baseline(
    state: &State,
    before: &Objects,
    policy: &Policy,
) -> Vec<(EmployeeName, ConnectorName, Attributes)> {
    let mut words = Words::default();
    let mut out = Vec::new();
    for (name, object) in &before.people {
        let name = EmployeeName::new(name);
        let Ok(facts) = employee::intake::facts(&name, &object.spec, &mut words) else {
            continue;
        };
        let status = object.status.clone().unwrap_or_default();
        let record = employee::record::from_status(&status, &mut words);
        let record = record.without_disowned(&facts);
        let desired = desire(policy, &facts, &record, state.taken_at);
        for (connector, account) in &desired.accounts {
            let attributes = shown(account, before, connector);
            out.push((name.clone(), connector.clone(), attributes));
        }
    }
    out
}

/// What an account shows that is as it should be.
fn shown(desired: &DesiredAccount, before: &Objects, connector: &ConnectorName) -> Attributes {
    let set = desired.attributes.iter().filter(|(_, v)| !v.is_empty());
    let mut out: Attributes = set.map(|(n, v)| (n.clone(), v.clone())).collect();
    if let Some(desire) = &desired.manager
        && let Some(manager) = &desire.manager
        && let Some(id) = account_of(before, manager, connector)
    {
        out.insert(desire.attribute.clone(), AttributeValue::Account(id));
    }
    out
}

fn account_of(
    before: &Objects,
    name: &EmployeeName,
    connector: &ConnectorName,
) -> Option<AccountId> {
    let person = before.people.get(name.as_str())?;
    let accounts = &person.status.as_ref()?.accounts;
    let account = accounts
        .iter()
        .find(|a| a.connector == connector.as_str())?;
    account.account_id.as_ref().map(AccountId::new)
}

/// Attributes of accounts, by Employee and connector.
pub(super) type Shown = BTreeMap<(EmployeeName, ConnectorName), Attributes>;

/// The last inventory of a connector; with the accounts that are nobody's, where a status tells of them.
pub(super) fn of(
    scope: &Scope,
    name: &ConnectorName,
    before: &Objects,
    shown: &Shown,
    named: &BTreeSet<EntitlementName>,
    nobodys: Option<&AppConnectorStatus>,
) -> Listing {
    let mut accounts = Vec::new();
    let mut holders: BTreeMap<EntitlementName, Vec<AccountId>> = BTreeMap::new();
    let mut missing: BTreeSet<EntitlementName> = BTreeSet::new();
    for (employee, person) in &before.people {
        let status = person.status.iter();
        let mut of_person = status.clone().flat_map(|status| &status.accounts);
        let Some(account) = of_person.find(|a| a.connector == name.as_str()) else {
            continue;
        };
        for grant in &account.entitlements {
            if grant.reason.as_deref() == Some("EntitlementMissing") {
                missing.insert(EntitlementName::new(&grant.name));
            }
        }
        let key = (EmployeeName::new(employee), name.clone());
        let Some(seen) = observed(scope, person, account, shown.get(&key)) else {
            continue;
        };
        let granted = account.entitlements.iter();
        let granted = granted.filter(|grant| grant.state != GrantState::Pending);
        let rogue = status.flat_map(|status| &status.orphaned_credentials);
        let rogue = rogue.filter(|o| o.kind == "Entitlement" && o.connector == name.as_str());
        let held = granted.map(|g| &g.name).chain(rogue.map(|o| &o.name));
        for held in held {
            let of = holders.entry(EntitlementName::new(held)).or_default();
            of.push(seen.id.clone());
        }
        accounts.push(seen);
    }
    let seen: BTreeSet<AccountId> = accounts.iter().map(|one| one.id.clone()).collect();
    let nobodys = nobodys.into_iter();
    let nobodys = nobodys.flat_map(|status| orphan_listing::accounts(scope, status));
    let nobodys: BTreeMap<AccountId, ObservedAccount> = nobodys
        .filter(|one| !seen.contains(&one.id))
        .map(|one| (one.id.clone(), one))
        .collect();
    for (entitlement, account) in orphan_listing::holdings(before, name) {
        if nobodys.contains_key(&account) {
            holders.entry(entitlement).or_default().push(account);
        }
    }
    accounts.extend(nobodys.into_values());
    let object = before.connectors.get(name.as_str());
    let status = object.and_then(|object| object.status.as_ref());
    let told = status.into_iter().flat_map(|status| &status.entitlements);
    let ids: BTreeMap<EntitlementName, EntitlementId> = told
        .map(|told| {
            (
                EntitlementName::new(&told.name),
                EntitlementId::new(&told.id),
            )
        })
        .collect();
    let all: BTreeSet<&EntitlementName> = ids.keys().chain(holders.keys()).chain(named).collect();
    let entitlements = all.into_iter().filter(|name| !missing.contains(*name));
    let entitlements = entitlements.map(|name| ObservedEntitlement {
        id: ids
            .get(name)
            .cloned()
            .unwrap_or_else(|| EntitlementId::new(name.as_str())),
        name: name.clone(),
        holders: holders.get(name).cloned().unwrap_or_default(),
        completeness: Completeness::Complete,
    });
    let inventory = status.and_then(|status| status.inventory.as_ref());
    let completeness = match inventory.map(|inventory| inventory.completeness.as_str()) {
        Some("Partial") => Completeness::Partial("as the last listing was".to_owned()),
        // One that was never listed is taken to be empty, and that is told.
        _ => Completeness::Complete,
    };
    Listing {
        accounts,
        accounts_completeness: completeness,
        entitlements: entitlements.collect(),
        entitlements_completeness: Completeness::Complete,
        oddities: Vec::new(),
        requests: 0,
    }
}

fn observed(
    scope: &Scope,
    person: &Employee,
    account: &AccountStatus,
    attributes: Option<&Attributes>,
) -> Option<ObservedAccount> {
    let id = AccountId::new(account.account_id.as_ref()?);
    let is_shut = account.last_verified.is_some() && account.state != AccountState::Active;
    let activity = match account.state {
        AccountState::Deleted => return None,
        AccountState::Disabled | AccountState::Prepared => Activity::Disabled,
        _ if is_shut => Activity::Disabled,
        _ => Activity::Active,
    };
    let employee = EmployeeId::new(&person.spec.employee_id);
    Some(ObservedAccount {
        username: account
            .username
            .as_ref()
            .map_or_else(|| Username::new(id.as_str()), Username::new),
        id,
        mark: Some(scope.mark(&employee).as_str().to_owned()),
        activity,
        attributes: attributes.cloned().unwrap_or_default(),
        unfinished: false,
    })
}

/// The attributes of accounts whose Employee is among the manifests, where the state tells nothing but whether a value
/// is the same.
pub(super) fn compared(
    state: &State,
    employee: &EmployeeName,
    connector: &ConnectorName,
    wanted: &DesiredAccount,
    manager: Option<AccountId>,
) -> Attributes {
    let manager = wanted.manager.as_ref().and_then(|desire| {
        let id = manager?;
        Some((desire.attribute.clone(), AttributeValue::Account(id)))
    });
    let wanted = wanted.attributes.iter();
    let wanted = wanted.map(|(name, value)| (name.clone(), value.clone()));
    let shown = wanted.chain(manager).filter_map(|(name, value)| {
        let (who, at) = (employee.as_str(), connector.as_str());
        let same = state.had(who, at, name.as_str(), &value)?;
        let value = if same {
            value
        } else {
            AttributeValue::Text(UNKNOWN.to_owned())
        };
        Some((name, value))
    });
    shown
        .collect::<Vec<(AttributeName, AttributeValue)>>()
        .into_iter()
        .collect()
}
