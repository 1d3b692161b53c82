//! PostgreSQL.

use serde_json::json;

use super::{
    DELETE, DISABLE, ENABLE, LIST, OF_PEOPLE, WITHOUT_USERNAME, attributes, each_says_why, for_us,
    on_the_way,
};
use crate::databases::{connect, connector};
use crate::stories::kit::{Neighbours, Story, Told, Wrong, clerk, tells, wrong};
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;
use crate::support::wait::eventually;

#[rustfmt::skip] // a table: one case a line or two
fn cases(port: u16) -> Vec<Wrong> {
    vec![
        wrong("user", "/sql/auth/username", json!("nobody"),
            Told::new("Unauthorized", "spec.sql.auth.username", &["as nobody", "password authentication failed", "28P01"],
                "or the password in the Secret that spec.sql.auth.passwordSecretKeyRef names")),
        wrong("database", "/sql/url", json!(format!("postgres://127.0.0.1:{port}/nothing")),
            Told::new("TargetUnreachable", "spec.sql.url", &["database \"nothing\" does not exist", "3D000"], "or make it")),
        wrong("parameter", DISABLE, json!("UPDATE people SET enabled = false WHERE id = :ident"),
            Told::new("InvalidValue", "spec.sql.tables.disable", &["no parameter :ident"], "there are :id")),
        wrong("forgotten", DELETE, json!("DELETE FROM people"),
            Told::new("InvalidValue", "spec.sql.tables.delete", &["the parameter :id"], "must be in it")),
        wrong("two", DELETE, json!("DELETE FROM people WHERE id = :id; DROP TABLE people"),
            Told::new("BadStatement", "spec.sql.tables.delete", &["a `;` divides it"], "it must be one statement")),
        wrong("column", LIST, json!(WITHOUT_USERNAME), OF_PEOPLE),
        wrong("table", LIST, json!("SELECT * FROM poeple"),
            Told::new("InvalidValue", "spec.sql.tables.list", &["relation \"poeple\" does not exist", "42P01"], "mend the statement")),
        wrong("syntax", ENABLE, json!("UPDATE people SET WHERE id = :id"),
            Told::new("InvalidValue", "spec.sql.tables.enable", &["syntax error", "42601"], "mend the statement")),
        wrong("attribute", "/account/attributes", json!({"full_name": "employee.name.display", "mark": "'x'"}),
            Told::new("InvalidValue", "spec.account.attributes[mark]", &["is no attribute"], "call the column otherwise")),
    ]
}

#[tokio::test]
async fn of_a_connector() {
    let server = Postgres::start().await;
    server.app().await;
    let story = Story::new("sql-bad").await;
    let _operator = Operator::start(&story.ns).await;
    let cases = cases(server.port())
        .into_iter()
        .chain(on_the_way("postgres"));
    each_says_why(&story, &server, &server.tables(), cases).await;
}

#[tokio::test]
async fn of_a_connector_to_users() {
    let server = Postgres::start().await;
    let story = Story::new("sql-bad-users").await;
    let _operator = Operator::start(&story.ns).await;
    let unknown = Told::new(
        "InvalidValue",
        "spec.account.attributes[full_name]",
        &["a role has no such attribute"],
        "there are validUntil and connectionLimit",
    );
    let cases = [wrong(
        "attribute",
        "/account/attributes",
        attributes(),
        unknown,
    )];
    each_says_why(&story, &server, &server.users(), cases).await;
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
    let neighbours = Neighbours::of(&story).await;
    let mut odd = connector("app", &server, server.tables(), &attributes());
    // It forgets that somebody is to be disabled.
    odd["spec"]["sql"]["tables"]["disable"] =
        json!("UPDATE people SET title = 'gone' WHERE id = :id");
    connect(&story, "app", &server, odd).await;
    story.apply_role(for_us("all", "app", &[])).await;
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
    let violation = Told::new(
        "InvalidValue",
        "spec.account",
        &["violates check constraint", "23514", "people_title_check"],
        "the fact behind it, or spec.sql.tables.create",
    );
    let why = story
        .person_says("bob", "Ready", "False", violation.reason)
        .await;
    violation.is_in(&why, server.password());
    neighbours.go_on(&story).await;

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
    let mut everybody = connector("app", &server, server.tables(), &attributes());
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
    story.apply_role(for_us("more", "app", &["staff"])).await;
    let why = story
        .person_says("eve", "Ready", "False", "NotApplied")
        .await;
    tells(&why, &["holders shows", "as before", "undone"]);
}

/// A group that does not exist, where somebody else is to make it, and where nothing says how.
#[tokio::test]
async fn of_a_group_that_does_not_exist() {
    let server = Postgres::start().await;
    server.app().await;
    let story = Story::new("sql-no-group").await;
    let _operator = Operator::start(&story.ns).await;
    let neighbours = Neighbours::of(&story).await;
    let mut app = connector("app", &server, server.tables(), &attributes());
    app["spec"]["entitlements"] = json!({"missing": "Report"});
    connect(&story, "app", &server, app.clone()).await;
    story.apply_role(for_us("all", "app", &["nobodys"])).await;
    story
        .apply_person(clerk("ada", "1", "Sales", json!({})))
        .await;
    let says = async |told: Told| {
        let why = story
            .person_says("ada", "Ready", "False", told.reason)
            .await;
        told.is_in(&why, server.password());
        // The account itself does not wait for it.
        let logins = server.column("app", "SELECT login FROM people").await;
        assert_eq!(logins, ["ada.example"]);
        neighbours.go_on(&story).await;
    };
    let missing = Told::new(
        "EntitlementMissing",
        "spec.entitlements.missing",
        &["app has no entitlement named nobodys"],
        "create it there, mend the name in the RoleTemplate, or set",
    );
    says(missing).await;

    let statements = &mut app["spec"]["sql"]["tables"]["entitlements"];
    statements.as_object_mut().unwrap().remove("create");
    app["spec"]["entitlements"] = json!({"missing": "Create"});
    story.apply_connector(app.clone()).await;
    let unsaid = Told::new(
        "Unsupported",
        "spec.sql.tables.entitlements.create",
        &["making nobodys", "nothing says how"],
        "set spec.sql.tables",
    );
    says(unsaid).await;

    let tables = &mut app["spec"]["sql"]["tables"];
    tables.as_object_mut().unwrap().remove("entitlements");
    story.apply_connector(app).await;
    let none = Told::new(
        "Unsupported",
        "spec.sql.tables.entitlements",
        &["nothing says how"],
        "set spec.sql.tables",
    );
    says(none).await;
}
