//! Memberships travel together, and one bad one harms no other.

use std::time::Duration;

use tokio::time::Instant;

use super::bench::Bench;
use super::orders::{add, add_new, create, disable, employee, error, order, remove};
use super::scripted::{Answer, Asked, ScriptedConnector};
use crate::connectors::ErrorKind;
use crate::dispatch::{Effect, Order, Outcome, Settings};
use crate::plan::operation::Lane;

fn joiner(n: usize, groups: impl IntoIterator<Item = usize>) -> Order {
    order(n, Lane::Joiner, add(n, groups))
}

fn changes(bench: &Bench, of: &str) -> Vec<usize> {
    let sizes = bench
        .connector
        .operations()
        .into_iter()
        .filter_map(|asked| match asked {
            Asked::Change { id, add, remove } if id == of => Some(add.len() + remove.len()),
            _ => None,
        });
    sizes.collect()
}

fn results(outcome: Outcome) -> Vec<(String, Option<ErrorKind>)> {
    match outcome.result {
        Ok(Effect::Entitlements { results, .. }) => results
            .into_iter()
            .map(|(name, r)| (name.to_string(), r.err().map(|e| e.kind)))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_joiners_with_five_groups_cost_a_thousand_and_fifty_calls() {
    let mut bench = Bench::new(ScriptedConnector::fine());
    bench.listed().await;
    // As the controllers do it: the memberships are ordered when the account is there.
    bench.submit((0..1000).map(|n| order(n, Lane::Joiner, create(n))));
    let (mut created, mut given) = (0, 0);
    while given < 1000 {
        let outcome = bench.done(1).await.remove(0);
        if matches!(outcome.result, Ok(Effect::Created(_))) {
            let n: usize = outcome.order.employee.as_str()[1..].parse().unwrap();
            bench.submit([joiner(n, 0..5)]);
            created += 1;
        } else {
            let results = results(outcome);
            assert!(results.len() == 5 && results.iter().all(|(_, failed)| failed.is_none()));
            given += 1;
        }
    }
    assert_eq!(created, 1000);
    for group in 0..5 {
        let sizes = changes(&bench, &format!("g{group}"));
        assert_eq!(sizes.iter().sum::<usize>(), 1000);
        assert!(
            sizes.len() <= 11 && sizes.iter().all(|n| *n <= 100),
            "{sizes:?}"
        );
    }
    let calls = bench.connector.operations().len();
    assert!((1050..=1055).contains(&calls), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn those_that_come_together_travel_together_though_slots_are_free() {
    let mut bench = Bench::new(ScriptedConnector::fine());
    bench.listed().await;
    for n in 0..100 {
        bench.submit([joiner(n, 0..5)]);
        if n % 20 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    bench.done(100).await;
    assert_eq!(bench.connector.operations().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn one_bad_member_fails_alone() {
    let mut bench = Bench::new(ScriptedConnector::new(|asked| match asked {
        Asked::Change { id, .. } if id == "g1" => {
            Answer::Members([("a2".to_owned(), error(ErrorKind::Invalid))].into())
        }
        _ => Answer::Fine,
    }));
    bench.submit((0..4).map(|n| joiner(n, [1, 2])));
    for outcome in bench.done(4).await {
        let bad = (outcome.order.employee == employee(2)).then_some(ErrorKind::Invalid);
        assert_eq!(
            results(outcome),
            [("group1".into(), bad), ("group2".into(), None)]
        );
    }
    assert_eq!(bench.connector.operations().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_entitlement_that_hangs_delays_only_those_who_need_it() {
    let settings = Settings {
        concurrency: 2,
        call_timeout: Duration::from_secs(30),
        ..Settings::default()
    };
    let mut bench = Bench::with(
        ScriptedConnector::new(|asked| match asked {
            Asked::Change { id, .. } if id == "g1" => Answer::Never,
            _ => Answer::Fine,
        }),
        settings,
    );
    bench.listed().await;
    bench.submit([joiner(0, [1, 2])]);
    bench.submit((1..50).map(|n| joiner(n, [2, 3])));
    let began = Instant::now();
    let done = bench.done(49).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(done.iter().all(|o| o.order.employee != employee(0)));
    let late = bench.done(1).await.remove(0);
    assert!(began.elapsed() >= Duration::from_secs(29));
    let unknown = Some(ErrorKind::OutcomeUnknown);
    assert_eq!(
        results(late),
        [("group1".into(), unknown), ("group2".into(), None)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_entitlement_is_made_once() {
    let mut bench = Bench::new(ScriptedConnector::fine());
    bench.submit((0..30).map(|n| order(n, Lane::Joiner, add_new(n, &["staff"]))));
    let outcomes = bench.done(30).await;
    let created: Vec<_> = outcomes
        .iter()
        .flat_map(|o| match &o.result {
            Ok(Effect::Entitlements { created, .. }) => created.clone(),
            other => panic!("{other:?}"),
        })
        .map(|e| (e.id.to_string(), e.name.to_string()))
        .collect();
    assert_eq!(created, [("made-staff".into(), "staff".into())]);
    let asked = bench.connector.operations();
    assert_eq!(asked[0], Asked::CreateEntitlement("staff".into()));
    assert_eq!((asked.len(), changes(&bench, "made-staff")), (2, vec![30]));
    let verbs: Vec<_> = bench
        .audit
        .events()
        .iter()
        .take(2)
        .map(|e| e.verb)
        .collect();
    assert_eq!(verbs, ["CreateEntitlement"; 2]);
}

#[tokio::test(start_paused = true)]
async fn the_lost_answer_of_a_making_is_settled_by_a_listing_before_it_is_repeated() {
    let mut first = true;
    let mut bench = Bench::new(ScriptedConnector::new(move |asked| match asked {
        Asked::CreateEntitlement(_) if std::mem::take(&mut first) => {
            error(ErrorKind::OutcomeUnknown).into()
        }
        _ => Answer::Fine,
    }));
    bench.listed().await;
    let staff = || order(1, Lane::Joiner, add_new(1, &["staff"]));
    bench.submit([staff()]);
    let lost = bench.done(1).await.remove(0);
    assert_eq!(
        results(lost),
        [("staff".into(), Some(ErrorKind::OutcomeUnknown))]
    );
    bench.listed().await;
    bench.submit([staff()]);
    let made = bench.done(1).await.remove(0);
    assert_eq!(results(made), [("staff".into(), None)]);
}

#[tokio::test(start_paused = true)]
async fn a_leaver_takes_back_what_was_not_yet_given() {
    let settings = Settings {
        concurrency: 1,
        ..Settings::default()
    };
    let mut bench = Bench::with(ScriptedConnector::fine(), settings);
    bench.listed().await;
    bench.submit((0..5).map(|n| order(n, Lane::Joiner, create(n))));
    bench.submit([joiner(10, [1]), joiner(11, [1])]);
    bench.submit([
        order(10, Lane::Leaver, disable(10)),
        order(12, Lane::Leaver, remove(12, [1])),
    ]);
    bench.done(8).await;
    let asked = bench.connector.operations();
    let given = |a: &Asked| matches!(a, Asked::Change { add, .. } if add.contains(&"a10".into()));
    assert!(!asked.iter().any(given), "{asked:?}");
    let taken = |a: &Asked| matches!(a, Asked::Change { remove, .. } if *remove == ["a12"]);
    assert!(asked.iter().position(taken).unwrap() <= 2, "{asked:?}");
}
