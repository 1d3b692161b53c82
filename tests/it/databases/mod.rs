//! Stories of databases: PostgreSQL, MySQL and MariaDB behind a real API server.

mod adoption_faults;
mod bad_input;
mod cannot_disable;
mod expiry;
mod four_targets;
mod mariadb;
mod mysql;
mod mysql_faults;
mod mysql_or_mariadb;
mod offboarding;
mod postgres_roles;
mod rehired;
mod revoking;
mod transfer;
mod working_life;

use std::ops::Deref;

use serde_json::{Value, json};

use crate::stories::kit::Story;
use crate::support::database::Database;

/// What a connector needs to know of a server.
pub trait Server {
    fn ca_pem(&self) -> &str;
    fn host(&self) -> String;
    fn password(&self) -> &str;
}

impl<S: Deref<Target = Database>> Server for S {
    fn ca_pem(&self) -> &str {
        Database::ca_pem(self)
    }
    fn host(&self) -> String {
        Database::host(self)
    }
    fn password(&self) -> &str {
        Database::password(self)
    }
}

/// A connector to a database that lists every second and makes missing groups.
pub fn connector(name: &str, server: &impl Server, block: Value, attributes: &Value) -> Value {
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
async fn connect(story: &Story, name: &str, server: &impl Server, connector: Value) {
    let host = server.host();
    story.ns.credential(name, server.password(), &host).await;
    story.apply_connector(connector).await;
}

/// The initial password of person 1 in the connector `database`, as whoever may read it reads it.
async fn initial_password(story: &Story) -> String {
    let kept = story.ns.kubectl_ok(&[
        "get",
        "secret",
        "database.1.initial-password",
        "--output=go-template={{.data.password | base64decode}}",
    ]);
    kept.await
}
