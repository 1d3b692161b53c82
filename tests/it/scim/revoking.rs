//! Passwords that are replaced by one that nobody knows; the standard has no way to revoke anything else.

use rollcall::connectors::scim::{ScimConnector, Update, Ways};
use rollcall::connectors::{Connector, ErrorKind};
use rollcall::domain::credentials::CredentialKind;
use rollcall::domain::ids::AccountId;
use serde_json::{Value, json};

use super::faults::{config, connector, missing, permit, user};
use super::scripted::{Reply, ScriptedServer, Seen};

fn announces(seen: &Seen, passwords: bool) -> Option<Reply> {
    match seen.line().as_str() {
        "GET /ServiceProviderConfig" => Some(Reply::json(
            200,
            &json!({"changePassword": {"supported": passwords}}),
        )),
        "GET /Users" => Some(Reply::list(&[])),
        "GET /Users/1" => Some(Reply::json(200, &user("1", None))),
        _ => None,
    }
}

async fn revoke(connector: &ScimConnector) -> rollcall::connectors::Result<String> {
    let id = AccountId::new("1");
    let permit = permit();
    let revoked = connector.revoke(&permit, &id, CredentialKind::Passwords);
    let revoked = revoked.await?;
    assert!(!revoked.verified);
    Ok(revoked.evidence)
}

fn password_of(seen: &Seen) -> String {
    let value = match seen.method.as_str() {
        "PATCH" => {
            let operation = &seen.body["Operations"][0];
            assert_eq!(
                (&operation["op"], &operation["path"]),
                (&json!("replace"), &json!("password"))
            );
            &operation["value"]
        }
        _ => &seen.body["password"],
    };
    value.as_str().unwrap().to_owned()
}

/// In the way that the server takes; each time another one.
#[tokio::test]
async fn a_password_becomes_one_that_nobody_knows() {
    let server = ScriptedServer::start(|seen| {
        announces(seen, true).unwrap_or_else(|| match seen.line().as_str() {
            "PATCH /Users/1" => Reply::empty(204),
            "PUT /Users/1" => Reply::json(200, &user("1", None)),
            _ => missing(),
        })
    })
    .await;
    let puts = Ways {
        update: Update::Put,
        ..Ways::default()
    };
    let mut told = Vec::new();
    for ways in [Ways::default(), puts] {
        let mut config = config(&server);
        config.ways = ways;
        let connector = ScimConnector::new(config).unwrap();
        let can = connector.probe().await.unwrap();
        assert_eq!(can.revokes, [CredentialKind::Passwords].into());
        for _ in 0..2 {
            told.push(revoke(&connector).await.unwrap());
        }
    }
    let writes = ["PATCH", "PATCH", "PUT", "PUT"].map(|method| format!("{method} /Users/1"));
    assert_eq!(server.writes(), writes);
    let seen = server.seen();
    let writes = seen.iter().filter(|seen| seen.method != "GET");
    let mut passwords: Vec<String> = writes.map(password_of).collect();
    for password in &passwords {
        assert_eq!(password.len(), 32);
        assert!(told.iter().all(|told| !told.contains(password)));
    }
    passwords.sort();
    passwords.dedup();
    assert_eq!(passwords.len(), 4);
}

/// A server that repeats what it refuses.
#[tokio::test]
async fn no_error_tells_the_password() {
    let server = ScriptedServer::start(|seen| {
        announces(seen, true).unwrap_or_else(|| {
            let value = match &seen.body["Operations"][0]["value"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Reply::error(400, "invalidValue", &format!("{value} is too long"))
        })
    })
    .await;
    let connector = connector(&server);
    connector.probe().await.unwrap();
    let refused = revoke(&connector).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    assert!(
        refused.message.contains("[redacted] is too long"),
        "{}",
        refused.message
    );
}

#[tokio::test]
async fn what_can_not_be_revoked_is_not_claimed_and_not_tried() {
    let server = ScriptedServer::start(|seen| announces(seen, false).unwrap_or_else(missing)).await;
    let connector = connector(&server);
    assert!(connector.probe().await.unwrap().revokes.is_empty());
    let id = AccountId::new("1");
    for kind in CredentialKind::ALL {
        let refused = connector.revoke(&permit(), &id, kind).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unsupported, "{kind}");
    }
    let refused = connector.owned(&id).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unsupported);
    assert!(server.writes().is_empty());
}
