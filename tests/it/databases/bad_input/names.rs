//! Names that are too long for the server: nobody's is cut without a word, and nobody else waits.

use serde_json::json;

use super::for_us;
use crate::databases::{Server, connect, connector};
use crate::stories::kit::{Neighbours, Story, Told, clerk, template};
use crate::support::mysql::{MariaDb, MySql};
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;

/// Users whose names are as long as the person's location, in a server that keeps `limit` of their letters.
async fn named_by_location(
    story: &Story,
    server: &impl Server,
    block: serde_json::Value,
    limit: usize,
) {
    let mut users = connector("database", server, block, &json!({}));
    users["spec"]["account"]["username"] = json!(["employee.location"]);
    users["spec"]["account"]["usernameRules"] = json!({"maxLength": limit + 1});
    connect(story, "database", server, users).await;
    story.apply_role(for_us("all", "database", &[])).await;
}

/// Somebody whose user name has so many letters.
async fn joins(story: &Story, name: &str, id: &str, department: &str, letters: usize) {
    let location = format!("{name}{}", "x".repeat(letters - name.len()));
    let facts = json!({"location": location});
    story.apply_person(clerk(name, id, department, facts)).await;
}

/// A role of the department `Support` that gives one group.
fn for_support(group: &str) -> serde_json::Value {
    let rule = "employee.department == 'Support'";
    template("support", rule, &[("database", &[group])])
}

async fn is_told(story: &Story, name: &str, told: Told, secret: &str) {
    let why = story.person_says(name, "Ready", "False", told.reason).await;
    told.is_in(&why, secret);
}

#[tokio::test]
async fn in_postgresql() {
    let server = Postgres::start().await;
    let story = Story::new("sql-long").await;
    let _operator = Operator::start(&story.ns).await;
    let neighbours = Neighbours::of(&story).await;
    named_by_location(&story, &server, server.users(), 63).await;
    joins(&story, "bob", "1", "Sales", 64).await;
    let user = Told::new(
        "InvalidValue",
        "spec.account.usernameRules.maxLength",
        &["has 64 bytes, and PostgreSQL keeps 63"],
        "set spec.account.usernameRules.maxLength to 63 or less",
    );
    is_told(&story, "bob", user, server.password()).await;
    joins(&story, "ada", "2", "Sales", 63).await;
    story.provisioned("ada", 1).await;
    neighbours.go_on(&story).await;

    let long = "g".repeat(64);
    let support = for_support(&long);
    story.apply_role(support).await;
    joins(&story, "eve", "3", "Support", 10).await;
    let group = Told::new(
        "InvalidValue",
        "spec.grants",
        &["has 64 bytes, and PostgreSQL keeps 63"],
        "name a shorter one in spec.grants of the RoleTemplate",
    );
    is_told(&story, "eve", group, server.password()).await;
    story.provisioned("ada", 1).await;
    neighbours.go_on(&story).await;
    let names = "SELECT rolname::text FROM pg_roles WHERE rolname LIKE '%xxx' OR rolname LIKE 'ggg%' ORDER BY 1";
    let names = server.column("postgres", names).await;
    let lengths: Vec<usize> = names.iter().map(String::len).collect();
    assert_eq!(lengths, [63, 10], "{names:?}");
}

/// Marks are roles there, and so have the same limit.
#[tokio::test]
async fn in_mariadb() {
    let server = MariaDb::start().await;
    // As long as the name of a namespace can be.
    let story = Story::new(&format!("mariadb-long-{}", "n".repeat(44))).await;
    assert_eq!(story.ns.name.len(), 63);
    let _operator = Operator::start(&story.ns).await;
    let neighbours = Neighbours::of(&story).await;
    named_by_location(&story, &server, server.users(), 128).await;
    joins(&story, "bob", "1", "Sales", 129).await;
    let user = Told::new(
        "InvalidValue",
        "spec.account.usernameRules.maxLength",
        &["has 129 characters, and MariaDB keeps 128"],
        "set spec.account.usernameRules.maxLength to 128 or less",
    );
    is_told(&story, "bob", user, server.password()).await;
    joins(&story, "ada", "2", "Sales", 128).await;
    story.provisioned("ada", 1).await;
    neighbours.go_on(&story).await;

    let id = "1".repeat(63);
    joins(&story, "fay", &id, "Sales", 10).await;
    let mark = Told::new(
        "InvalidValue",
        "spec.employeeId",
        &[
            "the mark it/mariadb-long",
            "has 130 characters, and MariaDB keeps 128",
        ],
        "let one of them be shorter",
    );
    is_told(&story, "fay", mark, server.password()).await;

    let long = "g".repeat(129);
    let support = for_support(&long);
    story.apply_role(support).await;
    joins(&story, "eve", "3", "Support", 10).await;
    let role = Told::new(
        "InvalidValue",
        "spec.grants",
        &["has 129 characters, and MariaDB keeps 128"],
        "name a shorter one in spec.grants of the RoleTemplate",
    );
    is_told(&story, "eve", role, server.password()).await;
    story.provisioned("ada", 1).await;
    neighbours.go_on(&story).await;
    let names =
        "SELECT User FROM mysql.global_priv WHERE User LIKE '%xxx' OR User LIKE 'ggg%' ORDER BY 1";
    let names = server.column("mysql", names).await;
    let lengths: Vec<usize> = names.iter().map(String::len).collect();
    assert_eq!(lengths, [128, 10], "{names:?}");
}

/// Users and roles share one limit; a mark is no name there.
#[tokio::test]
async fn in_mysql() {
    let server = MySql::start().await;
    // As long as the name of a namespace can be.
    let story = Story::new(&format!("mysql-long-{}", "n".repeat(46))).await;
    let _operator = Operator::start(&story.ns).await;
    let neighbours = Neighbours::of(&story).await;
    named_by_location(&story, &server, server.users(), 32).await;
    joins(&story, "bob", "1", "Sales", 33).await;
    let user = Told::new(
        "InvalidValue",
        "spec.account.usernameRules.maxLength",
        &["has 33 characters, and MySQL keeps 32"],
        "set spec.account.usernameRules.maxLength to 32 or less",
    );
    is_told(&story, "bob", user, server.password()).await;
    joins(&story, "ada", &"1".repeat(63), "Sales", 32).await;
    story.provisioned("ada", 1).await;
    neighbours.go_on(&story).await;

    let long = "g".repeat(33);
    story.apply_role(for_support(&long)).await;
    joins(&story, "eve", "3", "Support", 10).await;
    let role = Told::new(
        "InvalidValue",
        "spec.grants",
        &["has 33 characters, and MySQL keeps 32"],
        "name a shorter one in spec.grants of the RoleTemplate",
    );
    is_told(&story, "eve", role, server.password()).await;
    story.provisioned("ada", 1).await;
    neighbours.go_on(&story).await;
    let names = "SELECT User FROM mysql.user WHERE User LIKE '%xxx' OR User LIKE 'ggg%' ORDER BY 1";
    let names = server.column("mysql", names).await;
    let lengths: Vec<usize> = names.iter().map(String::len).collect();
    assert_eq!(lengths, [32, 10], "{names:?}");
}
