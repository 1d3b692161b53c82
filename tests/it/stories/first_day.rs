//! The first day: nothing before it, everything as it begins, in the person's own zone. What kubectl
//! shows of it, whole rows.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::kit::{Company, clerk, company, cycles, is_ready, template, usernames, writes};
use crate::support::targets::ScimServer;

/// The cells of a row of `kubectl get`, without the age at its end.
async fn row(company: &Company, kind: &str, name: &str) -> String {
    let words = ["get", kind, name, "--no-headers"];
    let shown = company.ns.kubectl_ok(&words).await;
    let cells: Vec<&str> = shown.split_whitespace().collect();
    cells[..cells.len() - 1].join(" ")
}

#[tokio::test]
async fn the_first_day_begins_in_the_persons_own_zone() {
    company("first-day", async |company| {
        let server = ScimServer::scimmy().await;
        company
            .connect_with("directory", &server, json!({"mode": "Enforce"}))
            .await;
        server.create_group("staff").await;
        let grants: &[(&str, &[&str])] = &[("directory", &["staff"])];
        company
            .apply_role(template("everyone", "true", grants))
            .await;
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        let now = Timestamp::now().to_zoned(zone.clone());
        let first = now.date().checked_add(jiff::Span::new().days(3)).unwrap();
        let begins = first.to_zoned(zone).unwrap().timestamp();
        let starts = json!({"startDate": first.to_string(), "timeZone": "Asia/Tokyo"});
        company
            .apply_person(clerk("ada", "1", "Sales", starts))
            .await;
        company.all_ready(&["ada"]).await;
        let format = if first.year() == now.year() {
            "%-d %b"
        } else {
            "%-d %b %Y"
        };
        let next = first.strftime(format);
        assert_eq!(
            row(company, "employees", "ada").await,
            format!("ada Upcoming True 0/0 Active {next}")
        );
        company
            .seen_connector("directory", "is ready", is_ready)
            .await;
        assert_eq!(
            row(company, "appconnectors", "directory").await,
            "directory SCIM True 0 0 Complete Enforce"
        );
        company
            .seen_template("everyone", "is in force", is_ready)
            .await;
        assert_eq!(
            row(company, "roletemplates", "everyone").await,
            "everyone True 0 0 0 0"
        );

        let sent = writes(&server).await;

        // Four minutes before, it is the day before, whatever day it is elsewhere.
        let before = begins - SignedDuration::from_mins(4);
        company.operator.clock.set(before);
        cycles(&server, 2).await;
        assert_eq!(writes(&server).await, sent);

        company.operator.clock.set(begins);
        company
            .seen_employee("ada", "works", |e| {
                e["status"]["stage"] == "Active"
                    && is_ready(e)
                    && e["status"]["nextTransition"].is_null()
            })
            .await;
        assert_eq!(usernames(&server).await, ["ada.example"]);
        assert_eq!(
            row(company, "employees", "ada").await,
            "ada Active True 1/1"
        );
        company
            .seen_template("everyone", "counts the holder", |t| {
                t["status"]["provisioned"] == 1
            })
            .await;
        assert_eq!(
            row(company, "roletemplates", "everyone").await,
            "everyone True 1 1 0 0"
        );
        company
            .seen_connector("directory", "counts the account", |c| {
                c["status"]["accounts"] == 1
            })
            .await;
        assert_eq!(
            row(company, "appconnectors", "directory").await,
            "directory SCIM True 1 0 Complete Enforce"
        );
    })
    .await;
}
