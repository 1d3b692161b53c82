//! Deletion where a policy acts on it.

use serde_json::json;

use super::{Bench, account, connector, done, employee, everyone, ordered};
use crate::api::FINALIZER;
use crate::dispatch::Command;
use crate::dispatch::order::Effect;
use crate::domain::account::{Activity, Completeness};
use crate::domain::ids::EmployeeName;
use crate::plan::Operation;
use crate::plan::operation::ReadKey;

/// The facts are unusable, which must not let the accounts go as they are; and while the deletion
/// waits, the object says for what.
#[tokio::test]
async fn an_object_that_is_stalled_is_deleted_like_any_other() {
    for zone in ["Europe/Atlantis", "Europe/Athens"] {
        let mut bench = Bench::new();
        bench.secret("directory");
        let mut directory = connector("directory");
        directory["spec"]["deletion"] = json!({"policy": "Disable"});
        bench.connector("directory", &directory);
        let mut ada = employee("1");
        ada["spec"]["timeZone"] = json!(zone);
        ada["metadata"] = json!({
            "finalizers": [FINALIZER],
            "deletionTimestamp": "2026-11-23T00:00:00Z",
        });
        ada["status"] = json!({
            "observedGeneration": 1,
            "stage": "Active",
            "accounts": [{"connector": "directory", "accountId": "a", "username": "ada", "state": "Active"}],
        });
        bench.employee("ada", &ada);
        bench.work();
        let accounts = vec![account(&bench, "a", "1", Activity::Active)];
        bench.listed("directory", accounts);
        bench.work();
        assert_eq!(
            ordered(&bench, "ada"),
            Some(Operation::Disable("a".into())),
            "{zone}"
        );

        // What goes well is told of once it takes longer.
        let namespace = bench.namespace.clone();
        let ada = EmployeeName::new("ada");
        let person = bench.engine.world.person_mut(&namespace, &ada).unwrap();
        person.tell_at = Some(jiff::Timestamp::UNIX_EPOCH);
        bench.engine.look_at(&namespace, &ada);
        bench.work();
        let status = bench.status("ada", |s| s["conditions"][0]["reason"] == "Deleting");
        let status = status.await;
        assert_eq!(status["stage"], "Active", "being deleted is no stage");
        let conditions = status["conditions"].as_array().unwrap();
        let types: Vec<_> = conditions
            .iter()
            .map(|c| (c["type"].as_str().unwrap(), c["status"].as_str().unwrap()))
            .collect();
        assert_eq!(types[..2], [("Ready", "False"), ("Reconciling", "True")]);
        let message = conditions[0]["message"].as_str().unwrap();
        for part in ["spec.deletion", "directory: ", "disable"] {
            assert!(message.contains(part), "{message}");
        }

        let disabled = account(&bench, "a", "1", Activity::Disabled);
        done(
            &mut bench,
            "ada",
            1,
            Effect::ActivitySet(Some(disabled.clone())),
        );
        assert_eq!(
            ordered(&bench, "ada"),
            Some(Operation::Read(ReadKey::Id("a".into())))
        );
        assert!(!bench.finalizer_taken_off(), "before the proof");
        done(&mut bench, "ada", 2, Effect::Read(vec![disabled]));
        while !bench.finalizer_taken_off() {
            tokio::task::yield_now().await;
        }
    }
}

/// Two applications: one lets go, one disables. What was ordered for the first is taken back, also where
/// the object waits for the second.
#[tokio::test]
async fn an_account_is_not_made_for_someone_who_is_let_go() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    let mut strict = connector("directory");
    strict["spec"]["deletion"] = json!({"policy": "Disable"});
    strict["spec"]["scim"]["baseUrl"] = json!("https://localhost:2/scim/v2");
    bench.connector("strict", &strict);
    let mut template = everyone();
    template["spec"]["grants"] = json!([{"connector": "directory"}, {"connector": "strict"}]);
    bench.template("everyone", &template);
    let mut ada = employee("1");
    ada["metadata"] = json!({"finalizers": [FINALIZER]});
    bench.employee("ada", &ada);
    bench.work();
    bench.listed("directory", Vec::new());
    let there = vec![account(&bench, "a", "1", Activity::Active)];
    bench.listed("strict", there);
    bench.work();
    assert!(matches!(ordered(&bench, "ada"), Some(Operation::Create(_))));
    let mut commands = bench.tap("directory");
    ada["metadata"]["deletionTimestamp"] = json!("2026-11-23T00:00:00Z");
    bench.employee("ada", &ada);
    bench.work();
    assert_eq!(ordered(&bench, "ada"), None);
    let command = commands.try_recv();
    assert!(matches!(command, Ok(Command::Withdraw(_))), "{command:?}");
    let namespace = bench.namespace.clone();
    let ada = EmployeeName::new("ada");
    let person = bench.engine.world.person(&namespace, &ada).unwrap();
    assert!(
        person.unsettled.in_doubt.contains("directory"),
        "it may be under way"
    );
}

/// Who does not own the `employeeId` must not touch the owner's accounts.
#[tokio::test]
async fn the_loser_of_a_duplicate_is_let_go_at_once() {
    let mut bench = Bench::new();
    bench.employee("ada", &employee("1"));
    let mut loser = employee("1");
    loser["metadata"] = json!({
        "finalizers": [FINALIZER],
        "deletionTimestamp": "2026-11-23T00:00:00Z",
    });
    // Made later, as its name says: neither has an account.
    bench.employee("bob", &loser);
    bench.work();
    while !bench.finalizer_taken_off() {
        tokio::task::yield_now().await;
    }
    let status = bench.status("bob", |s| s["conditions"][1]["type"] == "Stalled");
    let reason = status.await["conditions"][1]["reason"].clone();
    assert_eq!(reason, "DuplicateEmployeeId");
}

/// Nothing is remembered of an account, and the listing left something out: it may be there all the same,
/// and is searched for before the object goes.
#[tokio::test]
async fn a_search_for_what_a_listing_left_out_is_waited_for() {
    let mut bench = Bench::new();
    bench.secret("directory");
    let mut directory = connector("directory");
    directory["spec"]["deletion"] = json!({"policy": "Disable"});
    bench.connector("directory", &directory);
    let mut ada = employee("1");
    ada["metadata"] = json!({
        "finalizers": [FINALIZER],
        "deletionTimestamp": "2026-11-23T00:00:00Z",
    });
    bench.employee("ada", &ada);
    bench.work();
    bench.listed_so_far(
        "directory",
        Vec::new(),
        Completeness::Partial("a page is missing".into()),
    );
    bench.work();
    assert_eq!(ordered(&bench, "ada").unwrap().verb(), "Read");
    // What would be written by now.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!bench.finalizer_taken_off());
    done(&mut bench, "ada", 1, Effect::Read(Vec::new()));
    while !bench.finalizer_taken_off() {
        tokio::task::yield_now().await;
    }
}
