//! Whom a change of a Secret reaches.

use serde_json::json;

use super::super::Work;
use super::{Bench, connector, employee};
use crate::domain::ids::{ConnectorName, EmployeeName};

fn connector_work(bench: &Bench, name: &str) -> Work {
    Work::Connector(bench.namespace.clone(), ConnectorName::new(name))
}

fn person_work(bench: &Bench) -> Work {
    let name = EmployeeName::new("ada");
    Work::Person(bench.namespace.clone(), "1".into(), name)
}

/// Who is to be looked at, apart from statuses that are due after a moment.
fn looks(bench: &mut Bench) -> Vec<Work> {
    let mut waiting = bench.waiting();
    waiting.retain(|work| matches!(work, Work::Connector(..) | Work::Person(..)));
    waiting
}

/// Only connectors that asked for the Secret, also where it was missing; and people only where that
/// changes what may be done.
#[tokio::test]
async fn a_secret_reaches_only_those_who_asked_for_it() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    let mut chat = connector("chat");
    chat["spec"]["scim"]["baseUrl"] = "https://localhost:2/scim/v2".into();
    bench.connector("chat", &chat);
    let grants = json!([{"connector": "directory"}, {"connector": "chat"}]);
    let role = json!({"match": "employee.employeeId == '1'", "grants": grants});
    bench.template("role", &json!({"metadata": {}, "spec": role}));
    bench.employee("ada", &employee("1"));
    // Who has nothing there is looked at for none of it.
    bench.employee("bob", &employee("2"));
    bench.work();

    bench.secret("unrelated");
    assert_eq!(looks(&mut bench), []);

    // As it was: the connector looks, and that is all.
    bench.secret("directory");
    assert_eq!(looks(&mut bench), [connector_work(&bench, "directory")]);
    bench
        .engine
        .connect(&bench.namespace.clone(), &ConnectorName::new("directory"));
    assert_eq!(looks(&mut bench), []);

    // The one that was missing.
    bench.secret("chat");
    assert_eq!(looks(&mut bench), [connector_work(&bench, "chat")]);
    bench
        .engine
        .connect(&bench.namespace.clone(), &ConnectorName::new("chat"));
    assert_eq!(looks(&mut bench), [person_work(&bench)]);

    // Another token: another run, once the one before is over.
    bench.secret_with("directory", "YW5vdGhlcg==");
    bench.work();
    let ended = bench.changes.recv().await.unwrap();
    bench.engine.change(ended);
    assert_eq!(looks(&mut bench), [connector_work(&bench, "directory")]);
    bench
        .engine
        .connect(&bench.namespace.clone(), &ConnectorName::new("directory"));
    assert_eq!(looks(&mut bench), [person_work(&bench)]);
}
