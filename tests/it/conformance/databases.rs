//! The conformance suite against databases.

use serde_json::{Value, json};

use super::{Check, conforms};
use crate::support::mysql::{MySqlServer, OfMariaDb, OfMySql, Product};
use crate::support::postgres::Postgres;

fn check(ca_pem: &str, password: &str, host: &str, block: &Value, account: &Value) -> Check {
    let spec = json!({
        "sql": block,
        "sync": {"tls": {"caBundle": ca_pem}},
        "account": account,
    });
    Check::new(spec, host, &json!({"token": password}))
}

fn of_postgres(server: &Postgres, block: &Value, account: &Value) -> Check {
    let host = server.host();
    check(server.ca_pem(), server.password(), &host, block, account)
}

fn of_mysql<P: Product>(server: &MySqlServer<P>, block: &Value, account: &Value) -> Check {
    let host = server.host();
    check(server.ca_pem(), server.password(), &host, block, account)
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
        &of_postgres(&server, &server.users(), &account),
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
        &of_postgres(&server, &server.tables(), &account),
    )
    .await;
    for table in ["people", "teams", "team_people"] {
        let count = format!("SELECT count(*)::text FROM {table}");
        assert_eq!(server.column("app", &count).await, ["0"]);
    }
}

/// Of an application that only knows how accounts come and go, the rest is told to be missing, and nothing is faked.
#[tokio::test]
async fn tables_with_hardly_any_statement() {
    let server = Postgres::start().await;
    server.app().await;
    let mut block = server.tables();
    let statements = block["tables"].as_object_mut().unwrap();
    statements.retain(|verb, _| ["list", "create", "delete"].contains(&verb.as_str()));
    let account = json!({
        "attributes": {"full_name": "employee.name.display", "title": "employee.jobTitle"},
    });
    let check = of_postgres(&server, &block, &account);
    conforms("postgresql-tables-minimal", &check).await;
    let count = "SELECT count(*)::text FROM people";
    assert_eq!(server.column("app", count).await, ["0"]);
}

#[tokio::test]
async fn users_of_mariadb() {
    users_of::<OfMariaDb>().await;
}

#[tokio::test]
async fn users_of_mysql() {
    users_of::<OfMySql>().await;
}

async fn users_of<P: Product>() {
    let server = MySqlServer::<P>::start().await;
    let account = json!({
        "attributes": {"connectionLimit": "3"},
        "usernameRules": {"maxLength": P::LONGEST},
        "initialPassword": {"mustChange": false},
    });
    let before = server.column("mysql", P::EVERYBODY).await;
    let check = of_mysql(&server, &server.users(), &account);
    conforms(&format!("{}-users", P::WORD), &check).await;
    assert_eq!(server.column("mysql", P::EVERYBODY).await, before);
}

#[tokio::test]
async fn tables_in_mariadb() {
    tables_in::<OfMariaDb>().await;
}

#[tokio::test]
async fn tables_in_mysql() {
    tables_in::<OfMySql>().await;
}

async fn tables_in<P: Product>() {
    let server = MySqlServer::<P>::start().await;
    server.app().await;
    let account = json!({
        "attributes": {"full_name": "employee.name.display", "title": "employee.jobTitle"},
    });
    let check = of_mysql(&server, &server.tables(), &account);
    conforms(&format!("{}-tables", P::WORD), &check).await;
    for table in ["people", "teams", "team_people"] {
        let count = format!("SELECT CAST(count(*) AS char) FROM {table}");
        assert_eq!(server.column("app", &count).await, ["0"]);
    }
}
