//! Accounts that nobody looks after from then on: of Employees who are deleted, and of connectors that are.

use super::company::Company;
use super::objects::Objects;
use super::told::{Change, When};
use crate::api::employee::{AccountState, AccountStatus};
use crate::domain::ids::EmployeeName;

/// What stays as it is, and is nobody's. `changes` are told of the person otherwise: what is disabled or deleted is not
/// among it.
pub(super) fn of(
    before: &Objects,
    after: &Objects,
    company: &Company,
    name: &EmployeeName,
    changes: &[Change],
) -> Vec<Change> {
    let known = before.people.get(name.as_str());
    let status = known.and_then(|object| object.status.as_ref());
    let accounts = status.into_iter().flat_map(|status| &status.accounts);
    let deleted = company.deleted.contains(name) && !is_taken_over(company, name);
    let ends = |account: &AccountStatus| {
        let mut here = changes.iter().filter(|c| c.connector == account.connector);
        here.any(|c| matches!(c.verb.as_str(), "Disable" | "Delete"))
    };
    let released = accounts.filter(|account| account.account_id.is_some() && !ends(account));
    released
        .filter_map(|account| {
            let connector = &account.connector;
            let there = |objects: &Objects| objects.connectors.contains_key(connector);
            let why = match (there(before), there(after)) {
                (true, false) => "the AppConnector is deleted",
                (true, true) if deleted => "the Employee is deleted",
                _ => return None,
            };
            Some(release(account, why))
        })
        .collect()
}

/// Whether another object speaks for the same `employeeId` from then on, as where an Employee is renamed.
fn is_taken_over(company: &Company, name: &EmployeeName) -> bool {
    let id = company.person(name).map(|person| &person.employee_id);
    let all = id.and_then(|id| company.realm.by_id.get(id));
    let mut others = all.into_iter().flatten();
    others.any(|other| other != name && !company.deleted.contains(other))
}

fn release(account: &AccountStatus, why: &str) -> Change {
    let username = account.username.clone().unwrap_or_default();
    let state = match account.state {
        AccountState::Active => ", active",
        AccountState::Disabled | AccountState::Prepared => ", disabled",
        _ => "",
    };
    Change {
        connector: account.connector.clone(),
        verb: "Release".to_owned(),
        said: format!("leave the account {username} as it is{state}, to nobody"),
        username: account.username.clone(),
        names: Vec::new(),
        why: why.to_owned(),
        when: When::Now,
        already: false,
    }
}
