//! What people compete for: an `employeeId`, a user name.

use serde_json::{Value, json};

use super::{Bench, connector, employee, everyone};
use crate::controllers::watch::{Change, Seen};
use crate::dispatch::Command;
use crate::dispatch::order::{Effect, Event, Order, Outcome};
use crate::domain::account::{Activity, Attributes, ObservedAccount};
use crate::domain::ids::{ConnectorName, EmployeeName, Username};
use crate::plan::Operation;

/// The status that a person has who was given a user name, and no account yet.
fn named(username: &str) -> Value {
    json!({
        "observedGeneration": 1,
        "stage": "Active",
        "accounts": [{"connector": "directory", "username": username, "state": "Pending"}],
    })
}

fn with_account(id: &str) -> Value {
    let mut status = named("ada");
    status["accounts"][0]["accountId"] = json!(id);
    status
}

/// An account of the person whose `employeeId` is 1, which a leaver must not keep.
fn open_account(bench: &Bench) -> ObservedAccount {
    let scope = &bench.engine.world.realms[&bench.namespace].scope;
    ObservedAccount {
        id: "a".into(),
        username: Username::new("ada"),
        mark: Some(scope.mark(&"1".into()).as_str().to_owned()),
        activity: Activity::Active,
        attributes: Attributes::new(),
        unfinished: false,
    }
}

fn has_ordered(bench: &Bench, name: &str) -> Option<Operation> {
    let name = EmployeeName::new(name);
    let person = bench.engine.world.person(&bench.namespace, &name).unwrap();
    let submitted = person.unsettled.submitted.get("directory");
    submitted.map(|s| s.operation.clone())
}

fn leaver() -> Value {
    let mut object = employee("1");
    object["spec"]["endDate"] = json!("2021-01-01");
    object
}

/// Bob's object orders. Then one of the same `employeeId` shows up that has the account: it takes the
/// order over, and what bob takes back must not be that.
#[tokio::test]
async fn who_loses_an_employee_id_takes_back_only_what_is_his() {
    for taken_over in [true, false] {
        let mut bench = Bench::new();
        bench.secret("directory");
        bench.connector("directory", &connector("directory"));
        bench.employee("bob", &leaver());
        bench.work();
        let accounts = vec![open_account(&bench)];
        bench.listed("directory", accounts);
        let mut told = bench.tap("directory");
        bench.work();
        let disable = Some(Operation::Disable("a".into()));
        assert_eq!(has_ordered(&bench, "bob"), disable);

        // A person who still works wants nothing done.
        let mut owner = if taken_over { leaver() } else { employee("1") };
        owner["status"] = with_account("a");
        if !taken_over {
            bench.template("everyone", &everyone());
        }
        bench.employee("ada", &owner);
        bench.work();
        assert_eq!(has_ordered(&bench, "bob"), None);
        assert_eq!(has_ordered(&bench, "ada"), disable.filter(|_| taken_over));
        let mut last = None;
        while let Ok(command) = told.try_recv() {
            last = Some(command);
        }
        match last {
            Some(Command::Submit(_)) if taken_over => {}
            Some(Command::Withdraw(_)) if !taken_over => {}
            other => panic!("taken over: {taken_over}, last told: {other:?}"),
        }
    }
}

/// What nobody knows of the last write is not known to the next owner either: it looks before it makes
/// an account.
#[tokio::test]
async fn a_doubt_passes_to_whoever_owns_the_employee_id() {
    for gone in [false, true] {
        let mut bench = Bench::new();
        bench.secret("directory");
        bench.connector("directory", &connector("directory"));
        bench.template("everyone", &everyone());
        bench.employee("bob", &employee("1"));
        bench.work();
        bench.listed("directory", Vec::new());
        bench.work();
        let name = EmployeeName::new("bob");
        let namespace = bench.namespace.clone();
        let bob = bench.engine.world.person_mut(&namespace, &name).unwrap();
        bob.unsettled.in_doubt.insert("directory".into());
        bob.unsettled.submitted.clear();
        bench.employee("ada", &employee("1"));
        if gone {
            let gone = crate::controllers::watch::Seen::Gone(bench.key("bob"));
            bench
                .engine
                .change(crate::controllers::watch::Change::Employee(gone));
        }
        bench.work();
        assert_eq!(has_ordered(&bench, "ada").unwrap().verb(), "Read", "{gone}");
    }
}

/// The account that spoke for one of two objects is gone: the other is looked at.
#[tokio::test]
async fn who_wins_an_employee_id_by_the_loss_of_an_account_is_looked_at() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.template("everyone", &everyone());
    bench.employee("ada", &employee("1"));
    let mut bob = employee("1");
    bob["status"] = with_account("a");
    bench.employee("bob", &bob);
    bench.work();
    let stalled = |s: &Value| s["conditions"][1]["reason"] == "DuplicateEmployeeId";
    bench.status("ada", stalled).await;
    bench.at_home("directory");
    // It was deleted in the target, which a read shows after a listing.
    bench.listed("directory", Vec::new());
    bench.work();
    let read = has_ordered(&bench, "bob").unwrap();
    assert!(matches!(read, Operation::Read(_)), "{read:?}");
    let outcome = Outcome {
        order: Order {
            employee: "1".into(),
            lane: crate::plan::Lane::Leaver,
            operation: read,
            revision: 1,
            cause: String::new(),
            knows: 0,
        },
        result: Ok(Effect::Read(Vec::new())),
        number: 1,
    };
    bench.report("directory", Event::Done(Box::new(outcome)));
    bench.work();
    bench.status("bob", stalled).await;
    assert!(matches!(
        has_ordered(&bench, "ada"),
        Some(Operation::Create(_))
    ));
    assert_eq!(has_ordered(&bench, "bob"), None);
}

/// Two people whose names are alike. The one of the higher id has had the name since before the start,
/// and its account is not made yet; whichever object is seen first, nobody else gets it.
#[tokio::test]
async fn a_recorded_name_is_reserved_before_anyone_is_looked_at() {
    let parts: [fn(&mut Bench); 4] = [
        |bench| bench.employee("ada", &employee("1")),
        |bench| {
            let mut bob = employee("2");
            bob["status"] = named("ada");
            bench.employee("bob", &bob);
        },
        |bench| {
            let mut directory = connector("directory");
            directory["spec"]["account"]["username"] =
                json!(["employee.name.given.lowerAscii()", "employee.employeeId"]);
            bench.connector("directory", &directory);
        },
        |bench| bench.template("everyone", &everyone()),
    ];
    for first in 0..parts.len() {
        let mut bench = Bench::new();
        bench.secret("directory");
        for n in 0..parts.len() {
            parts[(first + n) % parts.len()](&mut bench);
        }
        bench.work();
        bench.listed("directory", Vec::new());
        bench.work();
        let username = |name: &str| match has_ordered(&bench, name) {
            Some(Operation::Create(new)) => new.username,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(username("ada"), Username::new("1"));
        assert_eq!(username("bob"), Username::new("ada"));
    }
}

/// A name belongs to the connector that gave it: another object for the same application may give it
/// again once the first is gone.
#[tokio::test]
async fn a_connector_that_is_gone_frees_the_names_it_gave() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    let mut bob = employee("2");
    bob["status"] = named("ada");
    bench.employee("bob", &bob);
    bench.work();
    let allocated = |bench: &Bench| {
        let tables = bench.engine.world.names.values();
        tables.map(|names| names.allocated.len()).sum::<usize>()
    };
    assert_eq!(allocated(&bench), 1);
    let mut moved = connector("directory");
    moved["spec"]["scim"]["baseUrl"] = json!("https://localhost:2/scim/v2");
    bench.connector("directory", &moved);
    assert_eq!(allocated(&bench), 1, "reserved where it speaks to now");
    let entry =
        &bench.engine.world.realms[&bench.namespace].connectors[&ConnectorName::new("directory")];
    let target = entry.target.clone().unwrap();
    assert_eq!(bench.engine.world.names[&target].allocated.len(), 1);
    let gone = Seen::Gone(bench.key("directory"));
    bench.engine.change(Change::AppConnector(gone));
    assert_eq!(allocated(&bench), 0);
}

/// An object is deleted while its account is being made, and applied again: the account is looked for
/// before another is made, and one that was seen to be made is not made again.
#[tokio::test]
async fn an_object_that_comes_again_knows_of_the_write_that_was_under_way() {
    for answered in [false, true] {
        let mut bench = Bench::new();
        bench.secret("directory");
        bench.connector("directory", &connector("directory"));
        bench.template("everyone", &everyone());
        bench.employee("ada", &employee("1"));
        bench.work();
        bench.listed("directory", Vec::new());
        bench.work();
        let create = has_ordered(&bench, "ada").unwrap();
        let Operation::Create(new) = &create else {
            panic!("{create:?}")
        };
        let made = ObservedAccount {
            mark: Some(new.mark.to_string()),
            username: new.username.clone(),
            ..open_account(&bench)
        };
        let gone = Seen::Gone(bench.key("ada"));
        bench.engine.change(Change::Employee(gone));
        bench.work();
        if answered {
            let outcome = Outcome {
                order: Order {
                    employee: "1".into(),
                    lane: crate::plan::Lane::Joiner,
                    operation: create,
                    revision: 1,
                    cause: String::new(),
                    knows: 0,
                },
                result: Ok(Effect::Created(made)),
                number: 1,
            };
            bench.report("directory", Event::Done(Box::new(outcome)));
        }
        bench.employee("ada", &employee("1"));
        bench.work();
        let next = has_ordered(&bench, "ada");
        assert!(
            matches!(next, Some(Operation::Read(_))),
            "answered: {answered}, {next:?}"
        );

        if answered {
            continue;
        }
        // Once a complete listing has told what is there, nothing is left to look for.
        let gone = Seen::Gone(bench.key("ada"));
        bench.engine.change(Change::Employee(gone));
        bench.listed("directory", Vec::new());
        bench.employee("ada", &employee("1"));
        bench.work();
        let next = has_ordered(&bench, "ada");
        assert!(matches!(next, Some(Operation::Create(_))), "{next:?}");
    }
}
