//! One look at one person: desire, gather, plan. The operator and `rollcall plan` take the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{cleanup, gather};
use crate::controllers::names::AllNames;
use crate::controllers::pause;
use crate::controllers::world::{Person, Realm};
use crate::domain::desired::{Desired, desire};
use crate::domain::facts::Facts;
use crate::domain::ids::{ConnectorName, EmployeeName};
use crate::domain::problem::Problem;
use crate::domain::record::Record;
use crate::plan::{Inputs, Observation, PersonPlan, plan};

/// What came of a look.
#[derive(Debug)]
pub struct Look {
    /// What the person should have.
    pub desired: Desired,
    /// What each target shows.
    pub observations: BTreeMap<ConnectorName, Observation>,
    /// What is to be done about it.
    pub plan: PersonPlan,
    /// Connectors through which nothing is written for this person now.
    pub held: BTreeSet<ConnectorName>,
    /// Whether something is different for the look after this one although nothing is done: a role that waits
    /// until nothing is left of another is given by the look after the one that finds it so.
    pub again: bool,
}

/// The facts, if this object may act on them: they are sound, and no other object owns the same
/// `employeeId`.
///
/// # Errors
/// Why it may not.
pub fn usable(realm: &Realm, person: &Person, name: &EmployeeName) -> Result<Arc<Facts>, Problem> {
    let facts = person.facts.clone()?;
    match realm.owner(&facts.employee_id) {
        Some(owner) if owner != name => Err(Problem::edit(
            "DuplicateEmployeeId",
            format!(
                "spec.employeeId {} belongs to the Employee {owner}: delete one of the two objects; until then this one touches nothing",
                facts.employee_id
            ),
        )),
        _ => Ok(facts),
    }
}

/// Looks at a person whose facts are sound, and whose object owns its `employeeId`.
///
/// A working person who has no user name in a target is given one, and keeps it.
#[must_use]
pub fn at(
    realm: &Realm,
    names: &mut AllNames,
    person: &Person,
    facts: &Facts,
    now: Timestamp,
) -> Look {
    let record = person.record.without_disowned(facts);
    let desired = desire(&realm.policy, facts, &record, now);
    let observations = gather::observations(realm, names, person, &record, &desired, now);
    let held = pause::held(realm, person);
    let plan = planned(realm, person, &desired, &record, &observations, &held, now);
    let again = !desired.roles.waiting.is_empty() && plan.record != *record;
    Look {
        desired,
        observations,
        plan,
        held,
        again,
    }
}

/// Looks at a person whose object is being deleted. Tells as well whether nothing is left to do before the object
/// may go.
#[must_use]
pub fn at_deleted(
    realm: &Realm,
    names: &mut AllNames,
    person: &Person,
    now: Timestamp,
) -> (Look, bool) {
    let desired = cleanup::desired();
    let mut record = person.record.clone();
    cleanup::release(&realm.connectors, &mut record);
    let mut observations =
        gather::observations(realm, names, person, &person.record, &desired, now);
    cleanup::look_away(&realm.connectors, &mut observations);
    let held = pause::held(realm, person);
    let mut plan = planned(realm, person, &desired, &record, &observations, &held, now);
    plan.record.roles.clone_from(&person.record.roles);
    let done = cleanup::is_done(&realm.connectors, &person.record, &plan);
    let look = Look {
        desired,
        observations,
        plan,
        held,
        again: false,
    };
    (look, done)
}

fn planned(
    realm: &Realm,
    person: &Person,
    desired: &Desired,
    record: &Record,
    observations: &BTreeMap<ConnectorName, Observation>,
    held: &BTreeSet<ConnectorName>,
    now: Timestamp,
) -> PersonPlan {
    plan(&Inputs {
        employee: &person.employee_id,
        scope: &realm.scope,
        policy: &realm.policy,
        desired,
        record,
        observations,
        held,
        asked_for: person.request.unread(),
        now,
    })
}
