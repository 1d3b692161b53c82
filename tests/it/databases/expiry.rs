//! A role that ends by itself with its person's last day.

use serde_json::json;

use super::{connect, connector};
use crate::stories::kit::{Story, californian, everyone};
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;
use crate::support::wait::eventually;

const UNTIL: &str = "SELECT coalesce(to_char(rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), 'NULL') \
                     FROM pg_roles WHERE rolname = 'ada.example'";

#[tokio::test]
async fn in_postgresql_by_valid_until() {
    let server = Postgres::start().await;
    let story = Story::new("expiry-sql").await;
    let _operator = Operator::start(&story.ns).await;
    let attributes = json!({"validUntil": "employee.endsAt"});
    let users = connector("database", &server, server.users(), &attributes);
    connect(&story, "database", &server, users).await;
    story
        .apply_role(everyone("all", "database", &["staff"]))
        .await;
    for (end, expected) in [
        (Some("2031-12-31"), "2032-01-01 08:00:00"),
        (Some("2032-02-29"), "2032-03-01 08:00:00"),
        (None, "NULL"),
    ] {
        story.apply_person(californian(end)).await;
        eventually(&format!("the role follows {end:?}"), async || {
            let shown = server.column("postgres", UNTIL).await;
            if shown == [expected] {
                Ok(())
            } else {
                Err(shown)
            }
        })
        .await;
        // What was written is what is read: there is nothing more to do.
        story.provisioned("ada", 1).await;
    }
}
