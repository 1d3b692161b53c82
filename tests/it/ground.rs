//! The ground itself: the servers that every other test relies on do what those tests take as given.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use rollcall::api::Employee;
use serde_json::{Value, json};

use crate::stories::kit::clerk;
use crate::support::namespace::Namespace;
use crate::support::operator::{Operator, OperatorProcess};
use crate::support::process::repository;
use crate::support::targets::{LoggedRequest, ScimServer};
use crate::support::wait::{eventually, wait_for};

async fn can_be_looked_at_and_tampered_with(server: &ScimServer) {
    assert!(server.users().await.is_empty());
    let ada = server.create_user(json!({"userName": "ada"})).await;
    let bob = server.create_user(json!({"userName": "bob"})).await;
    let group = server.create_group("marketing").await;
    server.add_member(&group, &ada).await;
    server.add_member(&group, &bob).await;
    let both = BTreeSet::from(["ada".to_owned(), "bob".to_owned()]);
    assert_eq!(server.group_members("marketing").await, both);

    server.remove_member(&group, &ada).await;
    assert_eq!(server.group_member_ids("marketing").await, [bob]);
    assert!(server.group_members("absent").await.is_empty());

    let title = json!([{"op": "replace", "path": "title", "value": "Countess"}]);
    server.patch_user(&ada, title).await;
    let seen = server.user_by_name("ADA").await.unwrap();
    assert_eq!(seen["title"], "Countess");
    server.delete_user(&ada).await;
    assert_eq!(server.user_by_name("ada").await, None);
}

/// What we do as testers is not in the log; what another client does is, with its outcome.
async fn keeps_a_log_of_requests(server: &ScimServer) {
    assert_eq!(server.requests().await, []);
    let url = format!("{}/Users?count=7", server.base_url());
    let http = reqwest::Client::new();
    let refused = http.get(&url).bearer_auth("wrong").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let request = http.post(&url).bearer_auth(server.token());
    let request = request.header("Content-Type", "application/scim+json");
    let user =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "eve"});
    let made = request.body(user.to_string()).send().await.unwrap();
    assert_eq!(made.status(), 201);

    let path = server.base_url().path().to_owned() + "/Users?count=7";
    let seen: Vec<_> = server.requests().await;
    let expected = |method: &str, status: u16| LoggedRequest {
        method: method.to_owned(),
        path: path.clone(),
        status,
        summary: None,
    };
    let plain: Vec<_> = seen
        .iter()
        .cloned()
        .map(|r| LoggedRequest { summary: None, ..r })
        .collect();
    assert_eq!(plain, [expected("GET", 401), expected("POST", 201)]);
    assert_eq!(
        seen.iter().map(LoggedRequest::is_write).collect::<Vec<_>>(),
        [false, true]
    );
}

#[tokio::test]
async fn scim2_server_serves() {
    let server = ScimServer::scim2_server().await;
    can_be_looked_at_and_tampered_with(&server).await;
    keeps_a_log_of_requests(&server).await;
    assert!(server.base_url().as_str().contains(server.host()));
}

#[tokio::test]
async fn scimmy_serves() {
    let server = ScimServer::scimmy().await;
    can_be_looked_at_and_tampered_with(&server).await;
    keeps_a_log_of_requests(&server).await;
    let last = server.requests().await.pop().unwrap();
    assert_eq!(last.summary.as_deref(), Some("eve"));
}

#[tokio::test]
async fn scimmy_can_misbehave() {
    let options = [("IGNORE_FILTER", "1"), ("IGNORE_MEMBER_REMOVE", "1")];
    let server = ScimServer::scimmy_with(&options).await;
    let ada = server.create_user(json!({"userName": "ada"})).await;
    let group = server.create_group("marketing").await;
    server.add_member(&group, &ada).await;
    server.remove_member(&group, &ada).await;
    assert_eq!(server.group_member_ids("marketing").await, [ada]);
    let path = "Users?filter=userName%20eq%20%22nobody%22";
    let (_, answer) = server.send(reqwest::Method::GET, path, None).await.unwrap();
    assert_eq!(answer["totalResults"], 1);
}

#[tokio::test]
async fn a_server_can_be_down_and_come_up() {
    let mut server = ScimServer::scim2_server_down();
    assert!(server.answers().await.is_err());
    server.start().await;
    server.create_user(json!({"userName": "ada"})).await;
    server.stop();
    eventually("it is down", async || match server.answers().await {
        Err(_) => Ok(()),
        Ok(()) => Err("it answers"),
    })
    .await;
    server.start().await;
    assert!(server.users().await.is_empty());
}

#[tokio::test]
async fn the_operator_starts_and_ends_within_the_test() {
    let namespace = Namespace::new("in-process").await;
    let operator = Operator::start(&namespace).await;
    assert!(operator.metrics().await.contains("rollcall_"));
    operator.stop().await.unwrap();
}

#[tokio::test]
async fn the_operator_starts_and_ends_as_a_process() {
    let namespace = Namespace::new("process").await;
    let mut operator = OperatorProcess::start(&namespace).await;
    assert!(operator.terminate().await, "{}", operator.log());
    assert!(operator.log().contains("listening"), "{}", operator.log());
    let mut operator = OperatorProcess::start(&namespace).await;
    operator.kill();
}

/// `wait_for` sees a change that comes after it began to wait.
#[tokio::test]
async fn changes_are_seen_as_they_come() {
    let namespace = Namespace::new("watch").await;
    let api = namespace.api::<ConfigMap>();
    let change = async |value: &str| {
        let object = json!({"metadata": {"name": "word"}, "data": {"value": value}});
        namespace.apply::<ConfigMap>(object).await.unwrap();
    };
    let value = |object: &ConfigMap| object.data.as_ref().map(|d| d["value"].clone());
    change("before").await;
    let waiting = wait_for(&api, "word", "is after", |o| {
        value(o).as_deref() == Some("after")
    });
    let (seen, ()) = futures::join!(waiting, change("after"));
    assert_eq!(value(&seen).as_deref(), Some("after"));
}

/// What is committed is what the types say, and kubectl takes it without a word of warning.
/// The operator puts a finalizer on only where it saw none, and tests for that in the same request; the simulated API server does as this.
#[tokio::test]
async fn the_last_finalizer_leaves_no_list_behind() {
    let namespace = Namespace::new("finalizers").await;
    let ada = clerk("ada", "1", "Sales", json!({}));
    namespace.apply::<Employee>(ada).await.unwrap();
    let api = namespace.api::<Employee>();
    let patch = async |steps: Value| {
        let steps = Patch::Json::<()>(serde_json::from_value(steps).unwrap());
        let made = api.patch("ada", &PatchParams::default(), &steps).await;
        made.unwrap().metadata.finalizers
    };
    let ours = "rollcall.dev/accounts";
    let on = json!([
        {"op": "test", "path": "/metadata/finalizers", "value": null},
        {"op": "add", "path": "/metadata/finalizers", "value": [ours]},
    ]);
    let off = json!([
        {"op": "test", "path": "/metadata/finalizers/0", "value": ours},
        {"op": "remove", "path": "/metadata/finalizers/0"},
    ]);
    for _ in 0..2 {
        assert_eq!(patch(on.clone()).await, Some(vec![ours.to_owned()]));
        assert_eq!(patch(off.clone()).await, None);
    }
}

#[tokio::test]
async fn the_committed_crds_are_the_ones_installed() {
    let namespace = Namespace::new("crds").await;
    let folder = repository("crds");
    let folder = folder.to_str().unwrap();
    let difference = namespace
        .kubectl_ok(&["diff", "--server-side", "-f", folder])
        .await;
    assert_eq!(difference, "");
    let arguments = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "-f",
        folder,
    ];
    let said = namespace.kubectl(&arguments).await;
    assert!(said.ok && said.err.is_empty(), "{said:?}");
}
