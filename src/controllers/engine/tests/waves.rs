//! What is taken away is decided once it is known as a whole, and runs once that is remembered.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Bench, account, connector, employee, ended, everyone, ordered};
use crate::api::APPROVED_REMOVALS_ANNOTATION;
use crate::dispatch::order::Effect;
use crate::domain::account::Activity;
use crate::domain::ids::ConnectorName;
use crate::plan::guard::Cause;
use crate::plan::{Lane, Operation};

pub(super) const COMPANY: usize = 30;

/// A company of thirty with an account each, of whom three may lose something.
pub(super) fn company(guard: &Value) -> Bench {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &guarded(guard, None));
    bench.template("everyone", &everyone());
    for n in 0..COMPANY {
        bench.employee(&format!("p{n}"), &employee(&n.to_string()));
    }
    bench.work();
    let accounts = (0..COMPANY)
        .map(|n| account(&bench, &n.to_string(), &n.to_string(), Activity::Active))
        .collect();
    bench.listed("directory", accounts);
    bench.work();
    bench
}

pub(super) fn guarded(guard: &Value, approved: Option<&str>) -> Value {
    let mut connector = connector("directory");
    connector["spec"]["guard"] = guard.clone();
    if let Some(digest) = approved {
        connector["metadata"]["annotations"] = json!({APPROVED_REMOVALS_ANNOTATION: digest});
    }
    connector
}

pub(super) fn three() -> Value {
    json!({"maxPercent": 10, "alwaysAllowed": 0, "leavers": {"maxPercent": 10}})
}

pub(super) fn nobody() -> Value {
    let mut template = everyone();
    template["spec"]["match"] = json!("employee.department == 'Typo'");
    template
}

pub(super) fn leaver(n: usize) -> Value {
    let mut leaver = employee(&n.to_string());
    leaver["spec"]["endDate"] = json!("2020-06-01");
    leaver
}

/// Those of whom something is on its way.
pub(super) fn under_way(bench: &Bench) -> Vec<String> {
    let names = (0..COMPANY).map(|n| format!("p{n}"));
    names
        .filter(|name| ordered(bench, name).is_some_and(|o| o.is_write()))
        .collect()
}

/// The status of the connector follows at once.
pub(super) fn summarise(bench: &mut Bench) {
    let namespace = Arc::clone(&bench.namespace);
    let now = bench.engine.now();
    let name = ConnectorName::new("directory");
    bench.engine.connector_status(&namespace, &name, now);
}

pub(super) fn digest(bench: &Bench) -> Option<String> {
    let name = ConnectorName::new("directory");
    let entry = bench.engine.world.connector(&bench.namespace, &name);
    let gate = &entry.unwrap().gate;
    gate.digest(Cause::Change)
        .or(gate.digest(Cause::Termination))
}

#[tokio::test]
async fn a_mistake_is_held_as_a_whole_and_ends_with_it() {
    let mut bench = company(&three());
    bench.template("everyone", &nobody());
    bench.work();
    assert_eq!(under_way(&bench), Vec::<String>::new());
    summarise(&mut bench);
    let told = bench
        .status("directory", |status| !status["held"][0].is_null())
        .await;
    assert_eq!(told["held"][0]["people"], COMPANY);
    assert_eq!(told["held"][0]["disable"], COMPANY);
    assert_eq!(
        told["held"][0]["digest"].as_str(),
        digest(&bench).as_deref()
    );
    let why = told["held"][0]["causes"][0]["why"].as_str().unwrap();
    assert_eq!(why, "the RoleTemplate everyone is not held any more");
    let ada = bench
        .status("p7", |status| {
            status["accounts"][0]["reason"] == "DeprovisioningHeld"
        })
        .await;
    assert_eq!(ada["accounts"][0]["state"], "Pending");
    bench.template("everyone", &everyone());
    bench.work();
    assert_eq!((digest(&bench), under_way(&bench)), (None, Vec::new()));
}

#[tokio::test]
async fn an_approval_lets_exactly_that_through() {
    let mut bench = company(&three());
    bench.template("everyone", &nobody());
    bench.work();
    let digest = digest(&bench).unwrap();
    let other = format!("sha256:{}", "0".repeat(64));
    bench.connector("directory", &guarded(&three(), Some(&other)));
    bench.work();
    assert_eq!(under_way(&bench), Vec::<String>::new());
    bench.connector("directory", &guarded(&three(), Some(&digest)));
    bench.work();
    assert_eq!(under_way(&bench).len(), COMPANY);
    summarise(&mut bench);
    let told = bench
        .status("directory", |status| {
            !status["guard"]["lastApproval"].is_null() && status["held"][0].is_null()
        })
        .await;
    let last = &told["guard"]["lastApproval"];
    assert_eq!(last["digest"], digest.as_str());
    assert_eq!(
        (&last["by"], &last["people"]),
        (&json!("grace"), &json!(COMPANY))
    );
}

#[tokio::test]
async fn those_who_leave_do_not_wait_for_a_mistake() {
    let mut bench = company(&three());
    bench.template("everyone", &nobody());
    bench.work();
    bench.employee("p4", &leaver(4));
    bench.work();
    assert_eq!(under_way(&bench), ["p4"]);
    assert_eq!(ordered(&bench, "p4"), Some(Operation::Disable("4".into())));
    // As many as leave by mistake, one after another, as the limit allows.
    for n in 10..20 {
        bench.employee(&format!("p{n}"), &leaver(n));
        bench.work();
    }
    assert_eq!(under_way(&bench), ["p4", "p10", "p11"]);
    summarise(&mut bench);
    let told = bench
        .status("directory", |status| {
            let held = status["held"].as_array().into_iter().flatten();
            held.filter_map(|held| held["people"].as_u64()).sum::<u64>() == (COMPANY - 3) as u64
        })
        .await;
    let causes = told["held"].to_string();
    assert!(causes.contains("the last day is over"), "{causes}");
}

/// Without the help of the bench: what is let through runs after the status that tells of it was stored.
#[tokio::test]
async fn what_is_let_through_runs_once_that_is_stored() {
    let mut bench = company(&three());
    bench.employee("p4", &leaver(4));
    bench.work_now();
    assert_eq!(under_way(&bench), Vec::<String>::new());
    stored(&mut bench).await;
    assert_eq!(under_way(&bench), ["p4"]);
    summarise(&mut bench);
    let told = bench
        .status("directory", |status| !status["guard"].is_null())
        .await;
    assert_eq!(told["guard"]["released"][0]["people"], 1);
    assert_eq!(told["guard"]["released"][0]["cause"], "Termination");
}

/// Waits until somebody may lose something.
async fn stored(bench: &mut Bench) {
    while under_way(bench).is_empty() {
        let written = bench.written.recv().await.unwrap();
        bench.engine.written(&written);
        bench.work_now();
    }
}

/// An application accepted it and did not do it: it is let through once more, and as the status says so already, no
/// write of it comes back.
#[tokio::test]
async fn what_is_let_through_once_more_does_not_wait_for_a_status_that_says_so() {
    let mut bench = company(&three());
    bench.employee("p4", &leaver(4));
    bench.work_now();
    stored(&mut bench).await;
    ended(&mut bench, "p4", 1, Effect::ActivitySet(None));
    bench.work_now();
    let active = account(&bench, "4", "4", Activity::Active);
    assert!(matches!(ordered(&bench, "p4"), Some(Operation::Read(_))));
    ended(&mut bench, "p4", 2, Effect::Read(vec![active]));
    bench.work_now();
    let name = ConnectorName::new("directory");
    let entry = bench.engine.world.connector(&bench.namespace, &name);
    let gate = &entry.unwrap().gate;
    assert!(gate.unsaved().is_empty() && !gate.is_undecided());
}

#[tokio::test]
async fn an_object_that_is_gone_is_held_no_more() {
    let mut bench = company(&three());
    bench.template("everyone", &nobody());
    bench.work();
    let before = digest(&bench);
    let key = bench.key("p3");
    let gone = crate::controllers::watch::Seen::Gone(key);
    bench
        .engine
        .change(crate::controllers::watch::Change::Employee(gone));
    bench.work();
    assert!(digest(&bench).is_some() && digest(&bench) != before);
}

/// What waits to be done, and when it is to be.
fn timers(bench: &mut Bench) -> Vec<(super::super::Work, Lane)> {
    let far = jiff::Timestamp::MAX;
    let all = std::iter::from_fn(|| bench.engine.queue.pop(far));
    all.filter(|(work, _)| matches!(work, super::super::Work::Wave(..)))
        .collect()
}

fn gathering_since(bench: &Bench) -> Option<jiff::Timestamp> {
    bench.engine.world.realms[&bench.namespace].gathering_since
}

/// Edits that come one after another are one wave, also where somebody left a day before.
#[tokio::test]
async fn a_stream_of_edits_is_gathered_whoever_left_before() {
    let mut bench = company(&three());
    bench.employee("p0", &leaver(0));
    bench.work();
    assert_eq!(gathering_since(&bench), None, "it was decided");
    for n in 1..10 {
        let mut later = employee(&n.to_string());
        later["spec"]["startDate"] = json!("2099-01-01");
        bench.employee(&format!("p{n}"), &later);
        bench.work_now();
    }
    assert_eq!(under_way(&bench).len(), 1, "nothing but the leaver");
    let since = gathering_since(&bench).unwrap();
    let now = bench.engine.ports.clock.now();
    let due = bench.engine.queue.next_due().unwrap();
    assert!(due > now && due.duration_since(since) <= jiff::SignedDuration::from_secs(10));
    assert_eq!(timers(&mut bench).len(), 1);
    bench.work();
    let name = ConnectorName::new("directory");
    let entry = bench.engine.world.connector(&bench.namespace, &name);
    assert_eq!(entry.unwrap().gate.held(Cause::Change).count(), 9);
}

/// An approval that stays on the object makes nobody decide what is still gathered.
#[tokio::test]
async fn an_approval_decides_nothing_that_is_gathered() {
    let mut bench = company(&json!({"maxPercent": 10, "alwaysAllowed": 0}));
    bench.template("everyone", &nobody());
    bench.work();
    let approved = digest(&bench).unwrap();
    bench.template("everyone", &everyone());
    bench.work();
    bench.connector("directory", &guarded(&three(), Some(&approved)));
    bench.work();
    let mut later = employee("1");
    later["spec"]["startDate"] = json!("2099-01-01");
    bench.employee("p1", &later);
    bench.work_now();
    bench.connector("directory", &guarded(&three(), Some(&approved)));
    bench.work_now();
    let name = ConnectorName::new("directory");
    let entry = bench
        .engine
        .world
        .connector(&bench.namespace, &name)
        .unwrap();
    assert!(entry.gate.is_undecided() && under_way(&bench).is_empty());
}

/// Where people leave one after another, nobody waits for a status that tells of those after them.
#[tokio::test]
async fn whoever_is_stored_goes_while_the_next_is_on_its_way() {
    let mut bench = company(&three());
    let name = ConnectorName::new("directory");
    let namespace = Arc::clone(&bench.namespace);
    let mut tokens = Vec::new();
    for n in 0..3 {
        bench.employee(&format!("p{n}"), &leaver(n));
        bench.work_now();
        let entry = bench.engine.world.connector(&namespace, &name).unwrap();
        tokens.extend(entry.saving.keys().next_back());
    }
    assert_eq!(tokens.len(), 3);
    assert_eq!(under_way(&bench), Vec::<String>::new());
    // The second was never sent: the third came before that.
    for (token, is_stored, gone) in [
        (tokens[0], true, vec!["p0"]),
        (tokens[2], false, vec!["p0"]),
    ] {
        bench
            .engine
            .releases_remembered(&namespace, &name, token, is_stored);
        bench.work_now();
        assert_eq!(under_way(&bench), gone);
    }
    let entry = bench.engine.world.connector(&namespace, &name).unwrap();
    assert!(entry.saving.is_empty());
    bench.work();
}

/// A company in which everybody loses an account as somebody approved by this digest, and the application accepted it.
fn accepted() -> (Bench, String) {
    let mut bench = company(&three());
    bench.template("everyone", &nobody());
    bench.work();
    let approved = digest(&bench).unwrap();
    bench.connector("directory", &guarded(&three(), Some(&approved)));
    bench.work();
    assert_eq!(under_way(&bench).len(), COMPANY);
    for n in 0..COMPANY {
        ended(&mut bench, &format!("p{n}"), 1, Effect::ActivitySet(None));
    }
    bench.work();
    (bench, approved)
}

/// An application accepts what was approved, and goes on showing the accounts as they were for a moment: nobody has to
/// approve it once more.
#[tokio::test]
async fn what_was_approved_stays_approved_until_it_is_proven() {
    let (mut bench, _) = accepted();
    assert_eq!(
        under_way(&bench),
        Vec::<String>::new(),
        "each is read first"
    );
    for n in 0..COMPANY {
        let shown = account(&bench, &n.to_string(), &n.to_string(), Activity::Active);
        ended(&mut bench, &format!("p{n}"), 2, Effect::Read(vec![shown]));
    }
    bench.clock.shift(jiff::SignedDuration::from_mins(10));
    bench.work();
    assert_eq!(digest(&bench), None);
    assert_eq!(under_way(&bench).len(), COMPANY, "it is tried again");
}

/// What was approved is taken back before it is proven: the same mistake once more is another wave.
#[tokio::test]
async fn what_was_approved_and_taken_back_is_held_when_it_comes_again() {
    let (mut bench, approved) = accepted();
    bench.template("everyone", &everyone());
    bench.work();
    for n in 0..COMPANY {
        let name = format!("p{n}");
        assert_eq!(
            ordered(&bench, &name),
            Some(Operation::Enable(n.to_string().as_str().into()))
        );
        ended(&mut bench, &name, 2, Effect::ActivitySet(None));
    }
    bench.work();
    bench.template("everyone", &nobody());
    bench.work();
    assert_eq!(under_way(&bench), Vec::<String>::new());
    assert!(digest(&bench).is_some_and(|digest| digest != approved));
}
