//! The outbox in the real API server: claims hold against another run, and what is old goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ListParams;
use rollcall::notify::outbox::{Claim, End, Outbox, Slip};
use rollcall::notify::stored::{PARTS, Place, Stored};
use rollcall::notify::{NoticeId, Occasion};
use rollcall::runtime::clock::{Clock, ShiftableClock, SystemClock};

use crate::support::namespace::Namespace;

fn run(ns: &Namespace, name: &str, clock: &Arc<ShiftableClock>) -> Stored {
    let place = Place {
        namespace: ns.name.clone(),
        name: "notices".to_owned(),
    };
    Stored::new(ns.client(), place, name.to_owned(), clock.clone())
}

fn slip(name: &str) -> Slip {
    Slip {
        sink: "email".to_owned(),
        notice: NoticeId::of(Occasion::LeaverReport, &[name]),
    }
}

fn clock() -> Arc<ShiftableClock> {
    Arc::new(ShiftableClock::over(Arc::new(SystemClock)))
}

async fn lines(ns: &Namespace) -> usize {
    let maps = ns
        .api::<ConfigMap>()
        .list(&ListParams::default())
        .await
        .unwrap();
    maps.items
        .into_iter()
        .filter_map(|map| {
            let name = map.metadata.name.unwrap();
            name.starts_with("notices-")
                .then(|| map.data.unwrap_or_default().len())
        })
        .sum()
}

#[tokio::test]
async fn a_claim_of_somebody_who_is_gone_is_in_doubt_and_stays_so() {
    let ns = Namespace::new("outbox").await;
    let clock = clock();
    let (first, second) = (run(&ns, "first", &clock), run(&ns, "second", &clock));
    let ada = slip("ada");
    assert_eq!(first.claim(&ada).await, Ok(Claim::Granted));
    assert_eq!(first.claim(&ada).await, Ok(Claim::Granted), "one's own");
    first.release(&ada).await.unwrap();
    assert_eq!(lines(&ns).await, 0);
    assert_eq!(first.claim(&ada).await, Ok(Claim::Granted));
    // The first one is killed here, for all that anybody knows.
    for _ in 0..2 {
        assert_eq!(second.claim(&ada).await, Ok(Claim::Ended(End::Uncertain)));
    }
    let third = run(&ns, "third", &clock);
    assert_eq!(third.claim(&ada).await, Ok(Claim::Ended(End::Uncertain)));

    let eve = slip("eve");
    assert_eq!(third.claim(&eve).await, Ok(Claim::Granted));
    third.close(&eve, &End::Sent).await.unwrap();
    assert_eq!(first.claim(&eve).await, Ok(Claim::Ended(End::Sent)));
}

#[tokio::test]
async fn of_two_that_claim_at_once_one_gets_it() {
    let ns = Namespace::new("outbox-race").await;
    let clock = clock();
    let runs = [run(&ns, "first", &clock), run(&ns, "second", &clock)];
    for n in 0..20 {
        let slip = slip(&n.to_string());
        let (one, two) = futures::join!(runs[0].claim(&slip), runs[1].claim(&slip));
        let granted = [one, two]
            .into_iter()
            .filter(|c| *c == Ok(Claim::Granted))
            .count();
        assert_eq!(granted, 1);
    }
}

#[tokio::test]
async fn what_is_old_goes_and_a_few_objects_hold_it_all() {
    let ns = Namespace::new("outbox-old").await;
    let clock = clock();
    let run = run(&ns, "first", &clock);
    for n in 0..40 {
        let slip = slip(&n.to_string());
        run.claim(&slip).await.unwrap();
        run.close(&slip, &End::Sent).await.unwrap();
    }
    let maps = ns
        .api::<ConfigMap>()
        .list(&ListParams::default())
        .await
        .unwrap();
    let names = maps.items.into_iter().filter_map(|map| map.metadata.name);
    let names: BTreeSet<String> = names.filter(|name| name.starts_with("notices-")).collect();
    assert!(names.len() <= usize::from(PARTS), "{names:?}");
    assert_eq!(lines(&ns).await, 40);
    clock.set(clock.now() + SignedDuration::from_hours(22 * 24));
    for n in 100..140 {
        run.claim(&slip(&n.to_string())).await.unwrap();
    }
    assert_eq!(lines(&ns).await, 40, "the old ones are gone");
}
