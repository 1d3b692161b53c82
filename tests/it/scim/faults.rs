//! The SCIM connector against answers that no real server at hand gives, but others do.

use std::time::Duration;

use rollcall::connectors::scim::{Auth, ScimConfig, ScimConnector};
use rollcall::connectors::{Connector, ErrorKind, FindKey, WritePermit};
use rollcall::domain::account::{
    Activity, AttributeChanges, AttributeValue, Attributes, Completeness, NewAccount,
};
use rollcall::domain::ids::{AccountId, AttributeName, Username};
use rollcall::domain::mark::Scope;
use serde_json::{Value, json};

use super::scripted::{Reply, ScriptedServer, Seen};

/// The credential of these connectors.
pub(super) const TOKEN: &str = "s3cr3t-t0ken";

type Script = fn(&Seen) -> Reply;

pub(super) fn config(server: &ScriptedServer) -> ScimConfig {
    ScimConfig {
        base_url: server.base_url(),
        auth: Auth::Bearer(TOKEN.into()),
        ca_bundle: None,
        allow_link_local: false,
        timeout: Duration::from_secs(20),
        page_size: 10,
        managed_attributes: ["title", "email"].iter().map(AttributeName::new).collect(),
        manager: false,
        ways: rollcall::connectors::scim::Ways::default(),
    }
}

pub(super) fn connector(server: &ScriptedServer) -> ScimConnector {
    ScimConnector::new(config(server)).unwrap()
}

pub(super) fn permit() -> WritePermit {
    WritePermit::issue()
}

pub(super) fn ada() -> NewAccount {
    NewAccount {
        username: Username::new("ada"),
        mark: Scope::new("acme", "people").mark(&"1".into()),
        active: true,
        first_used: None,
        attributes: Attributes::new(),
    }
}

pub(super) fn user(id: &str, mark: Option<&str>) -> Value {
    json!({"id": id, "userName": "ada", "active": true, "externalId": mark})
}

fn title(text: &str) -> AttributeChanges {
    let mut changes = AttributeChanges::default();
    changes
        .set
        .insert("title".into(), AttributeValue::Text(text.into()));
    changes
}

pub(super) fn ids(texts: &[&str]) -> Vec<AccountId> {
    texts.iter().map(AccountId::new).collect()
}

pub(super) fn missing() -> Reply {
    Reply::error(404, "", "not found")
}

pub(super) const MARK: Option<&str> = Some("acme/people/1");

#[tokio::test]
async fn probe_is_content_with_little() {
    let server = ScriptedServer::start(|seen| match seen.line().as_str() {
        "GET /Users" => Reply::json(200, &json!({"totalResults": 0})),
        _ => missing(),
    })
    .await;
    let can = connector(&server).probe().await.unwrap();
    assert!(can.patch && can.filter && !can.entitlements, "{can:?}");
    let listing = connector(&server).list().await.unwrap();
    assert!(listing.accounts_completeness.is_complete());
    assert!(matches!(
        listing.entitlements_completeness,
        Completeness::Unreadable(_)
    ));
}

/// That there are no groups is believed where the server says so, and never for a failure.
#[tokio::test]
async fn a_bad_moment_does_not_mean_that_there_are_no_groups() {
    for (status, has_groups) in [(500, true), (404, false), (501, false)] {
        let server = ScriptedServer::start(move |seen| match seen.line().as_str() {
            "GET /Users" => Reply::list(&[]),
            "GET /Groups" => Reply::empty(status),
            _ => Reply::empty(404),
        })
        .await;
        let can = connector(&server).probe().await.unwrap();
        assert_eq!(can.entitlements, has_groups, "{status}");
    }
}

#[tokio::test]
async fn probe_tells_a_wrong_address_from_a_wrong_credential() {
    let html = || {
        Reply::Raw(
            200,
            vec![("Content-Type", "text/html".into())],
            b"<html>Log in</html>".to_vec(),
        )
    };
    let table: [(Script, ErrorKind, &str); 7] = [
        (|_| missing(), ErrorKind::Nonsense, "is the base URL right?"),
        (
            |_| Reply::json(200, &json!({"hello": "world"})),
            ErrorKind::Nonsense,
            "is the base URL right?",
        ),
        (
            |_| Reply::Raw(200, vec![], b"surprise".to_vec()),
            ErrorKind::Nonsense,
            "no JSON",
        ),
        (
            |_| Reply::empty(302).with("Location", "https://login.example.com/"),
            ErrorKind::Nonsense,
            "redirects are not followed",
        ),
        (|_| Reply::empty(401), ErrorKind::Unauthorized, "401"),
        (|_| Reply::empty(403), ErrorKind::Unauthorized, "403"),
        (
            |_| Reply::empty(429).with("Retry-After", "11"),
            ErrorKind::Throttled,
            "429",
        ),
    ];
    for (script, kind, words) in table {
        let server = ScriptedServer::start(script).await;
        let error = connector(&server).probe().await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
        if kind == ErrorKind::Throttled {
            assert_eq!(error.retry_after, Some(Duration::from_secs(11)));
        }
    }
    let server = ScriptedServer::start(move |_| html()).await;
    let error = connector(&server).probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Nonsense);
    assert!(
        error.message.contains("HTML page; is the base URL right?"),
        "{error}"
    );
}

/// The credential is sent to the host it is meant for and to no other, and no error repeats it.
#[tokio::test]
async fn the_credential_stays_where_it_belongs() {
    let other = ScriptedServer::start(|_| Reply::list(&[])).await;
    let elsewhere = other.base_url().to_string() + "/Users";
    let server = ScriptedServer::start(move |seen| {
        if seen.method == "GET" {
            return Reply::empty(307).with("Location", &elsewhere);
        }
        let sent = seen.headers.split("Bearer ").nth(1).unwrap();
        let token = sent.lines().next().unwrap();
        Reply::error(400, "invalidValue", &format!("you sent {token}"))
    })
    .await;
    let connector = connector(&server);
    assert_eq!(
        connector.list().await.unwrap_err().kind,
        ErrorKind::Nonsense
    );
    let error = connector.create(&permit(), &ada(), None).await.unwrap_err();
    assert!(error.message.contains("you sent [redacted]"), "{error}");
    assert!(other.seen().is_empty());
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.headers.contains("Bearer s3cr3t-t0ken"))
    );

    let basic = Auth::Basic {
        username: "ada".into(),
        password: "pw".into(),
    };
    let basic = ScimConnector::new(ScimConfig {
        auth: basic,
        ..config(&other)
    })
    .unwrap();
    basic.list().await.unwrap();
    assert!(other.seen()[0].headers.contains("Basic YWRhOnB3"));
}

#[tokio::test]
async fn a_lost_answer_is_an_unknown_outcome() {
    for reply in [
        || Reply::Die,
        || Reply::Torn,
        || Reply::empty(500),
        || Reply::Raw(201, vec![], b"{broken".to_vec()),
    ] {
        let server = ScriptedServer::start(move |_| reply()).await;
        let connector = connector(&server);
        let id = AccountId::new("1");
        for error in [
            connector.create(&permit(), &ada(), None).await.unwrap_err(),
            connector
                .update(&permit(), &id, &title("x"))
                .await
                .unwrap_err(),
            connector
                .set_active(&permit(), &id, false)
                .await
                .unwrap_err(),
            connector.delete(&permit(), &id).await.unwrap_err(),
        ] {
            assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{error}");
        }
        assert_eq!(server.writes().len(), 4, "nothing is sent twice");
    }
    let silent = ScriptedServer::start(|_| Reply::Silence).await;
    let hasty = ScimConfig {
        timeout: Duration::from_millis(200),
        ..config(&silent)
    };
    let hasty = ScimConnector::new(hasty).unwrap();
    let error = hasty.create(&permit(), &ada(), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
    assert!(error.message.contains("no answer in time"), "{error}");
    assert_eq!(hasty.list().await.unwrap_err().kind, ErrorKind::Unreachable);

    let base_url = silent.base_url();
    drop(silent);
    let down = ScimConnector::new(ScimConfig {
        base_url,
        timeout: Duration::from_secs(20),
        ..config(&ScriptedServer::start(|_| Reply::Die).await)
    })
    .unwrap();
    let error = down.create(&permit(), &ada(), None).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Unreachable), "{error}");
    assert!(error.message.contains("no connection"), "{error}");
}

/// What a create returns is what is truly there, however little the answer says.
#[tokio::test]
async fn a_create_is_read_back_where_its_answer_is_silent() {
    let read: fn(&Seen) -> Reply = |seen| match seen.line().as_str() {
        "GET /Users/7 7" => Reply::json(200, &user("7 7", MARK)),
        "GET /Users" if seen.path.contains("externalId eq \"acme/people/1\"") => {
            Reply::list(&[user("7 7", MARK)])
        }
        _ => missing(),
    };
    let table: [Script; 5] = [
        |_| Reply::empty(201).with("Location", "https://elsewhere.example.com/scim/Users/7%207"),
        |_| Reply::empty(201).with("Location", "/scim/Users/7%207"),
        |_| Reply::json(201, &json!({"id": "7 7"})),
        |_| Reply::empty(204),
        |_| Reply::json(201, &user("7 7", None)),
    ];
    for create in table {
        let server = ScriptedServer::start(move |seen| {
            if seen.method == "POST" {
                create(seen)
            } else {
                read(seen)
            }
        })
        .await;
        let made = connector(&server)
            .create(&permit(), &ada(), None)
            .await
            .unwrap();
        assert_eq!((made.id.as_str(), made.mark.as_deref()), ("7 7", MARK));
        assert_eq!(server.writes(), ["POST /Users"]);
    }
    // A server that drops the mark shows so, and is believed.
    let dropping = ScriptedServer::start(|seen| match seen.method.as_str() {
        "POST" => Reply::json(201, &user("7", None)),
        _ => Reply::json(200, &user("7", None)),
    })
    .await;
    assert_eq!(
        connector(&dropping)
            .create(&permit(), &ada(), None)
            .await
            .unwrap()
            .mark,
        None
    );
    // And one that forgets at once leaves us not knowing.
    let forgetful = ScriptedServer::start(|seen| match seen.method.as_str() {
        "POST" => Reply::empty(201),
        _ => Reply::list(&[]),
    })
    .await;
    let error = connector(&forgetful)
        .create(&permit(), &ada(), None)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{error}");
}

#[tokio::test]
async fn a_duplicate_is_taken_in_every_dialect() {
    let table: [Script; 4] = [
        |_| Reply::empty(409),
        |_| Reply::error(400, "uniqueness", "no"),
        |_| Reply::error(400, "", "A user with that name already exists"),
        |_| Reply::Raw(500, vec![], b"duplicate key value".to_vec()),
    ];
    for script in table {
        let server = ScriptedServer::start(script).await;
        assert_eq!(
            connector(&server)
                .create(&permit(), &ada(), None)
                .await
                .unwrap_err()
                .kind,
            ErrorKind::Taken
        );
    }
}

/// A server without PATCH gets the whole record back, with everything that isn't ours.
#[tokio::test]
async fn without_patch_the_record_is_put_back_whole() {
    let server = ScriptedServer::start(|seen| match seen.line().as_str() {
        "GET /ServiceProviderConfig" => Reply::json(200, &json!({"etag": {"supported": true}})),
        "GET /Users" => Reply::list(&[]),
        "GET /Users/1" => {
            let record = json!({
                "id": "1", "userName": "ada", "externalId": "acme/people/1", "Active": true, "title": "old",
                "schemas": ["urn:x:core", "urn:x:ext"], "urn:x:ext": {"badge": {"deep": [null]}}, "meta": {"version": "W/\"5\""}, "groups": [1],
            });
            Reply::json(200, &record).with("ETag", "W/\"5\"")
        }
        "PUT /Users/1" if seen.body["title"] == "clash" => Reply::empty(412),
        "PUT /Users/1" => Reply::json(200, &seen.body),
        "PATCH /Users/1" => Reply::empty(501),
        _ => missing(),
    })
    .await;
    let connector = connector(&server);
    connector.probe().await.unwrap();
    let id = AccountId::new("1");
    let shown = connector
        .update(&permit(), &id, &title("new"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        shown.attributes[&"title".into()],
        AttributeValue::Text("new".into())
    );
    let shown = connector
        .set_active(&permit(), &id, false)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(shown.activity, Activity::Disabled);
    connector
        .update(&permit(), &id, &title("old"))
        .await
        .unwrap();
    assert_eq!(
        server.writes(),
        ["PATCH /Users/1", "PUT /Users/1", "PUT /Users/1"],
        "PATCH is tried once, and no change is no write"
    );
    assert!(!connector.probe().await.unwrap().patch);
    let put = server
        .seen()
        .into_iter()
        .rfind(|seen| seen.method == "PUT")
        .unwrap();
    assert!(put.headers.to_lowercase().contains("if-match: w/\"5\""));
    let expected = json!({
        "id": "1", "userName": "ada", "externalId": "acme/people/1", "Active": false, "title": "old",
        "schemas": ["urn:x:core", "urn:x:ext"], "urn:x:ext": {"badge": {"deep": [null]}},
    });
    assert_eq!(put.body, expected);
    let error = connector
        .update(&permit(), &id, &title("clash"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Changed, "{error}");
}

#[tokio::test]
async fn every_success_of_patch_is_one() {
    for reply in [
        || Reply::empty(204),
        || Reply::empty(200),
        || Reply::json(200, &json!({"id": "1", "userName": "ada", "active": false})),
        || Reply::json(200, &json!({"ok": true})),
        || Reply::json(202, &json!({"id": "2", "userName": "someone-else"})),
    ] {
        let server = ScriptedServer::start(move |_| reply()).await;
        let shown = connector(&server)
            .set_active(&permit(), &"1".into(), false)
            .await
            .unwrap();
        assert!(shown.is_none_or(|shown| shown.id.as_str() == "1"));
        assert_eq!(
            server.seen()[0].body["Operations"],
            json!([{"op": "replace", "path": "active", "value": false}])
        );
    }
}

#[tokio::test]
async fn a_404_is_believed_only_where_the_server_answers() {
    let server = ScriptedServer::start(|seen| match seen.line().as_str() {
        "GET /Users" => Reply::list(&[]),
        _ => missing(),
    })
    .await;
    let here = connector(&server);
    assert_eq!(here.read(&"1".into()).await, Ok(None));
    assert_eq!(here.delete(&permit(), &"1".into()).await, Ok(()));
    assert_eq!(here.find(&FindKey::Mark("x".into())).await, Ok(vec![]));
    assert_eq!(
        here.update(&permit(), &"1".into(), &title("x"))
            .await
            .unwrap_err()
            .kind,
        ErrorKind::NotFound
    );

    let nowhere = ScriptedServer::start(|_| missing()).await;
    let nowhere = connector(&nowhere);
    assert_eq!(
        nowhere.read(&"1".into()).await.unwrap_err().kind,
        ErrorKind::Nonsense
    );
    assert_eq!(
        nowhere
            .delete(&permit(), &"1".into())
            .await
            .unwrap_err()
            .kind,
        ErrorKind::Nonsense
    );
    assert_eq!(
        nowhere
            .find(&FindKey::Mark("x".into()))
            .await
            .unwrap_err()
            .kind,
        ErrorKind::Nonsense
    );
}

/// Identifiers can't climb out of their place in an address.
#[tokio::test]
async fn identifiers_stay_in_their_segment() {
    let server = ScriptedServer::start(|_| Reply::empty(204)).await;
    let connector = connector(&server);
    for evil in ["", ".", "..", "a\nb"] {
        let error = connector.delete(&permit(), &evil.into()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{evil:?}");
    }
    assert!(server.seen().is_empty());
    connector
        .delete(&permit(), &"../Groups/1?x#y%2e".into())
        .await
        .unwrap();
    assert!(
        server.seen()[0]
            .headers
            .starts_with("DELETE /scim/Users/..%2FGroups%2F1%3Fx%23y%252e "),
        "{}",
        server.seen()[0].headers
    );
}
