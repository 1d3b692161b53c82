//! What can't work: told with the field, the cause in the database's words, and what to do.

use serde_json::json;

use super::{Unworkable, connect, connector, each_says_why};
use crate::stories::kit::{Story, clerk, everyone, tells};
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;
use crate::support::wait::eventually;

#[rustfmt::skip] // a table: one case a line or two
fn cases() -> Vec<Unworkable> {
    vec![
        ("user", "/sql/auth/username", json!("nobody"), "Unauthorized", &["28P01", "as nobody"]),
        ("database", "/sql/url", json!("postgres://127.0.0.1:PORT/nothing"), "TargetUnreachable", &["3D000", "nothing"]),
        ("parameter", "/sql/tables/disable", json!("UPDATE people SET enabled = false WHERE id = :ident"), "InvalidValue",
            &["spec.sql.tables.disable", "no parameter :ident", "there are :id"]),
        ("forgotten", "/sql/tables/delete", json!("DELETE FROM people"), "InvalidValue",
            &["spec.sql.tables.delete", "the parameter :id must be in it"]),
        ("two", "/sql/tables/delete", json!("DELETE FROM people WHERE id = :id; DROP TABLE people"), "BadStatement",
            &["spec.sql.tables.delete", "one statement"]),
        ("column", "/sql/tables/list", json!("SELECT id, login, rollcall AS mark, enabled AS active, full_name, title FROM people"),
            "InvalidValue", &["spec.sql.tables.list", "lacks username", "AS username"]),
        ("table", "/sql/tables/list", json!("SELECT * FROM poeple"), "InvalidValue", &["spec.sql.tables.list", "poeple", "42P01"]),
        ("syntax", "/sql/tables/enable", json!("UPDATE people SET WHERE id = :id"), "InvalidValue",
            &["spec.sql.tables.enable", "42601"]),
        ("attribute", "/account/attributes", json!({"full_name": "employee.name.display", "mark": "'x'"}), "InvalidValue",
            &["account.attributes[mark]", "call the column otherwise"]),
    ]
}

#[tokio::test]
async fn of_a_connector() {
    let server = Postgres::start().await;
    server.app().await;
    let story = Story::new("sql-bad").await;
    let _operator = Operator::start(&story.ns).await;
    each_says_why(&story, &server, &server.tables(), server.port(), cases()).await;
}

/// A statement that does something else than it is for is undone; a value that does not fit stops nobody else.
#[tokio::test]
async fn of_a_statement_and_of_a_person() {
    let server = Postgres::start().await;
    server.app().await;
    let admin = server.admin("app").await;
    admin
        .batch_execute("ALTER TABLE people ADD CHECK (title <> 'Emperor')")
        .await
        .unwrap();
    let story = Story::new("sql-odd").await;
    let _operator = Operator::start(&story.ns).await;
    let attributes = json!({"full_name": "employee.name.display", "title": "employee.jobTitle"});
    let mut odd = connector("app", &server, server.tables(), &attributes);
    // It forgets that somebody is to be disabled.
    odd["spec"]["sql"]["tables"]["disable"] =
        json!("UPDATE people SET title = 'gone' WHERE id = :id");
    connect(&story, "app", &server, odd).await;
    story.apply_role(everyone("all", "app", &[])).await;
    story
        .apply_person(clerk("ada", "1", "Sales", json!({})))
        .await;
    story
        .apply_person(clerk("bob", "2", "Sales", json!({"jobTitle": "Emperor"})))
        .await;
    // A quote, a statement, and whatever else is a value and stays one.
    let title = "'); DROP TABLE people; -- :id";
    story
        .apply_person(clerk("eve", "3", "Sales", json!({"jobTitle": title})))
        .await;
    story.provisioned("ada", 1).await;
    story.provisioned("eve", 1).await;
    let titles = server
        .column("app", "SELECT title FROM people ORDER BY login")
        .await;
    assert_eq!(titles, ["Clerk", title]);
    let why = story
        .person_says("bob", "Ready", "False", "InvalidValue")
        .await;
    tells(&why, &["23514", "people_title_check"]);

    let leaver = clerk("ada", "1", "Sales", json!({"endDate": "2021-01-01"}));
    story.apply_person(leaver).await;
    let why = story
        .person_says("ada", "Ready", "False", "NotApplied")
        .await;
    tells(&why, &["it was undone", "mend the statement"]);
    assert_eq!(
        server
            .column("app", "SELECT title FROM people ORDER BY login")
            .await,
        ["Clerk", title]
    );

    // It forgets whom it is about: nobody is touched, and that is told.
    let mut everybody = connector("app", &server, server.tables(), &attributes);
    let statements = &mut everybody["spec"]["sql"]["tables"];
    statements["disable"] = json!("UPDATE people SET enabled = false WHERE id > 0 OR id = :id");
    statements["entitlements"]["grant"] =
        json!("UPDATE teams SET name = name WHERE id = :entitlement AND :account <> ''");
    story.apply_connector(everybody).await;
    story
        .annotate(
            "employee/ada",
            "rollcall.dev/reconcile-requested-at",
            Some("now"),
        )
        .await;
    eventually("it is told", async || {
        let why = story
            .person_says("ada", "Ready", "False", "NotApplied")
            .await;
        if why.contains("touched 2 rows") {
            Ok(())
        } else {
            Err(why)
        }
    })
    .await;
    let disabled = "SELECT login FROM people WHERE NOT enabled";
    assert_eq!(server.column("app", disabled).await, [""; 0]);
    // A gift that nobody gets is none.
    story.apply_role(everyone("more", "app", &["staff"])).await;
    let why = story
        .person_says("eve", "Ready", "False", "NotApplied")
        .await;
    tells(&why, &["holders shows", "as before", "undone"]);
}
