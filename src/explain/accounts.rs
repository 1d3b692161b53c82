//! Why there is an account, or none, and the same of what it holds.

use std::collections::{BTreeMap, BTreeSet};

use super::{AccountTold, EntitlementTold};
use crate::api::EmployeeStatus;
use crate::api::employee::{AccountStatus, GrantStatus};
use crate::domain::desired::{Desired, DesiredAccount};
use crate::domain::ids::{ConnectorName, RoleName};
use crate::domain::limits::LIMIT_REACHED;
use crate::domain::policy::Policy;

/// Every connector that there is, and every one of which something is known of the person.
pub(super) fn told(
    policy: &Policy,
    desired: &Desired,
    status: &EmployeeStatus,
) -> Vec<AccountTold> {
    let there = policy.connectors().map(|c| c.spec.name.to_string());
    let wanted = desired.accounts.keys().map(ToString::to_string);
    let known = status.accounts.iter().map(|a| a.connector.clone());
    let names: BTreeSet<String> = there.chain(wanted).chain(known).collect();
    let told = names.into_iter().map(|name| {
        let account = status.accounts.iter().find(|a| a.connector == name);
        let connector = ConnectorName::new(&name);
        AccountTold {
            username: account.and_then(|a| a.username.clone()),
            state: account.map(|a| word(&a.state)),
            why: why(policy, &connector, desired, account),
            entitlements: entitlements(policy, &connector, desired, account, status),
            connector: name,
        }
    });
    told.collect()
}

fn why(
    policy: &Policy,
    connector: &ConnectorName,
    desired: &Desired,
    account: Option<&AccountStatus>,
) -> String {
    let wanted = desired.accounts.get(connector);
    let stage = desired.lifecycle.stage;
    let is_due = wanted.is_some_and(|wanted| wanted.is_due(stage));
    let given = wanted.map(|wanted| given_by(&wanted.roles));
    let message = account.and_then(|a| a.message.as_deref());
    match (given, message) {
        (Some(given), Some(message)) => format!("{given}; {message}"),
        (Some(given), None) if account.is_none() && !is_due => {
            format!("{given} to those who work; the person is {}", stage.word())
        }
        (Some(given), None) if account.is_none() => {
            format!("{given}; the operator has not told of it yet")
        }
        (Some(given), None) => given,
        (None, Some(message)) => format!("no role that is held gives it; {message}"),
        (None, None) if account.is_some() => "no role that is held gives it".to_owned(),
        (None, None) => {
            let givers = givers(policy, connector);
            let givers = listed(givers.iter());
            format!("no role that is held gives an account there; these would: {givers}")
        }
    }
}

fn entitlements(
    policy: &Policy,
    connector: &ConnectorName,
    desired: &Desired,
    account: Option<&AccountStatus>,
    status: &EmployeeStatus,
) -> Vec<EntitlementTold> {
    let wanted = desired.accounts.get(connector);
    let mut told: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (name, roles) in others(policy, connector, wanted) {
        let held = roles
            .iter()
            .find(|role| desired.roles.held.contains_key(*role));
        let why = match held {
            Some(role) => format!("{role} gives it, and there are more than can be given"),
            None => format!(
                "no role that is held gives it; these would: {}",
                listed(roles.iter())
            ),
        };
        told.insert(name, ("Lacking".to_owned(), why));
    }
    for (name, barred) in wanted.into_iter().flat_map(|wanted| &wanted.barred) {
        let why = barred.problem.message.clone();
        told.insert(name.to_string(), ("Lacking".to_owned(), why));
    }
    for (name, roles) in wanted.into_iter().flat_map(|wanted| &wanted.later) {
        let why = format!(
            "{} when its time comes, on the first day at the latest",
            given_by(roles)
        );
        told.insert(name.to_string(), ("NotDue".to_owned(), why));
    }
    let is_due = wanted.is_some_and(|wanted| wanted.is_due(desired.lifecycle.stage));
    for (name, roles) in wanted.into_iter().flat_map(|wanted| &wanted.entitlements) {
        let (state, why) = if is_due {
            (
                "Pending",
                format!("{}; it is not there yet", given_by(roles)),
            )
        } else {
            let stage = desired.lifecycle.stage.word();
            (
                "NotDue",
                format!(
                    "{} to those who work; the person is {stage}",
                    given_by(roles)
                ),
            )
        };
        told.insert(name.to_string(), (state.to_owned(), why));
    }
    for grant in account
        .into_iter()
        .flat_map(|account| &account.entitlements)
    {
        let barred = wanted.and_then(|wanted| wanted.barred.get(grant.name.as_str()));
        let why = match barred {
            Some(barred) => format!("{}; {}", of_grant(grant), barred.problem.message),
            None => of_grant(grant),
        };
        told.insert(grant.name.clone(), (word(&grant.state), why));
    }
    let rogue = status.orphaned_credentials.iter().filter(|credential| {
        credential.connector == connector.as_str() && credential.kind == "Entitlement"
    });
    for credential in rogue {
        let why = format!(
            "the application shows it, and no role gave it; seen since {}",
            credential.since.0
        );
        told.insert(credential.name.clone(), ("Rogue".to_owned(), why));
    }
    let told = told.into_iter();
    told.map(|(name, (state, why))| EntitlementTold { name, state, why })
        .collect()
}

fn of_grant(grant: &GrantStatus) -> String {
    let given = if grant.roles.is_empty() {
        "no role gives it".to_owned()
    } else {
        format!("given by {}", listed(grant.roles.iter()))
    };
    let since = grant.since.as_ref().map(|at| format!("since {}", at.0));
    let approved = grant.approved_by.as_ref();
    let approved = approved.map(|who| format!("approved by {who}"));
    let kept = grant.kept_until.as_ref();
    let kept = kept.map(|until| format!("kept until {}", until.0));
    let reason = grant.reason.as_deref().map(|reason| match reason {
        LIMIT_REACHED => format!("{reason}: as many hold it as may"),
        reason => reason.to_owned(),
    });
    let parts = [Some(given), since, approved, kept, reason];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What roles that the person does not hold would give there.
fn others(
    policy: &Policy,
    connector: &ConnectorName,
    wanted: Option<&DesiredAccount>,
) -> BTreeMap<String, BTreeSet<RoleName>> {
    let mut out: BTreeMap<String, BTreeSet<RoleName>> = BTreeMap::new();
    for template in policy.templates() {
        for name in template.spec.grants.get(connector).into_iter().flatten() {
            let told = |wanted: &DesiredAccount| {
                wanted.entitlements.contains_key(name) || wanted.later.contains_key(name)
            };
            if !wanted.is_some_and(told) {
                let roles = out.entry(name.to_string()).or_default();
                roles.insert(template.spec.name.clone());
            }
        }
    }
    out
}

fn givers(policy: &Policy, connector: &ConnectorName) -> BTreeSet<RoleName> {
    let gives = policy
        .templates()
        .filter(|template| template.spec.grants.contains_key(connector));
    gives.map(|template| template.spec.name.clone()).collect()
}

fn given_by(roles: &BTreeSet<RoleName>) -> String {
    format!("given by {}", listed(roles.iter()))
}

fn listed(names: impl Iterator<Item = impl ToString>) -> String {
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// A state as a status has it.
fn word(state: &impl serde::Serialize) -> String {
    let word = serde_json::to_value(state).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}
