//! Story 3: whoever leaves, is suspended or on leave can't log in any more, and that is proven.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollcall::api::Employee;
use serde_json::{Value, json};

use super::kit::{
    Company, Witness, account, clerk, company, condition, condition_says, cycles, day, group_id,
    id_of, is_true, lines_of_writes, position, since, template, username,
};
use crate::support::targets::{LoggedRequest, ScimServer};

async fn everyone_in_two_targets(company: &Company, directory: &ScimServer, chat: &ScimServer) {
    for (name, server) in [("directory", directory), ("chat", chat)] {
        server.create_group("everyone").await;
        company.connect_with(name, server, json!({})).await;
    }
    let grants: &[(&str, &[&str])] = &[("directory", &["everyone"]), ("chat", &["everyone"])];
    company
        .apply_role(template("everyone", "employee.type != ''", grants))
        .await;
}

async fn is_active(server: &ScimServer, name: &str) -> Value {
    let user = server.user_by_name(&username(name)).await.unwrap();
    user["active"].clone()
}

/// `AccessRevoked` with every account told, and read back after it was disabled.
async fn is_revoked(company: &Company, name: &str) -> Value {
    let revoked = company
        .seen_employee(name, "has lost access", |e| is_true(e, "AccessRevoked"))
        .await;
    for connector in ["directory", "chat"] {
        let account = account(&revoked, connector);
        assert!(account["lastVerified"].is_string(), "{account:#}");
        assert_eq!(account["state"], "Disabled", "{account:#}");
    }
    revoked
}

fn disabled_then_read(log: &[LoggedRequest], user: &str) -> (usize, usize) {
    let patch = position(log, "PATCH", user).unwrap_or_else(|| panic!("not disabled: {log:#?}"));
    let read = position(&log[patch..], "GET", user);
    let read = read.unwrap_or_else(|| panic!("not read back: {log:#?}"));
    (patch, patch + read)
}

#[tokio::test]
pub async fn a_leaver_is_disabled_everywhere_and_that_is_read_back() {
    company("leaver", async |company| {
        let directory = ScimServer::scim2_server().await;
        let mut chat = ScimServer::scimmy().await;
        everyone_in_two_targets(company, &directory, &chat).await;
        for (name, id) in [("ada", "1"), ("bob", "2"), ("eve", "3")] {
            company
                .apply_person(clerk(name, id, "Sales", json!({})))
                .await;
        }
        company.all_ready(&["ada", "bob", "eve"]).await;
        let marks = [
            directory.requests().await.len(),
            chat.requests().await.len(),
        ];
        let witness = Witness::of::<Employee>(&company.ns);

        let gone = json!({"endDate": day(-2)});
        company.apply_person(clerk("ada", "1", "Sales", gone)).await;
        let seen = is_revoked(company, "ada").await;
        assert_eq!(seen["status"]["stage"], "Departed");
        for (server, mark) in [&directory, &chat].into_iter().zip(marks) {
            let log = since(server, mark).await;
            let user = id_of(server, "ada").await;
            let (_, read) = disabled_then_read(&log, &user);
            let group = position(&log, "PATCH", &group_id(server, "everyone").await);
            assert!(Some(read) < group, "proof comes first: {log:#?}");
            assert_eq!(lines_of_writes(&log).len(), 2, "{log:#?}");
            assert_eq!(is_active(server, "ada").await, false);
            let others = BTreeSet::from([username("bob"), username("eve")]);
            assert_eq!(server.group_members("everyone").await, others);
        }
        let versions = witness.versions_of("ada");
        assert!(
            versions.len() >= 2,
            "as applied, and as told: {versions:#?}"
        );
        for version in versions {
            let proven = ["directory", "chat"]
                .iter()
                .all(|c| account(&version, c)["lastVerified"].is_string());
            assert!(proven || !is_true(&version, "AccessRevoked"), "{version:#}");
        }
        assert_eq!(company.told("ada", "AccessRevoked").await, 1);

        // A target that can't be asked proves nothing; the other is not kept waiting.
        chat.stop();
        let gone = json!({"endDate": day(-2)});
        company.apply_person(clerk("eve", "3", "Sales", gone)).await;
        let open = company
            .seen_employee("eve", "is disabled in the directory", |e| {
                account(e, "directory")["state"] == "Disabled"
                    && condition(e, "AccessRevoked").is_some()
            })
            .await;
        assert!(
            condition_says(&open, "AccessRevoked", "False", "NotYetProven", "chat"),
            "{open:#}"
        );
        assert_eq!(is_active(&directory, "eve").await, false);
        assert_eq!(is_active(&directory, "bob").await, true);
    })
    .await;
}

#[tokio::test]
async fn the_last_day_ends_in_the_persons_own_zone() {
    // For the operator, which counts in UTC, the next day began long ago.
    the_last_day_ends("last-day", "America/Los_Angeles", 1).await;
}

/// Somebody in Auckland is out while the last day has half of it before it in UTC.
#[tokio::test]
async fn the_last_day_is_over_in_auckland_before_it_is_elsewhere() {
    the_last_day_ends("auckland", "Pacific/Auckland", 0).await;
}

/// `later` is how many days further it is in UTC, when the last day ends in the zone.
async fn the_last_day_ends(story_name: &str, zone_name: &'static str, later: i64) {
    company(story_name, async |company| {
        let directory = ScimServer::scim2_server().await;
        let chat = ScimServer::scimmy().await;
        everyone_in_two_targets(company, &directory, &chat).await;
        let zone = TimeZone::get(zone_name).unwrap();
        let today = Timestamp::now().to_zoned(zone.clone()).date();
        let last = today.tomorrow().unwrap();
        let over = last.tomorrow().unwrap().to_zoned(zone).unwrap().timestamp();
        let in_utc = over.to_zoned(TimeZone::UTC).date();
        assert_eq!(in_utc, last + jiff::Span::new().days(later));
        let leaves = json!({"endDate": last.to_string(), "timeZone": zone_name});
        company
            .apply_person(clerk("ada", "1", "Sales", leaves))
            .await;
        company.all_ready(&["ada"]).await;
        let ada = company.now::<Employee>("ada").await;
        let next = &ada["status"]["nextTransition"];
        assert_eq!(next["stage"], "Departed");
        assert_eq!(
            next["at"].as_str().unwrap().parse::<Timestamp>().unwrap(),
            over
        );

        // Four minutes before the end the last day is not over, whatever day it is elsewhere; and
        // nobody looks again and again whether it is.
        let marks = [
            directory.requests().await.len(),
            chat.requests().await.len(),
        ];
        company
            .operator
            .clock
            .set(over - SignedDuration::from_mins(4));
        cycles(&directory, 1).await;
        let looks = employee_looks(company).await;
        cycles(&directory, 1).await;
        assert_eq!(
            employee_looks(company).await,
            looks,
            "the end is waited for, not asked for"
        );
        for (server, mark) in [&directory, &chat].into_iter().zip(marks) {
            assert_eq!(
                lines_of_writes(&since(server, mark).await),
                Vec::<String>::new()
            );
            assert_eq!(is_active(server, "ada").await, true);
        }

        company.operator.clock.set(over);
        let seen = is_revoked(company, "ada").await;
        assert_eq!(seen["status"]["stage"], "Departed");
        let next = &seen["status"]["nextTransition"]["stage"];
        assert!(next.is_null() || next == "Retired", "{next}");
        for (server, mark) in [&directory, &chat].into_iter().zip(marks) {
            let log = since(server, mark).await;
            disabled_then_read(&log, &id_of(server, "ada").await);
            assert_eq!(is_active(server, "ada").await, false);
            assert_eq!(server.group_members("everyone").await, BTreeSet::new());
        }
    })
    .await;
}

async fn employee_looks(company: &Company) -> u64 {
    let labels = r#"kind="Employee",result="Done""#;
    company.metric("rollcall_reconciles_total", labels).await
}

async fn paused_and_back(story_name: &str, employment: &'static str) {
    company(story_name, async |company| {
        let directory = ScimServer::scim2_server().await;
        let chat = ScimServer::scimmy().await;
        everyone_in_two_targets(company, &directory, &chat).await;
        company
            .apply_person(clerk("ada", "1", "Sales", json!({})))
            .await;
        company.all_ready(&["ada"]).await;
        let marks = [
            directory.requests().await.len(),
            chat.requests().await.len(),
        ];

        let paused = json!({"employment": employment});
        company
            .apply_person(clerk("ada", "1", "Sales", paused))
            .await;
        let seen = company
            .seen_employee("ada", "is disabled", |e| {
                e["status"]["stage"] == employment
                    && account(e, "directory")["state"] == "Disabled"
                    && account(e, "chat")["state"] == "Disabled"
                    && is_true(e, "Ready")
            })
            .await;
        assert_eq!(
            is_true(&seen, "AccessRevoked"),
            employment == "Suspended",
            "{seen:#}"
        );
        let ada = BTreeSet::from([username("ada")]);
        for (server, mark) in [&directory, &chat].into_iter().zip(marks) {
            disabled_then_read(&since(server, mark).await, &id_of(server, "ada").await);
            assert_eq!(is_active(server, "ada").await, false);
            assert_eq!(server.group_members("everyone").await, ada);
        }

        company
            .apply_person(clerk("ada", "1", "Sales", json!({})))
            .await;
        let seen = company
            .seen_employee("ada", "is back", |e| {
                e["status"]["stage"] == "Active" && is_true(e, "Ready")
            })
            .await;
        assert_eq!(condition(&seen, "AccessRevoked"), None);
        for (server, mark) in [&directory, &chat].into_iter().zip(marks) {
            let log = since(server, mark).await;
            assert_eq!(is_active(server, "ada").await, true);
            assert_eq!(server.group_members("everyone").await, ada);
            let user = id_of(server, "ada").await;
            let about_ada = lines_of_writes(&log)
                .iter()
                .filter(|w| w.contains(&user))
                .count();
            assert_eq!(
                (about_ada, lines_of_writes(&log).len()),
                (2, 2),
                "off and on, and nothing else"
            );
        }
    })
    .await;
}

#[tokio::test]
pub async fn a_suspended_person_is_disabled_at_once_and_restored() {
    paused_and_back("suspended", "Suspended").await;
}

#[tokio::test]
async fn a_person_on_leave_keeps_their_memberships() {
    paused_and_back("on-leave", "OnLeave").await;
}
