//! The status of a person whose facts can't be used: accounts stay as they are, and nothing that is
//! remembered of them is lost.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::conditions::{self, Wanted};
use crate::api::employee::{
    AccountState, AccountStatus, EmployeeStatus, GrantState, GrantStatus, HeldRole, MAX_GRANTS,
    MAX_LISTED,
};
use crate::controllers::text;
use crate::controllers::world::Person;
use crate::domain::ids::{ConnectorName, EntitlementName, RoleName};
use crate::domain::problem::Problem;
use crate::domain::record::{RecordedAccount, RecordedGrant};
use crate::domain::roles::Why;

/// What the newest status said, with the links and grants that are remembered by now.
#[must_use]
pub fn derive(person: &Person, problem: &Problem, now: Timestamp) -> EmployeeStatus {
    let newest = person.status.newest();
    let message = text::bounded(&problem.message);
    let wanted = vec![
        Wanted::new(conditions::READY, false, problem.reason, message.clone()),
        Wanted::new(conditions::STALLED, true, problem.reason, message),
    ];
    let record = &person.record;
    EmployeeStatus {
        observed_generation: person.meta.generation,
        conditions: conditions::merge(&newest.conditions, wanted, person.meta.generation, now),
        roles: record
            .roles
            .iter()
            .take(MAX_LISTED)
            .map(|(name, why)| role(name, why, &newest.roles))
            .collect(),
        accounts: record
            .accounts
            .iter()
            .take(MAX_LISTED)
            .map(|(name, recorded)| account(name, recorded, &newest.accounts))
            .collect(),
        last_handled_reconcile_at: person.request.handled(),
        ..newest
    }
}

fn role(name: &RoleName, why: &Why, told: &[HeldRole]) -> HeldRole {
    let told = told.iter().find(|role| role.name == name.as_str());
    HeldRole {
        why: why.to_string(),
        ..told.cloned().unwrap_or_else(|| HeldRole {
            name: name.to_string(),
            ..HeldRole::default()
        })
    }
}

fn account(
    name: &ConnectorName,
    recorded: &RecordedAccount,
    told: &[AccountStatus],
) -> AccountStatus {
    let told = told.iter().find(|a| a.connector == name.as_str());
    let told = told.cloned().unwrap_or_else(|| AccountStatus {
        state: AccountState::Kept,
        ..AccountStatus::default()
    });
    AccountStatus {
        connector: name.to_string(),
        account_id: recorded.id.as_ref().map(ToString::to_string),
        username: recorded.username.as_ref().map(ToString::to_string),
        former_usernames: recorded.former.iter().map(ToString::to_string).collect(),
        roles: recorded.roles.iter().map(ToString::to_string).collect(),
        lost_at: recorded.lost_at.map(Time),
        entitlements: recorded
            .grants
            .iter()
            .take(MAX_GRANTS)
            .map(|(name, recorded)| grant(name, recorded, &told.entitlements))
            .collect(),
        last_verified: recorded.verified_disabled.map(Time),
        ..told
    }
}

fn grant(name: &EntitlementName, recorded: &RecordedGrant, told: &[GrantStatus]) -> GrantStatus {
    let told = told.iter().find(|grant| grant.name == name.as_str());
    let state = match recorded.since {
        Some(_) => GrantState::Held,
        None => GrantState::Pending,
    };
    GrantStatus {
        name: name.to_string(),
        state: told.map_or(state, |grant| grant.state),
        roles: recorded.roles.iter().map(ToString::to_string).collect(),
        since: recorded.since.map(Time),
        approved_by: recorded.approved_by.as_deref().map(str::to_owned),
        lost_at: recorded.lost_at.map(Time),
        kept_until: told.and_then(|grant| grant.kept_until.clone()),
        reason: told.and_then(|grant| grant.reason.clone()),
    }
}
