//! An account that fits two people is nobody's until one of them changes.

use serde_json::{Value, json};

use super::{Bench, connector, employee, everyone, ordered};
use crate::domain::account::{Activity, AttributeValue, Attributes, ObservedAccount};
use crate::domain::ids::Username;
use crate::plan::Operation;
use crate::plan::operation::ReadKey;

fn with_mail(id: &str, mail: &str) -> Value {
    let mut person = employee(id);
    person["spec"]["email"] = mail.into();
    person
}

fn shared() -> ObservedAccount {
    let mut attributes = Attributes::new();
    let mail = AttributeValue::Text("info@example.com".to_owned());
    attributes.insert("title".into(), mail);
    ObservedAccount {
        id: "shared".into(),
        username: Username::new("info"),
        mark: None,
        activity: Activity::Active,
        attributes,
        unfinished: false,
    }
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.secret("directory");
    let mut object = connector("directory");
    object["spec"]["matching"] = json!({
        "rules": [{"attribute": "title", "equals": "employee.email"}],
        "adopt": "WhenUnique",
    });
    bench.connector("directory", &object);
    bench.template("everyone", &everyone());
    bench.employee("ada", &with_mail("1", "info@example.com"));
    bench.employee("bob", &with_mail("2", "INFO@example.com"));
    bench.work();
    bench.listed("directory", vec![shared()]);
    bench.work();
    bench
}

#[tokio::test]
async fn both_wait_until_one_is_somebody_else() {
    let mut bench = bench();
    assert_eq!(
        (ordered(&bench, "ada"), ordered(&bench, "bob")),
        (None, None)
    );
    bench.employee("bob", &with_mail("2", "bob@example.com"));
    bench.work();
    let look = Operation::Read(ReadKey::Id("shared".into()));
    assert_eq!(ordered(&bench, "ada"), Some(look));
    assert!(matches!(ordered(&bench, "bob"), Some(Operation::Create(_))));
}

#[tokio::test]
async fn a_newcomer_whom_it_fits_as_well_is_seen_before_anything_is_done() {
    let mut bench = bench();
    bench.employee("bob", &with_mail("2", "bob@example.com"));
    bench.work();
    bench.employee("eve", &with_mail("3", "info@example.com"));
    bench.work();
    assert_eq!(
        (ordered(&bench, "ada"), ordered(&bench, "eve")),
        (None, None)
    );
}

/// Each person has an everyday account and an administrator's, and rules of both connectors fit the same one.
#[tokio::test]
async fn an_account_that_two_connectors_of_one_application_find_is_nobodys() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.secret("admins");
    for (name, purpose) in [("directory", None), ("admins", Some("admin"))] {
        let mut object = connector(name);
        object["spec"]["account"]["purpose"] = json!(purpose);
        object["spec"]["matching"] = json!({
            "rules": [{"attribute": "title", "equals": "employee.email"}],
            "adopt": "WhenUnique",
        });
        bench.connector(name, &object);
    }
    let mut role = everyone();
    role["spec"]["grants"] = json!([{"connector": "directory"}, {"connector": "admins"}]);
    bench.template("everyone", &role);
    let mut ada = with_mail("1", "info@example.com");
    bench.employee("ada", &ada);
    bench.work();
    for name in ["directory", "admins"] {
        bench.listed(name, vec![shared()]);
    }
    bench.work();
    assert_eq!(ordered(&bench, "ada"), None);
    let told = bench
        .status("ada", |status| {
            let accounts = status["accounts"].as_array();
            let waits = |row: &Value| row["reason"] == "AmbiguousMatch";
            accounts.is_some_and(|rows| rows.len() == 2 && rows.iter().all(waits))
        })
        .await;
    assert!(
        told["accounts"][0]["message"]
            .to_string()
            .contains("directory")
    );

    // Once it is said by hand, it is clear.
    ada["spec"]["links"] = json!([{"connector": "admins", "not": ["info"]}]);
    bench.employee("ada", &ada);
    bench.work();
    let look = Operation::Read(ReadKey::Id("shared".into()));
    assert_eq!(ordered(&bench, "ada"), Some(look));
}
