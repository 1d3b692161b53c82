//! Roles that nobody may hold both of: whoever would is told, and a change from one to the other breaks first.

use std::collections::BTreeSet;

use rollcall::api::employee::AccountState;
use serde_json::{Value, json};

use super::kit::{Story, clerk, everyone, group_id, position, since, tells, username};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

fn role(name: &str, groups: &[&str], conflicts: &[&str]) -> Value {
    let mut role = everyone(name, "directory", groups);
    let spec = role["spec"].as_object_mut().unwrap();
    spec.remove("match");
    spec.insert("conflictsWith".to_owned(), json!(conflicts));
    role
}

fn ada(roles: &[&str]) -> Value {
    let named: Vec<Value> = roles.iter().map(|name| json!({"name": name})).collect();
    clerk("ada", "1", "Finance", json!({"roles": named}))
}

#[tokio::test]
async fn nobody_holds_both() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("conflicting-roles").await;
    let _operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_role(role("payer", &["pay", "ledger"], &[]))
        .await;
    story
        .apply_role(role("checker", &["check", "ledger"], &["payer"]))
        .await;

    // The operator hears of each kind by itself: what conflicts with a role that it saw later would be new alone.
    for role in ["payer", "checker"] {
        story.role_says(role, "Ready", "True", "InForce").await;
    }

    // Both are new: she gets neither, and what else she is to have.
    story.apply_person(ada(&["payer", "checker"])).await;
    let told = story
        .person_says("ada", "Stalled", "True", "RolesConflict")
        .await;
    tells(&told, &["checker", "payer", "neither is given"]);
    let held = |status: &rollcall::api::EmployeeStatus| {
        let held = status.accounts.iter().flat_map(|a| &a.entitlements);
        held.map(|e| e.name.clone()).collect::<Vec<_>>()
    };
    story
        .person("ada", "is in staff alone", |status| {
            held(status) == ["staff"] && status.accounts[0].state == AccountState::Active
        })
        .await;

    // Whoever wonders is told why.
    let told = story.explained("ada").await;
    let role = |name: &str| {
        let roles = told["roles"].as_array().unwrap();
        let role = roles.iter().find(|role| role["name"] == name).unwrap();
        let why = role["why"].as_str().unwrap().to_owned();
        (role["held"].as_bool().unwrap(), why)
    };
    assert_eq!(role("all"), (true, "its match is true: true".to_owned()));
    for name in ["payer", "checker"] {
        let (held, why) = role(name);
        assert!(!held, "{told:#}");
        tells(&why, &["checker and payer", "neither is given"]);
    }
    let account = &told["accounts"][0];
    assert_eq!(account["state"], "Active", "{told:#}");
    let shown = account["entitlements"].as_array().unwrap().iter();
    let shown: Vec<String> = shown
        .map(|e| format!("{} {}", e["name"], e["state"]).replace('"', ""))
        .collect();
    assert_eq!(
        shown,
        [
            "check Lacking",
            "ledger Lacking",
            "pay Lacking",
            "staff Held"
        ]
    );

    // She pays. One more role that conflicts with that is not given.
    story.apply_person(ada(&["payer"])).await;
    story.provisioned("ada", 1).await;
    story.apply_person(ada(&["payer", "checker"])).await;
    let told = story
        .person_says("ada", "Stalled", "True", "RolesConflict")
        .await;
    tells(&told, &["payer stays and checker is not given"]);
    let in_pay = server.group_members("pay").await;
    assert_eq!(in_pay, BTreeSet::from([username("ada")]));

    // She checks from now on: the old group goes first, and the one that is in both is never touched.
    let mark = server.requests().await.len();
    story.apply_person(ada(&["checker"])).await;
    story
        .person("ada", "checks", |status| {
            held(status) == ["check", "ledger", "staff"]
        })
        .await;
    story.provisioned("ada", 1).await;
    let log = since(&server, mark).await;
    let pay = position(&log, "PATCH", &group_id(&server, "pay").await);
    // The group of those who check is made for her.
    let check = position(&log, "PATCH", &group_id(&server, "check").await);
    let check = check.or(position(&log, "POST", "/Groups"));
    assert!(pay.is_some() && pay < check, "{log:#?}");
    let ledger = group_id(&server, "ledger").await;
    assert_eq!(position(&log, "PATCH", &ledger), None, "{log:#?}");
    assert!(server.group_members("pay").await.is_empty());
}
