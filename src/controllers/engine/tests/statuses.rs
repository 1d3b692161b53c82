//! Statuses that meet others on their way.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::Work;
use super::{Bench, employee};
use crate::domain::ids::EmployeeName;
use crate::domain::record::{RecordedAccount, RecordedGrant};

fn stalled() -> serde_json::Value {
    let mut object = employee("1");
    object["spec"]["timeZone"] = json!("Europe/Atlantis");
    object
}

/// A link that no status told of yet is told by the status that says why nothing goes on.
#[tokio::test]
async fn a_stalled_person_keeps_what_is_remembered() {
    let mut bench = Bench::new();
    bench.employee("ada", &employee("1"));
    bench.work();
    let since = "2026-11-23T08:00:00Z";
    let grant = RecordedGrant {
        since: Some(since.parse().unwrap()),
        ..RecordedGrant::default()
    };
    let account = RecordedAccount {
        id: Some("a".into()),
        grants: BTreeMap::from([("staff".into(), grant)]),
        ..RecordedAccount::default()
    };
    let namespace = bench.namespace.clone();
    let ada = EmployeeName::new("ada");
    let person = bench.engine.world.person_mut(&namespace, &ada).unwrap();
    person.record.accounts.insert("directory".into(), account);
    bench.employee("ada", &stalled());
    bench.work();
    let status = bench.status("ada", |s| s["conditions"][1]["type"] == "Stalled");
    let accounts = status.await["accounts"].clone();
    assert_eq!(
        accounts,
        json!([{
            "connector": "directory",
            "accountId": "a",
            "state": "Kept",
            "entitlements": [{"name": "staff", "state": "Held", "since": since}],
        }])
    );
}

/// The watch shows something newer than the answer to our own write, which comes late.
#[tokio::test]
async fn a_late_answer_does_not_hide_what_the_watch_has_shown() {
    let mut bench = Bench::new();
    bench.employee("ada", &stalled());
    bench.work();
    let answer = bench.written.recv().await.unwrap();
    let mut edited = stalled();
    edited["status"] = json!({"observedGeneration": 77});
    bench.version = 4;
    bench.employee("ada", &edited);
    bench.waiting();
    bench.engine.written(&answer);
    let ada = EmployeeName::new("ada");
    let person = bench.engine.world.person(&bench.namespace, &ada).unwrap();
    assert_eq!(person.status.newest().observed_generation, 77);
    assert_eq!(person.meta.resource_version, "5");
    let work = Work::Person(bench.namespace.clone(), "1".into(), ada);
    assert_eq!(bench.waiting(), [work], "somebody must mend it");
}
