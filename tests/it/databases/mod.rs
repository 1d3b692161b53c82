//! Stories of databases: PostgreSQL behind a real API server.

mod bad_input;
mod four_targets;
mod working_life;

use serde_json::{Value, json};

use crate::stories::kit::Story;
use crate::support::postgres::Postgres;

/// A connector to a database that lists every second and makes missing groups.
fn connector(name: &str, server: &Postgres, block: Value, attributes: &Value) -> Value {
    let mut block = block;
    block["auth"]["passwordSecretKeyRef"]["name"] = json!(name);
    json!({
        "metadata": {"name": name},
        "spec": {
            "sql": block,
            "account": {
                "username": ["employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()"],
                "usernameRules": {"maxLength": 63},
                "attributes": attributes,
            },
            "entitlements": {"missing": "Create"},
            "sync": {"interval": "1s", "tls": {"caBundle": server.ca_pem()}},
        },
    })
}

/// Applies one, with its credential.
async fn connect(story: &Story, name: &str, server: &Postgres, connector: Value) {
    let host = server.host();
    story.ns.credential(name, server.password(), &host).await;
    story.apply_connector(connector).await;
}
