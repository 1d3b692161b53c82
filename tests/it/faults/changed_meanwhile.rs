//! Somebody else changes an account between our reading it and our writing it.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::stories::kit::{Story, connector_to, employee, everyone, since};
use crate::support::operator::Operator;
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::scim_client::ScimClient;
use crate::support::targets::ScimServer;

/// The server enforces versions (412): the account is read again and planned again, and what the other
/// one wrote stays.
#[tokio::test]
async fn a_version_that_is_gone_is_read_and_planned_again() {
    let server = ScimServer::scim2_server().await;
    let other = Arc::new(ScimClient::new(server.base_url(), server.token()));
    let interferes = Mutex::new(true);
    let judge = move |asked: &Asked| {
        let puts = asked.method == "PUT" && asked.path.contains("/Users/");
        if !puts || !std::mem::take(&mut *interferes.lock().unwrap()) {
            return Verdict::Pass;
        }
        let id = asked.path.rsplit('/').next().unwrap().to_owned();
        let other = Arc::clone(&other);
        Verdict::After(Box::pin(async move {
            let kit = json!([{"op": "replace", "path": "nickName", "value": "Kit"}]);
            other.patch_user(&id, kit).await;
        }))
    };
    let proxy = Proxy::before(&server.base_url(), judge).await;
    let story = Story::new("changed").await;
    let _operator = Operator::start(&story.ns).await;
    let token = server.token();
    story.ns.credential("directory", token, &proxy.host()).await;
    let mut connector = connector_to("directory", proxy.base_url().as_str());
    connector["spec"]["scim"]["dialect"] = json!({"update": "Put"});
    story.apply_connector(connector).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let mut ada = employee("ada", "1", "Ada", "Lovelace");
    story.apply_person(ada.clone()).await;
    story.provisioned("ada", 1).await;
    let mark = server.requests().await.len();

    ada["spec"]["jobTitle"] = json!("Director");
    story.apply_person(ada).await;
    story.provisioned("ada", 1).await;
    let user = server.user_by_name("ada.lovelace").await.unwrap();
    assert_eq!(
        (&user["title"], &user["nickName"]),
        (&json!("Director"), &json!("Kit"))
    );
    let log = since(&server, mark).await;
    let puts = log.iter().filter(|r| r.method == "PUT").map(|r| r.status);
    let puts: Vec<u16> = puts.collect();
    assert_eq!(puts[0], 412, "{log:#?}");
    assert!(puts.len() == 2 && puts[1] < 300, "{log:#?}");
}
