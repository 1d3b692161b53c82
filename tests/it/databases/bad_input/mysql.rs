//! MySQL and MariaDB.

use serde_json::json;

use super::{
    DISABLE, ENABLE, LIST, OF_PEOPLE, WITHOUT_USERNAME, attributes, each_says_why, for_us,
    on_the_way,
};
use crate::databases::{connect, connector};
use crate::stories::kit::{Neighbours, Story, Told, Wrong, clerk, tells, wrong};
use crate::support::mysql::{MySqlServer, OfMariaDb, OfMySql, Product};
use crate::support::operator::Operator;
use crate::support::wait::eventually;

#[rustfmt::skip] // a table: one case a line or two
fn cases(port: u16, word: &str) -> Vec<Wrong> {
    // MySQL may ask a user that it does not have for anything.
    let denied: &[&str] = if word == "mariadb" { &["as nobody", "Access denied", "1045"] } else { &["as nobody"] };
    vec![
        wrong("user", "/sql/auth/username", json!("nobody"),
            Told::new("Unauthorized", "spec.sql.auth.username", denied,
                "or the password in the Secret that spec.sql.auth.passwordSecretKeyRef names")),
        wrong("database", "/sql/url", json!(format!("mysql://127.0.0.1:{port}/nothing")),
            Told::new("TargetUnreachable", "spec.sql.url", &["Unknown database 'nothing'", "1049"], "or make it, and let that user connect to it")),
        wrong("place", DISABLE, json!("UPDATE people SET enabled = false WHERE id = ?"),
            Told::new("BadStatement", "spec.sql.tables.disable", &["a `?` is no place for a value"], "write :name")),
        wrong("column", LIST, json!(WITHOUT_USERNAME), OF_PEOPLE),
        wrong("table", LIST, json!("SELECT * FROM poeple"),
            Told::new("InvalidValue", "spec.sql.tables.list", &["poeple", "1146"], "mend the statement")),
        wrong("syntax", ENABLE, json!("UPDATE people SET WHERE id = :id"),
            Told::new("InvalidValue", "spec.sql.tables.enable", &["1064"], "mend the statement")),
    ]
}

#[tokio::test]
async fn of_a_connector_to_mariadb() {
    of_a_connector::<OfMariaDb>().await;
}

#[tokio::test]
async fn of_a_connector_to_mysql() {
    of_a_connector::<OfMySql>().await;
}

async fn of_a_connector<P: Product>() {
    let server = MySqlServer::<P>::start().await;
    server.app().await;
    let story = Story::new(&format!("{}-bad", P::WORD)).await;
    let _operator = Operator::start(&story.ns).await;
    let cases = cases(server.port(), P::WORD)
        .into_iter()
        .chain(on_the_way(P::WORD));
    each_says_why(&story, &server, &server.tables(), cases).await;
}

#[tokio::test]
async fn of_a_statement_and_of_a_person_in_mariadb() {
    of_a_statement_and_of_a_person::<OfMariaDb>().await;
}

#[tokio::test]
async fn of_a_statement_and_of_a_person_in_mysql() {
    of_a_statement_and_of_a_person::<OfMySql>().await;
}

/// A statement that does not do what it is for is undone; a table that can't undo says so; a value that does not
/// fit is an error, and is not cut.
async fn of_a_statement_and_of_a_person<P: Product>() {
    let server = MySqlServer::<P>::start().await;
    server.app().await;
    server
        .run("app", "ALTER TABLE people MODIFY title varchar(20)")
        .await;
    let story = Story::new(&format!("{}-odd", P::WORD)).await;
    let _operator = Operator::start(&story.ns).await;
    let neighbours = Neighbours::of(&story).await;
    let mut odd = connector("app", &server, server.tables(), &attributes());
    odd["spec"]["sql"]["tables"]["disable"] =
        json!("UPDATE people SET title = 'gone' WHERE id = :id");
    connect(&story, "app", &server, odd).await;
    story.apply_role(for_us("all", "app", &[])).await;
    let quoted = "\\'); DROP TABLE x;#";
    let eve = clerk("eve", "3", "Sales", json!({"jobTitle": quoted}));
    story.apply_person(eve).await;
    let long = json!({"jobTitle": "Emperor of the whole of the north"});
    story.apply_person(clerk("bob", "2", "Sales", long)).await;
    story.provisioned("eve", 1).await;
    let too_long = Told::new(
        "InvalidValue",
        "spec.account",
        &["Data too long for column 'title'", "1406"],
        "the fact behind it, or spec.sql.tables.create",
    );
    let why = story
        .person_says("bob", "Ready", "False", too_long.reason)
        .await;
    too_long.is_in(&why, server.password());
    neighbours.go_on(&story).await;
    let titles = "SELECT title FROM people";
    assert_eq!(server.column("app", titles).await, [quoted]);

    let leaver = clerk(
        "eve",
        "3",
        "Sales",
        json!({"jobTitle": quoted, "endDate": "2021-01-01"}),
    );
    story.apply_person(leaver).await;
    let why = story
        .person_says("eve", "Ready", "False", "NotApplied")
        .await;
    tells(&why, &["it was undone", "mend the statement"]);
    assert_eq!(server.column("app", titles).await, [quoted]);

    let without_transactions = format!(
        "DROP TABLE team_people; ALTER TABLE people ENGINE = MyISAM;
         CREATE TABLE team_people (team {}, person bigint, PRIMARY KEY (team, person))",
        P::UUID
    );
    server.run("app", &without_transactions).await;
    story
        .annotate(
            "employee/eve",
            "rollcall.dev/reconcile-requested-at",
            Some("now"),
        )
        .await;
    eventually("it is told that nothing can be undone", async || {
        let why = story
            .person_says("eve", "Ready", "False", "NotApplied")
            .await;
        if why.contains("ENGINE=InnoDB") {
            Ok(())
        } else {
            Err(why)
        }
    })
    .await;
}
