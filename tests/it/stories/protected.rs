//! What is protected in a connector stays as it is, whatever is declared, and says so.

use serde_json::json;

use super::kit::{Story, connector, cycles, employee, everyone, lines_of_writes, since, tells};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

#[tokio::test]
async fn what_is_protected_is_told_and_not_touched() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("protected").await;
    let _operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for (name, id, given) in [("ada", "1", "Ada"), ("bob", "2", "Bob")] {
        story
            .apply_person(employee(name, id, given, "Example"))
            .await;
        story.provisioned(name, 1).await;
    }

    let mut guarded = connector("directory", &server);
    guarded["spec"]["protected"] = json!({"accounts": ["ada.*"], "entitlements": ["admins"]});
    guarded["spec"]["deletion"] = json!({"policy": "Disable"});
    story.apply_connector(guarded.clone()).await;
    let mark = server.requests().await.len();
    story
        .apply_role(everyone("all", "directory", &["staff", "admins"]))
        .await;
    let mut leaver = employee("ada", "1", "Ada", "Example");
    leaver["spec"]["endDate"] = json!("2021-01-01");
    story.apply_person(leaver).await;
    let why = story
        .person_says("ada", "Ready", "False", "ProtectedAccount")
        .await;
    tells(&why, &["ada.example", "spec.protected.accounts"]);
    let why = story
        .person_says("bob", "Ready", "False", "ProtectedEntitlement")
        .await;
    tells(&why, &["admins", "spec.protected.entitlements"]);
    cycles(&server, 3).await;
    assert_eq!(lines_of_writes(&since(&server, mark).await), [""; 0]);

    // A deletion does not wait for what is never done.
    story
        .ns
        .kubectl_ok(&["delete", "employee", "ada", "--timeout=60s"])
        .await;
    assert_eq!(lines_of_writes(&since(&server, mark).await), [""; 0]);

    let open = guarded.clone();
    guarded["spec"]["protected"] = json!({});
    story.apply_connector(guarded).await;
    story.provisioned("bob", 1).await;
    eventually("the group is made and given", async || {
        let members = server.group_members("admins").await;
        if members.contains("bob.example") {
            Ok(())
        } else {
            Err(members)
        }
    })
    .await;

    // Nor for a group that is protected.
    let generation = story.apply_connector(open).await.metadata.generation;
    story
        .connector("directory", "is seen as it is now", |c| {
            let status = c.status.as_ref();
            status.map(|s| s.observed_generation) == generation
        })
        .await;
    story
        .ns
        .kubectl_ok(&["delete", "employee", "bob", "--timeout=60s"])
        .await;
    let bob = server.user_by_name("bob.example").await.unwrap();
    assert_eq!(bob["active"], false);
    assert!(server.group_members("admins").await.contains("bob.example"));
}
