//! Joining, moving, leaving and coming back, in PostgreSQL.

use serde_json::json;

use super::{connect, connector, initial_password};
use crate::stories::kit::{Story, clerk, day, everyone, template};
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;
use crate::support::wait::eventually;

const GROUPS: &str = "SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid \
                      JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = 'ada.example' ORDER BY 1";

/// A leaver who is signed in is thrown out.
#[tokio::test]
async fn as_a_user_of_the_database() {
    let server = Postgres::start().await;
    let story = Story::new("sql-users").await;
    let _operator = Operator::start(&story.ns).await;
    let mut users = connector(
        "database",
        &server,
        server.users(),
        &json!({"connectionLimit": "5"}),
    );
    users["spec"]["account"]["initialPassword"] = json!({"mustChange": false});
    connect(&story, "database", &server, users).await;
    story
        .apply_role(everyone("all", "database", &["staff"]))
        .await;
    let sales = template(
        "sales",
        "employee.department == 'Sales'",
        &[("database", &["Sales \"EMEA\""])],
    );
    story.apply_role(sales).await;
    let ada = clerk("ada", "1", "Sales", json!({}));
    story.apply_person(ada.clone()).await;
    story.provisioned("ada", 1).await;
    assert_eq!(
        server.column("postgres", GROUPS).await,
        ["Sales \"EMEA\"", "staff"]
    );

    let password = initial_password(&story).await;
    let session = server
        .sign_in("ada.example", &password, "app")
        .await
        .unwrap();
    let stored = server.column(
        "postgres",
        "SELECT rolpassword FROM pg_authid WHERE rolname = 'ada.example'",
    );
    assert!(stored.await[0].starts_with("SCRAM-SHA-256$"));

    story
        .apply_person(clerk("ada", "1", "Support", json!({})))
        .await;
    eventually("she is in no group of Sales", async || {
        let groups = server.column("postgres", GROUPS).await;
        if groups == ["staff"] {
            Ok(())
        } else {
            Err(groups)
        }
    })
    .await;

    let mut leaver = ada.clone();
    leaver["spec"]["endDate"] = json!(day(-2));
    story.apply_person(leaver).await;
    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    assert!(
        session.query("SELECT 1", &[]).await.is_err(),
        "her session goes on"
    );
    assert!(
        server
            .sign_in("ada.example", &password, "app")
            .await
            .is_none()
    );

    story.apply_person(ada).await;
    story.provisioned("ada", 1).await;
    assert!(
        server
            .sign_in("ada.example", &password, "app")
            .await
            .is_some()
    );
}

#[tokio::test]
async fn as_a_row_in_a_table() {
    let server = Postgres::start().await;
    server.app().await;
    let story = Story::new("sql-tables").await;
    let operator = Operator::start(&story.ns).await;
    let attributes = json!({"full_name": "employee.name.display", "title": "employee.jobTitle"});
    let tables = connector("app", &server, server.tables(), &attributes);
    connect(&story, "app", &server, tables).await;
    story.apply_role(everyone("all", "app", &["staff"])).await;
    let people = "SELECT login || ' ' || enabled || ' ' || full_name || ' ' || coalesce(title, '-') FROM people ORDER BY 1";
    let members = "SELECT p.login FROM team_people JOIN people p ON p.id = person ORDER BY 1";
    for (name, id) in [("ada", "1"), ("bob", "2")] {
        story
            .apply_person(clerk(name, id, "Sales", json!({})))
            .await;
    }
    for name in ["ada", "bob"] {
        story.provisioned(name, 1).await;
    }
    assert_eq!(
        server.column("app", people).await,
        [
            "ada.example true ada Example Clerk",
            "bob.example true bob Example Clerk"
        ]
    );
    assert_eq!(
        server.column("app", members).await,
        ["ada.example", "bob.example"]
    );

    // Somebody's own row is nobody's, and what somebody changes by hand is put back.
    let admin = server.admin("app").await;
    let by_hand =
        "UPDATE people SET title = 'Countess', login = 'countess' WHERE login = 'ada.example';
                   INSERT INTO people (login, full_name) VALUES ('mallory', 'M')";
    admin.batch_execute(by_hand).await.unwrap();
    eventually("it is as it was", async || {
        let there = server.column("app", people).await;
        let wanted = [
            "ada.example true ada Example Clerk",
            "bob.example true bob Example Clerk",
        ];
        if there.len() == 3 && there[..2] == wanted {
            Ok(())
        } else {
            Err(there)
        }
    })
    .await;
    story
        .connector("app", "tells of mallory", |c| {
            c.status.as_ref().unwrap().orphans == 1
        })
        .await;

    let leaver = clerk("ada", "1", "Sales", json!({"endDate": day(-2)}));
    story.apply_person(leaver).await;
    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    eventually("she holds nothing", async || {
        let left = server.column("app", members).await;
        if left == ["bob.example"] {
            Ok(())
        } else {
            Err(left)
        }
    })
    .await;
    assert_eq!(
        server.column("app", people).await[0],
        "ada.example false ada Example Clerk"
    );
    operator.stop().await.unwrap();
}
