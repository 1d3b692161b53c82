//! What a working target sees: order, number and pace of calls.

use std::time::Duration;

use tokio::time::Instant;

use super::bench::Bench;
use super::orders::{add, create, disable, employee, order, read, update};
use super::scripted::{Answer, Asked, ScriptedConnector};
use crate::audit::{Change, Phase};
use crate::dispatch::{Effect, Event, Order, Settings};
use crate::domain::ids::Username;
use crate::domain::mark::Scope;
use crate::plan::operation::{Lane, Operation, ReadKey};

fn joiner(n: usize) -> Order {
    order(n, Lane::Joiner, create(n))
}

fn one_at_a_time() -> Settings {
    Settings {
        concurrency: 1,
        ..Settings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn probes_then_lists_then_works() {
    let mut bench = Bench::new(ScriptedConnector::fine());
    bench.submit([joiner(1)]);
    assert!(matches!(bench.event().await, Event::Probed(c) if c.mark));
    assert!(matches!(bench.event().await, Event::ListingStarted));
    assert_eq!(
        bench.connector.operations(),
        [],
        "nothing before the first listing has ended"
    );
    assert!(matches!(bench.event().await, Event::Listed(_)));
    let outcome = bench.done(1).await.remove(0);
    assert!(matches!(outcome.result, Ok(Effect::Created(a)) if a.id.as_str() == "a1"));
    assert_eq!(
        (outcome.order.employee, outcome.order.revision),
        (employee(1), 1)
    );
    let asked: Vec<_> = bench
        .connector
        .log()
        .into_iter()
        .map(|(_, asked)| asked)
        .collect();
    assert_eq!(
        asked,
        [Asked::Probe, Asked::List, Asked::Create("a1".into())]
    );
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_listing_opens_nothing() {
    let mut tries = 0;
    let mut bench = Bench::new(ScriptedConnector::new(move |asked| {
        if *asked == Asked::List {
            tries += 1;
            if tries < 3 {
                return Answer::Fail(super::orders::error(crate::connectors::ErrorKind::Nonsense));
            }
        }
        Answer::Fine
    }));
    bench.submit([joiner(1)]);
    for _ in 0..2 {
        bench
            .until(|e| matches!(e, Event::ListingFailed(_)).then_some(()))
            .await;
        assert_eq!(bench.connector.operations(), []);
    }
    bench.listed().await;
    bench.done(1).await;
}

#[tokio::test(start_paused = true)]
async fn lanes_overtake_in_the_queue() {
    let mut bench = Bench::with(ScriptedConnector::fine(), one_at_a_time());
    bench.submit([
        order(1, Lane::Drift, update(1)),
        joiner(2),
        order(3, Lane::Mover, update(3)),
        order(4, Lane::Leaver, disable(4)),
        joiner(5),
    ]);
    let outcomes = bench.done(5).await;
    let who: Vec<_> = outcomes
        .iter()
        .map(|o| o.order.employee.to_string())
        .collect();
    assert_eq!(who, ["e4", "e3", "e2", "e5", "e1"]);
}

#[tokio::test(start_paused = true)]
async fn a_leaver_does_not_wait_for_a_long_batch_of_joiners() {
    let mut bench = Bench::with(
        ScriptedConnector::new(|asked| match asked {
            Asked::Update(_) => Answer::Never,
            _ => Answer::Fine,
        }),
        Settings {
            concurrency: 2,
            ..Settings::default()
        },
    );
    bench.submit((0..10).map(|n| order(n, Lane::Joiner, update(n))));
    bench.listed().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.connector.operations().len(), 2, "all slots are taken");
    let began = Instant::now();
    bench.submit([order(50, Lane::Leaver, disable(50))]);
    let outcome = bench.done(1).await.remove(0);
    assert_eq!(outcome.order.employee, employee(50));
    assert!(began.elapsed() < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn the_newest_replaces_what_waits_and_must_know_how_what_flew_ended() {
    let mut bench = Bench::with(ScriptedConnector::fine(), one_at_a_time());
    bench.listed().await;
    bench.submit([joiner(1), joiner(2)]);
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(bench.connector.operations().len(), 1, "e1 is in flight");
    bench.submit([
        Order {
            revision: 2,
            ..order(1, Lane::Joiner, update(1))
        },
        Order {
            revision: 3,
            ..order(1, Lane::Leaver, disable(1))
        },
        Order {
            revision: 4,
            ..order(2, Lane::Leaver, disable(2))
        },
    ]);
    let mut outcomes = bench.done(2).await;
    let knows = outcomes[0].number;
    // Planned before e1's create was known to have ended, however late it comes.
    bench.submit([Order {
        revision: 5,
        knows: knows - 1,
        ..order(1, Lane::Leaver, disable(1))
    }]);
    bench.submit([Order {
        revision: 6,
        knows,
        ..order(1, Lane::Leaver, disable(1))
    }]);
    outcomes.extend(bench.done(1).await);
    let seen: Vec<_> = outcomes
        .iter()
        .map(|o| (o.order.employee.to_string(), o.order.revision))
        .collect();
    let expected = [("e1".to_owned(), 1), ("e2".into(), 4), ("e1".into(), 6)];
    assert_eq!(seen, expected, "e2 uses the slot kept for leavers");
    assert!(!bench.connector.doubled());
    bench.handle.stop();
    assert_eq!(
        bench.rest().await.len(),
        0,
        "the replaced ones are not reported"
    );
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_orders_keep_to_the_slots_and_to_one_a_person() {
    let settings = Settings {
        concurrency: 16,
        ..Settings::default()
    };
    let mut bench = Bench::with(ScriptedConnector::fine(), settings);
    bench.submit((0..10_000).map(joiner));
    bench.submit((0..10_000).step_by(10).map(|n| Order {
        revision: 2,
        ..joiner(n)
    }));
    let outcomes = bench.done(10_000).await;
    assert!(outcomes.iter().all(|o| o.result.is_ok()));
    assert_eq!(bench.connector.operations().len(), 10_000);
    assert_eq!(bench.connector.most_in_flight(), 16);
    assert!(!bench.connector.doubled());
    assert!(bench.metrics().contains(
        "writes_total{namespace=\"people\",connector=\"directory\",verb=\"Create\",result=\"Succeeded\"} 10000"
    ));
}

#[tokio::test(start_paused = true)]
async fn what_is_withdrawn_is_not_sent() {
    let mut bench = Bench::with(ScriptedConnector::fine(), one_at_a_time());
    bench.submit([
        joiner(1),
        joiner(2),
        order(3, Lane::Joiner, add(3, [1])),
        joiner(4),
    ]);
    bench.handle.withdraw(&employee(2));
    bench.handle.withdraw(&employee(3));
    bench.done(2).await;
    assert_eq!(
        bench.connector.operations(),
        [Asked::Create("a1".into()), Asked::Create("a4".into())]
    );
}

#[tokio::test(start_paused = true)]
async fn the_rate_holds_and_a_read_that_takes_two_requests_counts_as_two() {
    let settings = Settings {
        requests_per_second: Some(10),
        ..Settings::default()
    };
    let mut bench = Bench::with(ScriptedConnector::fine(), settings);
    bench.listed().await;
    let key = || {
        ReadKey::MarkOrUsername(
            Scope::new("i", "n").mark(&employee(1)),
            Some(Username::new("u")),
        )
    };
    bench.submit((0..15).map(|n| order(n, Lane::Drift, Operation::Read(key()))));
    let began = Instant::now();
    let outcomes = bench.done(15).await;
    assert_eq!(bench.connector.operations().len(), 30);
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(2700) && took <= Duration::from_secs(3),
        "{took:?}"
    );
    for outcome in outcomes {
        let Ok(Effect::Read(found)) = outcome.result else {
            panic!()
        };
        let ids: Vec<_> = found.iter().map(|a| a.id.as_str().to_owned()).collect();
        assert_eq!(
            ids,
            ["shared", "marked", "named"],
            "each once, by either key"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_page_of_a_listing_counts_for_the_rate() {
    let settings = Settings {
        requests_per_second: Some(10),
        ..Settings::default()
    };
    let mut connector = ScriptedConnector::fine();
    connector.pages = 31;
    let mut bench = Bench::with(connector, settings);
    bench.listed().await;
    let began = Instant::now();
    bench.submit([order(1, Lane::Drift, create(1))]);
    bench.done(1).await;
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(2800) && took <= Duration::from_millis(3300),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn it_lists_again_on_the_interval_and_when_asked() {
    let settings = Settings {
        interval: Duration::from_mins(10),
        ..Settings::default()
    };
    let mut bench = Bench::with(ScriptedConnector::fine(), settings);
    bench.listed().await;
    let first = Instant::now();
    bench.listed().await;
    assert!(
        first.elapsed() >= Duration::from_mins(9) && first.elapsed() <= Duration::from_mins(12)
    );
    let second = Instant::now();
    bench.handle.refresh();
    bench.listed().await;
    assert!(second.elapsed() < Duration::from_secs(1));
    assert_eq!(bench.connector.operations(), []);
}

#[tokio::test(start_paused = true)]
async fn operations_go_on_beside_a_listing() {
    let mut listings = 0;
    let mut bench = Bench::new(ScriptedConnector::new(move |asked| {
        listings += usize::from(*asked == Asked::List);
        if listings == 2 && *asked == Asked::List {
            Answer::Never
        } else {
            Answer::Fine
        }
    }));
    bench.listed().await;
    bench.handle.refresh();
    bench
        .until(|e| matches!(e, Event::ListingStarted).then_some(()))
        .await;
    bench.submit([joiner(1)]);
    bench.done(1).await;
}

#[tokio::test(start_paused = true)]
async fn every_write_is_recorded_before_and_after_without_values() {
    let mut bench = Bench::with(ScriptedConnector::fine(), one_at_a_time());
    bench.submit([
        joiner(1),
        order(2, Lane::Joiner, update(2)),
        order(3, Lane::Joiner, disable(3)),
        order(4, Lane::Joiner, read(4)),
        order(5, Lane::Joiner, add(5, [1])),
    ]);
    bench.done(5).await;
    let events = bench.audit.events();
    let lines: Vec<_> = events
        .iter()
        .map(|e| {
            (
                e.phase,
                e.verb,
                e.employee.as_str(),
                e.call.as_str(),
                e.result,
            )
        })
        .collect();
    let expected: Vec<_> = [
        ("Create", "e1", "4-1"),
        ("Update", "e2", "4-2"),
        ("Disable", "e3", "4-3"),
        ("AddEntitlements", "e5", "4-4"),
    ]
    .into_iter()
    .flat_map(|(verb, who, call)| {
        [
            (Phase::Intent, verb, who, call, None),
            (Phase::Outcome, verb, who, call, Some("Succeeded")),
        ]
    })
    .collect();
    assert_eq!(lines, expected, "reads are not writes");
    let update: Vec<_> = events[2]
        .difference
        .iter()
        .map(|d| (d.name.as_str(), d.change))
        .collect();
    assert_eq!(update, [("title", Change::Set), ("phone", Change::Cleared)]);
    assert_eq!(
        (events[3].cause.as_str(), events[3].duration_ms),
        ("cause 2", Some(5))
    );
    let all = serde_json::to_string(&events).unwrap();
    assert!(!all.contains("secret") && all.contains("group1"));
}

#[tokio::test(start_paused = true)]
async fn without_a_user_name_the_mark_alone_is_looked_for_in_one_request() {
    let mut bench = Bench::new(ScriptedConnector::fine());
    bench.listed().await;
    let mark = Scope::new("i", "n").mark(&employee(1));
    let key = ReadKey::MarkOrUsername(mark.clone(), None);
    bench.submit([order(1, Lane::Drift, Operation::Read(key))]);
    let outcome = bench.done(1).await.remove(0);
    let Ok(Effect::Read(found)) = outcome.result else {
        panic!()
    };
    let ids: Vec<_> = found.iter().map(|a| a.id.as_str()).collect();
    assert_eq!(ids, ["shared", "marked"]);
    assert_eq!(
        bench.connector.operations(),
        [Asked::Find(mark.as_str().to_owned())]
    );
}
