//! The planner's queue, a pure data structure: keys that are ready, in the order of their lane and
//! then of the key itself, and keys that become ready at an instant.
//!
//! Arrival plays no part in the order: the same keys in any order come out alike, so that ties
//! between people are decided by who they are and never by chance.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::plan::operation::Lane;

/// Keys to be looked at, now or later. Each is in it at most once a side.
#[derive(Clone, Debug)]
pub struct WorkQueue<K> {
    ready: BTreeSet<(Lane, K)>,
    lanes: BTreeMap<K, Lane>,
    delayed: BTreeSet<(Timestamp, K)>,
    timers: BTreeMap<K, (Timestamp, Lane)>,
}

impl<K> Default for WorkQueue<K> {
    fn default() -> Self {
        Self {
            ready: BTreeSet::new(),
            lanes: BTreeMap::new(),
            delayed: BTreeSet::new(),
            timers: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> WorkQueue<K> {
    /// Makes a key ready. One that is ready already keeps the more urgent lane. A timer of the key
    /// stays as it is.
    pub fn add(&mut self, key: K, lane: Lane) {
        match self.lanes.get_mut(&key) {
            Some(current) if *current <= lane => {}
            Some(current) => {
                let old = std::mem::replace(current, lane);
                let entry = (old, key);
                self.ready.remove(&entry);
                self.ready.insert((lane, entry.1));
            }
            None => {
                self.lanes.insert(key.clone(), lane);
                self.ready.insert((lane, key));
            }
        }
    }

    /// Makes a key ready at an instant. Where it has a timer already, the earlier one wins; of two at
    /// the same instant, the more urgent lane.
    pub fn add_at(&mut self, key: K, lane: Lane, at: Timestamp) {
        match self.timers.get(&key) {
            Some(current) if *current <= (at, lane) => {}
            _ => self.set_at(key, lane, at),
        }
    }

    /// Makes a key ready at an instant, instead of at the instant of a timer it may have.
    pub fn set_at(&mut self, key: K, lane: Lane, at: Timestamp) {
        self.cancel_at(&key);
        self.timers.insert(key.clone(), (at, lane));
        self.delayed.insert((at, key));
    }

    /// Takes away the timer of a key. If it is ready, it stays so.
    pub fn cancel_at(&mut self, key: &K) {
        if let Some((key, (at, _))) = self.timers.remove_entry(key) {
            self.delayed.remove(&(at, key));
        }
    }

    /// Makes every key ready that waits for an instant.
    pub fn wait_for_nothing(&mut self) {
        self.delayed.clear();
        for (key, (_, lane)) in std::mem::take(&mut self.timers) {
            self.add(key, lane);
        }
    }

    /// Takes the key away, ready or not.
    pub fn remove(&mut self, key: &K) {
        self.cancel_at(key);
        if let Some((key, lane)) = self.lanes.remove_entry(key) {
            self.ready.remove(&(lane, key));
        }
    }

    /// The next key that is ready at `now`, with the lane it is in: the most urgent lane first, then
    /// the smallest key. It is no longer in the queue, unless it also has a timer in the future.
    pub fn pop(&mut self, now: Timestamp) -> Option<(K, Lane)> {
        while let Some((at, _)) = self.delayed.first()
            && *at <= now
        {
            let (_, key) = self.delayed.pop_first()?;
            if let Some((key, (_, lane))) = self.timers.remove_entry(&key) {
                self.add(key, lane);
            }
        }
        let (lane, key) = self.ready.pop_first()?;
        self.lanes.remove(&key);
        Some((key, lane))
    }

    /// The instant of the earliest timer. Says nothing of keys that are ready already.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.delayed.first().map(|(at, _)| *at)
    }

    /// Whether a key is ready without regard to timers.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// How many keys are ready, without regard to timers.
    #[must_use]
    pub fn ready_len(&self) -> usize {
        self.ready.len()
    }

    /// How many keys have a timer.
    #[must_use]
    pub fn delayed_len(&self) -> usize {
        self.delayed.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn drain(queue: &mut WorkQueue<u8>, now: i64) -> Vec<(u8, Lane)> {
        std::iter::from_fn(|| queue.pop(at(now))).collect()
    }

    #[test]
    fn nothing_waits_any_more() {
        let mut queue = WorkQueue::default();
        queue.add(1, Lane::Joiner);
        queue.add_at(2, Lane::Leaver, at(100));
        queue.add_at(1, Lane::Mover, at(200));
        queue.wait_for_nothing();
        assert_eq!(drain(&mut queue, 0), [(2, Lane::Leaver), (1, Lane::Mover)]);
        assert_eq!((queue.next_due(), queue.delayed_len()), (None, 0));
    }

    #[test]
    fn lanes_first_then_keys() {
        let mut queue = WorkQueue::default();
        queue.add(2, Lane::Joiner);
        queue.add(9, Lane::Leaver);
        queue.add(1, Lane::Joiner);
        queue.add(3, Lane::Drift);
        queue.add(3, Lane::Mover);
        queue.add(9, Lane::Drift);
        assert_eq!(queue.ready_len(), 4);
        assert_eq!(
            drain(&mut queue, 0),
            [
                (9, Lane::Leaver),
                (3, Lane::Mover),
                (1, Lane::Joiner),
                (2, Lane::Joiner)
            ]
        );
        assert!(!queue.has_ready());
    }

    #[test]
    fn timers_can_be_brought_forward_replaced_and_cancelled() {
        let mut queue = WorkQueue::default();
        queue.add_at(1, Lane::Joiner, at(10));
        queue.add_at(1, Lane::Leaver, at(20));
        assert_eq!(queue.next_due(), Some(at(10)));
        assert_eq!(queue.pop(at(9)), None);
        queue.set_at(1, Lane::Drift, at(30));
        assert_eq!(queue.pop(at(29)), None);
        queue.add_at(1, Lane::Mover, at(30));
        assert_eq!(queue.pop(at(30)), Some((1, Lane::Mover)));
        assert_eq!(queue.next_due(), None);

        queue.add_at(2, Lane::Drift, at(10));
        queue.add(2, Lane::Joiner);
        assert_eq!(queue.pop(at(0)), Some((2, Lane::Joiner)));
        assert_eq!(
            queue.delayed_len(),
            1,
            "looking at a key now keeps its timer"
        );
        queue.cancel_at(&2);
        assert_eq!(queue.pop(at(100)), None);

        queue.add(3, Lane::Joiner);
        queue.add_at(3, Lane::Joiner, at(5));
        queue.remove(&3);
        assert_eq!((queue.pop(at(100)), queue.next_due()), (None, None));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Add(u8, Lane),
        AddAt(u8, Lane, i64),
        SetAt(u8, Lane, i64),
        CancelAt(u8),
        Remove(u8),
        Pop(i64),
    }

    fn lane() -> impl Strategy<Value = Lane> {
        prop_oneof![
            Just(Lane::Leaver),
            Just(Lane::Mover),
            Just(Lane::Joiner),
            Just(Lane::Drift)
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = 0..5_u8;
        let second = 0..20_i64;
        prop_oneof![
            (key.clone(), lane()).prop_map(|(k, l)| Step::Add(k, l)),
            (key.clone(), lane(), second.clone()).prop_map(|(k, l, s)| Step::AddAt(k, l, s)),
            (key.clone(), lane(), second.clone()).prop_map(|(k, l, s)| Step::SetAt(k, l, s)),
            key.clone().prop_map(Step::CancelAt),
            key.prop_map(Step::Remove),
            second.prop_map(Step::Pop),
        ]
    }

    /// The same behaviour, written as plainly as can be.
    #[derive(Default)]
    struct Model {
        ready: BTreeMap<u8, Lane>,
        timers: BTreeMap<u8, (i64, Lane)>,
    }

    impl Model {
        fn add(&mut self, key: u8, lane: Lane) {
            let current = self.ready.entry(key).or_insert(lane);
            *current = lane.min(*current);
        }

        fn pop(&mut self, now: i64) -> Option<(u8, Lane)> {
            let due: Vec<_> = self
                .timers
                .iter()
                .filter(|(_, (s, _))| *s <= now)
                .map(|(k, (_, l))| (*k, *l))
                .collect();
            for (key, lane) in due {
                self.timers.remove(&key);
                self.add(key, lane);
            }
            let (key, lane) = self
                .ready
                .iter()
                .map(|(k, l)| (*k, *l))
                .min_by_key(|(k, l)| (*l, *k))?;
            self.ready.remove(&key);
            Some((key, lane))
        }
    }

    proptest! {
        #[test]
        fn behaves_like_the_model(steps in proptest::collection::vec(step(), 0..80)) {
            let mut queue = WorkQueue::default();
            let mut model = Model::default();
            for step in steps {
                match step {
                    Step::Add(k, l) => { queue.add(k, l); model.add(k, l); }
                    Step::AddAt(k, l, s) => {
                        queue.add_at(k, l, at(s));
                        let timer = model.timers.entry(k).or_insert((s, l));
                        *timer = (*timer).min((s, l));
                    }
                    Step::SetAt(k, l, s) => { queue.set_at(k, l, at(s)); model.timers.insert(k, (s, l)); }
                    Step::CancelAt(k) => { queue.cancel_at(&k); model.timers.remove(&k); }
                    Step::Remove(k) => { queue.remove(&k); model.timers.remove(&k); model.ready.remove(&k); }
                    Step::Pop(now) => prop_assert_eq!(queue.pop(at(now)), model.pop(now)),
                }
                prop_assert_eq!(queue.ready_len(), model.ready.len());
                prop_assert_eq!(queue.delayed_len(), model.timers.len());
                prop_assert_eq!(queue.next_due(), model.timers.values().map(|(s, _)| at(*s)).min());
            }
        }

        #[test]
        fn arrival_does_not_matter(keys in proptest::collection::vec((0..50_u8, lane()), 0..40), seed in any::<u64>()) {
            let mut shuffled = keys.clone();
            fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
            let (mut one, mut other) = (WorkQueue::default(), WorkQueue::default());
            for (k, l) in keys { one.add(k, l); }
            for (k, l) in shuffled { other.add(k, l); }
            prop_assert_eq!(drain(&mut one, 0), drain(&mut other, 0));
        }
    }
}
