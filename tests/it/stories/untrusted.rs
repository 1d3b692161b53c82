//! Fault story 6, the second part: an application whose certificate is from an unknown authority, and
//! one whose name is not known. Both are told, nothing is sent there, and nobody else waits.

use serde_json::{Value, json};

use super::kit::{Story, connector_to, employee, is, tells};
use crate::scim::tls::TlsFront;
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

async fn connect(story: &Story, name: &str, url: &str, token: &str) -> Value {
    let host = url.split('/').nth(2).unwrap();
    story.ns.credential(name, token, host).await;
    let object = connector_to(name, url);
    story.apply_connector(object.clone()).await;
    object
}

#[tokio::test]
async fn by_certificate_or_by_name() {
    let server = ScimServer::scimmy().await;
    let good = ScimServer::scimmy().await;
    let front = TlsFront::before(server.host().to_owned(), "localhost").await;
    let stranger = TlsFront::before(server.host().to_owned(), "localhost").await;
    let story = Story::new("untrusted").await;
    let _operator = Operator::start(&story.ns).await;
    let path = server.base_url().path().to_owned();
    let url = format!("https://localhost:{}{path}", front.port);
    let mut tls = connect(&story, "tls", &url, server.token()).await;
    let nowhere = format!("http://rollcall.invalid:80{path}");
    let mut dns = connect(&story, "dns", &nowhere, server.token()).await;
    connect(&story, "good", good.base_url().as_str(), good.token()).await;
    let role = json!({
        "metadata": {"name": "all"},
        "spec": {"match": "true", "grants": [
            {"connector": "tls"}, {"connector": "dns"}, {"connector": "good"},
        ]},
    });
    story.apply_role(role).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;

    let unreachable = async |name: &str, parts: &[&str]| {
        let message = story
            .connector_says(name, "Connected", "False", "TargetUnreachable")
            .await;
        tells(&message, parts);
        tells(&message, &["tried again at"]);
    };
    let authority = "put the authority that its certificate is from into spec.sync.tls.caBundle";
    unreachable("tls", &["certificate", authority]).await;
    let reached = "correct spec.scim.baseUrl, or let it be reached from here";
    unreachable("dns", &["lookup", reached]).await;
    let status = story
        .person("ada", "has one account, and waits for two", |s| {
            let waits = |reason| {
                s.accounts
                    .iter()
                    .filter(|a| a.reason.as_deref() == reason)
                    .count()
            };
            (waits(None), waits(Some("TargetUnreachable"))) == (1, 2)
        })
        .await;
    assert!(is(&status.conditions, "Reconciling", "True"));
    assert!(good.user_by_name("ada.lovelace").await.is_some());
    assert_eq!(server.requests().await, [], "the credential went nowhere");

    // The wrong authority is as good as none.
    tls["spec"]["scim"]["tls"] = json!({"caBundle": stranger.ca_pem});
    story.apply_connector(tls.clone()).await;
    unreachable("tls", &["certificate", authority]).await;
    assert_eq!(server.requests().await, []);
    tls["spec"]["scim"]["tls"] = json!({"caBundle": front.ca_pem});
    story.apply_connector(tls).await;
    let connected = async |name: &str| {
        story.connector_says(name, "Ready", "True", "InOrder").await;
    };
    connected("tls").await;
    assert!(server.user_by_name("ada.lovelace").await.is_some());

    let other = ScimServer::scim2_server().await;
    dns["spec"]["scim"]["baseUrl"] = json!(other.base_url().as_str());
    story.credential("dns", &other).await;
    story.apply_connector(dns).await;
    connected("dns").await;
    story.provisioned("ada", 3).await;
}
