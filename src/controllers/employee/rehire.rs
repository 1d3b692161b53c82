//! Tells of a person who is likely somebody who left, and has another `employeeId` now. Nothing is merged.

use crate::api::conditions::{self, Wanted};
use crate::controllers::text;
use crate::controllers::world::{Person, Realm};
use crate::domain::desired::Desired;
use crate::domain::facts::Facts;
use crate::domain::ids::{ConnectorName, EmployeeId};
use crate::domain::mark::Marking;
use crate::domain::rehire::{Likeness, likeness};
use crate::domain::usernames;

/// The condition, where there is somebody.
#[must_use]
pub fn condition(realm: &Realm, person: &Person, desired: &Desired) -> Option<Wanted> {
    let facts = person.facts.as_deref().ok()?;
    if desired.deleting || desired.lifecycle.stage.ends_access() {
        return None;
    }
    by_person(realm, facts).or_else(|| by_account(realm, facts, desired))
}

/// Somebody of whom there is an Employee still.
fn by_person(realm: &Realm, facts: &Facts) -> Option<Wanted> {
    let alike = realm.namesakes.of(facts);
    let former = alike.iter().filter_map(|name| {
        let former = realm.people.get(name)?.facts.as_deref().ok()?;
        Some((likeness(facts, former)?, former.end?, former))
    });
    // The strongest likeness, and of those the latest.
    let (likeness, left, former) =
        former.min_by_key(|(likeness, left, _)| (*likeness, std::cmp::Reverse(*left)))?;
    let (reason, what) = match likeness {
        Likeness::PersonalEmail => ("SamePersonalEmail", "the same private e-mail address"),
        Likeness::Name => ("SameName", "the same name"),
    };
    let id = &former.employee_id;
    Some(told(
        reason,
        &format!(
            "{id} (Employee {}), who left on {left}, has {what}. Nothing is merged. If it is the same person, give that Employee the new startDate, take out its endDate, and delete this one, so that accounts and history go on; if not, list {id} in spec.notFormerly",
            former.object
        ),
    ))
}

/// Somebody of whom only an account is left, with the user name that this person would be the first to get.
fn by_account(realm: &Realm, facts: &Facts, desired: &Desired) -> Option<Wanted> {
    let mut found = desired.accounts.iter().filter_map(|(name, account)| {
        let entry = realm.connectors.get(name)?;
        let rules = &entry.compiled.as_ref()?.spec.rules;
        let username = usernames::normalise(account.usernames.first()?, rules)?;
        let account = entry.inventory.by_username(&username)?;
        let Marking::Ours(id) = entry.inventory.scope().read(account.mark.as_deref()) else {
            return None;
        };
        let gone = id != facts.employee_id && !realm.by_id.contains_key(&id);
        (gone && !facts.not_formerly.contains(&id)).then_some((name, username, id))
    });
    let (connector, username, id): (&ConnectorName, _, EmployeeId) = found.next()?;
    Some(told(
        "SameUsername",
        &format!(
            "the account {username} in {connector} is that of {id}, of whom there is no Employee any more, and it is called as this person would be. Nothing is merged. If it is the same person, apply an Employee with employeeId {id} instead of this one, so that the account goes on; if not, list {id} in spec.notFormerly"
        ),
    ))
}

fn told(reason: &'static str, message: &str) -> Wanted {
    Wanted::new(
        conditions::LIKELY_REHIRE,
        true,
        reason,
        text::bounded(message),
    )
}
