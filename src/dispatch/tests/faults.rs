//! Targets that throttle, fail, lose answers, panic or hang.

use std::time::Duration;

use tokio::time::Instant;

use super::bench::{Bench, unavailable};
use super::orders::{add, create, disable, error, order, read, update};
use super::scripted::{Answer, Asked, ScriptedConnector};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::dispatch::{Event, Order, Settings};
use crate::plan::operation::Lane;
use crate::runtime::clock::Clock;

pub(super) fn joiner(n: usize) -> Order {
    order(n, Lane::Joiner, create(n))
}

pub(super) fn mover(n: usize) -> Order {
    order(n, Lane::Mover, update(n))
}

fn throttled(seconds: u64) -> ConnectorError {
    ConnectorError {
        retry_after: Some(Duration::from_secs(seconds)),
        ..error(ErrorKind::Throttled)
    }
}

/// Answers the first `count` calls that fit with an error, and works otherwise.
fn failing(
    mut count: usize,
    fits: impl Fn(&Asked) -> bool + Send + 'static,
    with: ConnectorError,
) -> ScriptedConnector {
    ScriptedConnector::new(move |asked| {
        if count > 0 && fits(asked) {
            count -= 1;
            Answer::Fail(with.clone())
        } else {
            Answer::Fine
        }
    })
}

pub(super) fn is_create(asked: &Asked) -> bool {
    matches!(asked, Asked::Create(_))
}

fn is_update(asked: &Asked) -> bool {
    matches!(asked, Asked::Update(_))
}

/// After how many seconds each update began.
fn begins(bench: &Bench, from: Instant) -> Vec<u64> {
    let log = bench
        .connector
        .log()
        .into_iter()
        .filter(|(_, asked)| is_update(asked));
    log.map(|(at, _)| (at - from).as_secs()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_throttle_pauses_the_target_and_nothing_is_reported_or_lost() {
    let mut bench = Bench::new(failing(3, is_update, throttled(7)));
    bench.listed().await;
    let began = Instant::now();
    bench.submit((0..20).map(mover));
    for _ in 0..20 {
        let Event::Done(outcome) = bench.event().await else {
            panic!("only outcomes")
        };
        assert!(outcome.result.is_ok());
    }
    let mut ended: Vec<_> = bench
        .connector
        .ended()
        .into_iter()
        .filter(is_update)
        .collect();
    assert_eq!(ended.len(), 23);
    ended.dedup();
    // Eight at first, and none while the target wants quiet.
    let begins = begins(&bench, began);
    assert!(
        begins[..8].iter().all(|s| *s == 0) && begins[8..].iter().all(|s| *s == 7),
        "{begins:?}"
    );
    assert!(
        bench
            .metrics()
            .contains(r#"throttled_total{namespace="people",connector="directory"} 3"#)
    );
}

/// The first create may have been applied, so it is for the planner to find out; the target gets its
/// quiet all the same.
#[tokio::test(start_paused = true)]
async fn an_overwhelmed_target_gets_quiet_and_no_create_goes_twice() {
    let overwhelmed = ConnectorError {
        retry_after: Some(Duration::from_secs(7)),
        ..error(ErrorKind::OutcomeUnknown)
    };
    let mut bench = Bench::with(
        failing(1, is_create, overwhelmed),
        Settings {
            concurrency: 1,
            ..Settings::default()
        },
    );
    bench.listed().await;
    let began = Instant::now();
    bench.submit([joiner(1), mover(2)]);
    let outcomes = bench.done(2).await;
    let unknown = |n: usize| outcomes[n].result.as_ref().err().map(|e| e.kind);
    // The mover goes first and is answered; the create is reported as it is.
    assert_eq!(
        (unknown(0), unknown(1)),
        (None, Some(ErrorKind::OutcomeUnknown))
    );
    bench.submit([mover(3)]);
    bench.done(1).await;
    assert!(began.elapsed() >= Duration::from_secs(7));
    let creates = bench.connector.operations().into_iter().filter(is_create);
    assert_eq!(creates.count(), 1);
    assert!(
        bench
            .metrics()
            .contains(r#"throttled_total{namespace="people",connector="directory"} 1"#)
    );
}

/// A record that alone is never answered in time stops nobody, and lists nothing anew.
#[tokio::test(start_paused = true)]
async fn one_record_that_never_answers_is_no_outage() {
    let poison = |a: &Asked| *a == Asked::Update("a1".into());
    let mut bench = Bench::new(failing(usize::MAX, poison, error(ErrorKind::Unreachable)));
    bench.listed().await;
    let began = Instant::now();
    bench.submit([mover(1)]);
    for n in 2..40 {
        bench.submit([mover(n)]);
    }
    let mut ended = 0;
    while ended < 39 {
        match bench.event().await {
            Event::Done(_) => ended += 1,
            Event::Probed(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(began.elapsed() < Duration::from_secs(1));
    let lists = bench
        .connector
        .log()
        .into_iter()
        .filter(|(_, a)| *a == Asked::List);
    assert_eq!(lists.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_long_throttle_is_told_once_with_its_end() {
    let mut bench = Bench::with(
        failing(4, is_create, throttled(20)),
        Settings {
            concurrency: 1,
            ..Settings::default()
        },
    );
    bench.listed().await;
    bench.submit([joiner(1), joiner(2)]);
    let (told, retry_at) = bench.until(unavailable).await;
    assert_eq!(told.kind, ErrorKind::Throttled);
    assert_eq!(retry_at, bench.clock.now() + Duration::from_secs(20));
    assert!(matches!(bench.event().await, Event::Available));
    bench.done(2).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_down_from_the_start_is_tried_less_and_less_and_recovers() {
    let began = Instant::now();
    let mut bench = Bench::new(failing(
        5,
        |a| *a == Asked::Probe,
        error(ErrorKind::Unreachable),
    ));
    bench.submit([joiner(1)]);
    let mut waits = Vec::new();
    for _ in 0..5 {
        let Event::Unavailable { error, retry_at } = bench.event().await else {
            panic!()
        };
        assert_eq!(error.kind, ErrorKind::Unreachable);
        waits.push(retry_at.duration_since(bench.clock.now()).as_secs_f64());
    }
    for (n, wait) in waits.iter().enumerate() {
        let plain = f64::from(1 << n);
        assert!(*wait >= plain && *wait <= plain * 1.2, "{waits:?}");
    }
    assert!(matches!(bench.event().await, Event::Probed(_)));
    assert!(matches!(bench.event().await, Event::Available));
    assert!(began.elapsed() >= Duration::from_secs(31));
    assert_eq!(bench.connector.operations(), []);
    bench.listed().await;
    assert!(bench.done(1).await[0].result.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_outage_keeps_orders_and_lists_again_afterwards() {
    let (mut updates, mut probes) = (0, 0);
    let mut bench = Bench::new(ScriptedConnector::new(move |asked| {
        updates += usize::from(is_update(asked));
        probes += usize::from(*asked == Asked::Probe);
        let down = match asked {
            Asked::Probe => probes == 2,
            asked => is_update(asked) && updates <= 8,
        };
        if down {
            Answer::Fail(error(ErrorKind::Unreachable))
        } else {
            Answer::Fine
        }
    }));
    bench.listed().await;
    bench.submit((0..8).map(mover));
    bench.until(unavailable).await;
    bench.submit([order(3, Lane::Leaver, disable(3)), mover(20)]);
    bench.available().await;
    bench
        .until(|e| matches!(e, Event::ListingStarted).then_some(()))
        .await;
    let outcomes = bench.done(9).await;
    assert!(outcomes.iter().all(|o| o.result.is_ok()));
    let asked = bench.connector.operations();
    let of = |name: &str| {
        asked
            .iter()
            .filter(|a| **a == Asked::Update(name.into()))
            .count()
    };
    assert_eq!(
        (of("a0"), of("a3"), of("a20")),
        (2, 1, 1),
        "the newest order counts"
    );
    let probes = bench
        .connector
        .log()
        .into_iter()
        .filter(|(_, a)| *a == Asked::Probe);
    assert_eq!(probes.count(), 3, "one trial at a time, not eight");
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_tried_again_after_half_a_minute() {
    let mut bench = Bench::new(failing(1, is_create, error(ErrorKind::Unauthorized)));
    bench.listed().await;
    bench.submit([joiner(1)]);
    let (told, _) = bench.until(unavailable).await;
    assert_eq!(told.kind, ErrorKind::Unauthorized);
    let began = Instant::now();
    bench.available().await;
    assert!(
        began.elapsed() >= Duration::from_secs(30) && began.elapsed() < Duration::from_secs(37)
    );
    assert!(bench.done(1).await[0].result.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_order_that_alone_finds_the_target_down_is_reported_in_the_end() {
    let poison = |a: &Asked| *a == Asked::Update("a1".into());
    let mut bench = Bench::new(failing(usize::MAX, poison, error(ErrorKind::Unreachable)));
    bench.submit([mover(1), mover(2)]);
    let outcomes = bench.done(2).await;
    let kinds: Vec<_> = outcomes
        .iter()
        .map(|o| o.result.as_ref().err().map(|e| e.kind))
        .collect();
    assert_eq!(kinds, [None, Some(ErrorKind::Unreachable)]);
    assert_eq!(
        bench
            .connector
            .operations()
            .iter()
            .filter(|a| poison(a))
            .count(),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_reported_and_not_repeated() {
    let mut bench = Bench::new(failing(1, is_create, error(ErrorKind::OutcomeUnknown)));
    bench.submit([joiner(1)]);
    let outcome = bench.done(1).await.remove(0);
    assert_eq!(outcome.result.unwrap_err().kind, ErrorKind::OutcomeUnknown);
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(bench.connector.operations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn other_errors_are_reported_and_stop_nobody_else() {
    for kind in [
        ErrorKind::Forbidden,
        ErrorKind::Invalid,
        ErrorKind::Taken,
        ErrorKind::Nonsense,
    ] {
        let mut bench = Bench::new(failing(1, is_create, error(kind)));
        bench.submit((0..5).map(joiner));
        let outcomes = bench.done(5).await;
        let failed: Vec<_> = outcomes
            .into_iter()
            .filter_map(|o| o.result.err())
            .collect();
        assert_eq!(failed, [error(kind)]);
        assert_eq!(bench.connector.operations().len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_panics_fails_that_order_alone() {
    let mut bench = Bench::new(ScriptedConnector::new(|asked| match asked {
        Asked::Create(name) if name == "a1" => Answer::Panic,
        Asked::Change { id, .. } if id == "g1" => Answer::Panic,
        _ => Answer::Fine,
    }));
    bench.submit([joiner(1), joiner(2), order(3, Lane::Joiner, add(3, [1, 2]))]);
    let outcomes = bench.done(3).await;
    for outcome in outcomes {
        match (outcome.order.employee.as_str(), outcome.result) {
            ("e1", Err(e)) => {
                assert_eq!(e.kind, ErrorKind::Nonsense);
                assert!(e.message.contains("bug in Rollcall"), "{e}");
            }
            ("e2", Ok(_)) | ("e3", Ok(crate::dispatch::Effect::Entitlements { .. })) => {}
            other => panic!("{other:?}"),
        }
    }
    let results: Vec<_> = bench
        .audit
        .events()
        .iter()
        .filter_map(|e| e.result)
        .collect();
    assert_eq!(
        results
            .iter()
            .filter(|r| **r == "UnintelligibleAnswer")
            .count(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_listing_is_a_failed_listing() {
    let mut first = true;
    let mut bench = Bench::new(ScriptedConnector::new(move |asked| match asked {
        Asked::List if std::mem::take(&mut first) => Answer::Panic,
        _ => Answer::Fine,
    }));
    let failed = bench.until(|e| match e {
        Event::ListingFailed(error) => Some(error),
        _ => None,
    });
    assert_eq!(failed.await.kind, ErrorKind::Nonsense);
    bench.listed().await;
}

#[tokio::test(start_paused = true)]
async fn calls_that_never_end_are_bounded() {
    let settings = || Settings {
        call_timeout: Duration::from_secs(40),
        listing_timeout: Duration::from_secs(90),
        ..Settings::default()
    };
    let hang = |what: fn(&Asked) -> bool| {
        ScriptedConnector::new(move |asked| {
            if what(asked) {
                Answer::Never
            } else {
                Answer::Fine
            }
        })
    };
    let mut bench = Bench::with(hang(is_create), settings());
    bench.submit([joiner(1)]);
    let outcome = bench.done(1).await.remove(0);
    assert_eq!(
        outcome.result.unwrap_err().kind,
        ErrorKind::OutcomeUnknown,
        "a write may be done"
    );

    let mut bench = Bench::with(hang(|a| matches!(a, Asked::Read(_))), settings());
    bench.submit([order(1, Lane::Joiner, read(1))]);
    let (told, _) = bench.until(unavailable).await;
    assert_eq!(told.kind, ErrorKind::Unreachable, "a read changes nothing");

    let mut bench = Bench::with(hang(|a| *a == Asked::List), settings());
    let began = Instant::now();
    let told = bench
        .until(|event| match event {
            Event::ListingFailed(error) => Some(error),
            _ => None,
        })
        .await;
    assert_eq!(told.kind, ErrorKind::Unreachable);
    assert!(
        began.elapsed() >= Duration::from_secs(90) && began.elapsed() < Duration::from_secs(91)
    );
}
