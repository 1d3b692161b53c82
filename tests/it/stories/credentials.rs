//! Story 9, the second half: everything that can be wrong with a credential. Each is told with its
//! reason, and cured by whoever has the Secret, without a touch on the connector.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams};
use rollcall::api::{AppConnector, SECRET_HOSTS_ANNOTATION, SECRET_LABEL};
use serde_json::{Value, json};

use super::kit::{Story, connector, cycles, employee, everyone, is, tells};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

async fn change_secret(story: &Story, change: Value) {
    story
        .ns
        .api::<Secret>()
        .patch("directory", &PatchParams::default(), &Patch::Merge(change))
        .await
        .unwrap();
}

#[tokio::test]
pub async fn what_is_wrong_with_a_secret_is_told_and_cured_there() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("credentials").await;
    let _operator = Operator::start(&story.ns).await;
    story.apply_connector(connector("directory", &server)).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    let generation = story
        .ns
        .api::<AppConnector>()
        .get("directory")
        .await
        .unwrap()
        .metadata
        .generation;
    let waits = async |reason: &str, parts: &[&str]| {
        let message = story
            .connector_says("directory", "Reconciling", "True", reason)
            .await;
        tells(&message, parts);
        story
            .connector_says("directory", "Ready", "False", reason)
            .await;
        let message = story.person_says("ada", "Ready", "False", reason).await;
        tells(&message, &["directory"]);
    };

    waits("SecretMissing", &["directory", "create it", SECRET_LABEL]).await;
    assert_eq!(server.requests().await, []);

    // There, but not meant for us.
    let plain = json!({
        "metadata": {"name": "directory"},
        "stringData": {"other": server.token()},
    });
    story.ns.apply::<Secret>(plain).await.unwrap();
    change_secret(
        &story,
        json!({"metadata": {"annotations": {SECRET_HOSTS_ANNOTATION: "elsewhere.example.com"}}}),
    )
    .await;
    // What is not labelled is not read, so it looks as if it were not there.
    waits("SecretMissing", &[SECRET_LABEL]).await;
    change_secret(
        &story,
        json!({"metadata": {"labels": {SECRET_LABEL: "true"}}}),
    )
    .await;
    waits(
        "SecretHostNotAllowed",
        &[server.host(), SECRET_HOSTS_ANNOTATION],
    )
    .await;
    change_secret(
        &story,
        json!({"metadata": {"annotations": {SECRET_HOSTS_ANNOTATION: server.host()}}}),
    )
    .await;
    waits("SecretKeyMissing", &["token"]).await;
    assert_eq!(server.requests().await, []);

    // The key is there, with a token that the target refuses.
    change_secret(&story, json!({"stringData": {"token": "wrong-wrong"}})).await;
    let message = story
        .connector_says("directory", "Connected", "False", "Unauthorized")
        .await;
    tells(&message, &["tried again at"]);
    assert!(!message.contains("wrong-wrong"));
    let message = story
        .person_says("ada", "Ready", "False", "Unauthorized")
        .await;
    tells(&message, &["directory"]);
    change_secret(&story, json!({"stringData": {"token": server.token()}})).await;
    story.provisioned("ada", 1).await;
    story
        .connector("directory", "is in order", |c| {
            is(&c.status.as_ref().unwrap().conditions, "Ready", "True")
        })
        .await;

    // Taken back while all is well: not used on.
    story
        .ns
        .api::<Secret>()
        .delete("directory", &DeleteParams::default())
        .await
        .unwrap();
    story
        .connector_says("directory", "Ready", "False", "SecretMissing")
        .await;
    let before = server.requests().await.len();
    story
        .apply_person(employee("bob", "2", "Bob", "Noyce"))
        .await;
    story
        .person_says("bob", "Ready", "False", "SecretMissing")
        .await;
    assert_eq!(server.requests().await.len(), before);
    story.credential("directory", &server).await;
    story.provisioned("bob", 1).await;
    cycles(&server, 1).await;
    let connector = story.ns.api::<AppConnector>().get("directory").await;
    assert_eq!(connector.unwrap().metadata.generation, generation);
}
