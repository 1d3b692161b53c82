//! Whether marks are kept is proven by one account before many are made.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bench::Bench;
use super::orders::{create, error, order, update};
use super::scripted::{Answer, Asked, ScriptedConnector};
use crate::connectors::ErrorKind;
use crate::dispatch::{Effect, Order, Settings};
use crate::plan::operation::Lane;

fn joiner(n: usize, knows: u64) -> Order {
    Order {
        knows,
        ..order(n, Lane::Joiner, create(n))
    }
}

fn wide() -> Settings {
    Settings {
        concurrency: 8,
        ..Settings::default()
    }
}

fn creates(bench: &Bench) -> usize {
    let asked = bench.connector.operations();
    asked
        .iter()
        .filter(|a| matches!(a, Asked::Create(_)))
        .count()
}

/// Makes accounts without marks as long as the test says so.
fn drops_marks() -> ScriptedConnector {
    ScriptedConnector::new(|asked| match asked {
        Asked::Create(name) => {
            Answer::Members(BTreeMap::from([(name.clone(), error(ErrorKind::Invalid))]))
        }
        _ => Answer::Fine,
    })
}

#[tokio::test(start_paused = true)]
async fn the_first_create_goes_alone_and_the_others_follow_its_proof_together() {
    let mut bench = Bench::with(ScriptedConnector::fine(), wide());
    bench.submit((0..20).map(|n| joiner(n, 0)));
    bench.submit([order(99, Lane::Joiner, update(99))]);
    bench.listed().await;
    bench.done(2).await;
    let asked = bench.connector.operations();
    let first = asked.iter().position(|a| matches!(a, Asked::Create(_)));
    assert_eq!(first, Some(0));
    assert_eq!(asked[1], Asked::Update("a99".into()), "waits for no proof");
    bench.done(19).await;
    assert_eq!(creates(&bench), 20);
    assert!(bench.connector.most_in_flight() >= 4);
}

#[tokio::test(start_paused = true)]
async fn an_account_without_its_mark_is_the_only_one() {
    let mut bench = Bench::with(drops_marks(), wide());
    bench.submit((0..20).map(|n| joiner(n, 0)));
    bench.listed().await;
    let outcome = bench.done(1).await.remove(0);
    assert!(matches!(outcome.result, Ok(Effect::Created(a)) if a.mark.is_none()));
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(
        creates(&bench),
        1,
        "the others were planned without knowing"
    );

    // Who knows of it and still wants one tries again, alone.
    bench.submit((1..20).map(|n| joiner(n, outcome.number)));
    bench.done(1).await;
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(creates(&bench), 2);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_proves_nothing_and_stops_nobody() {
    let mut failed = 0;
    let script = move |asked: &Asked| match asked {
        Asked::Create(_) if failed < 3 => {
            failed += 1;
            error(ErrorKind::Invalid).into()
        }
        _ => Answer::Fine,
    };
    let mut bench = Bench::with(ScriptedConnector::new(script), wide());
    bench.submit((0..10).map(|n| joiner(n, 0)));
    let outcomes = bench.done(10).await;
    let failures = outcomes.iter().filter(|o| o.result.is_err()).count();
    assert_eq!(failures, 3);
    let mut earliest = outcomes.iter().take(3);
    assert!(earliest.all(|o| o.result.is_err()), "one after the other");
}
