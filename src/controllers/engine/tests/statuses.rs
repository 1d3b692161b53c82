//! Statuses: what they tell, and how they meet others on their way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use serde_json::json;

use super::super::Work;
use super::{Bench, account, connector, employee, everyone};
use crate::controllers::world::{Failure, FailureKey};
use crate::domain::account::Activity;
use crate::domain::ids::{EmployeeName, EntitlementName, RoleName};
use crate::domain::record::{RecordedAccount, RecordedGrant};
use crate::plan::operation::EntitlementTarget;
use crate::plan::parts::{AccountPlan, Step};
use crate::plan::{Goal, Lane, Operation};

fn stalled() -> serde_json::Value {
    let mut object = employee("1");
    object["spec"]["timeZone"] = json!("Europe/Atlantis");
    object
}

/// A link that no status told of yet is told by the status that says why nothing goes on.
#[tokio::test]
async fn a_stalled_person_keeps_what_is_remembered() {
    let mut bench = Bench::new();
    bench.employee("ada", &employee("1"));
    bench.work();
    let since = "2026-11-23T08:00:00Z";
    let grant = RecordedGrant {
        since: Some(since.parse().unwrap()),
        ..RecordedGrant::default()
    };
    let account = RecordedAccount {
        id: Some("a".into()),
        grants: [("staff".into(), grant.into())].into_iter().collect(),
        ..RecordedAccount::default()
    };
    let namespace = bench.namespace.clone();
    let ada = EmployeeName::new("ada");
    let person = bench.engine.world.person_mut(&namespace, &ada).unwrap();
    person.record.accounts.insert("directory".into(), account);
    bench.employee("ada", &stalled());
    bench.work();
    let status = bench.status("ada", |s| s["conditions"][1]["type"] == "Stalled");
    let accounts = status.await["accounts"].clone();
    assert_eq!(
        accounts,
        json!([{
            "connector": "directory",
            "accountId": "a",
            "state": "Kept",
            "entitlements": [{"name": "staff", "state": "Held", "since": since}],
        }])
    );
}

/// A status is what the next operator remembers: whatever roles may give has room in it.
#[tokio::test]
async fn everything_that_roles_may_give_is_remembered() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    for n in 0..4 {
        let names: Vec<String> = (0..128).map(|m| format!("e{n}-{m}")).collect();
        let mut template = everyone();
        template["spec"]["grants"][0]["entitlements"] = json!(names);
        bench.template(&format!("t{n}"), &template);
    }
    bench.employee("ada", &employee("1"));
    bench.work();
    let there = vec![account(&bench, "a", "1", Activity::Active)];
    bench.listed("directory", there);
    bench.work();
    let namespace = bench.namespace.clone();
    let ada = EmployeeName::new("ada");
    let person = bench.engine.world.person_mut(&namespace, &ada).unwrap();
    person.tell_at = Some(jiff::Timestamp::UNIX_EPOCH);
    bench.engine.look_at(&namespace, &ada);
    bench.work();
    let status = bench.status("ada", |s| s["accounts"][0]["entitlements"].is_array());
    let mut shown = status.await;
    let told = shown["accounts"][0]["entitlements"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(told, 512);
    shown["accounts"][0]["entitlements"]
        .as_array_mut()
        .unwrap()
        .extend((0..300).map(|n| json!({"name": format!("old-{n}"), "state": "Removing"})));
    let mut again = stalled();
    again["status"] = shown;
    let mut bench = Bench::new();
    bench.employee("ada", &again);
    bench.work();
    let status = bench.status("ada", |s| s["conditions"][1]["type"] == "Stalled");
    let shown = status.await;
    let told = shown["accounts"][0]["entitlements"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(told, 812);
}

/// The watch shows something newer than the answer to our own write, which comes late.
#[tokio::test]
async fn a_late_answer_does_not_hide_what_the_watch_has_shown() {
    let mut bench = Bench::new();
    bench.employee("ada", &stalled());
    bench.work();
    let answer = bench.written.recv().await.unwrap();
    let mut edited = stalled();
    edited["status"] = json!({"observedGeneration": 77});
    bench.version = 4;
    bench.employee("ada", &edited);
    bench.waiting();
    bench.engine.written(&answer);
    let ada = EmployeeName::new("ada");
    let person = bench.engine.world.person(&bench.namespace, &ada).unwrap();
    assert_eq!(person.status.newest().observed_generation, 77);
    assert_eq!(&*person.meta.resource_version, "5");
    let work = Work::Person(bench.namespace.clone(), "1".into(), ada);
    assert_eq!(bench.waiting(), [work], "somebody must mend it");
}

/// A group that is not to be had, and that nobody wants any more, says nothing of another.
#[tokio::test]
async fn a_failure_speaks_for_its_own_entitlement_alone() {
    let mut bench = Bench::new();
    bench.employee("ada", &employee("1"));
    let account = |wanted: &[&str]| AccountPlan {
        goal: Goal::Live,
        steps: vec![Step {
            operation: Operation::AddEntitlements {
                id: "a".into(),
                entitlements: wanted
                    .iter()
                    .map(|name| ((*name).into(), EntitlementTarget::ToBeCreated))
                    .collect(),
            },
            lane: Lane::Joiner,
            cause: String::new(),
        }],
        taking: None,
        kept_until: None,
        offboarding: Vec::new(),
        withheld: None,
        problems: Vec::new(),
        grants: BTreeMap::new(),
        rogue: BTreeSet::new(),
    };
    let now = bench.engine.now();
    let mut fails = |entitlement: Option<EntitlementName>, wanted: &[&str]| {
        let key = FailureKey {
            connector: "directory".into(),
            verb: "AddEntitlements",
            entitlement,
        };
        let failure = Failure {
            reason: "Forbidden",
            message: String::new(),
            attempts: 1,
            retry_at: jiff::Timestamp::MAX,
        };
        let ada = EmployeeName::new("ada");
        let namespace = bench.namespace.clone();
        let person = bench.engine.world.person_mut(&namespace, &ada).unwrap();
        person.unsettled.failures = BTreeMap::from([(key, failure)]);
        let failing = person.failing(&"directory".into(), &account(wanted), now);
        failing.is_some()
    };
    assert!(fails(None, &["staff"]), "the verb fails as a whole");
    assert!(fails(Some("news".into()), &["news", "staff"]));
    assert!(!fails(Some("news".into()), &["staff"]));
}

/// The API server evaluates the rules of the schema on the whole object, and refuses a status where it
/// can't: that is not tried again and again, only once there is something new.
#[tokio::test]
async fn a_status_that_is_refused_is_not_written_again() {
    let mut bench = Bench::new();
    bench.refusing.store(true, Ordering::Relaxed);
    let namespace = bench.namespace.clone();
    let all = RoleName::new("all");
    let tell = |bench: &mut Bench| {
        let now = bench.engine.now();
        bench.engine.template_status(&namespace, &all, now);
    };
    let is_written = async |bench: &mut Bench| {
        tell(bench);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let mut writes = std::iter::from_fn(|| bench.requests.try_recv().ok());
        writes.any(|(path, _)| path.ends_with("/all/status"))
    };
    bench.template("all", &everyone());
    bench.work();
    assert!(is_written(&mut bench).await);
    let answer = bench.written.recv().await.unwrap();
    assert!(answer.result.is_err());
    bench.engine.written(&answer);
    assert!(!is_written(&mut bench).await);

    bench.refusing.store(false, Ordering::Relaxed);
    bench.template("all", &everyone());
    bench.work();
    assert!(is_written(&mut bench).await, "it was edited");
}
