//! Deletion where a policy acts on it.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Bench, connector, employee};
use crate::api::FINALIZER;
use crate::dispatch::order::{Effect, Event, Order, Outcome};
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::ids::{EmployeeName, Username};
use crate::plan::Operation;
use crate::plan::operation::ReadKey;

fn account(bench: &Bench, activity: Activity) -> ObservedAccount {
    let scope = &bench.engine.world.realms[&bench.namespace].scope;
    ObservedAccount {
        id: "a".into(),
        username: Username::new("ada"),
        mark: Some(scope.mark(&"1".into()).as_str().to_owned()),
        activity,
        attributes: BTreeMap::new(),
    }
}

fn report(bench: &mut Bench, event: Event) {
    bench.report("directory", event);
    bench.work();
}

/// The operation that is on its way for the person.
fn ordered(bench: &Bench) -> Option<Operation> {
    let name = EmployeeName::new("ada");
    let person = bench.engine.world.person(&bench.namespace, &name).unwrap();
    person
        .submitted
        .get("directory")
        .map(|s| s.operation.clone())
}

fn done(bench: &mut Bench, number: u64, effect: Effect) {
    let order = Order {
        employee: "1".into(),
        lane: crate::plan::Lane::Leaver,
        operation: ordered(bench).unwrap(),
        revision: 1,
        cause: String::new(),
        knows: 0,
    };
    let outcome = Outcome {
        order,
        result: Ok(effect),
        number,
    };
    report(bench, Event::Done(Box::new(outcome)));
}

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
        let accounts = vec![account(&bench, Activity::Active)];
        bench.listed("directory", accounts);
        bench.work();
        assert_eq!(
            ordered(&bench),
            Some(Operation::Disable("a".into())),
            "{zone}"
        );

        // What goes well is told of once it takes longer.
        let namespace = bench.namespace.clone();
        let ada = EmployeeName::new("ada");
        let person = bench.engine.world.person_mut(&namespace, &ada).unwrap();
        person.unsettled_since = Some(jiff::Timestamp::UNIX_EPOCH);
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

        let disabled = account(&bench, Activity::Disabled);
        done(&mut bench, 1, Effect::ActivitySet(Some(disabled.clone())));
        assert_eq!(
            ordered(&bench),
            Some(Operation::Read(ReadKey::Id("a".into())))
        );
        assert!(!bench.finalizer_taken_off(), "before the proof");
        done(&mut bench, 2, Effect::Read(vec![disabled]));
        while !bench.finalizer_taken_off() {
            tokio::task::yield_now().await;
        }
    }
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
