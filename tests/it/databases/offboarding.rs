//! Offboarding in PostgreSQL: what a leaver owns passes on before the role goes, also where the manager leaves on the
//! same day.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{connect, connector};
use crate::stories::kit::{Story, clerk, day, everyone, step};
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;

const OWNER: &str = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'work'";
const ROLES: &str = "SELECT rolname::text FROM pg_roles WHERE rolname LIKE '%.example' ORDER BY 1";

fn reports_to(name: &str, id: &str, manager: Option<&str>, more: Value) -> Value {
    let mut person = clerk(name, id, "Sales", more);
    if let Some(manager) = manager {
        person["spec"]["managerRef"] = json!({"name": manager});
    }
    person
}

/// Ada has something in two databases, and Grace may have something there.
async fn owns_work(server: &Postgres) {
    for database in ["app", "other"] {
        let work = "CREATE SCHEMA hers AUTHORIZATION \"ada.example\"; SET ROLE \"ada.example\";
                    CREATE TABLE hers.work (id int); RESET ROLE";
        let may_own = format!("GRANT CREATE ON DATABASE {database} TO \"grace.example\"");
        let admin = server.admin(database).await;
        admin.batch_execute(work).await.unwrap();
        admin.batch_execute(&may_own).await.unwrap();
    }
}

/// Ada reports to Bob, who reports to Grace. Ada and Bob leave on the same day; Ada owns work in two databases.
#[tokio::test]
async fn what_a_leaver_owns_passes_on_and_the_role_goes_when_its_time_is_over() {
    let server = Postgres::start().await;
    let story = Story::new("sql-offboarding").await;
    let operator = Operator::start(&story.ns).await;
    let mut database = connector("database", &server, server.users(), &json!({}));
    database["spec"]["leaver"] = json!({
        "revoke": ["Sessions", "Passwords", "Tokens"],
        "transferOwnershipTo": "Manager",
        "retain": "30d",
        "then": "Delete",
    });
    connect(&story, "database", &server, database).await;
    story
        .apply_role(everyone("all", "database", &["staff"]))
        .await;
    for (name, id, manager) in [
        ("grace", "3", None),
        ("bob", "2", Some("grace")),
        ("ada", "1", Some("bob")),
    ] {
        story
            .apply_person(reports_to(name, id, manager, json!({})))
            .await;
        story.provisioned(name, 1).await;
    }
    owns_work(&server).await;

    for (name, id, manager) in [("bob", "2", "grace"), ("ada", "1", "bob")] {
        let gone = json!({"endDate": day(-1)});
        story
            .apply_person(reports_to(name, id, Some(manager), gone))
            .await;
    }
    let ada = story.offboarded("ada").await;
    for (name, state) in [
        ("Disable", "Verified"),
        ("RevokeTokens", "NotPossible"),
        ("TransferOwnership", "Verified"),
        ("RemoveEntitlements", "Verified"),
        ("Retain", "Scheduled"),
        ("Delete", "Scheduled"),
    ] {
        assert_eq!(
            step(&ada, "database", name)["state"],
            state,
            "{name}: {ada:#}"
        );
    }
    assert!(
        ["Verified", "Requested"].contains(
            &step(&ada, "database", "RevokePasswords")["state"]
                .as_str()
                .unwrap()
        )
    );
    let passed = step(&ada, "database", "TransferOwnership")["message"]
        .as_str()
        .unwrap();
    assert!(passed.contains("grace.example"), "{passed}");
    assert_eq!(ada["offboarding"]["accounts"][0]["held"], json!(["staff"]));
    assert_eq!(ada["nextTransition"]["stage"], "Retired");
    for database in ["app", "other"] {
        assert_eq!(server.column(database, OWNER).await, ["grace.example"]);
    }
    story.offboarded("bob").await;

    // Another operator knows what was done, and does none of it again.
    drop(operator);
    let operator = Operator::start(&story.ns).await;
    operator.clock.shift(SignedDuration::from_hours(29 * 24));
    let same = story
        .status("ada", "is kept", |s| s["stage"] == "Departed")
        .await;
    assert_eq!(
        step(&same, "database", "TransferOwnership"),
        step(&ada, "database", "TransferOwnership")
    );
    assert_eq!(
        server.column("postgres", ROLES).await,
        ["ada.example", "bob.example", "grace.example"]
    );

    operator.clock.shift(SignedDuration::from_hours(2 * 24));
    for name in ["ada", "bob"] {
        let gone = story
            .status(name, "is retired", |s| s["stage"] == "Retired")
            .await;
        assert_eq!(
            step(&gone, "database", "Delete")["state"],
            "Verified",
            "{gone:#}"
        );
        assert_eq!(gone["accounts"][0]["state"], "Deleted");
    }
    assert_eq!(server.column("postgres", ROLES).await, ["grace.example"]);
    for database in ["app", "other"] {
        assert_eq!(server.column(database, OWNER).await, ["grace.example"]);
    }
}
