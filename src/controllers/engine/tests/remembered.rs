//! What the guard remembers: over a restart, an edit of its limits, and a connector that is made anew.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::Work;
use super::waves::{
    COMPANY, company, digest, guarded, leaver, nobody, summarise, three, under_way,
};
use super::{Bench, account, employee, everyone};
use crate::api::PAUSED_ANNOTATION;
use crate::controllers::engine::waves::overall;
use crate::controllers::watch::{Change, Seen};
use crate::controllers::world::ConnectorEntry;
use crate::domain::account::{Activity, Completeness, ObservedEntitlement};
use crate::domain::guard::Limits;
use crate::domain::ids::{ConnectorName, EmployeeName};
use crate::plan::guard::{Cause, Limit, Loss, Taking};

pub(super) fn entry<'a>(bench: &'a Bench, name: &str) -> &'a ConnectorEntry {
    let name = ConnectorName::new(name);
    bench
        .engine
        .world
        .connector(&bench.namespace, &name)
        .unwrap()
}

pub(super) fn entry_mut<'a>(bench: &'a mut Bench, name: &str) -> &'a mut ConnectorEntry {
    let name = ConnectorName::new(name);
    let namespace = Arc::clone(&bench.namespace);
    bench.engine.world.connector_mut(&namespace, &name).unwrap()
}

/// What an earlier run left, in a new one: the objects as they were last, with these connector and template, and each
/// person as the edit has it.
pub(super) fn restarted(
    before: &Bench,
    connector: &Value,
    template: &Value,
    edit: impl Fn(usize, &mut Value),
) -> Bench {
    let mut bench = Bench::new();
    bench.secret("directory");
    let mut connector = connector.clone();
    let mut status = entry(before, "directory").status.newest();
    // Another generation of the same object would be looked at anew as a whole.
    status.observed_generation = 1;
    connector["status"] = serde_json::to_value(status).unwrap();
    bench.connector("directory", &connector);
    bench.template("everyone", template);
    for n in 0..COMPANY {
        let name = format!("p{n}");
        let known = before
            .engine
            .world
            .person(&before.namespace, &EmployeeName::new(&name));
        let mut object = employee(&n.to_string());
        object["status"] = serde_json::to_value(known.unwrap().status.newest()).unwrap();
        edit(n, &mut object);
        bench.employee(&name, &object);
    }
    bench.work();
    all_listed(&mut bench);
    bench
}

pub(super) fn all_listed(bench: &mut Bench) {
    let accounts = (0..COMPANY)
        .map(|n| account(bench, &n.to_string(), &n.to_string(), Activity::Active))
        .collect();
    bench.listed("directory", accounts);
    bench.work();
}

pub(super) fn held(bench: &Bench, cause: Cause) -> usize {
    entry(bench, "directory").gate.held(cause).count()
}

fn paused(object: &mut Value) {
    object["metadata"]["annotations"] = json!({PAUSED_ANNOTATION: "true"});
}

/// What is held has been the same for a while.
pub(super) fn settle(bench: &mut Bench) {
    bench.clock.shift(SignedDuration::from_mins(2));
    bench.work();
}

#[tokio::test]
async fn who_is_paused_after_a_restart_keeps_no_approval_back() {
    let mut bench = company(&three());
    bench.template("everyone", &nobody());
    bench.work();
    summarise(&mut bench);
    let mut bench = restarted(&bench, &guarded(&three(), None), &nobody(), |n, object| {
        if n == 3 {
            paused(object);
        }
    });
    settle(&mut bench);
    assert_eq!(held(&bench, Cause::Change), COMPANY - 1);
    let approved = digest(&bench).expect("all that is held is known");
    bench.connector("directory", &guarded(&three(), Some(&approved)));
    bench.work();
    assert_eq!(under_way(&bench).len(), COMPANY - 1);
    // The pause ends: what was held of that one is held again, as it was not approved.
    let mut object = employee("3");
    let person = EmployeeName::new("p3");
    let known = bench.engine.world.person(&bench.namespace, &person);
    object["status"] = serde_json::to_value(known.unwrap().status.newest()).unwrap();
    bench.employee("p3", &object);
    bench.work();
    assert_eq!(held(&bench, Cause::Change), 1);
}

#[tokio::test]
async fn nothing_is_held_while_paused_and_all_of_it_afterwards() {
    let mut bench = company(&three());
    bench.template("everyone", &nobody());
    bench.work();
    let before = digest(&bench);
    let mut stopped = guarded(&three(), None);
    stopped["metadata"]["annotations"] = json!({PAUSED_ANNOTATION: "true"});
    bench.connector("directory", &stopped);
    bench.work();
    settle(&mut bench);
    assert_eq!((digest(&bench), held(&bench, Cause::Change)), (None, 0));
    summarise(&mut bench);
    let status = entry(&bench, "directory").status.newest();
    assert!(status.held.is_empty(), "{status:?}");
    let told = |c: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
        c.type_ == "DeprovisioningHeld" && c.status == "True"
    };
    assert!(!status.conditions.iter().any(told));
    // Another run, still paused, and then no more.
    let mut bench = restarted(&bench, &stopped, &nobody(), |_, _| ());
    settle(&mut bench);
    assert_eq!(held(&bench, Cause::Change), 0);
    bench.connector("directory", &guarded(&three(), None));
    bench.work();
    settle(&mut bench);
    assert_eq!(digest(&bench), before);
    assert!(under_way(&bench).is_empty());
}

/// Everybody who was held is gone by the next start: nothing is held, and nothing says so any more.
#[tokio::test]
async fn what_is_taken_back_while_nobody_looked_is_told_no_more() {
    let mut bench = company(&three());
    bench.template("everyone", &nobody());
    bench.work();
    summarise(&mut bench);
    let connector = guarded(&three(), None);
    let mut bench = restarted(&bench, &connector, &everyone(), |n, object| {
        object["spec"]["employeeId"] = json!(format!("other-{n}"));
        object["status"] = json!({});
    });
    settle(&mut bench);
    summarise(&mut bench);
    let gate = &entry(&bench, "directory").gate;
    assert!(!gate.is_recalling() && gate.held_people() == 0);
    let status = entry(&bench, "directory").status.newest();
    let held = status
        .conditions
        .iter()
        .any(|c| c.type_ == "DeprovisioningHeld" && c.status == "True");
    assert!(!held && status.held.is_empty());
}

#[tokio::test]
async fn a_raised_limit_lets_through_what_is_held() {
    let mut bench = company(&three());
    bench.template("everyone", &nobody());
    bench.work();
    bench.clock.shift(SignedDuration::from_mins(2));
    bench.work();
    assert!(under_way(&bench).is_empty());
    let open = json!({"maxPercent": 100});
    bench.connector("directory", &guarded(&open, None));
    bench.work();
    assert_eq!(under_way(&bench).len(), COMPANY);
}

/// When the work is due that looks at what is held in `directory`.
fn looks_again_by(bench: &mut Bench, at: jiff::Timestamp) -> bool {
    let all = std::iter::from_fn(|| bench.engine.queue.pop(at).map(|(work, _)| work));
    let directory = ConnectorName::new("directory");
    all.into_iter()
        .any(|work| matches!(work, Work::Held(_, name) if name == directory))
}

#[tokio::test]
async fn room_that_another_connector_frees_is_used() {
    let mut bench = company(&json!({"maxPercent": 100}));
    bench.engine.world.limits = Limits {
        most: Some(COMPANY.try_into().unwrap()),
        percent: 100,
        always: 0,
    };
    let until = bench.engine.now() + SignedDuration::from_mins(30);
    let mut other = guarded(&json!({"maxPercent": 100}), None);
    other["spec"]["scim"]["baseUrl"] = json!("https://localhost:2/scim/v2");
    other["status"] = json!({
        "observedGeneration": 1,
        "guard": {"approvals": 0, "released": [{"until": until, "cause": "Change", "people": 2}]},
    });
    bench.connector("other", &other);
    bench.work();
    bench.template("everyone", &nobody());
    bench.work();
    settle(&mut bench);
    let excess = *entry(&bench, "directory")
        .gate
        .excess(Cause::Change)
        .unwrap();
    assert_eq!(excess.limit, Limit::Overall);
    assert!(!looks_again_by(
        &mut bench,
        until - SignedDuration::from_secs(1)
    ));
    assert!(looks_again_by(&mut bench, until));
}

/// The object of the connector is deleted and made anew, and everybody is looked at in between.
async fn made_anew(bench: &mut Bench) {
    let gone = Seen::Gone(bench.key("directory"));
    bench.engine.change(Change::AppConnector(gone));
    bench.work();
    bench.connector("directory", &guarded(&three(), None));
    bench.work();
    let ended = bench.changes.recv().await.unwrap();
    bench.engine.change(ended);
    bench.work();
}

/// Whoever makes a connector anew does not begin to count anew.
#[tokio::test]
async fn what_a_connector_let_through_counts_when_it_is_made_anew() {
    let mut bench = company(&three());
    for n in 0..3 {
        let mut later = employee(&n.to_string());
        later["spec"]["startDate"] = json!("2099-01-01");
        bench.employee(&format!("p{n}"), &later);
    }
    bench.work();
    assert_eq!(under_way(&bench).len(), 3);
    made_anew(&mut bench).await;
    let accounts = (0..COMPANY).map(|n| {
        let activity = if n < 3 {
            Activity::Disabled
        } else {
            Activity::Active
        };
        account(&bench, &n.to_string(), &n.to_string(), activity)
    });
    let accounts = accounts.collect();
    bench.at_home("directory");
    bench.listed("directory", accounts);
    bench.work();
    let mut later = employee("3");
    later["spec"]["startDate"] = json!("2099-01-01");
    bench.employee("p3", &later);
    bench.work();
    assert_eq!(
        (held(&bench, Cause::Change), under_way(&bench)),
        (1, vec![])
    );
    // It is the operator's limit as well.
    let namespace = Arc::clone(&bench.namespace);
    let gone = Seen::Gone(bench.key("directory"));
    bench.engine.change(Change::AppConnector(gone));
    let realm = &bench.engine.world.realms[&namespace];
    let now = bench.engine.now();
    let overall = overall(std::iter::once(realm), realm, &[].into(), Limits::NONE, now);
    assert_eq!(overall.counted[&Cause::Change].len(), 3);
    assert_eq!(overall.people, COMPANY);
}

/// Each cause has a way to approve it, however long the others are.
#[tokio::test]
async fn every_cause_can_be_approved_by_what_the_condition_says() {
    let mut bench = company(&three());
    let now = bench.engine.now();
    let entry = entry_mut(&mut bench, "directory");
    for cause in Cause::ALL {
        for n in 0..10 {
            let taking = Taking {
                cause,
                losses: [Loss::Use].into(),
                privileged: false,
                why: format!("{n} {}", "because of what came before ".repeat(10)),
            };
            let who = format!("{}-{n}", cause.word());
            entry.gate.ask(&who.as_str().into(), Some(taking), now);
        }
    }
    bench.work();
    summarise(&mut bench);
    let status = self::entry(&bench, "directory").status.newest();
    assert_eq!(status.held.len(), 3);
    let mut told = status.conditions.iter();
    let told = told.find(|c| c.type_ == "DeprovisioningHeld").unwrap();
    for held in &status.held {
        let command = format!("approved-removals={}", held.digest);
        assert!(told.message.contains(&command), "{}", told.message);
    }
}

/// What the target shows of an account counts, whether it was given by us or not.
#[tokio::test]
async fn what_is_privileged_counts_where_somebody_else_gave_it() {
    let mut guard = three();
    guard["privileged"] = json!({"entitlements": ["root"], "maxRemovals": 0});
    let mut bench = company(&guard);
    let accounts: Vec<_> = (0..COMPANY)
        .map(|n| account(&bench, &n.to_string(), &n.to_string(), Activity::Active))
        .collect();
    let root = ObservedEntitlement {
        id: "root".into(),
        name: "root".into(),
        holders: vec!["4".into()],
        completeness: Completeness::Complete,
    };
    bench.listed_with("directory", accounts, vec![root]);
    bench.work();
    bench.employee("p4", &leaver(4));
    bench.employee("p5", &leaver(5));
    bench.work();
    assert_eq!(under_way(&bench), ["p5"]);
    assert_eq!(held(&bench, Cause::Termination), 1);
}

/// The object is deleted and made anew, as by `kubectl replace --force`, and people are looked at in between: what was held
/// is held again, and nobody keeps for good what was to be taken away.
#[tokio::test]
async fn what_was_held_is_held_by_a_connector_that_is_made_anew() {
    let mut bench = company(&three());
    bench.template("everyone", &nobody());
    bench.work();
    assert_eq!(held(&bench, Cause::Change), COMPANY);
    made_anew(&mut bench).await;
    all_listed(&mut bench);
    assert_eq!(held(&bench, Cause::Change), COMPANY);
    assert_eq!(under_way(&bench), Vec::<String>::new());
    // One that stays away is missed no longer after a while.
    let gone = Seen::Gone(bench.key("directory"));
    bench.engine.change(Change::AppConnector(gone));
    bench.work();
    let person = |bench: &Bench| {
        let name = EmployeeName::new("p3");
        let person = bench.engine.world.person(&bench.namespace, &name);
        person.unwrap().record.accounts.contains_key("directory")
    };
    assert!(person(&bench));
    bench.clock.shift(SignedDuration::from_mins(61));
    bench.work();
    assert!(!person(&bench));
}
