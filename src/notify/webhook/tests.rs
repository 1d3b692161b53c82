//! A web server that answers as it is told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode as Code};
use serde_json::Value;

use super::super::notice::{NoticeId, Occasion};
use super::*;

type Asked = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// A server that always gives one answer, and what it was asked.
async fn server(code: u16, headers: &'static [(&'static str, &'static str)]) -> (String, Asked) {
    let asked = Asked::default();
    let notes = Arc::clone(&asked);
    let router = Router::new().fallback(move |head: HeaderMap, body: String| async move {
        let body = serde_json::from_str(&body).unwrap();
        notes.lock().unwrap().push((head, body));
        let mut answer = HeaderMap::new();
        for (name, value) in headers {
            answer.insert(*name, value.parse().unwrap());
        }
        (Code::from_u16(code).unwrap(), answer)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!(
        "http://{}/notices?key=hunter2",
        listener.local_addr().unwrap()
    );
    tokio::spawn(async { axum::serve(listener, router).await });
    (address, asked)
}

fn hook(url: &str, bearer_token: Option<std::path::PathBuf>) -> Hook {
    let config = Webhook {
        name: "chat".to_owned(),
        address: Address::Known(url.parse().unwrap()),
        bearer_token,
        ca_bundle: None,
        allow_unencrypted: true,
    };
    Hook::new(config, "acme").unwrap()
}

fn notice() -> Notice {
    Notice {
        id: NoticeId::of(Occasion::LeaverReport, &["people", "ada"]),
        occasion: Occasion::LeaverReport,
        subject: "Leaver Ada".to_owned(),
        text: "No credential is left.".to_owned(),
        html: Some("<p>".to_owned()),
        json: json!({"complete": true}),
    }
}

#[tokio::test]
async fn a_notice_arrives_with_its_identifier_and_the_token() {
    let folder = tempfile::TempDir::new().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let (url, asked) = server(202, &[]).await;
    hook(&url, Some(token)).deliver(&notice()).await.unwrap();
    let asked = asked.lock().unwrap();
    let (head, body) = &asked[0];
    assert_eq!(head["idempotency-key"], "LeaverReport/people/ada");
    assert_eq!(head["authorization"], "Bearer s3cret");
    assert_eq!(head["content-type"], "application/json");
    let expected = json!({
        "id": "LeaverReport/people/ada", "event": "LeaverReport", "installation": "acme",
        "subject": "Leaver Ada", "text": "No credential is left.", "data": {"complete": true},
    });
    assert_eq!(*body, expected);
}

#[tokio::test]
async fn an_answer_says_whether_to_come_again() {
    let soon: &[(&str, &str)] = &[("retry-after", "7")];
    for (code, headers, comes_again, after) in [
        (500, &[][..], true, None),
        (503, soon, true, Some(7)),
        (429, soon, true, Some(7)),
        (401, &[], true, None),
        (400, &[], false, None),
        (404, &[], false, None),
        (307, &[("location", "http://127.0.0.1:1/")], false, None),
    ] {
        let (url, asked) = server(code, headers).await;
        let refusal = hook(&url, None).deliver(&notice()).await.unwrap_err();
        assert_eq!(asked.lock().unwrap().len(), 1, "{code}");
        let told = refusal.to_string();
        assert!(
            told.contains(&code.to_string()) && !told.contains("hunter2"),
            "{told}"
        );
        match refusal {
            Refusal::Later {
                after: asked_for, ..
            } => {
                assert!(comes_again, "{code}");
                assert_eq!(asked_for, after.map(Duration::from_secs));
            }
            Refusal::Never(_) => assert!(!comes_again, "{code}"),
            Refusal::Uncertain(why) => panic!("{code}: {why}"),
        }
    }
}

#[tokio::test]
async fn nobody_there_is_no_doubt_and_an_answer_that_is_lost_is() {
    let refusal = hook("http://127.0.0.1:1/x?key=hunter2", None)
        .deliver(&notice())
        .await
        .unwrap_err();
    assert!(matches!(refusal, Refusal::Later { .. }), "{refusal:?}");
    assert!(!refusal.to_string().contains("hunter2"));

    // Takes the whole request, and hangs up.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::AsyncReadExt as _;
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !seen.windows(9).any(|w| w == b"complete\"") {
            let mut part = [0; 1024];
            let n = socket.read(&mut part).await.unwrap();
            seen.extend_from_slice(&part[..n]);
        }
    });
    let refusal = hook(&url, None).deliver(&notice()).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Uncertain(_)), "{refusal:?}");
}

#[tokio::test]
async fn a_token_that_is_not_there_is_waited_for() {
    let (url, asked) = server(200, &[]).await;
    let refusal = hook(&url, Some("/nowhere/token".into()))
        .deliver(&notice())
        .await
        .unwrap_err();
    assert!(matches!(&refusal, Refusal::Later { why, .. } if why.contains("bearerTokenFile")));
    assert!(asked.lock().unwrap().is_empty());
}
