//! What is told of orphans: more than a list holds, and while nothing can be read.

use serde_json::{Value, json};

use super::super::Work;
use super::{Bench, account, connector, employee, everyone};
use crate::connectors::{ConnectorError, ErrorKind, Listing};
use crate::dispatch::order::Event;
use crate::domain::account::{Activity, Completeness, ObservedAccount, ObservedEntitlement};
use crate::domain::ids::Username;

const SINCE: &str = "2020-02-02T08:00:00Z";

fn stranger(bench: &Bench, id: &str) -> ObservedAccount {
    ObservedAccount {
        mark: None,
        ..account(bench, id, "1", Activity::Active)
    }
}

fn with_staff() -> Value {
    let mut template = everyone();
    template["spec"]["grants"][0]["entitlements"] = json!(["staff"]);
    template
}

/// A listing of the accounts, each of which holds `staff`.
fn listing(accounts: Vec<ObservedAccount>) -> Event {
    let staff = ObservedEntitlement {
        id: "g".into(),
        name: "staff".into(),
        holders: accounts.iter().map(|a| a.id.clone()).collect(),
        completeness: Completeness::Complete,
    };
    Event::Listed(Box::new(Listing {
        accounts,
        accounts_completeness: Completeness::Complete,
        entitlements: vec![staff],
        entitlements_completeness: Completeness::Complete,
        oddities: Vec::new(),
        requests: 1,
    }))
}

/// Statuses of what others are told of follow in a moment.
fn summaries(bench: &mut Bench) {
    let namespace = bench.namespace.clone();
    let now = bench.engine.ports.clock.now();
    bench
        .engine
        .connector_status(&namespace, &"directory".into(), now);
    bench
        .engine
        .template_status(&namespace, &"everyone".into(), now);
}

/// The operator was started anew, and the application can't be reached: what was told stands.
#[tokio::test]
async fn orphans_are_not_taken_to_be_gone_while_nothing_can_be_read() {
    let mut bench = Bench::new();
    bench.secret("directory");
    let mut directory = connector("directory");
    directory["metadata"] = json!({"generation": 1});
    directory["status"] = json!({
        "observedGeneration": 1,
        "orphans": 120,
        "accounts": 7,
        "orphanedAccounts": [{
            "accountId": "x", "username": "mallory", "kind": "Undeclared", "active": true, "since": SINCE,
        }],
    });
    bench.connector("directory", &directory);
    let mut template = with_staff();
    template["metadata"] = json!({"generation": 1});
    template["status"] = json!({
        "observedGeneration": 1,
        "orphans": 1,
        "orphanedCredentials": [{
            "connector": "directory", "entitlement": "staff", "accountId": "x", "since": SINCE,
        }],
    });
    bench.template("everyone", &template);
    let mut ada = employee("1");
    ada["metadata"] = json!({"generation": 1});
    ada["status"] = json!({
        "observedGeneration": 1,
        "stage": "Active",
        "accounts": [{
            "connector": "directory", "username": "ada", "accountId": "a", "state": "Active",
        }],
        "orphanedCredentials": [{
            "connector": "directory", "kind": "Entitlement", "name": "wine", "since": SINCE,
        }],
    });
    bench.employee("ada", &ada);
    bench.work();
    bench.report(
        "directory",
        Event::Unavailable {
            error: ConnectorError::new(ErrorKind::Unreachable, "down"),
            retry_at: jiff::Timestamp::MAX,
        },
    );
    bench.work();
    summaries(&mut bench);
    let status = bench.status("directory", |s| s["orphans"] == 120);
    let status = status.await;
    assert_eq!(status["orphanedAccounts"][0]["since"], SINCE);
    assert_eq!(status["accounts"], 7);
    let status = bench.status("ada", |s| s["conditions"].is_array());
    assert_eq!(status.await["orphanedCredentials"][0]["since"], SINCE);
    let status = bench.status("everyone", |s| s["conditions"].is_array());
    assert_eq!(status.await["orphanedCredentials"][0]["since"], SINCE);
}

/// An orphan that the list has no room for is told of once, and its time stands when it moves up.
#[tokio::test]
async fn orphans_beyond_the_list_keep_their_time() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.template("everyone", &with_staff());
    bench.work();
    let ids: Vec<String> = (0..101).map(|n| format!("u{n:03}")).collect();
    let all: Vec<_> = ids.iter().map(|id| stranger(&bench, id)).collect();
    bench.report("directory", Event::ListingStarted);
    bench.report("directory", listing(all.clone()));
    bench.work();
    let namespace = bench.namespace.clone();
    let earlier: jiff::Timestamp = SINCE.parse().unwrap();
    let directory = "directory".into();
    bench
        .engine
        .connector_status(&namespace, &directory, earlier);
    bench
        .engine
        .template_status(&namespace, &"everyone".into(), earlier);
    let status = bench.status("directory", |s| s["orphans"] == 101).await;
    let listed = status["orphanedAccounts"].as_array().unwrap();
    assert!(listed.len() == 100 && listed.iter().all(|o| o["accountId"] != "u100"));

    bench.report("directory", Event::ListingStarted);
    bench.report("directory", listing(all[1..].to_vec()));
    bench.work();
    summaries(&mut bench);
    let status = bench.status("directory", |s| s["orphans"] == 100).await;
    let last = status["orphanedAccounts"][99].clone();
    assert_eq!(
        (last["accountId"].as_str(), last["since"].as_str()),
        (Some("u100"), Some(SINCE))
    );
    let status = bench.status("everyone", |s| s["orphans"] == 100).await;
    let last = status["orphanedCredentials"][99].clone();
    assert_eq!(
        (last["accountId"].as_str(), last["since"].as_str()),
        (Some("u100"), Some(SINCE))
    );
}

/// The manifest is applied again: its account is nobody's no longer, without another listing.
#[tokio::test]
async fn an_account_that_was_released_has_an_owner_again_at_once() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.work();
    let released = vec![account(&bench, "a", "1", Activity::Active)];
    bench.report("directory", Event::ListingStarted);
    bench.report("directory", listing(released));
    bench.work();
    summaries(&mut bench);
    bench.status("directory", |s| s["orphans"] == 1).await;
    let due = |bench: &mut Bench| {
        let queue = &mut bench.engine.queue;
        std::iter::from_fn(|| queue.pop(jiff::Timestamp::MAX).map(|(work, _)| work)).collect()
    };
    let _: Vec<Work> = due(&mut bench);
    bench.employee("ada", &employee("1"));
    let due: Vec<Work> = due(&mut bench);
    let summary = Work::ConnectorStatus(bench.namespace.clone(), "directory".into());
    assert!(due.contains(&summary), "{due:?}");
}

/// `rollcall plan` knows of orphans what a status tells.
#[tokio::test]
async fn whose_an_orphan_was_is_told_and_which_accounts_are_left_in_peace() {
    let mut bench = Bench::new();
    bench.secret("directory");
    let mut directory = connector("directory");
    directory["spec"]["orphans"] = json!({
        "ignore": ["svc-*"],
        "exceptions": [{"username": "old-*", "reason": "a migration", "until": "2020-01-01"}],
    });
    bench.connector("directory", &directory);
    bench.work();
    let named = |id: &str, name: &str| ObservedAccount {
        username: Username::new(name),
        ..stranger(&bench, id)
    };
    let accounts = vec![
        account(&bench, "a", "1", Activity::Active),
        named("s", "svc-backup"),
        named("o", "old-ada"),
    ];
    bench.report("directory", Event::ListingStarted);
    bench.report("directory", listing(accounts));
    bench.work();
    summaries(&mut bench);
    let status = bench.status("directory", |s| s["orphans"] == 2).await;
    let told = status["orphanedAccounts"].as_array().unwrap().iter();
    let told: Vec<_> = told.map(|o| (&o["accountId"], &o["employeeId"])).collect();
    assert!(told.contains(&(&json!("a"), &json!("1"))), "{told:?}");
    assert!(told.contains(&(&json!("o"), &Value::Null)), "{told:?}");
    assert_eq!(status["spared"], 1);
    assert_eq!(
        status["sparedAccounts"],
        json!([{"accountId": "s", "username": "svc-backup", "kind": "Undeclared", "active": true}])
    );
}
