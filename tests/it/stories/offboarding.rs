//! After the last day: what an application can't do is told, what was done stays told, a legal hold keeps an account,
//! and who comes back after it was deleted gets another.

use jiff::SignedDuration;
use rollcall::api::Employee;
use serde_json::{Value, json};

use super::kit::{
    Company, account, clerk, company, day, is_ready, is_true, stands, template, usernames,
};
use crate::support::targets::ScimServer;

fn step(employee: &Value, name: &str) -> String {
    stands(&employee["status"], "directory", name)
}

async fn deleting(company: &Company, directory: &ScimServer) {
    directory.create_group("staff").await;
    let leaver = json!({"leaver": {
        "revoke": ["Sessions"],
        "transferOwnershipTo": "Manager",
        "retain": "30d",
        "then": "Delete",
    }});
    company.connect_with("directory", directory, leaver).await;
    let staff: &[(&str, &[&str])] = &[("directory", &["staff"])];
    company.apply_role(template("staff", "true", staff)).await;
}

#[tokio::test]
async fn an_account_goes_after_its_time_unless_a_legal_hold_keeps_it() {
    company("offboarding", async |company| {
        let directory = ScimServer::scimmy().await;
        deleting(company, &directory).await;
        company
            .apply_person(clerk("ada", "1", "Sales", json!({})))
            .await;
        company.all_ready(&["ada"]).await;

        let held = json!({"endDate": day(-1), "legalHold": {"reason": "matter 12"}});
        company.apply_person(clerk("ada", "1", "Sales", held)).await;
        let ada = company
            .seen_employee("ada", "is offboarded", |e| {
                e["status"]["offboarding"]["completedAt"].is_string() && is_ready(e)
            })
            .await;
        assert!(is_true(&ada, "AccessRevoked"));
        for (name, told) in [
            ("Disable", "Verified"),
            ("RevokeSessions", "NotPossible NotPossible"),
            ("TransferOwnership", "NotPossible NotPossible"),
            ("RemoveEntitlements", "Verified"),
            ("Retain", "Scheduled"),
            ("Delete", "Waiting LegalHold"),
        ] {
            assert_eq!(step(&ada, name), told, "{name}: {ada:#}");
        }
        company
            .operator
            .clock
            .shift(SignedDuration::from_hours(31 * 24));
        let ada = company
            .seen_employee("ada", "was kept for its time", |e| {
                step(e, "Retain") == "Verified"
            })
            .await;
        assert_eq!(step(&ada, "Delete"), "Waiting LegalHold");
        assert_eq!(usernames(&directory).await, ["ada.example"]);

        let lifted = json!({"endDate": day(-1)});
        company
            .apply_person(clerk("ada", "1", "Sales", lifted))
            .await;
        let ada = company
            .seen_employee("ada", "is retired", |e| e["status"]["stage"] == "Retired")
            .await;
        assert_eq!(step(&ada, "Delete"), "Verified");
        assert!(ada["status"].get("nextTransition").is_none());
        assert_eq!(account(&ada, "directory")["state"], "Deleted");
        assert!(usernames(&directory).await.is_empty());

        // Under the same id she is the same person, with another account of the same name.
        company
            .apply_person(clerk("ada", "1", "Sales", json!({})))
            .await;
        company.all_ready(&["ada"]).await;
        assert_eq!(usernames(&directory).await, ["ada.example"]);
        let ada = company.now::<Employee>("ada").await;
        assert!(ada["status"].get("offboarding").is_none());
        assert_eq!(directory.group_members("staff").await.len(), 1);
    })
    .await;
}
