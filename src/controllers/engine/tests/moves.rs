//! A connector that leads to another application: its accounts are there as well, or somebody is asked.

use serde_json::{Value, json};

use super::{Bench, account, connector, employee, everyone, ordered};
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::ids::ConnectorName;
use crate::plan::Operation;

/// Ada and Bob have accounts in the first application, and the connector leads to a second one.
async fn moved() -> Bench {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.template("everyone", &everyone());
    bench.employee("ada", &employee("1"));
    bench.employee("bob", &employee("2"));
    bench.work();
    let accounts = both(&bench);
    bench.listed("directory", accounts);
    bench.work();
    assert_eq!(
        (ordered(&bench, "ada"), ordered(&bench, "bob")),
        (None, None)
    );
    lead(&mut bench, &elsewhere(json!({}))).await;
    bench
}

/// Lets the connector lead to another application, and waits until the run before is over.
async fn lead(bench: &mut Bench, object: &Value) {
    bench.connector("directory", object);
    bench.work();
    while !runs(bench) {
        let ended = bench.changes.recv().await.unwrap();
        bench.engine.change(ended);
        bench.work();
    }
}

fn runs(bench: &Bench) -> bool {
    let connectors = &bench.engine.world.realms[&bench.namespace].connectors;
    connectors[&ConnectorName::new("directory")]
        .running
        .is_some()
}

fn both(bench: &Bench) -> Vec<ObservedAccount> {
    let of = |id: &str| account(bench, id, id, Activity::Active);
    vec![of("1"), of("2")]
}

fn elsewhere(annotations: Value) -> Value {
    let mut object = connector("directory");
    object["metadata"]["annotations"] = annotations;
    object["spec"]["scim"]["baseUrl"] = json!("https://localhost:2/scim/v2");
    object
}

fn home(bench: &Bench) -> String {
    let connectors = &bench.engine.world.realms[&bench.namespace].connectors;
    let entry = &connectors[&ConnectorName::new("directory")];
    entry.home.target().unwrap().0.to_string()
}

#[tokio::test]
async fn accounts_that_came_along_are_kept() {
    let mut bench = moved().await;
    let mut accounts = both(&bench);
    accounts[0].id = "other".into();
    bench.listed("directory", accounts);
    bench.work();
    assert_eq!(
        (ordered(&bench, "ada"), ordered(&bench, "bob")),
        (None, None)
    );
    assert!(home(&bench).contains(":2"), "{}", home(&bench));
}

#[tokio::test]
async fn where_they_are_not_somebody_is_asked_and_nothing_is_done_or_forgotten() {
    let mut bench = moved().await;
    for _ in 0..2 {
        bench.listed("directory", Vec::new());
        bench.work();
        assert_eq!(
            (ordered(&bench, "ada"), ordered(&bench, "bob")),
            (None, None)
        );
        assert!(home(&bench).contains(":1"), "{}", home(&bench));
    }
    // A newcomer has to wait as well.
    bench.employee("eve", &employee("3"));
    bench.work();
    assert_eq!(ordered(&bench, "eve"), None);
    let told = bench
        .status("ada", |status| {
            status["accounts"][0]["reason"] == "TargetMoved"
        })
        .await;
    assert_eq!(
        told["accounts"][0]["accountId"], "1",
        "nothing is forgotten"
    );

    // An answer to another question is none.
    let wrong = json!({"rollcall.dev/confirm-target": "scim elsewhere"});
    bench.connector("directory", &elsewhere(wrong));
    bench.work();
    bench.listed("directory", Vec::new());
    bench.work();
    assert_eq!(ordered(&bench, "eve"), None);
    let connectors = &bench.engine.world.realms[&bench.namespace].connectors;
    let entry = &connectors[&ConnectorName::new("directory")];
    let question = entry.home.moved().unwrap().told("directory");
    let meant = question
        .rsplit_once("='")
        .unwrap()
        .1
        .trim_end_matches('\'')
        .to_owned();
    let yes = json!({"rollcall.dev/confirm-target": meant});
    bench.connector("directory", &elsewhere(yes));
    bench.work();
    bench.listed("directory", Vec::new());
    bench.work();
    assert!(matches!(ordered(&bench, "eve"), Some(Operation::Create(_))));
    assert!(home(&bench).contains(":2"), "{}", home(&bench));
}

#[tokio::test]
async fn pointed_back_all_is_as_before() {
    let mut bench = moved().await;
    bench.listed("directory", Vec::new());
    bench.work();
    lead(&mut bench, &connector("directory")).await;
    let accounts = both(&bench);
    bench.listed("directory", accounts);
    bench.work();
    assert_eq!(
        (ordered(&bench, "ada"), ordered(&bench, "bob")),
        (None, None)
    );
    assert!(home(&bench).contains(":1"), "{}", home(&bench));
}
