//! Runs of connectors: when one begins and ends, and what that means for people.

use serde_json::{Value, json};

use super::{Bench, account, connector, employee, everyone, ordered};
use crate::api::PAUSED_ANNOTATION;
use crate::connectors::{ConnectorError, ErrorKind};
use crate::controllers::watch::{Change, Seen};
use crate::controllers::world::{Failure, FailureKey, Submitted};
use crate::dispatch::Command;
use crate::dispatch::order::{ConnectorKey, Effect, Event, Order, Outcome, Report};
use crate::domain::account::{Activity, Attributes, ObservedAccount};
use crate::domain::ids::{ConnectorName, EmployeeName, Username};
use crate::plan::guard::{Gate, Restored};
use crate::plan::operation::ReadKey;
use crate::plan::{Lane, Operation};

fn submit(bench: &mut Bench, person: &str, operation: Operation) {
    let namespace = bench.namespace.clone();
    let person = bench
        .engine
        .world
        .person_mut(&namespace, &EmployeeName::new(person))
        .unwrap();
    let submitted = Submitted {
        revision: 1,
        operation,
        taken_back: false,
    };
    person
        .unsettled
        .submitted
        .insert("directory".into(), submitted);
}

fn runs(bench: &mut Bench) -> bool {
    let namespace = bench.namespace.clone();
    let name = ConnectorName::new("directory");
    bench
        .engine
        .world
        .connector_mut(&namespace, &name)
        .is_some_and(|entry| entry.running.is_some())
}

/// The object is deleted and made again while writes are in flight: they are in doubt, and nothing
/// starts before they are over.
#[tokio::test]
async fn a_connector_made_again_waits_for_the_writes_of_the_one_before() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.employee("ada", &employee("1"));
    bench.employee("bob", &employee("2"));
    bench.work();
    assert!(runs(&mut bench));
    submit(&mut bench, "ada", Operation::Disable("a".into()));
    submit(&mut bench, "bob", Operation::Read(ReadKey::Id("b".into())));

    let gone = Seen::Gone(bench.key("directory"));
    bench.engine.change(Change::AppConnector(gone));
    let doubts = |bench: &Bench, name: &str| {
        let name = EmployeeName::new(name);
        let person = bench.engine.world.person(&bench.namespace, &name).unwrap();
        assert!(person.unsettled.submitted.is_empty());
        person.unsettled.in_doubt.contains("directory")
    };
    assert!(doubts(&bench, "ada"), "a write may have been done");
    assert!(!doubts(&bench, "bob"), "a read changes nothing");

    bench.connector("directory", &connector("directory"));
    bench.work();
    assert!(!runs(&mut bench), "the earlier run has not ended");
    let ended = bench.changes.recv().await.unwrap();
    assert!(matches!(&ended, Change::Stopped(key) if *key == bench.key("directory")));
    bench.engine.change(ended);
    bench.work();
    assert!(runs(&mut bench));
    assert!(doubts(&bench, "ada"), "only a read ends the doubt");
}

/// Everything is paused while a write is under way, so nobody waits for it any more. Then its run ends.
#[tokio::test]
async fn what_was_taken_back_under_way_is_in_doubt_after_its_run() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.employee("ada", &employee("1"));
    bench.work();
    let namespace = bench.namespace.clone();
    let directory = ConnectorName::new("directory");
    let entry = bench.engine.world.connector_mut(&namespace, &directory);
    let epoch = entry.unwrap().epoch().unwrap();
    for (operation, doubted) in [
        (Operation::Read(ReadKey::Id("a".into())), false),
        (Operation::Disable("a".into()), true),
    ] {
        let order = Order {
            employee: "1".into(),
            lane: Lane::Leaver,
            operation,
            revision: 1,
            cause: String::new(),
            knows: 0,
        };
        bench.engine.stop(&namespace, &directory);
        bench.engine.report(Report {
            connector: ConnectorKey {
                namespace: namespace.clone(),
                name: directory.clone(),
            },
            epoch,
            event: Event::Done(Box::new(Outcome {
                order,
                result: Err(ConnectorError::new(ErrorKind::OutcomeUnknown, "stopped")),
                number: 1,
            })),
        });
        let ada = EmployeeName::new("ada");
        let person = bench.engine.world.person(&namespace, &ada).unwrap();
        assert_eq!(person.unsettled.in_doubt.contains("directory"), doubted);
    }
}

/// Ada's account is ordered, and nobody has said what came of that.
fn about_to_make_an_account(directory: &Value) -> Bench {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", directory);
    bench.template("everyone", &everyone());
    bench.employee("ada", &employee("1"));
    bench.work();
    bench.listed("directory", Vec::new());
    bench.work();
    assert!(matches!(ordered(&bench, "ada"), Some(Operation::Create(_))));
    bench
}

/// Nothing that waits goes out any more, before anyone is looked at.
#[tokio::test]
async fn a_switch_to_dry_run_takes_back_at_once_what_was_not_sent() {
    let mut directory = connector("directory");
    directory["metadata"] = json!({"generation": 1});
    let mut bench = about_to_make_an_account(&directory);
    let mut commands = bench.tap("directory");
    directory["metadata"] = json!({"generation": 2});
    directory["spec"]["mode"] = json!("DryRun");
    bench.connector("directory", &directory);
    assert!(matches!(commands.try_recv(), Ok(Command::WithdrawAll)));
    bench.work();
    assert_eq!(ordered(&bench, "ada"), None);
}

/// The brake is on and off again before anybody is looked at: what dispatch forgot meanwhile is ordered anew.
#[tokio::test]
async fn a_brake_that_is_on_for_a_moment_loses_no_order() {
    let mut directory = connector("directory");
    let mut bench = about_to_make_an_account(&directory);
    let mut commands = bench.tap("directory");
    for paused in ["true", "false"] {
        directory["metadata"]["annotations"] = json!({PAUSED_ANNOTATION: paused});
        bench.connector("directory", &directory);
    }
    bench.work();
    let mut told = std::iter::from_fn(|| commands.try_recv().ok());
    assert!(told.any(|command| matches!(command, Command::WithdrawAll)));
    let again = told.filter(|command| matches!(command, Command::Submit(_)));
    assert_eq!(again.count(), 1);
    assert!(matches!(ordered(&bench, "ada"), Some(Operation::Create(_))));
}

/// Nobody made the manager's account through us; a listing shows it.
#[tokio::test]
async fn a_manager_who_is_listed_later_is_named_to_the_reports() {
    let mut bench = Bench::new();
    bench.secret("directory");
    let mut all = everyone();
    all["spec"]["match"] = serde_json::json!("employee.employeeId == '1'");
    bench.template("all", &all);
    let mut directory = connector("directory");
    directory["spec"]["account"]["manager"] = serde_json::json!("FromManagerRef");
    bench.connector("directory", &directory);
    let mut ada = employee("1");
    ada["spec"]["managerRef"] = serde_json::json!({"name": "grace"});
    bench.employee("ada", &ada);
    bench.employee("grace", &employee("2"));
    bench.work();
    let hers = account(&bench, "a", "1", Activity::Active);
    bench.listed("directory", vec![hers.clone()]);
    bench.work();
    assert_eq!(ordered(&bench, "ada"), None);
    let manager = account(&bench, "g", "2", Activity::Active);
    bench.listed("directory", vec![hers, manager]);
    bench.work();
    match ordered(&bench, "ada") {
        Some(Operation::Update { id, changes, .. }) => {
            assert_eq!((id, changes.set.len()), ("a".into(), 1));
        }
        other => panic!("{other:?}"),
    }
}

/// What the target before still had to say is not taken for what the new one shows.
#[tokio::test]
async fn a_connector_that_moved_shows_nothing_of_where_it_was() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.work();
    assert!(runs(&mut bench));
    let mut moved = connector("directory");
    moved["spec"]["scim"]["baseUrl"] = serde_json::json!("https://localhost:2/scim/v2");
    bench.connector("directory", &moved);
    assert!(!runs(&mut bench), "no report of that run counts");
}

/// An account comes back without its mark, and the person's object is gone: nobody else gets one.
#[tokio::test]
async fn a_mark_that_was_dropped_stops_everyone_also_where_the_person_is_gone() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.template("everyone", &everyone());
    bench.employee("ada", &employee("1"));
    bench.employee("bob", &employee("2"));
    bench.work();
    bench.listed("directory", Vec::new());
    bench.work();
    let namespace = bench.namespace.clone();
    let submitted = |bench: &Bench, name: &str| {
        let person = bench
            .engine
            .world
            .person(&namespace, &EmployeeName::new(name));
        let order = person.unwrap().unsettled.submitted.get("directory");
        order.map(|s| s.operation.clone())
    };
    let create = submitted(&bench, "ada").unwrap();
    assert!(matches!(
        submitted(&bench, "bob"),
        Some(Operation::Create(_))
    ));

    let gone = Seen::Gone(bench.key("ada"));
    bench.engine.change(Change::Employee(gone));
    let outcome = Outcome {
        order: Order {
            employee: "1".into(),
            lane: Lane::Joiner,
            operation: create,
            revision: 1,
            cause: String::new(),
            knows: 0,
        },
        result: Ok(Effect::Created(ObservedAccount {
            id: "a".into(),
            username: Username::new("1"),
            mark: None,
            activity: Activity::Active,
            attributes: Attributes::new(),
            unfinished: false,
        })),
        number: 1,
    };
    bench.report("directory", Event::Done(Box::new(outcome)));
    bench.work();
    assert_eq!(submitted(&bench, "bob"), None);

    // Another credential is no other application.
    bench.secret_with("directory", "YW5vdGhlcg==");
    bench.work();
    let ended = bench.changes.recv().await.unwrap();
    bench.engine.change(ended);
    bench.work();
    assert!(runs(&mut bench));
    assert_eq!(submitted(&bench, "bob"), None);
}

/// Only an account without a mark that has the recorded name was made by an earlier run: a foreign mark
/// tells of another installation, and another name of another application.
#[test]
fn a_dropped_mark_is_recalled_from_an_account_that_was_ours_alone() {
    use crate::api::AppConnectorStatus;
    use crate::controllers::world::{ConnectorEntry, Meta};
    use crate::domain::account::{Activity, Attributes, ObservedAccount};
    use crate::domain::ids::Username;
    use crate::domain::record::RecordedAccount;
    for (name, mark, recalled) in [
        ("ada", None, true),
        ("ada", Some("other/people/1"), false),
        ("someone-else", None, false),
    ] {
        let scope = crate::domain::mark::Scope::new("acme", "people");
        let gate = Gate::restored("people".into(), "directory".into(), "", Restored::default());
        let status = AppConnectorStatus::default();
        let mut entry = ConnectorEntry::new(Meta::default(), scope, gate, &status);
        entry.inventory.saw(
            ObservedAccount {
                id: "7".into(),
                username: Username::new("ada"),
                mark: mark.map(str::to_owned),
                activity: Activity::Active,
                attributes: Attributes::new(),
                unfinished: false,
            },
            false,
        );
        let record = RecordedAccount {
            id: Some("7".into()),
            username: Some(Username::new(name)),
            ..RecordedAccount::default()
        };
        entry.recall_dropped_mark([&record].into_iter());
        assert_eq!(entry.mark_dropped.is_some(), recalled, "{name} {mark:?}");
    }
}

/// A group was deleted and made again, by another person's look, before a listing showed either.
#[tokio::test]
async fn an_entitlement_that_did_not_exist_is_tried_again_after_a_listing() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.employee("ada", &employee("1"));
    bench.employee("bob", &employee("2"));
    bench.work();
    bench.listed("directory", Vec::new());
    bench.work();
    let namespace = bench.namespace.clone();
    let mut fail = |name: &str, reason: &'static str| {
        let person = bench
            .engine
            .world
            .person_mut(&namespace, &EmployeeName::new(name))
            .unwrap();
        let key = FailureKey {
            connector: "directory".into(),
            verb: "AddEntitlements",
            entitlement: Some("mail".into()),
        };
        let failure = Failure {
            reason,
            message: String::new(),
            attempts: 1,
            retry_at: jiff::Timestamp::MAX,
        };
        person.unsettled.failures.insert(key, failure);
    };
    fail("ada", ErrorKind::NotFound.reason());
    fail("bob", ErrorKind::Forbidden.reason());
    bench.listed("directory", Vec::new());
    let failures = |name: &str| {
        let person = bench
            .engine
            .world
            .person(&namespace, &EmployeeName::new(name));
        person.unwrap().unsettled.failures.len()
    };
    assert_eq!((failures("ada"), failures("bob")), (0, 1));
}
