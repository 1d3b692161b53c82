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
