//! The conformance suite against databases.

use serde_json::{Value, json};

use super::{Check, conforms};
use crate::support::postgres::Postgres;

fn check(server: &Postgres, block: &Value, account: &Value) -> Check {
    let spec = json!({
        "sql": block,
        "sync": {"tls": {"caBundle": server.ca_pem()}},
        "account": account,
    });
    let credential = json!({"token": server.password()});
    Check::new(spec, &server.host(), &credential)
}

#[tokio::test]
async fn users_of_postgresql() {
    let server = Postgres::start().await;
    let account = json!({
        "attributes": {"connectionLimit": "3"},
        "usernameRules": {"maxLength": 63},
        "initialPassword": {"mustChange": false},
    });
    let before = server
        .column("postgres", "SELECT rolname::text FROM pg_roles")
        .await;
    conforms(
        "postgresql-users",
        &check(&server, &server.users(), &account),
    )
    .await;
    let after = server
        .column("postgres", "SELECT rolname::text FROM pg_roles")
        .await;
    assert_eq!(before, after);
}

#[tokio::test]
async fn tables_in_postgresql() {
    let server = Postgres::start().await;
    server.app().await;
    let account = json!({
        "attributes": {"full_name": "employee.name.display", "title": "employee.jobTitle"},
    });
    conforms(
        "postgresql-tables",
        &check(&server, &server.tables(), &account),
    )
    .await;
    for table in ["people", "teams", "team_people"] {
        let count = format!("SELECT count(*)::text FROM {table}");
        assert_eq!(server.column("app", &count).await, ["0"]);
    }
}
