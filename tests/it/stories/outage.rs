//! Story 9, the first half: a target that is down, from the start or later.

use rollcall::api::RoleTemplate;
use rollcall::api::employee::AccountState;
use serde_json::json;

use super::kit::{Story, cycles, employee, everyone, is, tells, usernames};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

async fn two_targets(story: &Story, up: &ScimServer, other: &ScimServer) {
    story.connect("up", up).await;
    story.connect("other", other).await;
    let mut role = everyone("all", "up", &["staff"]);
    role["spec"]["grants"]
        .as_array_mut()
        .unwrap()
        .push(json!({"connector": "other", "entitlements": ["mail"]}));
    story.apply_role(role).await;
}

/// What the status of each kind says while `other` is down, and that the rest went on.
async fn the_outage_is_told(story: &Story, name: &str) {
    let asked_at = jiff::Timestamp::now();
    let status = story
        .person(name, "has one account and waits for the other", |s| {
            is(&s.conditions, "Ready", "False")
                && is(&s.conditions, "Reconciling", "True")
                && s.accounts
                    .iter()
                    .any(|a| a.connector == "up" && a.state == AccountState::Active)
                && s.accounts.iter().any(|a| {
                    a.connector == "other" && a.reason.as_deref() == Some("TargetUnreachable")
                })
        })
        .await;
    assert!(!is(&status.conditions, "Stalled", "True"));
    let waits = status
        .accounts
        .iter()
        .find(|a| a.connector == "other")
        .unwrap();
    assert_eq!(waits.state, AccountState::Pending);
    tells(waits.message.as_deref().unwrap(), &["other", "tried again"]);
    let ready = status
        .conditions
        .iter()
        .find(|c| c.type_ == "Ready")
        .unwrap();
    assert_eq!(ready.reason, "TargetUnreachable");

    let connector = story
        .connector("other", "says that it is down and when it is tried", |c| {
            let s = c.status.as_ref().unwrap();
            is(&s.conditions, "Connected", "False")
                && is(&s.conditions, "Reconciling", "True")
                && s.retry_at.as_ref().is_some_and(|at| at.0 >= asked_at)
        })
        .await;
    let conditions = connector.status.unwrap().conditions;
    tells(
        &super::kit::message(&conditions, "Connected"),
        &["tried again"],
    );
    let role = crate::support::wait::wait_for(
        &story.ns.api::<RoleTemplate>(),
        "all",
        "counts who has everything",
        |role: &RoleTemplate| role.status.as_ref().is_some_and(|s| s.holders == 1),
    )
    .await;
    assert_eq!(role.status.unwrap().provisioned, 0);
}

#[tokio::test]
async fn a_target_that_is_down_from_the_start_holds_nobody_up() {
    let up = ScimServer::scimmy().await;
    let mut down = ScimServer::scim2_server_down();
    let story = Story::new("down").await;
    let _operator = Operator::start(&story.ns).await;
    two_targets(&story, &up, &down).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    Box::pin(the_outage_is_told(&story, "ada")).await;
    assert_eq!(usernames(&up).await, ["ada.lovelace"]);

    down.start().await;
    story.provisioned("ada", 2).await;
    assert_eq!(down.group_member_ids("mail").await.len(), 1);
    let recovered = story
        .connector("other", "is in order", |c| {
            is(&c.status.as_ref().unwrap().conditions, "Ready", "True")
        })
        .await;
    assert_eq!(recovered.status.unwrap().retry_at, None);
    crate::support::wait::wait_for(
        &story.ns.api::<RoleTemplate>(),
        "all",
        "counts who has everything",
        |role: &RoleTemplate| role.status.as_ref().is_some_and(|s| s.provisioned == 1),
    )
    .await;
}

/// It forgets everything while it is down, as these servers do; what is missing is made again.
#[tokio::test]
pub async fn a_target_that_goes_down_comes_back() {
    let up = ScimServer::scimmy().await;
    let mut server = ScimServer::scim2_server().await;
    let story = Story::new("outage").await;
    let _operator = Operator::start(&story.ns).await;
    two_targets(&story, &up, &server).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story.provisioned("ada", 2).await;
    server.stop();
    story
        .connector_says("other", "Connected", "False", "TargetUnreachable")
        .await;
    // Nothing is wrong with what is done; someone new waits.
    story
        .apply_person(employee("bob", "2", "Bob", "Noyce"))
        .await;
    story
        .person("bob", "has one account and waits for the other", |s| {
            s.accounts
                .iter()
                .any(|a| a.connector == "up" && a.state == AccountState::Active)
                && s.accounts
                    .iter()
                    .any(|a| a.reason.as_deref() == Some("TargetUnreachable"))
        })
        .await;
    server.start().await;
    story.provisioned("bob", 2).await;
    story.provisioned("ada", 2).await;
    cycles(&server, 3).await;
    assert_eq!(usernames(&server).await, ["ada.lovelace", "bob.noyce"]);
    assert_eq!(server.group_member_ids("mail").await.len(), 2);
    story.provisioned("ada", 2).await;
}
