//! What waits to be written, a pure data structure: the newest value of each key, the most urgent
//! lane first, one value of a key in flight at a time.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::plan::operation::Lane;

/// A value that may take up a newer one of the same key.
pub(super) trait Absorb {
    /// Replaces what `newer` speaks of, and keeps the rest.
    fn absorb(&mut self, newer: Self);
}

/// Values by key. Within a lane, those that have waited longest come first; a newer value of a
/// waiting key keeps its place.
#[derive(Debug)]
pub(super) struct Queue<K, V> {
    entries: BTreeMap<K, Entry<V>>,
    ready: BTreeMap<(Lane, u64), K>,
    delayed: BTreeSet<(Instant, K)>,
    next_place: u64,
}

#[derive(Debug)]
struct Entry<V> {
    waiting: Option<(Lane, V)>,
    place: Place,
    failures: u32,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Ready(u64),
    Delayed(Instant),
    InFlight,
}

impl<K, V> Default for Queue<K, V> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            ready: BTreeMap::new(),
            delayed: BTreeSet::new(),
            next_place: 0,
        }
    }
}

impl<K: Ord + Clone, V: Absorb> Queue<K, V> {
    /// Adds a value, or renews the one that waits. A key that waits out a failure goes on waiting.
    pub(super) fn put(&mut self, key: K, lane: Lane, value: V) {
        let Some(entry) = self.entries.get_mut(&key) else {
            let place = self.make_ready(key.clone(), lane);
            self.entries.insert(
                key,
                Entry {
                    waiting: Some((lane, value)),
                    place,
                    failures: 0,
                },
            );
            return;
        };
        let Some((waiting_lane, waiting)) = &mut entry.waiting else {
            entry.waiting = Some((lane, value));
            return;
        };
        waiting.absorb(value);
        if lane < *waiting_lane {
            let old = std::mem::replace(waiting_lane, lane);
            if let Place::Ready(place) = entry.place
                && let Some(key) = self.ready.remove(&(old, place))
            {
                self.ready.insert((lane, place), key);
            }
        }
    }

    /// Takes the next value. Its key is in flight until [`Self::finished`] or [`Self::failed`].
    pub(super) fn take(&mut self, now: Instant) -> Option<(K, Lane, V)> {
        self.wake(now);
        let (_, key) = self.ready.pop_first()?;
        let entry = self.entries.get_mut(&key)?;
        entry.place = Place::InFlight;
        let (lane, value) = entry.waiting.take()?;
        Some((key, lane, value))
    }

    /// Ends a flight for good. A value that came meanwhile is ready now.
    pub(super) fn finished(&mut self, key: &K) {
        let Some((key, mut entry)) = self.entries.remove_entry(key) else {
            return;
        };
        if let Some((lane, _)) = &entry.waiting {
            entry.place = self.make_ready(key.clone(), *lane);
            entry.failures = 0;
            self.entries.insert(key, entry);
        }
    }

    /// Ends a flight that is to be repeated at `again`, with the value that came meanwhile, if any.
    pub(super) fn failed(&mut self, key: &K, lane: Lane, mut value: V, again: Instant) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let lane = match entry.waiting.take() {
            Some((newer_lane, newer)) => {
                value.absorb(newer);
                lane.min(newer_lane)
            }
            None => lane,
        };
        entry.waiting = Some((lane, value));
        entry.failures = entry.failures.saturating_add(1);
        entry.place = Place::Delayed(again);
        self.delayed.insert((again, key.clone()));
    }

    /// How often the key has failed in a row.
    pub(super) fn failures(&self, key: &K) -> u32 {
        self.entries.get(key).map_or(0, |entry| entry.failures)
    }

    /// Drops what waits for a key. What is in flight stays there.
    pub(super) fn forget(&mut self, key: &K) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let waiting = entry.waiting.take();
        match entry.place {
            Place::InFlight => return,
            Place::Ready(place) => {
                if let Some((lane, _)) = waiting {
                    self.ready.remove(&(lane, place));
                }
            }
            Place::Delayed(until) => {
                self.delayed.remove(&(until, key.clone()));
            }
        }
        self.entries.remove(key);
    }

    /// When the next delayed key becomes ready.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.first().map(|(at, _)| *at)
    }

    /// How many keys wait or are in flight.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn wake(&mut self, now: Instant) {
        while let Some((at, _)) = self.delayed.first()
            && *at <= now
        {
            let Some((_, key)) = self.delayed.pop_first() else {
                return;
            };
            let lane = self
                .entries
                .get(&key)
                .and_then(|entry| entry.waiting.as_ref())
                .map(|(lane, _)| *lane);
            if let Some(lane) = lane {
                let place = self.make_ready(key.clone(), lane);
                if let Some(entry) = self.entries.get_mut(&key) {
                    entry.place = place;
                }
            }
        }
    }

    fn make_ready(&mut self, key: K, lane: Lane) -> Place {
        let place = self.next_place;
        self.next_place += 1;
        self.ready.insert((lane, place), key);
        Place::Ready(place)
    }
}
