use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::queue::{Absorb, Queue};
use crate::plan::operation::Lane;

/// The newest number of each of two parts.
#[derive(Clone, Debug, PartialEq)]
struct Parts(Option<u32>, Option<u32>);

impl Absorb for Parts {
    fn absorb(&mut self, newer: Self) {
        self.0 = newer.0.or(self.0);
        self.1 = newer.1.or(self.1);
    }
}

fn left(n: u32) -> Parts {
    Parts(Some(n), None)
}

fn right(n: u32) -> Parts {
    Parts(None, Some(n))
}

#[test]
fn lanes_first_then_longest_wait_and_the_newest_value() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.put("z", Lane::Joiner, left(1));
    queue.put("a", Lane::Joiner, left(2));
    queue.put("m", Lane::Drift, left(3));
    queue.put("z", Lane::Drift, right(4));
    queue.put("m", Lane::Leaver, left(5));
    assert_eq!(queue.take(now), Some(("m", Lane::Leaver, left(5))));
    assert_eq!(
        queue.take(now),
        Some(("z", Lane::Joiner, Parts(Some(1), Some(4))))
    );
    assert_eq!(queue.take(now), Some(("a", Lane::Joiner, left(2))));
    assert_eq!(queue.take(now), None);
    assert_eq!(queue.len(), 3, "all in flight");
}

#[test]
fn one_of_a_key_in_flight_and_the_newest_after_it() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.put("a", Lane::Joiner, left(1));
    queue.take(now).unwrap();
    queue.put("a", Lane::Joiner, left(2));
    queue.put("a", Lane::Leaver, left(3));
    assert_eq!(queue.take(now), None);
    queue.finished(&"a");
    assert_eq!(queue.take(now), Some(("a", Lane::Leaver, left(3))));
    queue.finished(&"a");
    assert_eq!((queue.take(now), queue.len()), (None, 0));
}

#[test]
fn a_failed_key_waits_and_sends_the_newest() {
    let now = Instant::now();
    let later = now + Duration::from_secs(5);
    let mut queue = Queue::default();
    queue.put("a", Lane::Leaver, left(1));
    let (_, lane, value) = queue.take(now).unwrap();
    queue.put("a", Lane::Joiner, right(2));
    queue.failed(&"a", lane, value, later);
    queue.put("a", Lane::Drift, left(3));
    assert_eq!((queue.failures(&"a"), queue.next_due()), (1, Some(later)));
    assert_eq!(
        queue.take(now),
        None,
        "a newer value does not cut the wait short"
    );
    let (_, lane, value) = queue.take(later).unwrap();
    assert_eq!((lane, &value), (Lane::Leaver, &Parts(Some(3), Some(2))));
    queue.failed(&"a", lane, value, later);
    assert_eq!(queue.failures(&"a"), 2);
    queue.take(later).unwrap();
    queue.finished(&"a");
    assert_eq!((queue.failures(&"a"), queue.len()), (0, 0));
}

#[test]
fn forgetting_drops_what_waits() {
    let now = Instant::now();
    let mut queue = Queue::default();
    for key in ["ready", "delayed", "flying"] {
        queue.put(key, Lane::Joiner, left(1));
    }
    for _ in 0..3 {
        queue.take(now).unwrap();
    }
    queue.finished(&"ready");
    queue.put("ready", Lane::Joiner, left(2));
    queue.failed(&"delayed", Lane::Joiner, left(1), now);
    queue.put("flying", Lane::Joiner, left(2));
    for key in ["ready", "delayed", "flying", "unknown"] {
        queue.forget(&key);
    }
    assert_eq!(
        (queue.take(now), queue.next_due(), queue.len()),
        (None, None, 1)
    );
    queue.finished(&"flying");
    assert_eq!(queue.len(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, Lane),
    Take(u64),
    Finish(u8),
    Fail(u8, u64),
    Forget(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..4_u8;
    let lane = prop_oneof![
        Just(Lane::Leaver),
        Just(Lane::Mover),
        Just(Lane::Joiner),
        Just(Lane::Drift)
    ];
    prop_oneof![
        3 => (key.clone(), lane).prop_map(|(k, l)| Step::Put(k, l)),
        3 => (0..10_u64).prop_map(Step::Take),
        1 => key.clone().prop_map(Step::Finish),
        1 => (key.clone(), 0..10_u64).prop_map(|(k, s)| Step::Fail(k, s)),
        1 => key.prop_map(Step::Forget),
    ]
}

proptest! {
    /// Nothing is lost, nothing is sent twice at a time, and what is sent is the newest.
    #[test]
    fn the_newest_value_of_each_key_is_sent_in_the_end(steps in proptest::collection::vec(step(), 0..120)) {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut queue = Queue::default();
        let mut newest: BTreeMap<u8, u32> = BTreeMap::new();
        let mut flying: BTreeMap<u8, (Lane, Parts)> = BTreeMap::new();
        let mut fails: BTreeSet<u8> = BTreeSet::new();
        for (number, step) in (0_u32..).zip(steps) {
            match step {
                Step::Put(key, lane) => {
                    queue.put(key, lane, left(number));
                    newest.insert(key, number);
                }
                Step::Take(second) => {
                    if let Some((key, lane, value)) = queue.take(at(second)) {
                        prop_assert_eq!(value.0, newest.remove(&key));
                        prop_assert!(flying.insert(key, (lane, value)).is_none(), "two in flight");
                    }
                }
                Step::Finish(key) => {
                    if flying.remove(&key).is_some() {
                        queue.finished(&key);
                        fails.remove(&key);
                    }
                }
                Step::Fail(key, second) => {
                    if let Some((lane, value)) = flying.remove(&key) {
                        newest.entry(key).or_insert(value.0.unwrap());
                        queue.failed(&key, lane, value, at(second));
                        fails.insert(key);
                    }
                }
                Step::Forget(key) => {
                    queue.forget(&key);
                    newest.remove(&key);
                }
            }
        }
        for key in flying.into_keys() {
            queue.finished(&key);
        }
        while let Some((key, _, value)) = queue.take(at(100)) {
            prop_assert_eq!(value.0, newest.remove(&key));
            queue.finished(&key);
        }
        prop_assert!(newest.is_empty(), "never sent: {newest:?}");
        prop_assert_eq!(queue.len(), 0);
        prop_assert_eq!(queue.next_due(), None);
        prop_assert!(fails.iter().all(|key| queue.failures(key) == 0));
    }
}
