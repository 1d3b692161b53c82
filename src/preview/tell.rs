//! From how everything ends to what is told.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::company::Company;
use super::objects::Objects;
use super::orphans::Fates;
use super::released;
use super::run::{Ending, Endings};
use super::state::State;
use super::tell_orphans;
use super::told::{
    Change, Connector, Held, ObjectProblem, Person, PersonProblem, Preview, Totals, Verdict, When,
};
use crate::api::conditions::STALLED;
use crate::api::employee::{AccountState, EmployeeStatus};
use crate::controllers::app_connector::held::{HELD, how_many_may};
use crate::controllers::employee::{outlook, status};
use crate::controllers::text;
use crate::domain::account::AttributeChanges;
use crate::domain::ids::{ConnectorName, EmployeeName, RoleName, Username};
use crate::domain::problem::{Cure, Problem};
use crate::plan::Operation;
use crate::plan::guard::{Cause, Excess, Loss};

/// Reasons that say no more than what is told by what would be done.
const WORDS_OF_WORK: [&str; 5] = [
    "InProgress",
    "WaitingForAdditions",
    "GracePeriod",
    "DryRun",
    HELD,
];

/// Tells everything. What it comes to is weighed then.
pub(super) fn tell(
    state: &State,
    before: &Objects,
    after: &Objects,
    company: &Company,
    (endings, fates): (Endings, Fates),
    now: Timestamp,
) -> Preview {
    let mut people = Vec::new();
    for (name, ending) in endings {
        let mut told = person(before, company, &name, &ending, now);
        let released = released::of(before, after, company, &name, &told.changes);
        told.changes.extend(released);
        if !told.changes.is_empty() || !told.problems.is_empty() {
            people.push(told);
        }
    }
    let orphans = tell_orphans::orphans(before, after, &fates, now);
    let mut connectors = held_connectors(before, company);
    connectors.extend(tell_orphans::held(&orphans, &fates));
    Preview {
        namespace: state.namespace.clone(),
        verdict: Verdict::Nothing,
        taken_at: state.taken_at,
        totals: Totals::default(),
        people,
        orphans,
        connectors,
        problems: object_problems(company, before, after),
        notes: company.notes.clone(),
    }
}

fn person(
    before: &Objects,
    company: &Company,
    name: &EmployeeName,
    ending: &Ending,
    now: Timestamp,
) -> Person {
    let realm = &company.realm;
    let known = company.person(name);
    let deleted = company.deleted.contains(name);
    let mut changes: Vec<Change> = ending
        .done
        .iter()
        .map(|done| change(&done.connector, &done.operation, &done.why, When::Now))
        .collect();
    let only_told = |connector: &ConnectorName| {
        let held = ending.look.as_ref().map(|look| &look.held);
        let dry_run = realm
            .policy
            .connector(connector)
            .is_some_and(|c| c.spec.dry_run);
        dry_run || held.is_some_and(|held| held.contains(connector))
    };
    for (connector, account) in ending.look.iter().flat_map(|look| &look.plan.accounts) {
        if !only_told(connector) {
            continue;
        }
        let steps = outlook::would_do(account);
        let writes = steps.iter().filter(|operation| operation.is_write());
        changes.extend(writes.map(|operation| {
            let why = "nothing is written to it now";
            change(connector, operation, why, When::Never)
        }));
    }
    for (connector, taking) in &ending.held {
        changes.extend(losses(connector, &taking.losses, &taking.why, When::Held));
    }
    for ((connector, _), later) in &ending.later {
        let when = if later.held {
            When::Held
        } else {
            When::At(later.at)
        };
        changes.extend(losses(connector, &later.losses, &later.why, when));
    }
    let status = known
        .zip(ending.look.as_ref())
        .map(|(person, look)| status::derive(realm, person, &look.desired, &look.plan, now));
    let was = before.people.get(name.as_str());
    let was = was
        .and_then(|object| object.status.clone())
        .unwrap_or_default();
    let mut problems: Vec<PersonProblem> = ending.unusable.iter().map(unusable).collect();
    if let Some(status) = status.as_ref().filter(|_| !deleted) {
        problems.extend(new_problems(&was, status));
    }
    Person {
        employee: name.to_string(),
        employee_id: known.map(|p| p.employee_id.to_string()).unwrap_or_default(),
        stage: status.and_then(|status| status.stage),
        deleted,
        changes,
        problems,
    }
}

fn unusable(problem: &Problem) -> PersonProblem {
    PersonProblem {
        connector: None,
        reason: problem.reason.to_owned(),
        message: problem.message.clone(),
    }
}

/// What the status would say that it does not say now.
fn new_problems(was: &EmployeeStatus, is: &EmployeeStatus) -> Vec<PersonProblem> {
    let stalled = is.conditions.iter().filter(|c| c.type_ == STALLED);
    // One more of the same, such as another role that conflicts, is told as well.
    let is_known = |is: &Condition| {
        let mut told = was.conditions.iter().filter(|c| c.type_ == STALLED);
        told.any(|c| (&c.reason, &c.message) == (&is.reason, &is.message))
    };
    let stalled = stalled.filter(|c| !is_known(c)).map(|c| PersonProblem {
        connector: None,
        reason: c.reason.clone(),
        message: c.message.clone(),
    });
    let of_accounts = is.accounts.iter().filter_map(|account| {
        let reason = account.reason.as_deref()?;
        let fine = matches!(account.state, AccountState::Active | AccountState::Disabled);
        let before = was
            .accounts
            .iter()
            .find(|a| a.connector == account.connector);
        let told = before.is_some_and(|b| b.reason.as_deref() == Some(reason));
        (!fine && !told && !WORDS_OF_WORK.contains(&reason)).then(|| PersonProblem {
            connector: Some(account.connector.clone()),
            reason: reason.to_owned(),
            message: account.message.clone().unwrap_or_default(),
        })
    });
    stalled.chain(of_accounts).collect()
}

fn change(connector: &ConnectorName, operation: &Operation, why: &str, when: When) -> Change {
    let names: Vec<String> = match operation {
        Operation::AddEntitlements { entitlements, .. } => {
            entitlements.keys().map(ToString::to_string).collect()
        }
        Operation::RemoveEntitlements { entitlements, .. } => {
            entitlements.keys().map(ToString::to_string).collect()
        }
        Operation::Update { changes, .. } => {
            let renamed = changes.username.iter().map(|_| "username".to_owned());
            let set = changes.set.keys().map(ToString::to_string);
            let cleared = changes.clear.iter().map(ToString::to_string);
            renamed.chain(set).chain(cleared).collect()
        }
        _ => Vec::new(),
    };
    let username = match operation {
        Operation::Create(new) => Some(new.username.to_string()),
        _ => None,
    };
    Change {
        connector: connector.to_string(),
        verb: operation.verb().to_owned(),
        username,
        names,
        why: why.to_owned(),
        when,
        already: false,
        said: text::in_full(operation),
    }
}

/// Losses as the operations that they come of.
fn losses(
    connector: &ConnectorName,
    losses: &BTreeSet<Loss>,
    why: &str,
    when: When,
) -> Vec<Change> {
    let mut entitlements = BTreeMap::new();
    let mut out = Vec::new();
    for loss in losses {
        let operation = match loss {
            Loss::Use => Operation::Disable("".into()),
            Loss::Account => Operation::Delete("".into()),
            Loss::Name => Operation::Update {
                id: "".into(),
                changes: AttributeChanges {
                    username: Some(Username::new("")),
                    ..AttributeChanges::default()
                },
                gives_back: false,
            },
            Loss::Credentials(kind) => Operation::Revoke {
                id: "".into(),
                kind: *kind,
            },
            Loss::Entitlement(name) => {
                entitlements.insert(name.clone(), name.as_str().into());
                continue;
            }
        };
        out.push(change(connector, &operation, why, when));
    }
    if !entitlements.is_empty() {
        let operation = Operation::RemoveEntitlements {
            id: "".into(),
            entitlements,
        };
        out.push(change(connector, &operation, why, when));
    }
    out
}

/// Connectors where something would be held.
fn held_connectors(before: &Objects, company: &Company) -> Vec<Connector> {
    let one = |name: &ConnectorName, cause: Cause| {
        let entry = company.realm.connectors.get(name)?;
        let excess = entry.gate.excess(cause)?;
        let people = entry.gate.held(cause).count();
        let known = before.connectors.get(name.as_str());
        let known = known.and_then(|object| object.status.as_ref());
        let digest = entry.gate.digest(cause);
        let mut told = known.into_iter().flat_map(|status| &status.held);
        Some(Connector {
            name: name.to_string(),
            held: Held {
                people,
                allowed: excess.allowed,
                said: format!(
                    "{people} people would lose something there at once: {}{}",
                    how_many_may(excess),
                    some_go_first(cause, people, excess)
                ),
            },
            already: told.any(|told| Some(&told.digest) == digest.as_ref()),
        })
    };
    let names = company.realm.connectors.keys();
    let all = names.flat_map(|name| Cause::ALL.into_iter().map(move |cause| (name, cause)));
    all.filter_map(|(name, cause)| one(name, cause)).collect()
}

/// Whose employment ends by an edit waits for nobody: as manifests are applied one after another, the operator may see as many
/// as fit by themselves before it sees that they are more.
fn some_go_first(cause: Cause, people: usize, excess: &Excess) -> String {
    let before = excess.people.saturating_sub(people);
    match excess.allowed.saturating_sub(before) {
        room if room > 0 && cause == Cause::Termination => {
            format!(", and up to {room} of these may lose it before it is seen how many they are")
        }
        _ => String::new(),
    }
}

/// What is wrong with objects, and was not before.
fn object_problems(company: &Company, before: &Objects, after: &Objects) -> Vec<ObjectProblem> {
    let mut out = Vec::new();
    let told = |kind: &str, name: &str, problem: &Problem| ObjectProblem {
        kind: kind.to_owned(),
        name: name.to_owned(),
        reason: problem.reason.to_owned(),
        message: problem.message.clone(),
        broken: problem.cure == Cure::EditThis,
    };
    for name in after.roles.keys() {
        let role = RoleName::new(name);
        let known = company.policy_before.template_problems(&role);
        let found = company.realm.policy.template_problems(&role);
        let new = found.iter().filter(|problem| !known.contains(problem));
        out.extend(new.map(|problem| told("RoleTemplate", name, problem)));
    }
    for name in after.connectors.keys() {
        let connector = ConnectorName::new(name);
        let known = company.policy_before.connector(&connector);
        let found = company.realm.policy.connector(&connector);
        let found = found.into_iter().flat_map(|c| &c.faults);
        let new = found.filter(|problem| known.is_none_or(|k| !k.faults.contains(problem)));
        out.extend(new.map(|problem| told("AppConnector", name, problem)));
        let entry = company.realm.connectors.get(&connector);
        if let Some(moved) = entry.and_then(|entry| entry.home.moved()) {
            let problem = Problem::waiting("TargetMoved", moved.told(name));
            out.push(told("AppConnector", name, &problem));
        }
    }
    for (name, person) in &company.realm.people {
        let written = |objects: &Objects| objects.people.get(name.as_str()).map(|o| o.spec.clone());
        if let Err(problem) = &person.facts
            && !company.deleted.contains(name)
            && written(before) != written(after)
        {
            out.push(told("Employee", name.as_str(), problem));
        }
    }
    out
}
