//! Roles that are held for a time end by themselves, where the person is, and not without a word before.

use jiff::SignedDuration;
use rollcall::api::Employee;
use serde_json::{Value, json};

use super::kit::{Company, clerk, company, day, is_true, template};
use crate::support::targets::ScimServer;

fn on_call(until: &str) -> Value {
    let role = json!({
        "name": "on-call",
        "until": until,
        "reason": "stands in for Bob",
        "approvedBy": "grace@example.com",
        "ticket": "OPS-17",
    });
    let zone = "Pacific/Auckland";
    clerk(
        "ada",
        "1",
        "Sales",
        json!({"timeZone": zone, "roles": [role]}),
    )
}

async fn groups(directory: &ScimServer) -> [usize; 2] {
    let staff = directory.group_members("staff").await.len();
    [staff, directory.group_members("pagers").await.len()]
}

async fn events(company: &Company) -> i32 {
    company.events("ada", "RolesEnding").await
}

#[tokio::test]
pub async fn a_role_ends_by_itself_and_says_so_before() {
    company("time-bound", async |company| {
        let directory = ScimServer::scimmy().await;
        for group in ["staff", "pagers"] {
            directory.create_group(group).await;
        }
        company
            .connect_with("directory", &directory, json!({}))
            .await;
        let staff: &[(&str, &[&str])] = &[("directory", &["staff"])];
        company.apply_role(template("staff", "true", staff)).await;
        let pagers: &[(&str, &[&str])] = &[("directory", &["staff", "pagers"])];
        company
            .apply_role(template("on-call", "false", pagers))
            .await;
        let until = day(9);
        company.apply_person(on_call(&until)).await;
        company.all_ready(&["ada"]).await;
        assert_eq!(groups(&directory).await, [1, 1]);
        let ada = company.now::<Employee>("ada").await;
        let status = &ada["status"];
        assert_eq!(status["nextTransition"]["rolesEnding"], json!(["on-call"]));
        assert!(status["nextTransition"].get("stage").is_none());
        let role = &status["roles"][0];
        assert_eq!(
            [&role["until"], &role["approvedBy"], &role["ticket"]],
            [&json!(until), &json!("grace@example.com"), &json!("OPS-17")]
        );
        let grants = status["accounts"][0]["entitlements"].as_array().unwrap();
        for grant in grants {
            assert_eq!(grant["approvedBy"], "grace@example.com", "{grant}");
        }
        assert_eq!(events(company).await, 0);

        // A week before, once.
        company
            .operator
            .clock
            .shift(SignedDuration::from_hours(4 * 24));
        company
            .seen_employee("ada", "is told", |e| is_true(e, "RolesEnding"))
            .await;
        assert_eq!(company.told("ada", "RolesEnding").await, 1);
        assert_eq!(groups(&directory).await, [1, 1]);

        // In Auckland the day is over before it is in Greenwich, and the operator's clock is there by now.
        company
            .operator
            .clock
            .shift(SignedDuration::from_hours(6 * 24));
        company
            .seen_employee("ada", "holds what everybody holds", |e| {
                let roles = e["status"]["roles"].as_array();
                roles.is_some_and(|roles| roles.len() == 1) && is_true(e, "Ready")
            })
            .await;
        assert_eq!(groups(&directory).await, [1, 0]);
        let ada = company.now::<Employee>("ada").await;
        assert!(!is_true(&ada, "RolesEnding"));
        assert!(ada["status"].get("nextTransition").is_none());
        assert_eq!(events(company).await, 1);
        // Who approved what is still there stays known.
        let grant = &ada["status"]["accounts"][0]["entitlements"][0];
        assert_eq!(grant["approvedBy"], "grace@example.com");

        // It is given again with a later date.
        company.apply_person(on_call(&day(100))).await;
        company
            .seen_employee("ada", "holds it again", |e| {
                let roles = e["status"]["roles"].as_array();
                roles.is_some_and(|roles| roles.len() == 2) && is_true(e, "Ready")
            })
            .await;
        assert_eq!(groups(&directory).await, [1, 1]);
    })
    .await;
}
