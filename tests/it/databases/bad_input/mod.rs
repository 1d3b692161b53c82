//! What can't work: told with the field, the cause in the database's words, and what to do; nothing else stops.

mod mysql;
mod names;
mod postgres;

use serde_json::{Value, json};

use super::{Server, connector};
use crate::stories::kit::{Neighbours, Story, Told, Wrong, everyone, wrong};
use crate::support::authority::Certified;
use crate::support::process::free_port;

/// Each tells why it can't work, and never the password; whoever has nothing to do with it notices nothing.
async fn each_says_why(
    story: &Story,
    server: &impl Server,
    tables: &Value,
    cases: impl IntoIterator<Item = Wrong>,
) {
    let neighbours = Neighbours::of(story).await;
    for case in cases {
        let mut odd = connector(case.name, server, tables.clone(), &attributes());
        case.put_into(&mut odd);
        let url = odd["spec"]["sql"]["url"].as_str().unwrap();
        let host = url.split('/').nth(2).unwrap();
        let credential = story.ns.credential(case.name, server.password(), host);
        credential.await;
        story.apply_connector(odd).await;
        let why = story
            .connector_says(case.name, "Ready", "False", case.told.reason)
            .await;
        case.told.is_in(&why, server.password());
        neighbours.go_on(story).await;
        story
            .ns
            .kubectl_ok(&["delete", "appconnector", case.name])
            .await;
    }
}

fn attributes() -> Value {
    json!({"full_name": "employee.name.display", "title": "employee.jobTitle"})
}

/// A role for everyone but the neighbours.
fn for_us(name: &str, connector: &str, entitlements: &[&str]) -> Value {
    let mut role = everyone(name, connector, entitlements);
    role["spec"]["match"] = json!("employee.department != 'Neighbours'");
    role
}

const LIST: &str = "/sql/tables/list";
const DISABLE: &str = "/sql/tables/disable";
const ENABLE: &str = "/sql/tables/enable";
const DELETE: &str = "/sql/tables/delete";
const WITHOUT_USERNAME: &str =
    "SELECT id, login, rollcall AS mark, enabled AS active, full_name, title FROM people";
const OF_PEOPLE: Told = Told::new(
    "InvalidValue",
    "spec.sql.tables.list",
    &["lacks username"],
    "name a column so (… AS username)",
);
const TO_CONVERT: &str = "convert it, for instance with string()";

/// What is wrong in the same way with either database; `scheme` is that of its address.
#[rustfmt::skip] // a table: one case a line or two
fn on_the_way(scheme: &str) -> Vec<Wrong> {
    let stranger = Certified::new(&["127.0.0.1"]);
    vec![
        wrong("down", "/sql/url", json!(format!("{scheme}://127.0.0.1:{}/app", free_port())),
            Told::new("TargetUnreachable", "spec.sql.url", &["connecting to 127.0.0.1", "refused"], "let that server be reached from here")),
        wrong("nowhere", "/sql/url", json!(format!("{scheme}://rollcall.invalid:5000/app")),
            Told::new("TargetUnreachable", "spec.sql.url", &["connecting to rollcall.invalid", "lookup"], "correct spec.sql.url")),
        wrong("stranger", "/sync/tls/caBundle", json!(stranger.ca_pem),
            Told::new("TargetUnreachable", "spec.sync.tls.caBundle", &["connecting to 127.0.0.1", "invalid peer certificate"],
                "put the authority that its certificate is from")),
        wrong("no-bundle", "/sync/tls", json!(null),
            Told::new("TargetUnreachable", "spec.sync.tls.caBundle", &["invalid peer certificate: UnknownIssuer"],
                "put the authority that its certificate is from")),
        wrong("bundle", "/sync/tls/caBundle", json!("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----"),
            Told::new("InvalidValue", "spec.sync.tls.caBundle", &["holds no readable PEM certificate"], "put one in")),
        wrong("wrong-type", "/account/username", json!(["employee.roles"]),
            Told::new("CelWrongType", "spec.account.username[0]", &["line 1, column 1", "this gives list(string), and text is needed here"], TO_CONVERT)),
        wrong("odd-attribute", "/account/attributes", json!({"full_name": "employee.attributes", "title": "'x'"}),
            Told::new("CelWrongType", "spec.account.attributes[full_name]", &["this gives map(string, string)"], TO_CONVERT)),
        wrong("odd-rule", "/matching", json!({"rules": [{"attribute": "title", "equals": "employee.email != ''"}]}),
            Told::new("CelWrongType", "spec.matching.rules[0].equals", &["this gives bool, and text is needed here"], TO_CONVERT)),
    ]
}
