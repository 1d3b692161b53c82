//! Since when things that are amiss are there. A status lists only some of them, and its list is what a
//! restarted operator has; all of them are known in between.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// When each of the things that are there now was seen first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstSeen<K> {
    at: BTreeMap<K, Timestamp>,
    /// How many there were before the start that the status did not list. They are not new.
    unlisted: usize,
}

impl<K> Default for FirstSeen<K> {
    fn default() -> Self {
        Self {
            at: BTreeMap::new(),
            unlisted: 0,
        }
    }
}

impl<K: Ord + Clone> FirstSeen<K> {
    /// What a status listed before the start, of `total` that there were.
    pub fn listed(listed: impl IntoIterator<Item = (K, Timestamp)>, total: i64) -> Self {
        let at: BTreeMap<K, Timestamp> = listed.into_iter().collect();
        let total = usize::try_from(total).unwrap_or_default();
        Self {
            unlisted: total.saturating_sub(at.len()),
            at,
        }
    }

    /// Takes in what is there now, and tells what of it is new.
    pub fn see(&mut self, there: impl IntoIterator<Item = K>, now: Timestamp) -> Vec<K> {
        let mut unlisted = std::mem::take(&mut self.unlisted);
        let mut new = Vec::new();
        let mut at = BTreeMap::new();
        for thing in there {
            let since = self.at.get(&thing).copied();
            if since.is_none() && unlisted > 0 {
                unlisted -= 1;
            } else if since.is_none() {
                new.push(thing.clone());
            }
            // Nothing is there since a time to come: then the clock was ahead.
            at.insert(thing, since.map_or(now, |since| since.min(now)));
        }
        self.at = at;
        new
    }

    /// Of something that was there before the start and was not listed it is known otherwise since when.
    pub fn recall(&mut self, thing: K, since: Timestamp) {
        if self.at.insert(thing, since).is_none() {
            self.unlisted = self.unlisted.saturating_sub(1);
        }
    }

    /// It is another matter from now on: where it is there again, it begins anew.
    pub fn forget(&mut self, thing: &K) {
        self.at.remove(thing);
    }

    /// Since when it is there, as far as that is known.
    #[must_use]
    pub fn since(&self, thing: &K) -> Option<Timestamp> {
        self.at.get(thing).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_stays_keeps_its_time_and_what_comes_is_told_once() {
        let mut seen = FirstSeen::listed([("a", at(1))], 1);
        assert_eq!(seen.see(["a", "b"], at(5)), ["b"]);
        assert_eq!(seen.see(["a", "b"], at(6)), Vec::<&str>::new());
        assert_eq!(
            (seen.since(&"a"), seen.since(&"b")),
            (Some(at(1)), Some(at(5)))
        );
        assert_eq!(seen.see(["b"], at(7)), Vec::<&str>::new());
        assert_eq!(seen.see(["a", "b"], at(8)), ["a"], "gone, and here again");
        assert_eq!(seen.since(&"a"), Some(at(8)));
    }

    #[test]
    fn what_was_there_before_the_start_and_not_listed_is_not_new() {
        let mut seen = FirstSeen::listed([("a", at(1))], 3);
        assert_eq!(seen.see(["a", "b", "c", "d"], at(5)), ["d"]);
        assert_eq!(seen.since(&"b"), Some(at(5)));
        assert_eq!(seen.see(["a", "b", "c", "e"], at(6)), ["e"]);
        let mut seen = FirstSeen::listed([("a", at(1))], 2);
        seen.recall("b", at(2));
        assert_eq!(seen.see(["a", "b", "c"], at(5)), ["c"]);
        assert_eq!(seen.since(&"b"), Some(at(2)));
    }
}
