//! What is under way can't be called back: where it is no longer wanted, it is undone once it has ended.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Bench, account, connector, employee, everyone, ordered};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::dispatch::order::{Effect, Event, Order, Outcome};
use crate::domain::account::{Activity, Completeness, ObservedAccount, ObservedEntitlement};
use crate::domain::ids::{EmployeeName, EntitlementName};
use crate::plan::operation::ReadKey;
use crate::plan::{Lane, Operation};

const GONE: &str = "2020-06-01";

/// A company of one, ada, whom `everyone` gives `staff`; the target shows these accounts, and the group.
fn company(accounts: impl FnOnce(&Bench) -> Vec<ObservedAccount>) -> Bench {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.template("everyone", &with_staff());
    bench.employee("ada", &employee("1"));
    bench.work();
    let accounts = accounts(&bench);
    list(&mut bench, accounts, &[]);
    bench
}

fn with_staff() -> Value {
    let mut template = everyone();
    template["spec"]["grants"][0]["entitlements"] = json!(["staff"]);
    template
}

fn leaver() -> Value {
    let mut leaver = employee("1");
    leaver["spec"]["endDate"] = json!(GONE);
    leaver
}

fn list(bench: &mut Bench, accounts: Vec<ObservedAccount>, holders: &[&str]) {
    let staff = ObservedEntitlement {
        id: "g".into(),
        name: "staff".into(),
        holders: holders.iter().map(|id| (*id).into()).collect(),
        completeness: Completeness::Complete,
    };
    bench.listed_with("directory", accounts, vec![staff]);
    bench.work();
}

/// An operation that was handed to dispatch, whatever was handed to it since, ended like this.
fn ended(
    bench: &mut Bench,
    number: u64,
    operation: Operation,
    result: Result<Effect, ConnectorError>,
) {
    let outcome = Outcome {
        order: Order {
            employee: "1".into(),
            lane: Lane::Joiner,
            operation,
            revision: 1,
            cause: String::new(),
            knows: 0,
        },
        result,
        number,
    };
    bench.report("directory", Event::Done(Box::new(outcome)));
    bench.work();
}

fn given(name: &str) -> Effect {
    Effect::Entitlements {
        results: BTreeMap::from([(EntitlementName::new(name), Ok(()))]),
        created: Vec::new(),
    }
}

fn names(operation: Option<&Operation>) -> (&'static str, BTreeSet<String>) {
    let verb = operation.map_or("nothing", Operation::verb);
    let names = match operation {
        Some(Operation::AddEntitlements { entitlements, .. }) => {
            entitlements.keys().map(ToString::to_string).collect()
        }
        Some(Operation::RemoveEntitlements { entitlements, .. }) => {
            entitlements.keys().map(ToString::to_string).collect()
        }
        _ => BTreeSet::new(),
    };
    (verb, names)
}

fn adding(bench: &Bench) -> Operation {
    let add = ordered(bench, "ada").unwrap();
    let expected = BTreeSet::from(["staff".to_owned()]);
    assert_eq!(names(Some(&add)), ("AddEntitlements", expected));
    add
}

fn removes_staff(bench: &Bench) {
    let expected = ("RemoveEntitlements", BTreeSet::from(["staff".to_owned()]));
    assert_eq!(names(ordered(bench, "ada").as_ref()), expected);
}

fn active(bench: &Bench) -> Vec<ObservedAccount> {
    vec![account(bench, "a", "1", Activity::Active)]
}

/// The role is lost while its membership is being given.
#[tokio::test]
async fn a_membership_that_arrives_after_its_role_was_lost_is_taken_away() {
    let mut bench = company(active);
    let add = adding(&bench);
    bench.template("everyone", &everyone());
    bench.work();
    ended(&mut bench, 1, add, Ok(given("staff")));
    removes_staff(&bench);
    let remove = ordered(&bench, "ada").unwrap();
    ended(&mut bench, 2, remove, Ok(given("staff")));
    assert_eq!(ordered(&bench, "ada"), None, "and that is the end of it");
}

/// The same where the answer was lost: the removal does not wait until a listing shows the membership.
#[tokio::test]
async fn a_membership_whose_answer_was_lost_is_taken_away_with_its_role() {
    let mut bench = company(active);
    let add = adding(&bench);
    let lost = ConnectorError::new(ErrorKind::OutcomeUnknown, "no answer");
    let results = BTreeMap::from([(EntitlementName::new("staff"), Err(lost))]);
    let created = Vec::new();
    ended(
        &mut bench,
        1,
        add,
        Ok(Effect::Entitlements { results, created }),
    );
    bench.template("everyone", &everyone());
    bench.work();
    removes_staff(&bench);
}

/// One that was refused was not given: nothing is left to take away.
#[tokio::test]
async fn a_membership_that_was_refused_is_forgotten_with_its_role() {
    let mut bench = company(active);
    let add = adding(&bench);
    let refused = ConnectorError::new(ErrorKind::Forbidden, "no");
    let results = BTreeMap::from([(EntitlementName::new("staff"), Err(refused))]);
    let created = Vec::new();
    ended(
        &mut bench,
        1,
        add,
        Ok(Effect::Entitlements { results, created }),
    );
    bench.template("everyone", &everyone());
    bench.work();
    assert_eq!(ordered(&bench, "ada"), None);
}

/// The last day is over while the account is being made: it is looked for, and disabled; before that,
/// nobody says that access is revoked.
#[tokio::test]
async fn an_account_that_is_being_made_for_a_leaver_is_found_and_disabled() {
    let mut bench = company(|_| Vec::new());
    let create = ordered(&bench, "ada").unwrap();
    assert_eq!(create.verb(), "Create");
    bench.employee("ada", &leaver());
    bench.work();
    let look = ordered(&bench, "ada").unwrap();
    assert!(
        matches!(look, Operation::Read(ReadKey::MarkOrUsername(..))),
        "{look:?}"
    );
    // What goes well is told of once it takes longer.
    let (namespace, ada) = (bench.namespace.clone(), EmployeeName::new("ada"));
    let person = bench.engine.world.person_mut(&namespace, &ada).unwrap();
    person.tell_at = Some(jiff::Timestamp::UNIX_EPOCH);
    bench.engine.look_at(&namespace, &ada);
    bench.work();
    let status = bench.status("ada", |s| s["stage"] == "Departed").await;
    let revoked = |status: &Value| {
        let conditions = status["conditions"].as_array().unwrap().clone();
        let found = conditions.iter().find(|c| c["type"] == "AccessRevoked");
        found.unwrap()["status"] == "True"
    };
    assert!(!revoked(&status), "{status}");

    let made = account(&bench, "a", "1", Activity::Active);
    ended(&mut bench, 1, create, Ok(Effect::Created(made.clone())));
    // What was ordered without knowing that is not carried out; the next look orders anew.
    let next = ordered(&bench, "ada").unwrap();
    if next.verb() == "Read" {
        ended(&mut bench, 2, next, Ok(Effect::Read(vec![made])));
    }
    assert_eq!(ordered(&bench, "ada"), Some(Operation::Disable("a".into())));
}

/// It was recalled before it was sent: the search finds nothing, and that is the proof.
#[tokio::test]
async fn an_account_that_was_not_made_after_all_is_proven_not_to_be_there() {
    let mut bench = company(|_| Vec::new());
    bench.employee("ada", &leaver());
    bench.work();
    let look = ordered(&bench, "ada").unwrap();
    ended(&mut bench, 1, look, Ok(Effect::Read(Vec::new())));
    assert_eq!(ordered(&bench, "ada"), None);
    let revoked = |s: &Value| {
        let conditions = s["conditions"].as_array().cloned().unwrap_or_default();
        conditions
            .iter()
            .any(|c| c["type"] == "AccessRevoked" && c["status"] == "True")
    };
    bench.status("ada", revoked).await;
}

/// The role that gave the account is lost while it is being made: it is not left behind, unexplained.
#[tokio::test]
async fn an_account_that_is_made_after_its_role_was_lost_is_disabled() {
    let mut bench = company(|_| Vec::new());
    let create = ordered(&bench, "ada").unwrap();
    let mut nobody = everyone();
    nobody["spec"]["match"] = json!("false");
    bench.template("everyone", &nobody);
    bench.work();
    let made = account(&bench, "a", "1", Activity::Active);
    ended(&mut bench, 1, create, Ok(Effect::Created(made.clone())));
    let next = ordered(&bench, "ada").unwrap();
    if next.verb() == "Read" {
        ended(&mut bench, 2, next, Ok(Effect::Read(vec![made])));
    }
    assert_eq!(ordered(&bench, "ada"), Some(Operation::Disable("a".into())));
}
