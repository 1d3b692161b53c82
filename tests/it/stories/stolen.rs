//! Story 11: whoever may write an AppConnector can't send a credential anywhere but where its owner
//! meant it to go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rollcall::api::SECRET_HOSTS_ANNOTATION;
use serde_json::json;
use tokio::net::TcpListener;

use super::kit::{Story, connector_to, cycles, employee, everyone, tells};
use crate::scim::scripted::{Reply, ScriptedServer};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

/// A listener that counts connections and says nothing.
struct Trap {
    address: std::net::SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Trap {
    async fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok(accepted) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                drop(accepted);
            }
        });
        Self {
            address,
            connections,
        }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

#[tokio::test]
pub async fn a_credential_is_not_sent_to_a_server_of_the_authors_own() {
    let trap = Trap::set().await;
    let honest = ScimServer::scim2_server().await;
    let story = Story::new("stolen").await;
    let _operator = Operator::start(&story.ns).await;
    // The honest connector works; the thief names its Secret, with an address of their own.
    story.connect("honest", &honest).await;
    let port = trap.address.port();
    for (i, url) in [
        format!("http://{}/scim", trap.address),
        format!("http://localhost:{port}/scim"),
        format!("http://[::ffff:127.0.0.1]:{port}/scim"),
    ]
    .iter()
    .enumerate()
    {
        let name = format!("thief-{i}");
        let mut thief = connector_to(&name, url);
        thief["spec"]["scim"]["auth"]["bearer"]["secretKeyRef"]["name"] = json!("honest");
        story.apply_connector(thief).await;
        let message = story
            .connector_says(&name, "Ready", "False", "SecretHostNotAllowed")
            .await;
        tells(&message, &["Secret honest", SECRET_HOSTS_ANNOTATION]);
        assert!(!message.contains(honest.token()));
        story.apply_role(everyone(&name, &name, &["staff"])).await;
    }
    story
        .apply_role(everyone("all", "honest", &["staff"]))
        .await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story
        .person("ada", "has the honest account alone", |s| {
            s.accounts.len() == 4
                && s.accounts.iter().filter(|a| a.account_id.is_some()).count() == 1
                && s.accounts
                    .iter()
                    .filter(|a| a.reason.as_deref() == Some("SecretHostNotAllowed"))
                    .count()
                    == 3
        })
        .await;
    cycles(&honest, 2).await;
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let trap = Trap::set().await;
    let goal = format!("http://{}/scim/Users", trap.address);
    let server = ScriptedServer::start(move |_| Reply::empty(307).with("Location", &goal)).await;
    let story = Story::new("redirect").await;
    let _operator = Operator::start(&story.ns).await;
    let host = server.base_url().authority().to_owned();
    // The owner allows the host, and even the trap: it is the connector that names one of them.
    let hosts = format!("{host},{}", trap.address);
    story.ns.credential("directory", "the-token", &hosts).await;
    story
        .apply_connector(connector_to("directory", server.base_url().as_str()))
        .await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    let found =
        story
            .connector("directory", "says that it is not connected", |c| {
                c.status.as_ref().unwrap().conditions.iter().any(|c| {
                    c.type_ == "Connected" && c.status == "False" && c.reason != "NotStarted"
                })
            })
            .await;
    let conditions = found.status.unwrap().conditions;
    tells(
        &super::kit::message(&conditions, "Connected"),
        &["redirect"],
    );
    eventually("it is tried again", async || {
        let seen = server.seen().len();
        if seen >= 2 { Ok(()) } else { Err(seen) }
    })
    .await;
    assert_eq!(trap.connections(), 0);
}

/// Where cloud metadata services live.
#[tokio::test]
async fn link_local_addresses_are_refused() {
    let story = Story::new("link-local").await;
    let _operator = Operator::start(&story.ns).await;
    for (name, host) in [
        ("v4", "169.254.169.254"),
        ("v6", "[fe80::1]"),
        ("mapped", "[::ffff:169.254.169.254]"),
    ] {
        story.ns.credential(name, "the-token", host).await;
        let url = format!("http://{host}/scim");
        story.apply_connector(connector_to(name, &url)).await;
        let found = story
            .connector(name, "refuses the address", |c| {
                super::kit::is(&c.status.as_ref().unwrap().conditions, "Stalled", "True")
            })
            .await;
        let conditions = found.status.unwrap().conditions;
        tells(
            &super::kit::message(&conditions, "Stalled"),
            &["link-local", "allowLinkLocal"],
        );
    }
}
