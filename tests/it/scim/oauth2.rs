//! OAuth 2 client credentials: against a real token endpoint and a real SCIM server behind a proxy
//! that looks at the tokens; and against answers written down by tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rollcall::connectors::scim::{Auth, ClientAuthentication, OAuth2, ScimConfig, ScimConnector};
use rollcall::connectors::{Connector, ConnectorError, ErrorKind};
use serde_json::{Value, json};

use super::conformance;
use super::faults::{self, permit};
use super::scripted::{Reply, ScriptedServer, Seen};
use crate::support::oauth2::{CLIENT_ID, TokenServer};
use crate::support::proxy::{Proxy, Verdict};
use crate::support::targets::ScimServer;

/// Before a SCIM server: lets in whoever has the newest token, if that was not used too often.
async fn guarded(server: &ScimServer, tokens: &TokenServer, uses: usize) -> Proxy {
    let (issuer, inside) = (tokens.issuer(), server.token().to_owned());
    let count = AtomicUsize::new(0);
    let judge = move |asked: &crate::support::proxy::Asked| {
        let newest = issuer.issued().iter().rev().find_map(|i| i.token.clone());
        let good = newest.is_some() && asked.token == newest;
        if good && count.fetch_add(1, Ordering::SeqCst) < uses {
            return Verdict::PassWith(inside.clone());
        }
        count.store(0, Ordering::SeqCst);
        let said = json!({"detail": format!("no access with {:?}", asked.token)});
        let kind = ("content-type", "application/scim+json".to_owned());
        Verdict::Answer(401, vec![kind], said.to_string().into_bytes())
    };
    Proxy::before(&server.base_url(), judge).await
}

fn oauth2(tokens: &TokenServer) -> OAuth2 {
    OAuth2 {
        token_url: tokens.token_url(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: tokens.secret().into(),
        scopes: vec!["scim.read".to_owned(), "scim.write".to_owned()],
        audience: Some("https://directory.example.com/".to_owned()),
        authentication: ClientAuthentication::Header,
    }
}

fn config(server: &ScimServer, proxy: &Proxy, oauth2: OAuth2) -> ScimConfig {
    ScimConfig {
        base_url: proxy.base_url(),
        auth: Auth::OAuth2(oauth2),
        ..conformance::config(server)
    }
}

#[tokio::test]
async fn one_token_serves_many_requests() {
    let server = ScimServer::scim2_server().await;
    let tokens = TokenServer::start(3600).await;
    let proxy = guarded(&server, &tokens, usize::MAX).await;
    let connector = ScimConnector::new(config(&server, &proxy, oauth2(&tokens))).unwrap();
    // All come at once, while there is no token yet.
    let (probed, listed, again) =
        tokio::join!(connector.probe(), connector.list(), connector.list());
    assert!(
        probed.is_ok() && listed.is_ok() && again.is_ok(),
        "{probed:?} {listed:?}"
    );
    connector
        .create(&permit(), &faults::ada(), None)
        .await
        .unwrap();
    let issued = tokens.issued();
    assert_eq!(issued.len(), 1, "{issued:?}");
    assert_eq!(issued[0].style, "Header");
    assert_eq!(issued[0].scope.as_deref(), Some("scim.read scim.write"));
    let audience = issued[0].audience.as_deref();
    assert_eq!(audience, Some("https://directory.example.com/"));
}

#[tokio::test]
async fn the_client_may_stand_in_the_body() {
    let server = ScimServer::scim2_server().await;
    let tokens = TokenServer::start(3600).await;
    let proxy = guarded(&server, &tokens, usize::MAX).await;
    let body = OAuth2 {
        authentication: ClientAuthentication::Body,
        ..oauth2(&tokens)
    };
    let connector = ScimConnector::new(config(&server, &proxy, body)).unwrap();
    connector.probe().await.unwrap();
    assert_eq!(tokens.issued()[0].style, "Body");
}

/// A target that takes each token only so often refuses it in the middle of the work: it is renewed,
/// and the request sent once more.
#[tokio::test]
async fn a_token_that_the_target_refuses_is_renewed_once() {
    let server = ScimServer::scim2_server().await;
    let tokens = TokenServer::start(3600).await;
    let proxy = guarded(&server, &tokens, 3).await;
    let connector = ScimConnector::new(config(&server, &proxy, oauth2(&tokens))).unwrap();
    for _ in 0..4 {
        connector.probe().await.unwrap();
    }
    connector
        .create(&permit(), &faults::ada(), None)
        .await
        .unwrap();
    assert_eq!(connector.list().await.unwrap().accounts.len(), 1);
    assert!(tokens.issued().len() > 2, "{:?}", tokens.issued());
}

#[tokio::test]
async fn a_new_token_that_is_refused_is_a_failure_of_the_credential() {
    let server = ScimServer::scim2_server().await;
    let tokens = TokenServer::start(3600).await;
    let proxy = guarded(&server, &tokens, 0).await;
    let connector = ScimConnector::new(config(&server, &proxy, oauth2(&tokens))).unwrap();
    let error = connector
        .create(&permit(), &faults::ada(), None)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
    assert_eq!(tokens.issued().len(), 2);
    // The target repeats the token in its answer.
    assert!(error.message.contains("no access with"), "{error}");
    assert!(error.message.contains("[redacted]"), "{error}");
}

#[tokio::test]
async fn a_wrong_secret_is_told_and_not_repeated() {
    let server = ScimServer::scim2_server().await;
    let tokens = TokenServer::start(3600).await;
    let proxy = guarded(&server, &tokens, usize::MAX).await;
    let wrong = OAuth2 {
        client_secret: "n0t-the-secret".into(),
        ..oauth2(&tokens)
    };
    let connector = ScimConnector::new(config(&server, &proxy, wrong)).unwrap();
    let error = connector.probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
    for part in [
        "getting an access token from 127.0.0.1",
        "401",
        "invalid_client",
        "check spec.scim.auth.oauth2",
    ] {
        assert!(error.message.contains(part), "{part}: {error}");
    }
    assert!(error.message.contains("[redacted]"), "{error}");
    assert!(
        proxy.seen().is_empty(),
        "the target was asked without a token"
    );
}

#[tokio::test]
async fn a_token_that_has_run_out_is_renewed() {
    let server = ScimServer::scim2_server().await;
    let tokens = TokenServer::start(1).await;
    let proxy = guarded(&server, &tokens, usize::MAX).await;
    let connector = ScimConnector::new(config(&server, &proxy, oauth2(&tokens))).unwrap();
    crate::support::wait::eventually("a second token", async || {
        connector.probe().await.unwrap();
        match tokens.issued().len() {
            1 => Err(1),
            _ => Ok(()),
        }
    })
    .await;
    // The target refused nothing: it was its life that told.
    assert!(proxy.seen().iter().all(|seen| seen.status.is_some()));
}

/// A target and a token endpoint in one, that answers requests for tokens as written here.
async fn scripted(reply: fn(usize, &Seen) -> Reply) -> (ScriptedServer, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = ScriptedServer::start(move |seen| match seen.line().as_str() {
        "POST /token" => reply(count.fetch_add(1, Ordering::SeqCst), seen),
        "GET /Users" => Reply::list(&[]),
        _ => faults::missing(),
    })
    .await;
    (server, asked)
}

fn to(server: &ScriptedServer) -> ScimConnector {
    let base = server.base_url();
    let oauth2 = OAuth2 {
        token_url: format!("{base}/token").parse().unwrap(),
        client_id: "rollcall".to_owned(),
        client_secret: "s3cr3t-of-the-client".into(),
        scopes: vec![],
        audience: None,
        authentication: ClientAuthentication::Header,
    };
    ScimConnector::new(ScimConfig {
        auth: Auth::OAuth2(oauth2),
        ..faults::config(server)
    })
    .unwrap()
}

fn token(extra: &Value) -> Reply {
    let mut body = json!({"access_token": "t0ken-of-the-hour", "token_type": "Bearer"});
    for (key, value) in extra.as_object().unwrap() {
        body[key] = value.clone();
    }
    Reply::json(200, &body)
}

async fn refusal(reply: fn(usize, &Seen) -> Reply) -> ConnectorError {
    let (server, _) = scripted(reply).await;
    let error = to(&server)
        .create(&permit(), &faults::ada(), None)
        .await
        .unwrap_err();
    assert_eq!(server.writes(), ["POST /token"], "{error}");
    let shown = format!("{error:?}");
    assert!(
        !shown.contains("s3cr3t-of") && !shown.contains("t0ken-of"),
        "{shown}"
    );
    error
}

/// As RFC 6749 section 5.2 has it.
fn said(code: u16, word: &str) -> Reply {
    let body = json!({"error": word, "error_description": "says s3cr3t-of-the-client"});
    Reply::json(code, &body)
}

#[tokio::test]
async fn each_failure_of_the_token_endpoint_has_its_reason() {
    use ErrorKind::{Throttled, Unauthorized, Unreachable};
    let error = refusal(|_, _| said(400, "invalid_scope")).await;
    assert_eq!(error.kind, Unauthorized, "{error}");
    assert!(
        error.message.contains("invalid_scope: says [redacted]"),
        "{error}"
    );
    let error = refusal(|_, _| said(403, "unauthorized_client")).await;
    assert_eq!(error.kind, Unauthorized, "{error}");
    let error = refusal(|_, _| said(500, "server_error")).await;
    assert_eq!(error.kind, Unreachable, "{error}");
    let throttled = refusal(|_, _| said(429, "slow_down").with("Retry-After", "7")).await;
    assert_eq!(throttled.kind, Throttled, "{throttled}");
    assert_eq!(throttled.retry_after, Some(Duration::from_secs(7)));
    let nonsense: [fn(usize, &Seen) -> Reply; 6] = [
        |_, _| Reply::Raw(200, vec![], b"<html>log in</html>".to_vec()),
        |_, _| Reply::json(200, &json!({"token_type": "Bearer"})),
        |_, _| token(&json!({"token_type": "mac"})),
        |_, _| token(&json!({"access_token": "t0ken-of\nthe-hour"})),
        |_, _| Reply::Raw(200, vec![], vec![b' '; 70_000]),
        |_, _| Reply::empty(404),
    ];
    for reply in nonsense {
        let error = refusal(reply).await;
        assert_eq!(error.kind, Unreachable, "{error}");
        assert!(error.message.contains("tokenUrl right?"), "{error}");
    }
    let error = refusal(|_, _| Reply::Die).await;
    assert_eq!(error.kind, Unreachable, "{error}");
}

#[tokio::test]
async fn a_throttled_token_endpoint_is_left_alone_for_as_long_as_it_asks() {
    let (server, asked) = scripted(|_, _| Reply::empty(429).with("Retry-After", "600")).await;
    let connector = to(&server);
    for _ in 0..3 {
        let error = connector.probe().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Throttled, "{error}");
        let wait = error.retry_after.unwrap();
        assert!(
            wait > Duration::from_mins(9) && wait <= Duration::from_mins(10),
            "{wait:?}"
        );
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn those_who_waited_share_a_failure() {
    let (server, asked) = scripted(|_, _| Reply::empty(500)).await;
    let connector = to(&server);
    let all = futures::future::join_all((0..8).map(|_| connector.list())).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// The renewal comes early so that its failure costs nothing while the old token is good.
#[tokio::test]
async fn a_failed_renewal_leaves_the_token_in_use() {
    let (server, asked) = scripted(|count, _| match count {
        0 => token(&json!({"expires_in": "12"})),
        _ => Reply::empty(500),
    })
    .await;
    let connector = to(&server);
    crate::support::wait::eventually("it is renewed", async || {
        connector.probe().await.unwrap();
        match asked.load(Ordering::SeqCst) {
            1 => Err(1),
            _ => Ok(()),
        }
    })
    .await;
}
