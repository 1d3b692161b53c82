//! Versions of records (RFC 7644 section 3.14).

use rollcall::connectors::{Connector, ErrorKind};
use rollcall::domain::account::{AttributeChanges, AttributeValue};
use rollcall::domain::ids::AccountId;
use serde_json::{Value, json};

use super::faults::{connector, missing, permit};
use super::scripted::{Reply, ScriptedServer, Seen};

fn change(name: &str) -> AttributeChanges {
    let mut changes = AttributeChanges::default();
    let value = AttributeValue::Text("ada@example.com".into());
    changes.set.insert(name.into(), value);
    changes
}

/// A server with versions, weak ones, that refuses to replace what is not there.
async fn versioned(announced: bool, current: &'static str) -> ScriptedServer {
    ScriptedServer::start(move |seen| match seen.line().as_str() {
        "GET /ServiceProviderConfig" => {
            Reply::json(200, &json!({"etag": {"supported": announced}}))
        }
        "GET /Users" => Reply::list(&[]),
        "GET /Users/1" => Reply::json(
            200,
            &json!({"id": "1", "userName": "ada", "meta": {"version": "W/\"7\""}}),
        ),
        "PATCH /Users/1" => match (if_match(seen), &seen.body["Operations"][0]["op"]) {
            (Some(version), _) if version != current => Reply::error(412, "", "it changed"),
            (_, Value::String(op)) if op == "add" => Reply::empty(204),
            _ if seen.body.to_string().contains("emails") => {
                Reply::error(400, "noTarget", "no such")
            }
            _ => Reply::empty(204),
        },
        _ => missing(),
    })
    .await
}

fn if_match(seen: &Seen) -> Option<String> {
    seen.headers.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("if-match")
            .then(|| value.to_owned())
    })
}

async fn versions_of_patches(server: &ScriptedServer, name: &str) -> Vec<Option<String>> {
    let connector = connector(server);
    connector.probe().await.unwrap();
    let id = AccountId::new("1");
    connector
        .update(&permit(), &id, &change(name))
        .await
        .unwrap();
    let seen = server.seen();
    seen.iter()
        .filter(|s| s.method == "PATCH")
        .map(if_match)
        .collect()
}

#[tokio::test]
async fn a_version_is_asked_for_where_a_change_was_made_for_it() {
    let weak = Some("W/\"7\"".to_owned());
    let server = versioned(true, "W/\"7\"").await;
    assert_eq!(versions_of_patches(&server, "email").await, [None, weak]);
    // What shall be so whatever the record holds needs no version.
    let server = versioned(true, "W/\"7\"").await;
    assert_eq!(versions_of_patches(&server, "title").await, [None]);
    let server = versioned(false, "W/\"7\"").await;
    assert_eq!(versions_of_patches(&server, "email").await, [None, None]);
}

#[tokio::test]
async fn a_version_that_is_gone_is_a_change_to_plan_again() {
    let server = versioned(true, "W/\"8\"").await;
    let connector = connector(&server);
    connector.probe().await.unwrap();
    let id = AccountId::new("1");
    let error = connector
        .update(&permit(), &id, &change("email"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Changed, "{error}");
    assert!(error.kind.is_retryable());
}
