use std::time::Duration;

use http::{Request, Response, StatusCode};
use kube::client::Body;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::*;
use crate::runtime::clock::SystemClock;
use crate::runtime::metrics;

/// A request at the API server, waiting for its answer.
struct Call {
    path: String,
    patch: Value,
    answer: oneshot::Sender<Result<Response<Body>, &'static str>>,
}

impl Call {
    fn reply(self, code: u16, headers: &[(&str, &str)], body: &Value) {
        let mut response = Response::builder().status(StatusCode::from_u16(code).unwrap());
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let body = Body::from(body.to_string().into_bytes());
        self.answer.send(Ok(response.body(body).unwrap())).unwrap();
    }

    fn ok(self, version: &str) {
        self.reply(
            200,
            &[],
            &json!({"metadata": {"resourceVersion": version, "generation": 1}}),
        );
    }

    fn status(&self) -> &Value {
        &self.patch[1]["value"]
    }
}

/// The writer, and the server it talks to.
struct World {
    calls: mpsc::UnboundedReceiver<Call>,
    handle: Handle,
    results: mpsc::UnboundedReceiver<StatusWritten>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
    registry: Registry,
}

fn world(settings: Settings) -> World {
    let (sender, calls) = mpsc::unbounded_channel();
    let service = tower::service_fn(move |request: Request<Body>| {
        let sender = sender.clone();
        async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect_bytes().await.unwrap();
            let (answer, answered) = oneshot::channel();
            let sent = serde_json::from_slice(&body).unwrap();
            sender
                .send(Call {
                    path,
                    patch: sent,
                    answer,
                })
                .unwrap();
            answered.await.unwrap_or(Err("connection reset"))
        }
    });
    let mut registry = metrics::registry();
    let metrics = Metrics::register(&mut registry, Arc::new(SystemClock));
    let shutdown = CancellationToken::new();
    let client = Client::new(service, "default");
    let (handle, results, task) = StatusWriter::start(client, settings, metrics, shutdown.clone());
    World {
        calls,
        handle,
        results,
        shutdown,
        task,
        registry,
    }
}

impl World {
    async fn call(&mut self) -> Call {
        self.calls.recv().await.unwrap()
    }

    /// Lets everything run that can run without time passing.
    async fn settle(&mut self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    async fn result(&mut self) -> (String, u64, Result<String, &'static str>) {
        let written = self.results.recv().await.unwrap();
        let result = written.result.map(|s| s.resource_version);
        (written.name, written.token, result.map_err(|e| e.reason()))
    }

    fn scrape(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }
}

fn status(name: &str, lane: Lane, token: u64) -> StatusWrite {
    StatusWrite {
        kind: ObjectKind::Employee,
        namespace: "people".to_owned(),
        name: name.to_owned(),
        uid: format!("uid-{name}"),
        lane,
        status: PackedStatus::new(&json!({"number": token})),
        token,
    }
}

#[tokio::test(start_paused = true)]
async fn the_newest_status_wins_and_one_is_in_flight_per_object() {
    let mut world = world(Settings::default());
    world.handle.write(status("ada", Lane::Joiner, 1));
    let first = world.call().await;
    assert_eq!(
        first.path,
        "/apis/rollcall.dev/v1alpha1/namespaces/people/employees/ada/status"
    );
    assert_eq!(
        first.patch[0],
        json!({"op": "test", "path": "/metadata/uid", "value": "uid-ada"})
    );
    for token in 2..=9 {
        world.handle.write(status("ada", Lane::Joiner, token));
    }
    world.settle().await;
    assert!(
        world.calls.try_recv().is_err(),
        "two in flight for one object"
    );
    first.ok("10");
    let second = world.call().await;
    assert_eq!(second.status(), &json!({"number": 9}));
    second.ok("11");
    assert_eq!(
        world.result().await,
        ("ada".to_owned(), 1, Ok("10".to_owned()))
    );
    assert_eq!(
        world.result().await,
        ("ada".to_owned(), 9, Ok("11".to_owned()))
    );
    world.settle().await;
    assert_eq!(world.handle.pending(), 0);
    let text = world.scrape();
    let line =
        "rollcall_kubernetes_writes_total{kind=\"Employee\",verb=\"patch-status\",result=\"ok\"} 2";
    assert!(text.contains(line), "{text}");
}

#[tokio::test(start_paused = true)]
async fn flights_are_bounded_and_leavers_overtake() {
    let mut world = world(Settings {
        in_flight: 2,
        ..Settings::default()
    });
    for (name, lane) in [
        ("a", Lane::Joiner),
        ("b", Lane::Joiner),
        ("c", Lane::Joiner),
        ("d", Lane::Drift),
    ] {
        world.handle.write(status(name, lane, 0));
    }
    let (a, b) = (world.call().await, world.call().await);
    world.settle().await;
    assert!(world.calls.try_recv().is_err(), "three in flight");
    world.handle.write(status("leaver", Lane::Leaver, 0));
    a.ok("1");
    let next = world.call().await;
    assert!(next.path.contains("/leaver/"), "{}", next.path);
    b.ok("2");
    let next = world.call().await;
    assert!(next.path.contains("/c/"), "{}", next.path);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_gone_or_made_again_is_left_alone() {
    let mut world = world(Settings::default());
    world.handle.write(status("gone", Lane::Joiner, 1));
    world
        .call()
        .await
        .reply(404, &[], &json!({"reason": "NotFound"}));
    assert_eq!(
        world.result().await,
        ("gone".to_owned(), 1, Err("ObjectGone"))
    );
    world.handle.write(status("again", Lane::Joiner, 2));
    world
        .call()
        .await
        .reply(422, &[], &json!({"reason": "Invalid", "details": {}}));
    assert_eq!(
        world.result().await,
        ("again".to_owned(), 2, Err("ObjectChanged"))
    );
    world.handle.write(status("bad", Lane::Joiner, 3));
    let causes = json!({"message": "too long", "details": {"causes": [{"field": "status"}]}});
    world.call().await.reply(422, &[], &causes);
    assert_eq!(
        world.result().await,
        ("bad".to_owned(), 3, Err("WriteRefused"))
    );
    tokio::time::advance(Duration::from_hours(1)).await;
    world.settle().await;
    assert!(
        world.calls.try_recv().is_err(),
        "a write that was given up is repeated"
    );
    assert_eq!(world.handle.pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn failures_are_repeated_with_the_newest_value_and_growing_delays() {
    let mut world = world(Settings::default());
    world.handle.write(status("ada", Lane::Joiner, 1));
    let mut last = Instant::now();
    let mut delays = Vec::new();
    for (token, code) in [(1, 409), (2, 500), (3, 503), (4, 403)] {
        let call = world.call().await;
        delays.push(last.elapsed());
        assert_eq!(call.status(), &json!({"number": token}));
        call.reply(code, &[], &json!({}));
        last = Instant::now();
        world.settle().await;
        world.handle.write(status("ada", Lane::Joiner, token + 1));
    }
    // The connection breaks before an answer.
    let call = world.call().await;
    delays.push(last.elapsed());
    drop(call.answer);
    world.call().await.ok("7");
    assert_eq!(
        world.result().await,
        ("ada".to_owned(), 5, Ok("7".to_owned()))
    );
    let base = Settings::default().backoff_base;
    for (retry, delay) in (0_u32..).zip(&delays[1..]) {
        let full = base * 2_u32.pow(retry);
        assert!(
            *delay >= full / 2 && *delay <= full + Duration::from_millis(2),
            "retry {retry} after {delay:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_and_holds_nobody_else_up() {
    let mut world = world(Settings {
        in_flight: 1,
        ..Settings::default()
    });
    world.handle.write(status("slow", Lane::Leaver, 1));
    world
        .call()
        .await
        .reply(429, &[("Retry-After", "30")], &json!({}));
    let asked = Instant::now();
    world.handle.write(status("other", Lane::Drift, 2));
    let other = world.call().await;
    assert!(other.path.contains("/other/"));
    assert_eq!(asked.elapsed(), Duration::ZERO);
    other.ok("1");
    let slow = world.call().await;
    assert!(
        asked.elapsed() >= Duration::from_secs(30),
        "came back after {:?}",
        asked.elapsed()
    );
    slow.ok("2");
    assert_eq!(world.result().await.0, "other");
    assert_eq!(
        world.result().await,
        ("slow".to_owned(), 1, Ok("2".to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up_on_in_time() {
    let mut world = world(Settings::default());
    world.handle.write(status("ada", Lane::Joiner, 1));
    let silent = world.call().await;
    let sent = Instant::now();
    world.call().await.ok("2");
    assert!(sent.elapsed() >= Settings::default().timeout);
    assert_eq!(
        world.result().await,
        ("ada".to_owned(), 1, Ok("2".to_owned()))
    );
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn status_and_finalizer_of_one_object_follow_each_other() {
    let mut world = world(Settings::default());
    world.handle.write(status("blocker", Lane::Leaver, 0));
    let change = FinalizerChange {
        kind: ObjectKind::Employee,
        namespace: "people".to_owned(),
        name: "ada".to_owned(),
        uid: "uid-ada".to_owned(),
        lane: Lane::Joiner,
        finalizer: crate::api::FINALIZER.to_owned(),
        present: true,
        seen: vec![],
        token: 8,
    };
    world.handle.change_finalizer(change);
    world.handle.write(status("ada", Lane::Joiner, 7));
    let _blocker = world.call().await;
    let first = world.call().await;
    assert!(first.path.ends_with("/ada/status"), "{}", first.path);
    world.settle().await;
    assert!(
        world.calls.try_recv().is_err(),
        "two in flight for one object"
    );
    first.reply(503, &[], &json!({}));
    let second = world.call().await;
    assert!(second.path.ends_with("/employees/ada"), "{}", second.path);
    assert_eq!(second.patch[2]["value"], json!([crate::api::FINALIZER]));
    second.ok("5");
    let written = world.results.recv().await.unwrap();
    assert_eq!((written.part, written.token), (Part::Finalizers, 8));
    let third = world.call().await;
    assert!(
        third.path.ends_with("/ada/status"),
        "only what failed is repeated: {}",
        third.path
    );
    third.ok("6");
    let written = world.results.recv().await.unwrap();
    assert_eq!((written.part, written.token), (Part::Status, 7));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_flights_land_and_starts_none() {
    let mut world = world(Settings {
        in_flight: 1,
        ..Settings::default()
    });
    world.handle.write(status("ada", Lane::Joiner, 1));
    world.handle.write(status("bob", Lane::Joiner, 2));
    let call = world.call().await;
    world.shutdown.cancel();
    world.settle().await;
    assert!(!world.task.is_finished());
    call.ok("1");
    assert_eq!(world.result().await.0, "ada");
    world.task.await.unwrap();
    assert!(
        world.calls.try_recv().is_err(),
        "a write was started after the shutdown"
    );
}
