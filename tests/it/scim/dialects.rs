//! Servers that differ from the standard in a known way, each as strict as the real one: what it
//! doesn't take, it refuses.

use rollcall::api::AppConnectorSpec;
use rollcall::connectors::{ErrorKind, HolderChange, SharedConnector, registry};
use rollcall::domain::account::{AttributeChanges, AttributeValue};
use rollcall::domain::ids::{AccountId, EntitlementId};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::faults::{self, permit};
use super::scripted::{Reply, ScriptedServer, Seen};

/// As a manifest makes it.
fn open(server: &ScriptedServer, scim: &Value, attributes: &Value) -> SharedConnector {
    opened(server, scim, attributes).unwrap()
}

fn opened(
    server: &ScriptedServer,
    scim: &Value,
    attributes: &Value,
) -> Result<SharedConnector, String> {
    let mut block = json!({
        "baseUrl": server.base_url().as_str(),
        "auth": {"bearer": {"secretKeyRef": {"name": "a", "key": "token"}}},
    });
    for (key, value) in scim.as_object().unwrap() {
        block[key] = value.clone();
    }
    let spec: AppConnectorSpec = serde_json::from_value(json!({
        "scim": block,
        "account": {
            "username": ["employee.employeeId"], "attributes": attributes,
            "manager": "FromManagerRef",
        },
    }))
    .unwrap();
    registry::open(&spec, &mut |_, _| Ok(SecretString::from("t0ken")))
        .map_err(|problem| problem.message)
}

fn user() -> Value {
    json!({"id": "1", "userName": "ada", "active": true, "title": "Clerk",
        "externalId": faults::MARK, "urn:example:Unknown": {"kept": true}})
}

/// Answers everything that a dialect's server takes; what it finds wrong it says.
async fn strict(wrong: fn(&Seen) -> Option<&'static str>) -> ScriptedServer {
    ScriptedServer::start(move |seen| {
        if let Some(why) = wrong(seen).or_else(|| tells_an_id(seen)) {
            return Reply::error(400, "invalidSyntax", why);
        }
        match seen.line().as_str() {
            "GET /Users" => Reply::list(&[user()]),
            "GET /Groups" => Reply::list(&[]),
            "GET /Users/1" => Reply::json(200, &user()),
            "POST /Users" => Reply::json(201, &user()),
            "PUT /Users/1" => Reply::json(200, &seen.body),
            "PATCH /Users/1" | "PATCH /Groups/g" => Reply::empty(204),
            "GET /Groups/g" => Reply::json(
                200,
                &json!({"id": "g", "displayName": "staff", "members": []}),
            ),
            _ => faults::missing(),
        }
    })
    .await
}

/// No server takes a change of what it gave itself.
fn tells_an_id(seen: &Seen) -> Option<&'static str> {
    let is_told = |operation: &Value| {
        operation["path"] == "id"
            || (operation["path"].is_null() && operation["value"]["id"].is_string())
    };
    let is_patch = seen.line().starts_with("PATCH");
    (is_patch && operations(seen).iter().any(is_told)).then_some("id is read-only")
}

fn operations(seen: &Seen) -> &[Value] {
    seen.body["Operations"]
        .as_array()
        .map_or(&[], Vec::as_slice)
}

fn changes(title: &str, manager: &str) -> AttributeChanges {
    let mut changes = AttributeChanges::default();
    let title = AttributeValue::Text(title.into());
    changes.set.insert("title".into(), title);
    let manager = AttributeValue::Account(AccountId::new(manager));
    changes.set.insert("manager".into(), manager);
    changes
}

/// The life of one account, in every verb.
async fn a_life(connector: &SharedConnector) {
    let permit = permit();
    let id = AccountId::new("1");
    connector.probe().await.unwrap();
    connector
        .create(&permit, &faults::ada(), None)
        .await
        .unwrap();
    connector
        .update(&permit, &id, &changes("Lead", "2"))
        .await
        .unwrap();
    connector.set_active(&permit, &id, false).await.unwrap();
    connector.set_active(&permit, &id, true).await.unwrap();
    let change = HolderChange {
        add: vec![],
        remove: vec![id],
    };
    let group = EntitlementId::new("g");
    let results = connector
        .change_holders(&permit, &group, &change)
        .await
        .unwrap();
    assert!(
        results.iter().all(|(_, result)| result.is_ok()),
        "{results:?}"
    );
    assert!(connector.list().await.is_ok());
}

const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

fn not_entra(seen: &Seen) -> Option<&'static str> {
    operations(seen).iter().find_map(|operation| {
        let path = operation["path"].as_str().unwrap_or_default();
        if !["Add", "Replace", "Remove"].contains(&operation["op"].as_str()?) {
            Some("op must be Add, Replace or Remove")
        } else if path == "active" && !matches!(operation["value"].as_str(), Some("True" | "False"))
        {
            Some("active must be a string")
        } else if path == MANAGER && !operation["value"].is_string() {
            Some("manager must be a string")
        } else {
            None
        }
    })
}

#[tokio::test]
async fn a_server_made_for_entra() {
    let server = strict(not_entra).await;
    let scim = json!({"profile": "Entra"});
    a_life(&open(&server, &scim, &json!({"title": "'x'"}))).await;
    let seen = server.seen();
    let sent: Vec<&Value> = seen.iter().flat_map(operations).collect();
    let off = json!({"op": "Replace", "path": "active", "value": "False"});
    assert!(sent.contains(&&off), "{sent:?}");
    let manager = json!({"op": "Replace", "path": MANAGER, "value": "2"});
    assert!(sent.contains(&&manager), "{sent:?}");
    let gone = json!({"op": "Remove", "path": "members[value eq \"1\"]"});
    assert!(sent.contains(&&gone), "{sent:?}");
}

fn not_okta(seen: &Seen) -> Option<&'static str> {
    let of_user = seen.path.starts_with("/Users/");
    let paths = operations(seen).iter().any(|o| o.get("path").is_some());
    (of_user && paths).then_some("a user is patched without a path, and put otherwise")
}

#[tokio::test]
async fn a_server_made_for_okta() {
    let server = strict(not_okta).await;
    let scim = json!({"profile": "Okta"});
    a_life(&open(&server, &scim, &json!({"title": "'x'"}))).await;
    let seen = server.seen();
    let put = seen.iter().find(|s| s.method == "PUT").unwrap();
    assert_eq!(put.body["title"], "Lead");
    // PUT clears what it does not say: everything is said.
    assert_eq!(put.body["active"], true);
    assert_eq!(put.body["urn:example:Unknown"]["kept"], true);
    let sent: Vec<&Value> = seen.iter().flat_map(operations).collect();
    let off = json!({"op": "replace", "value": {"active": false}});
    assert!(sent.contains(&&off), "{sent:?}");
}

fn not_aws(seen: &Seen) -> Option<&'static str> {
    let count = seen.path.split("count=").nth(1);
    let count = count.and_then(|c| c.split('&').next()?.parse().ok());
    if count.is_some_and(|count: u32| count > 50) {
        return Some("count is at most 50");
    }
    if seen.path.contains("Bulk")
        || [" co ", " sw ", " or "]
            .iter()
            .any(|f| seen.path.contains(f))
    {
        return Some("not supported");
    }
    operations(seen).iter().find_map(|operation| {
        let path = operation["path"].as_str();
        if path.is_none() {
            Some("an operation needs a path")
        } else if path == Some("members") && operation["op"] != "add" {
            Some("members are not replaced, nor removed all at once")
        } else if operation["value"].as_array().is_some_and(|v| v.len() > 100) {
            Some("at most 100 members")
        } else {
            None
        }
    })
}

#[tokio::test]
async fn aws_iam_identity_center() {
    let server = strict(not_aws).await;
    let scim = json!({"profile": "AwsIdentityCenter"});
    let one = json!({"title": "'x'", "emails[type eq \"work\"].value": "'x'"});
    a_life(&open(&server, &scim, &one)).await;
    for several in [
        json!({"roles": "'x'"}),
        json!({"emails[type eq \"work\"].value": "'x'", "emails[type eq \"home\"].value": "'x'"}),
    ] {
        let why = opened(&server, &scim, &several).err().unwrap();
        assert!(why.contains("this server keeps one"), "{why}");
        let more = json!({"profile": "AwsIdentityCenter", "dialect": {"multiValued": true}});
        opened(&server, &more, &several).unwrap();
    }
}

/// Without its profile, each of these servers refuses something.
#[tokio::test]
async fn a_dialect_is_needed_where_it_is_spoken() {
    let title = json!({"title": "'x'"});
    for wrong in [not_entra, not_okta] {
        let server = strict(wrong).await;
        let plain = open(&server, &json!({}), &title);
        let id = AccountId::new("1");
        let error = plain.set_active(&permit(), &id, false).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    }
    let server = strict(not_aws).await;
    let plain = open(&server, &json!({}), &title);
    assert!(plain.list().await.is_err());
}

#[tokio::test]
async fn each_field_of_a_dialect_overrides_its_profile() {
    for (dialect, sent) in [
        (
            json!({"deactivation": "Path"}),
            json!({"op": "Replace", "path": "active", "value": false}),
        ),
        (
            json!({"deactivation": "NoPath"}),
            json!({"op": "Replace", "value": {"active": false}}),
        ),
        (
            json!({"operationCase": "Lower"}),
            json!({"op": "replace", "path": "active", "value": "False"}),
        ),
        (
            json!({"manager": "Object"}),
            json!({"op": "Replace", "path": MANAGER, "value": {"value": "2"}}),
        ),
    ] {
        let server = strict(|_| None).await;
        let scim = json!({"profile": "Entra", "dialect": dialect});
        a_life(&open(&server, &scim, &json!({"title": "'x'"}))).await;
        let seen = server.seen();
        let all: Vec<&Value> = seen.iter().flat_map(operations).collect();
        assert!(all.contains(&&sent), "{dialect}: {all:?}");
    }
    for dialect in [json!({"deactivation": "Put"}), json!({"update": "Put"})] {
        let server = strict(|_| None).await;
        let scim = json!({"dialect": dialect});
        a_life(&open(&server, &scim, &json!({"title": "'x'"}))).await;
        let writes = server.writes();
        assert!(
            writes.contains(&"PUT /Users/1".to_owned()),
            "{dialect}: {writes:?}"
        );
    }
}
