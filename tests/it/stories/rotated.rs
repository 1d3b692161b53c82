//! Fault story 6, the first part: in the middle of a storm a credential expires, is rotated, is deleted
//! and restored, or is answered for wrongly. The application is not hammered, and nothing is lost or
//! made twice.

use std::sync::{Arc, Mutex};

use k8s_openapi::api::core::v1::Secret;
use kube::api::DeleteParams;
use serde_json::json;

use super::kit::{Story, connector_to, cycles, employee, everyone, tells};
use crate::support::operator::Operator;
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const PEOPLE: usize = 120;
const CONCURRENCY: usize = 4;

/// An application that takes one token at a time, and the storm of joiners before it.
struct Storm {
    story: Story,
    server: ScimServer,
    proxy: Proxy,
    valid: Arc<Mutex<String>>,
    _operator: Operator,
}

impl Storm {
    async fn begin(name: &str) -> Self {
        let server = ScimServer::scimmy().await;
        let valid = Arc::new(Mutex::new("first".to_owned()));
        let (takes, own) = (Arc::clone(&valid), server.token().to_owned());
        let judge = move |asked: &Asked| {
            if asked.token.as_deref() == Some(&takes.lock().unwrap()) {
                return Verdict::PassWith(own.clone());
            }
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "status": "401", "detail": "the token has expired",
            });
            let headers = vec![("content-type", "application/scim+json".to_owned())];
            Verdict::Answer(401, headers, body.to_string().into_bytes())
        };
        let proxy = Proxy::before(&server.base_url(), judge).await;
        let story = Story::new(name).await;
        let mut object = connector_to("directory", proxy.base_url().as_str());
        object["spec"]["sync"] =
            json!({"interval": "1s", "requestsPerSecond": 60, "concurrency": CONCURRENCY});
        story
            .ns
            .credential("directory", "first", &proxy.host())
            .await;
        story.apply_connector(object).await;
        story
            .apply_role(everyone("all", "directory", &["staff"]))
            .await;
        for i in 0..PEOPLE {
            let person = employee(&format!("p{i}"), &i.to_string(), "Pat", &format!("S{i}"));
            story.apply_person(person).await;
        }
        let operator = Operator::start(&story.ns).await;
        let begun = Self {
            story,
            server,
            proxy,
            valid,
            _operator: operator,
        };
        eventually("accounts are made", async || match begun.creations() {
            made @ 0..20 => Err(made),
            _ => Ok(()),
        })
        .await;
        begun
    }

    fn creations(&self) -> usize {
        let seen = self.proxy.seen();
        let made = |s: &&_| {
            let s: &crate::support::proxy::Forwarded = s;
            s.method == "POST" && s.path.ends_with("/Users") && s.status == Some(201)
        };
        seen.iter().filter(made).count()
    }

    /// Answers in the server's place: the refusals.
    fn refusals(&self) -> usize {
        let seen = self.proxy.seen();
        seen.iter().filter(|s| s.status.is_none()).count()
    }

    async fn credential(&self, token: &str) {
        let host = self.proxy.host();
        self.story.ns.credential("directory", token, &host).await;
    }

    async fn ends_well(&self) {
        for i in 0..PEOPLE {
            self.story.provisioned(&format!("p{i}"), 1).await;
        }
        cycles(&self.server, 1).await;
        assert_eq!(self.creations(), PEOPLE);
        assert_eq!(self.server.users().await.len(), PEOPLE);
        assert_eq!(self.server.group_member_ids("staff").await.len(), PEOPLE);
        self.story
            .connector_says("directory", "Ready", "True", "InOrder")
            .await;
    }

    async fn unauthorized(&self) {
        let message = self
            .story
            .connector_says("directory", "Connected", "False", "Unauthorized")
            .await;
        let renew = "renew the credential in the Secret that spec.scim.auth names";
        tells(
            &message,
            &["the token has expired", renew, "tried again at"],
        );
    }
}

#[tokio::test]
async fn it_expires_and_is_rotated() {
    let storm = Storm::begin("rotated").await;
    "second".clone_into(&mut storm.valid.lock().unwrap());
    storm.unauthorized().await;
    // What was in flight, and a trial or two: nobody is locked out for it.
    let refused = storm.refusals();
    assert!(
        refused <= CONCURRENCY + 2,
        "{refused} requests were refused"
    );
    storm
        .story
        .person_says("p119", "Ready", "False", "Unauthorized")
        .await;
    // A mistake, and then the right one: each is tried at once.
    storm.credential("mistyped").await;
    eventually("the other one is tried", async || match storm.refusals() {
        n if n > refused => Ok(()),
        n => Err(n),
    })
    .await;
    storm.unauthorized().await;
    assert!(storm.refusals() <= refused + 2, "{}", storm.refusals());
    storm.credential("second").await;
    storm.ends_well().await;
}

#[tokio::test]
async fn it_is_deleted_and_restored() {
    let storm = Storm::begin("restored").await;
    let secrets = storm.story.ns.api::<Secret>();
    let parameters = DeleteParams::default();
    secrets.delete("directory", &parameters).await.unwrap();
    storm
        .story
        .connector_says("directory", "Ready", "False", "SecretMissing")
        .await;
    storm
        .story
        .person_says("p119", "Ready", "False", "SecretMissing")
        .await;
    let before = storm.proxy.seen().len();
    // Not used on: nothing is sent for a newcomer either.
    storm
        .story
        .apply_person(employee("p0", "0", "Pat", "Other"))
        .await;
    storm
        .story
        .person_says("p118", "Ready", "False", "SecretMissing")
        .await;
    assert_eq!(storm.proxy.seen().len(), before);
    assert!(storm.creations() < PEOPLE);
    storm.credential("first").await;
    storm.ends_well().await;
    assert_eq!(storm.refusals(), 0);
}
