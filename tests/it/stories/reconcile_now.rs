//! In the operator's hands: a look now, asked for by an annotation, on each of the three kinds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rollcall::api::employee::AccountState;
use rollcall::api::{Employee, RECONCILE_ANNOTATION, RoleTemplate};
use serde_json::json;

use super::kit::{Story, connector_to, employee, everyone, is};
use crate::support::operator::Operator;
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::targets::{LoggedRequest, ScimServer};
use crate::support::wait::{eventually, wait_for};

/// What a target says until the test lets go.
fn until<R: Fn(&Asked) -> Option<Verdict>>(
    released: &Arc<AtomicBool>,
    refuse: R,
) -> impl Fn(&Asked) -> Verdict + use<R> {
    let released = Arc::clone(released);
    move |asked| match refuse(asked) {
        Some(verdict) if !released.load(Ordering::SeqCst) => verdict,
        _ => Verdict::Pass,
    }
}

/// A connector through a proxy that is listed once an hour: nothing comes by itself.
async fn connect(story: &Story, server: &ScimServer, proxy: &Proxy) {
    let host = proxy.host();
    story
        .ns
        .credential("directory", server.token(), &host)
        .await;
    let mut object = connector_to("directory", proxy.base_url().as_str());
    object["spec"]["sync"] = json!({"interval": "1h"});
    story.apply_connector(object).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
}

async fn ask(story: &Story, object: &str, text: &str) {
    story
        .annotate(object, RECONCILE_ANNOTATION, Some(text))
        .await;
}

fn invalid() -> Verdict {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "400", "scimType": "invalidValue", "detail": "no such name here",
    });
    let headers = vec![("content-type", "application/scim+json".to_owned())];
    Verdict::Answer(400, headers, body.to_string().into_bytes())
}

fn creates(asked: &Asked, username: &str) -> bool {
    asked.method == "POST" && asked.body["userName"] == username
}

async fn retitle(server: &ScimServer, username: &str) {
    let user = server.user_by_name(username).await.unwrap();
    let id = user["id"].as_str().unwrap();
    server
        .patch_user(
            id,
            json!([{"op": "replace", "path": "title", "value": "Boss"}]),
        )
        .await;
}

async fn is_titled_again(server: &ScimServer, username: &str) {
    eventually("the title is put back", async || {
        let user = server.user_by_name(username).await.unwrap();
        if user["title"] == "Manager" {
            Ok(())
        } else {
            Err(user)
        }
    })
    .await;
}

#[tokio::test]
async fn a_connector_is_tried_and_listed_whatever_it_waits_for() {
    let server = ScimServer::scimmy().await;
    let released = Arc::new(AtomicBool::new(false));
    let down = |_: &Asked| {
        let wait = vec![("retry-after", "3600".to_owned())];
        Some(Verdict::Answer(503, wait, Vec::new()))
    };
    let proxy = Proxy::before(&server.base_url(), until(&released, down)).await;
    let story = Story::new("now-connector").await;
    let _operator = Operator::start(&story.ns).await;
    connect(&story, &server, &proxy).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story
        .connector("directory", "waits for an hour", |c| {
            let status = c.status.as_ref().unwrap();
            is(&status.conditions, "Connected", "False") && status.retry_at.is_some()
        })
        .await;
    let handled = async |text: &str| {
        story
            .connector("directory", "has handled what was asked", |c| {
                let status = c.status.as_ref().unwrap();
                status.last_handled_reconcile_at.as_deref() == Some(text)
            })
            .await
    };
    // It still does not answer: that has been handled as well.
    ask(&story, "appconnector/directory", "one").await;
    handled("one").await;
    released.store(true, Ordering::SeqCst);
    ask(&story, "appconnector/directory", "two").await;
    let seen = handled("two").await;
    assert!(is(&seen.status.unwrap().conditions, "Ready", "True"));
    story.provisioned("ada", 1).await;

    // What somebody changed over there is seen by a listing alone.
    retitle(&server, "ada.lovelace").await;
    ask(&story, "appconnector/directory", "three").await;
    handled("three").await;
    is_titled_again(&server, "ada.lovelace").await;

    // The same text asks for nothing, however often the object is seen.
    let listings = async || {
        let requests = server.requests().await;
        let list = |r: &&LoggedRequest| r.method == "GET" && r.path.contains("/Users?");
        requests.iter().filter(list).count()
    };
    let before = listings().await;
    for touch in ["a", "b"] {
        story
            .annotate("appconnector/directory", "touched", Some(touch))
            .await;
        ask(&story, "appconnector/directory", "three").await;
    }
    story
        .apply_person(employee("bob", "2", "Bob", "Noyce"))
        .await;
    story.provisioned("bob", 1).await;
    assert_eq!(listings().await, before);
}

#[tokio::test]
async fn a_person_is_tried_again_and_read_directly() {
    let server = ScimServer::scimmy().await;
    let released = Arc::new(AtomicBool::new(false));
    let refuse = |asked: &Asked| creates(asked, "ada.lovelace").then(invalid);
    let proxy = Proxy::before(&server.base_url(), until(&released, refuse)).await;
    let story = Story::new("now-person").await;
    let _operator = Operator::start(&story.ns).await;
    connect(&story, &server, &proxy).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story
        .person_says("ada", "Ready", "False", "InvalidValue")
        .await;
    released.store(true, Ordering::SeqCst);
    ask(&story, "employee/ada", "one").await;
    let status = story.provisioned("ada", 1).await;
    assert_eq!(status.last_handled_reconcile_at.as_deref(), Some("one"));

    retitle(&server, "ada.lovelace").await;
    let before = proxy.seen().len();
    ask(&story, "employee/ada", "two").await;
    let people = story.ns.api::<Employee>();
    let handled = |p: &Employee| {
        let status = p.status.as_ref().unwrap();
        status.last_handled_reconcile_at.as_deref() == Some("two")
    };
    wait_for(&people, "ada", "has handled what was asked", handled).await;
    is_titled_again(&server, "ada.lovelace").await;
    let asked = proxy.seen().split_off(before);
    let id = status.accounts[0].account_id.clone().unwrap();
    assert_eq!(asked.len(), 2, "a read of hers and a change: {asked:?}");
    assert!(asked.iter().all(|a| a.path.contains(&id)), "{asked:?}");

    for touch in ["a", "b"] {
        story.annotate("employee/ada", "touched", Some(touch)).await;
        ask(&story, "employee/ada", "two").await;
    }
    story
        .apply_person(employee("bob", "2", "Bob", "Noyce"))
        .await;
    story.provisioned("bob", 1).await;
    let reads = |id: &str| {
        proxy
            .seen()
            .iter()
            .filter(|a| a.method == "GET" && a.path.contains(id))
            .count()
    };
    assert_eq!(reads(&id), 1);
}

#[tokio::test]
async fn those_who_hold_a_role_are_tried_again() {
    let server = ScimServer::scimmy().await;
    let released = Arc::new(AtomicBool::new(false));
    let refuse = |asked: &Asked| creates(asked, "ada.lovelace").then(invalid);
    let proxy = Proxy::before(&server.base_url(), until(&released, refuse)).await;
    let story = Story::new("now-role").await;
    let _operator = Operator::start(&story.ns).await;
    connect(&story, &server, &proxy).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    let attempts = || proxy.seen().iter().filter(|a| a.status.is_none()).count();
    let failed = async || {
        story
            .person("ada", "says why", |s| {
                s.accounts.iter().any(|a| a.state == AccountState::Failed)
            })
            .await
    };
    failed().await;
    assert_eq!(attempts(), 1);
    let roles = story.ns.api::<RoleTemplate>();
    let handled = async |text: &str| {
        wait_for(
            &roles,
            "all",
            "has handled what was asked",
            |role: &RoleTemplate| {
                let status = role.status.as_ref().unwrap();
                status.last_handled_reconcile_at.as_deref() == Some(text)
            },
        )
        .await
    };
    ask(&story, "roletemplate/all", "one").await;
    handled("one").await;
    eventually("she is tried again", async || match attempts() {
        1 => Err(1),
        n => Ok(n),
    })
    .await;
    // The same text asks for nothing.
    failed().await;
    story
        .annotate("roletemplate/all", "touched", Some("a"))
        .await;
    ask(&story, "roletemplate/all", "one").await;
    story
        .apply_person(employee("bob", "2", "Bob", "Noyce"))
        .await;
    story.provisioned("bob", 1).await;
    assert_eq!(attempts(), 2);
    released.store(true, Ordering::SeqCst);
    ask(&story, "roletemplate/all", "two").await;
    story.provisioned("ada", 1).await;
}
