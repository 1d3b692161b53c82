//! Whatever takes the access of many away is one wave, and held: whoever caused it, and by whatever.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Value, json};

use super::remembered::{all_listed, entry, held, restarted};
use super::waves::{COMPANY, company, guarded, leaver, nobody, summarise, three, under_way};
use super::{Bench, account, connector, employee, everyone, ordered};
use crate::api::FINALIZER;
use crate::controllers::watch::{Change, Seen};
use crate::domain::account::{Activity, Completeness, ObservedEntitlement};
use crate::plan::Operation;
use crate::plan::guard::{Cause, Limit};

/// All of it is held, and nothing runs.
fn is_held_whole(bench: &Bench, cause: Cause) {
    assert_eq!(held(bench, cause), COMPANY);
    assert_eq!(under_way(bench), Vec::<String>::new());
    let excess = entry(bench, "directory").gate.excess(cause).unwrap();
    assert_eq!((excess.limit, excess.people), (Limit::Connector, COMPANY));
}

/// Another version of the operator makes another plan of the same objects.
#[tokio::test]
async fn an_upgrade() {
    let before = company(&three());
    let bench = restarted(&before, &guarded(&three(), None), &nobody(), |_, _| ());
    is_held_whole(&bench, Cause::Change);
    // And one that plans the same takes nothing.
    let bench = restarted(&before, &guarded(&three(), None), &everyone(), |_, _| ());
    assert_eq!(held(&bench, Cause::Change), 0);
}

#[tokio::test]
async fn a_connector_that_role_templates_name_no_more() {
    let mut bench = company(&three());
    let mut other = connector("directory");
    other["spec"]["scim"]["baseUrl"] = json!("https://localhost:2/scim/v2");
    bench.connector("other", &other);
    bench.work();
    bench.listed("other", Vec::new());
    let mut template = everyone();
    template["spec"]["grants"] = json!([{"connector": "other"}]);
    bench.template("everyone", &template);
    bench.work();
    is_held_whole(&bench, Cause::Change);
}

/// What a deleted RoleTemplate gave is kept for an hour, and held when that is over.
#[tokio::test]
async fn a_role_template_that_is_deleted() {
    let mut bench = company(&three());
    let gone = Seen::Gone(bench.key("everyone"));
    bench.engine.change(Change::RoleTemplate(gone));
    bench.work();
    assert_eq!(held(&bench, Cause::Change), 0);
    bench.clock.shift(SignedDuration::from_mins(61));
    bench.work();
    is_held_whole(&bench, Cause::Change);
}

/// An edit of the connector that makes roles alone give what everybody was given by hand.
#[tokio::test]
async fn a_connector_that_is_authoritative_by_mistake() {
    let mut bench = company(&three());
    let accounts: Vec<_> = (0..COMPANY)
        .map(|n| account(&bench, &n.to_string(), &n.to_string(), Activity::Active))
        .collect();
    let staff = ObservedEntitlement {
        id: "staff".into(),
        name: "staff".into(),
        holders: accounts.iter().map(|account| account.id.clone()).collect(),
        completeness: Completeness::Complete,
    };
    bench.listed_with("directory", accounts, vec![staff]);
    bench.work();
    assert_eq!(held(&bench, Cause::Change), 0);
    let mut all = guarded(&three(), None);
    all["spec"]["entitlements"] = json!({"authoritative": ["*"]});
    bench.connector("directory", &all);
    bench.work();
    is_held_whole(&bench, Cause::Change);
}

/// A rule of user names that gives everybody another one, where accounts are renamed.
#[tokio::test]
async fn a_rule_that_names_everybody_anew() {
    let mut bench = company(&three());
    let rule = |rule: &str| {
        let mut connector = guarded(&three(), None);
        let account = &mut connector["spec"]["account"];
        account["username"] = json!([rule]);
        account["usernameChanges"] = json!("Follow");
        account["attributes"] = json!({"title": "employee.jobTitle"});
        connector
    };
    bench.connector("directory", &rule("employee.employeeId"));
    bench.work();
    // Other attributes are read by another run.
    let ended = bench.changes.recv().await.unwrap();
    bench.engine.change(ended);
    bench.work();
    all_listed(&mut bench);
    assert_eq!(held(&bench, Cause::Change), 0);
    bench.connector("directory", &rule("'x' + employee.employeeId"));
    bench.work();
    assert_eq!(held(&bench, Cause::Change), COMPANY);
    // What else is to be changed about them is.
    match ordered(&bench, "p7") {
        Some(Operation::Update { changes, .. }) => {
            assert!(
                changes.username.is_none() && !changes.set.is_empty(),
                "{changes:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    summarise(&mut bench);
    let told = bench
        .status("directory", |status| status["held"][0]["rename"] == COMPANY)
        .await;
    let why = &told["held"][0]["causes"][0]["why"];
    assert_eq!(why, "the user name is to be another one");
    // Taken back, nothing is left of it.
    bench.connector("directory", &rule("employee.employeeId"));
    bench.work();
    assert_eq!(held(&bench, Cause::Change), 0);
    // One marries.
    bench.connector(
        "directory",
        &rule("employee.employeeId == '7' ? 'seven' : employee.employeeId"),
    );
    bench.work();
    let renamed = |n: usize| match ordered(&bench, &format!("p{n}")) {
        Some(Operation::Update { changes, .. }) => changes.username,
        _ => None,
    };
    assert_eq!(renamed(7), Some(crate::domain::ids::Username::new("seven")));
    assert_eq!(renamed(8), None);
}

/// Everybody in a namespace is deleted where that disables accounts: the objects wait with them.
#[tokio::test]
async fn a_namespace_that_is_emptied() {
    let mut bench = company(&three());
    let mut strict = guarded(&three(), None);
    strict["spec"]["deletion"] = json!({"policy": "Disable"});
    bench.connector("directory", &strict);
    bench.work();
    for n in 0..COMPANY {
        let mut gone = employee(&n.to_string());
        gone["metadata"] = json!({
            "finalizers": [FINALIZER],
            "deletionTimestamp": "2026-11-23T00:00:00Z",
        });
        bench.employee(&format!("p{n}"), &gone);
    }
    bench.work();
    is_held_whole(&bench, Cause::Change);
    summarise(&mut bench);
    let told = bench
        .status("directory", |status| status["held"][0]["people"] == COMPANY)
        .await;
    let why = &told["held"][0]["causes"][0]["why"];
    assert_eq!(why, "the Employee is deleted");
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!bench.finalizer_taken_off());
    // Approved, it runs.
    let digest = entry(&bench, "directory").gate.digest(Cause::Change);
    strict["metadata"]["annotations"] =
        json!({crate::api::APPROVED_REMOVALS_ANNOTATION: digest.unwrap()});
    bench.connector("directory", &strict);
    bench.work();
    assert_eq!(under_way(&bench).len(), COMPANY);
    assert_eq!(ordered(&bench, "p7"), Some(Operation::Disable("7".into())));
}

#[tokio::test]
async fn an_end_in_the_past_for_everybody() {
    let mut bench = company(&three());
    for n in 0..COMPANY {
        bench.employee(&format!("p{n}"), &leaver(n));
    }
    bench.work();
    is_held_whole(&bench, Cause::Termination);
}

/// The instant is noon of a day in UTC, which is where everybody is.
fn noon(bench: &mut Bench) -> Date {
    let day = bench.engine.now().to_zoned(TimeZone::UTC).date();
    let day = day.checked_add(1.day()).unwrap();
    at(bench, day, 12);
    day
}

fn at(bench: &mut Bench, day: Date, hour: i8) {
    let then = day.at(hour, 0, 5, 0).to_zoned(TimeZone::UTC).unwrap();
    bench.clock.set(then.timestamp());
    bench.work();
}

fn later(day: Date, days: i64) -> Date {
    day.checked_add(days.days()).unwrap()
}

fn ends(bench: &mut Bench, n: usize, day: Date) {
    let mut object = ending(n, day);
    let name = crate::domain::ids::EmployeeName::new(format!("p{n}").as_str());
    let known = bench.engine.world.person(&bench.namespace, &name);
    object["status"] = serde_json::to_value(known.unwrap().status.newest()).unwrap();
    bench.employee(&format!("p{n}"), &object);
}

fn ending(n: usize, day: Date) -> Value {
    let mut object = employee(&n.to_string());
    object["spec"]["timeZone"] = json!("UTC");
    object["spec"]["endDate"] = json!(day.to_string());
    object
}

#[tokio::test]
async fn the_same_end_for_everybody_told_days_before() {
    let mut bench = company(&three());
    let day = noon(&mut bench);
    for n in 0..COMPANY {
        ends(&mut bench, n, later(day, 2));
    }
    bench.work();
    at(&mut bench, later(day, 3), 0);
    is_held_whole(&bench, Cause::LastDay);
}

/// Twelve hours before midnight ten people are to leave at that midnight, by mistake. The two who leave then as was known
/// for a day do not wait for them.
#[tokio::test]
async fn whoever_was_told_for_a_day_does_not_wait_for_a_mistake_of_that_day() {
    for jump in [0, 5] {
        let mut bench = company(&three());
        let day = noon(&mut bench);
        for n in 0..2 {
            ends(&mut bench, n, later(day, 1));
        }
        bench.work();
        at(&mut bench, later(day, 1), 12);
        for n in 10..20 {
            ends(&mut bench, n, later(day, 1));
        }
        // One is told for longer, of another day.
        ends(&mut bench, 2, later(day, 4));
        bench.work();
        ends(&mut bench, 2, later(day, 1));
        bench.work();
        // Also where the clock jumps: what was told is no older by that.
        at(&mut bench, later(day, 2 + jump), 0);
        assert_eq!(under_way(&bench), ["p0", "p1"], "{jump}");
        assert_eq!(held(&bench, Cause::Termination), 11, "{jump}");
        let status = |n: usize| {
            let name = crate::domain::ids::EmployeeName::new(format!("p{n}").as_str());
            let person = bench.engine.world.person(&bench.namespace, &name);
            person.unwrap().status.newest().last_day.unwrap()
        };
        let notice = |n| status(n).ends_at.0.duration_since(status(n).told_at.0);
        assert!(
            notice(0) > SignedDuration::from_hours(35),
            "{:?}",
            status(0)
        );
        assert!(
            notice(12) < SignedDuration::from_hours(12),
            "{:?}",
            status(12)
        );
    }
}

/// Since when it was told is known after a restart, also of a contract that had an end from the beginning.
#[tokio::test]
async fn what_was_told_is_known_after_a_restart() {
    let mut before = company(&three());
    let day = noon(&mut before);
    for n in 0..2 {
        ends(&mut before, n, later(day, 1));
    }
    before.work();
    let told = before.engine.now();
    let mut bench = restarted(
        &before,
        &guarded(&three(), None),
        &everyone(),
        |n, object| {
            if n < 2 {
                object["spec"] = ending(n, later(day, 1))["spec"].clone();
            }
        },
    );
    // That one's clock is the machine's; it is a day later.
    let then: Timestamp = told + SignedDuration::from_hours(36);
    bench.clock.set(then);
    all_listed(&mut bench);
    bench.work();
    assert_eq!(under_way(&bench), ["p0", "p1"]);
    let released = entry(&bench, "directory").gate.releases();
    assert!(released.iter().all(|r| r.cause == Cause::LastDay) && !released.is_empty());
}
