//! When a status tells of work that goes well and is not done yet.
//!
//! A joiner that is done in a moment costs one write. In a storm that takes minutes, each would cost
//! two, and half of what the API server is asked would be out of date as soon as it is written: there
//! the statuses of work under way are spread over time, and whoever is done first has only one.

use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};

use crate::plan::Lane;

/// How long work that goes well may go on before a status tells of it.
const SETTLE_DELAY: SignedDuration = SignedDuration::from_secs(3);
/// Between two people of whom a status tells so, those who leave apart.
const GAP: SignedDuration = SignedDuration::from_millis(100);

/// Hands out the instants.
#[derive(Debug, Default)]
pub(super) struct Progress {
    last: Timestamp,
}

impl Progress {
    /// When the status of a person is to tell of work that begins now, in whole seconds as statuses
    /// are of. Of somebody who leaves it always tells as soon as that makes sense.
    pub(super) fn next(&mut self, lane: Lane, now: Timestamp) -> Timestamp {
        let soon = later(now, SETTLE_DELAY);
        if lane == Lane::Leaver {
            return soon;
        }
        self.last = soon.max(later(self.last, GAP));
        self.last
            .round(
                TimestampRound::new()
                    .smallest(Unit::Second)
                    .mode(RoundMode::Ceil),
            )
            .unwrap_or(self.last)
    }
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    #[test]
    fn one_person_waits_three_seconds_and_a_storm_is_spread() {
        let mut progress = Progress::default();
        assert_eq!(progress.next(Lane::Joiner, at(1000)), at(4000));
        let of_storm: Vec<_> = (0..50)
            .map(|_| progress.next(Lane::Joiner, at(1000)))
            .collect();
        assert!(of_storm.is_sorted());
        assert_eq!(of_storm.first(), Some(&at(5000)));
        assert_eq!(of_storm.last(), Some(&at(9000)));
        assert!(of_storm.iter().all(|at| at.as_millisecond() % 1000 == 0));
        assert_eq!(progress.next(Lane::Mover, at(2000)), at(10_000));
        assert_eq!(progress.next(Lane::Joiner, at(60_000)), at(63_000));
    }

    #[test]
    fn a_storm_holds_no_leaver_up() {
        let mut progress = Progress::default();
        for _ in 0..1000 {
            progress.next(Lane::Joiner, at(0));
        }
        assert_eq!(progress.next(Lane::Leaver, at(0)), at(3000));
    }
}
