//! The end of dispatch: what waits, what flies, and what is left of it.

use std::time::Duration;

use tokio::time::Instant;

use super::bench::Bench;
use super::faults::{is_create, joiner, mover};
use super::orders::{disable, order, read};
use super::scripted::{Answer, Asked, ScriptedConnector};
use crate::connectors::ErrorKind;
use crate::dispatch::{Event, Settings};
use crate::plan::operation::Lane;

#[tokio::test(start_paused = true)]
async fn a_stop_drops_what_waits_and_finishes_what_flies() {
    let settings = Settings {
        concurrency: 2,
        ..Settings::default()
    };
    let mut bench = Bench::with(ScriptedConnector::fine(), settings);
    bench.listed().await;
    bench.submit((0..10).map(mover));
    tokio::time::sleep(Duration::from_millis(2)).await;
    bench.stop.cancel();
    let connector = bench.connector.clone();
    let audit = bench.audit.clone();
    let events = bench.rest().await;
    assert_eq!(events.len(), 2);
    assert!(
        events
            .iter()
            .all(|e| matches!(e, Event::Done(o) if o.result.is_ok()))
    );
    assert_eq!(
        (connector.operations().len(), connector.ended().len()),
        (2, 4)
    );
    assert_eq!(audit.events().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_a_bounded_time_and_leaves_no_intent_without_an_outcome() {
    let settings = Settings {
        grace: Duration::from_secs(3),
        ..Settings::default()
    };
    let hanging = ScriptedConnector::new(|a| {
        if is_create(a) {
            Answer::Never
        } else {
            Answer::Fine
        }
    });
    let mut bench = Bench::with(hanging, settings);
    bench.listed().await;
    bench.submit([joiner(1)]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    bench.handle.stop();
    let audit = bench.audit.clone();
    let events = bench.rest().await;
    assert_eq!(began.elapsed().as_secs(), 3);
    let Event::Done(outcome) = &events[0] else {
        panic!()
    };
    assert_eq!(
        outcome.result.as_ref().unwrap_err().kind,
        ErrorKind::OutcomeUnknown
    );
    let results: Vec<_> = audit.events().iter().map(|e| e.result).collect();
    assert_eq!(results, [None, Some("OutcomeUnknown")]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_reads() {
    let reads = |a: &Asked| matches!(a, Asked::Read(_));
    let mut bench = Bench::new(ScriptedConnector::new(move |asked| {
        if reads(asked) {
            Answer::Never
        } else {
            Answer::Fine
        }
    }));
    bench.listed().await;
    bench.submit([order(1, Lane::Joiner, read(1))]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(bench.connector.operations().iter().any(reads));
    let began = Instant::now();
    bench.handle.stop();
    assert_eq!(bench.rest().await.len(), 0);
    assert!(began.elapsed() < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn it_stops_when_nobody_holds_it() {
    let mut bench = Bench::new(ScriptedConnector::fine());
    bench.listed().await;
    bench.submit([joiner(1)]);
    bench.done(1).await;
    assert_eq!(bench.dropped().await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn its_gauges_go_with_it() {
    let mut bench = Bench::new(ScriptedConnector::fine());
    bench.listed().await;
    bench.submit([order(1, Lane::Leaver, disable(1))]);
    tokio::time::sleep(Duration::from_millis(2)).await;
    let metrics = bench.metrics();
    let labels = r#"namespace="people",connector="directory""#;
    assert!(metrics.contains(&format!("calls_in_flight{{{labels}}} 1")));
    assert!(metrics.contains(&format!("orders{{{labels},lane=\"leaver\"}} 1")));
    assert!(metrics.contains(&format!("listing_duration_seconds_count{{{labels}}} 1")));
    bench.handle.stop();
    bench.handle.stopped().await;
    let metrics = bench.metrics();
    assert!(!metrics.contains("calls_in_flight{") && !metrics.contains("orders{"));
}
