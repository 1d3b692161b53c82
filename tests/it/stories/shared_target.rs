//! Two connectors that speak to one application: the elder one works, the other waits and touches
//! nothing; when the elder one is gone, the other takes over without a write.

use kube::api::DeleteParams;
use rollcall::api::AppConnector;
use rollcall::api::employee::AccountState;

use super::kit::{Story, cycles, employee, everyone, tells, writes};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

#[tokio::test]
async fn only_the_elder_of_two_connectors_works() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("shared").await;
    let _operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story.provisioned("ada", 1).await;
    let before = writes(&server).await;

    story.connect("renamed", &server).await;
    let why = story
        .connector_says("renamed", "Ready", "False", "TargetShared")
        .await;
    tells(&why, &["directory"]);

    // The role moves over: what it gave is neither lost nor fought over.
    story
        .apply_role(everyone("all", "renamed", &["staff"]))
        .await;
    story
        .person_says("ada", "Ready", "False", "TargetShared")
        .await;
    cycles(&server, 3).await;
    assert_eq!(writes(&server).await, before);

    story
        .ns
        .api::<AppConnector>()
        .delete("directory", &DeleteParams::default())
        .await
        .unwrap();
    story
        .person("ada", "is served by the other", |s| {
            s.accounts
                .iter()
                .any(|a| a.connector == "renamed" && a.state == AccountState::Active)
                && s.accounts.len() == 1
        })
        .await;
    assert_eq!(writes(&server).await, before);
}
