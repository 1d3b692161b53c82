use std::sync::Arc;

use http::{Request, Response};
use kube::client::Body;
use prometheus_client::registry::Registry;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::runtime::clock::SystemClock;
use crate::runtime::metrics;

fn notice(name: &str, message: &str) -> Notice {
    Notice {
        object: ObjectReference {
            kind: Some("Employee".to_owned()),
            namespace: Some("people".to_owned()),
            name: Some(name.to_owned()),
            uid: Some(format!("uid-{name}")),
            ..ObjectReference::default()
        },
        kind: NoticeKind::Warning,
        reason: "UsernameTaken",
        action: "CreateAccount",
        message: message.to_owned(),
    }
}

/// A server that answers every event with `code`, and what it was sent.
fn server(code: u16) -> (Client, mpsc::UnboundedReceiver<(String, Value)>) {
    let (sender, received) = mpsc::unbounded_channel();
    let service = tower::service_fn(move |request: Request<Body>| {
        let sender = sender.clone();
        async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect_bytes().await.unwrap();
            sender
                .send((path, serde_json::from_slice(&body).unwrap()))
                .unwrap();
            let answer = Response::builder().status(code);
            Ok::<_, std::convert::Infallible>(answer.body(Body::from(body.to_vec())).unwrap())
        }
    });
    (Client::new(service, "default"), received)
}

fn start(
    client: Client,
    settings: Settings,
) -> (Events, Registry, CancellationToken, JoinHandle<()>) {
    let mut registry = metrics::registry();
    let metrics = Metrics::register(&mut registry, Arc::new(SystemClock));
    let shutdown = CancellationToken::new();
    let (events, task) = Events::start(client, settings, metrics, shutdown.clone());
    (events, registry, shutdown, task)
}

fn dropped(registry: &Registry) -> String {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
    let line = text
        .lines()
        .find(|l| l.starts_with("rollcall_events_dropped_total"));
    line.unwrap().rsplit_once(' ').unwrap().1.to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_notice_becomes_an_event_about_its_object() {
    let (client, mut received) = server(201);
    let (events, registry, shutdown, task) = start(client, Settings::default());
    events.notify(notice("ada", &"é".repeat(2000)));
    let (path, event) = received.recv().await.unwrap();
    assert_eq!(path, "/apis/events.k8s.io/v1/namespaces/people/events");
    assert_eq!(event["regarding"]["name"], "ada");
    assert_eq!(event["regarding"]["uid"], "uid-ada");
    assert_eq!(
        (&event["type"], &event["reason"]),
        (&"Warning".into(), &"UsernameTaken".into())
    );
    assert_eq!(event["action"], "CreateAccount");
    assert_eq!(event["reportingController"], "rollcall");
    let note = event["note"].as_str().unwrap();
    assert!(
        note.len() <= MESSAGE_LIMIT && note.len() > MESSAGE_LIMIT - 4,
        "{}",
        note.len()
    );
    assert!(note.ends_with('…'));
    shutdown.cancel();
    task.await.unwrap();
    assert_eq!(dropped(&registry), "0");
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_slowed_down_and_then_dropped() {
    let (client, mut received) = server(201);
    let settings = Settings {
        queue: 5,
        burst: 2,
        interval: Duration::from_secs(1),
        ..Settings::default()
    };
    let (events, registry, _shutdown, _task) = start(client, settings);
    let started = Instant::now();
    for number in 0..9 {
        events.notify(notice(&format!("person-{number}"), "taken"));
    }
    assert_eq!(dropped(&registry), "4");
    for _ in 0..5 {
        received.recv().await.unwrap();
    }
    assert_eq!(
        started.elapsed().as_secs(),
        3,
        "two at once, then one a second"
    );
    assert!(received.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_refused_is_counted_and_stops_nothing() {
    let (client, mut received) = server(500);
    let (events, registry, _shutdown, task) = start(client, Settings::default());
    events.notify(notice("ada", "taken"));
    events.notify(notice("bob", "taken"));
    received.recv().await.unwrap();
    received.recv().await.unwrap();
    drop(events);
    task.await.unwrap();
    assert_eq!(dropped(&registry), "2");
}

proptest! {
    #[test]
    fn a_cut_text_is_a_text_that_fits(text in "\\PC{0,60}", limit in 4_usize..40) {
        let short = cut(text.clone(), limit);
        prop_assert!(short.len() <= limit);
        prop_assert_eq!(short == text, text.len() <= limit);
    }

    #[test]
    fn the_rate_holds_over_any_stretch(gaps in proptest::collection::vec(0_u64..3_000, 1..60)) {
        let interval = Duration::from_secs(1);
        let start = Instant::now();
        let mut bucket = Bucket::new(3, interval, start);
        let mut now = start;
        let mut sent: Vec<Instant> = Vec::new();
        for gap in gaps {
            now += Duration::from_millis(gap);
            now += bucket.take(now);
            sent.push(now);
            if let Some(before) = sent.len().checked_sub(4) {
                // The burst is three: a fourth comes no sooner than an interval after the first.
                prop_assert!(now - sent[before] >= interval);
            }
        }
    }
}
