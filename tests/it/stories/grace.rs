//! What a role gave stays for a time after a transfer, where its template says so; a leaver has no such time.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::kit::{Company, account, clerk, company, day, is_ready, template};
use crate::support::targets::ScimServer;

async fn holders(directory: &ScimServer) -> [usize; 2] {
    let marketing = directory.group_members("marketing").await.len();
    [marketing, directory.group_members("sales").await.len()]
}

async fn departments(company: &Company, directory: &ScimServer) {
    for group in ["marketing", "sales"] {
        directory.create_group(group).await;
    }
    company
        .connect_with("directory", directory, json!({}))
        .await;
    for (name, department) in [("marketing", "Marketing"), ("sales", "Sales")] {
        let matches = format!("employee.department == '{department}'");
        let mut role = template(name, &matches, &[("directory", &[name])]);
        role["spec"]["availability"] = json!({"graceAfterLoss": "72h"});
        company.apply_role(role).await;
    }
}

fn marketing(employee: &Value) -> Option<&Value> {
    let grants = account(employee, "directory")["entitlements"].as_array()?;
    grants.iter().find(|grant| grant["name"] == "marketing")
}

#[tokio::test]
async fn a_mover_keeps_the_old_group_for_its_time_of_grace_and_a_leaver_does_not() {
    company("grace", async |company| {
        let directory = ScimServer::scimmy().await;
        departments(company, &directory).await;
        for (name, id) in [("ada", "1"), ("bob", "2")] {
            company
                .apply_person(clerk(name, id, "Marketing", json!({})))
                .await;
        }
        company.all_ready(&["ada", "bob"]).await;
        for (name, id) in [("ada", "1"), ("bob", "2")] {
            company
                .apply_person(clerk(name, id, "Sales", json!({})))
                .await;
        }
        for name in ["ada", "bob"] {
            let moved = company
                .seen_employee(name, "has both", |e| {
                    is_ready(e) && marketing(e).is_some_and(|g| g["state"] == "Kept")
                })
                .await;
            let kept = marketing(&moved).unwrap();
            assert_eq!(kept["reason"], "GracePeriod");
            assert!(kept["keptUntil"].is_string());
        }
        assert_eq!(holders(&directory).await, [2, 2]);

        let gone = json!({"endDate": day(-1)});
        company.apply_person(clerk("bob", "2", "Sales", gone)).await;
        company
            .seen_employee("bob", "is out", |e| {
                e["status"]["stage"] == "Departed" && is_ready(e)
            })
            .await;
        assert_eq!(holders(&directory).await, [1, 1]);

        company.operator.clock.shift(SignedDuration::from_hours(73));
        company
            .seen_employee("ada", "has the new one alone", |e| {
                is_ready(e) && marketing(e).is_none()
            })
            .await;
        assert_eq!(holders(&directory).await, [0, 1]);
    })
    .await;
}
