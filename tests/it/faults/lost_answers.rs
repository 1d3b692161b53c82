//! Requests, and answers to requests that were carried out, are lost on the way, for every kind of write
//! there is: what then is in the target is the same as without a fault, by the same writes.

use std::collections::BTreeSet;
use std::sync::Mutex;

use rollcall::api::employee::AccountState;
use serde_json::{Value, json};

use super::kinds::kind;
use crate::stories::kit::{Story, connector_to, cycles, employee, template, username, writes};
use crate::support::operator::Operator;
use crate::support::proxy::{Proxy, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

/// What is lost of the first request of each kind.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lost {
    Nothing,
    Request,
    Answer,
}

/// A proxy that loses the first write of each kind, and notes which kinds there were.
async fn losing(server: &ScimServer, lost: Lost, kinds: &'static Mutex<BTreeSet<String>>) -> Proxy {
    Proxy::before(&server.base_url(), move |asked| {
        let first = asked.is_write() && kinds.lock().unwrap().insert(kind(asked));
        match lost {
            Lost::Request if first => Verdict::Refuse,
            Lost::Answer if first => Verdict::Lose,
            _ => Verdict::Pass,
        }
    })
    .await
}

/// One life in one application, through a proxy. Answers the kinds of writes there were, and the writes
/// that the server has carried out, without identifiers.
async fn a_life(server: ScimServer, lost: Lost) -> (BTreeSet<String>, Vec<String>) {
    let kinds: &'static Mutex<BTreeSet<String>> = Box::leak(Box::default());
    let proxy = losing(&server, lost, kinds).await;
    let story = Story::new("lost").await;
    let _operator = Operator::start(&story.ns).await;
    story
        .ns
        .credential("directory", server.token(), &proxy.host())
        .await;
    let connector = connector_to("directory", proxy.base_url().as_str());
    story.apply_connector(connector).await;
    for (role, rule, group) in [
        ("everyone", "true", "staff"),
        ("news", "employee.department == 'Marketing'", "news"),
        ("deals", "employee.department == 'Sales'", "deals"),
    ] {
        let grants: &[(&str, &[&str])] = &[("directory", &[group])];
        story.apply_role(template(role, rule, grants)).await;
    }
    let now = async |more: Value| {
        let mut ada = employee("ada", "1", "Ada", "Example");
        for (field, value) in more.as_object().unwrap() {
            ada["spec"][field] = value.clone();
        }
        story.apply_person(ada).await;
    };

    now(json!({})).await;
    story.provisioned("ada", 1).await;
    now(json!({"jobTitle": "Director"})).await;
    story.provisioned("ada", 1).await;
    now(json!({"jobTitle": "Director", "department": "Sales"})).await;
    story.provisioned("ada", 1).await;
    eventually("only the new groups are held", async || {
        let held = groups(&server).await;
        if held == ["deals", "staff"] {
            Ok(())
        } else {
            Err(held)
        }
    })
    .await;

    let suspended =
        json!({"jobTitle": "Director", "department": "Sales", "employment": "Suspended"});
    now(suspended).await;
    is_disabled(&story).await;
    assert_eq!(ada(&server).await["active"], false);
    now(json!({"jobTitle": "Director", "department": "Sales"})).await;
    story.provisioned("ada", 1).await;
    assert_eq!(ada(&server).await["active"], true);

    let id = ada(&server).await["id"].as_str().unwrap().to_owned();
    let renamed = json!([{"op": "replace", "path": "userName", "value": "somebody"}]);
    server.patch_user(&id, renamed).await;
    eventually("the name is put right", async || {
        server
            .user_by_name(&username("ada"))
            .await
            .ok_or("it is not")
    })
    .await;
    story.provisioned("ada", 1).await;

    now(json!({"jobTitle": "Director", "department": "Sales", "endDate": "2021-01-01"})).await;
    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    eventually("no group is held", async || {
        let held = groups(&server).await;
        if held.is_empty() { Ok(()) } else { Err(held) }
    })
    .await;
    cycles(&server, 2).await;

    let users = server.users().await;
    assert_eq!(users.len(), 1, "{users:#?}");
    assert_eq!(
        (
            &users[0]["active"],
            &users[0]["title"],
            users[0]["id"].as_str()
        ),
        (&json!(false), &json!("Director"), Some(id.as_str()))
    );
    // Two entitlements may come in either order.
    let mut carried_out: Vec<String> = writes(&server)
        .await
        .iter()
        .map(|r| {
            let collection = r.path.split('/').find(|p| ["Users", "Groups"].contains(p));
            let summary = r.summary.clone().unwrap_or_default();
            let summary = summary.split('[').next().unwrap();
            format!(
                "{} {} {summary} {}",
                r.method,
                collection.unwrap_or_default(),
                r.status
            )
        })
        .collect();
    carried_out.sort();
    (kinds.lock().unwrap().clone(), carried_out)
}

async fn ada(server: &ScimServer) -> Value {
    server.user_by_name(&username("ada")).await.unwrap()
}

/// The groups that somebody is in, by name.
async fn groups(server: &ScimServer) -> Vec<String> {
    let mut held: Vec<String> = server
        .groups()
        .await
        .iter()
        .filter(|group| group["members"].as_array().is_some_and(|m| !m.is_empty()))
        .map(|group| group["displayName"].as_str().unwrap().to_owned())
        .collect();
    held.sort();
    held
}

async fn is_disabled(story: &Story) {
    story
        .person("ada", "is disabled", |s| {
            s.accounts.iter().all(|a| a.state == AccountState::Disabled)
                && s.stage.as_deref() == Some("Suspended")
        })
        .await;
}

async fn no_loss_changes_anything(server: impl AsyncFn() -> ScimServer) {
    let (clean, requests, answers) = tokio::join!(
        Box::pin(a_life(server().await, Lost::Nothing)),
        Box::pin(a_life(server().await, Lost::Request)),
        Box::pin(a_life(server().await, Lost::Answer)),
    );
    let (kinds, writes) = clean;
    // Account and group made, attributes, name, both ways of activity, members added and removed.
    assert!(kinds.len() >= 8, "{kinds:#?}");
    for (what, (its_kinds, its_writes)) in [("requests", requests), ("answers", answers)] {
        assert_eq!(its_kinds, kinds, "where {what} are lost");
        assert_eq!(its_writes, writes, "where {what} are lost");
    }
}

#[tokio::test]
async fn no_lost_answer_changes_what_scimmy_gets() {
    no_loss_changes_anything(async || ScimServer::scimmy().await).await;
}

#[tokio::test]
async fn no_lost_answer_changes_what_scim2_server_gets() {
    no_loss_changes_anything(async || ScimServer::scim2_server().await).await;
}
