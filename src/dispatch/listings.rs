//! When the target is listed: first, on an interval, on request, and again after a failure.

use std::time::{Duration, Instant};

use super::backoff;

/// First wait after a listing that failed.
const FIRST: Duration = Duration::from_secs(1);

/// Pure schedule of the listings of one target. At most one is under way.
#[derive(Debug)]
pub(super) struct Listings {
    interval: Duration,
    /// When the next begins; meaningless while one is under way.
    due: Instant,
    under_way: bool,
    /// Whether another was asked for while one was under way.
    again: bool,
    /// Whether one has ended well since the start.
    ever: bool,
    level: u32,
    rng: fastrand::Rng,
}

impl Listings {
    pub(super) fn new(now: Instant, interval: Duration, rng: fastrand::Rng) -> Self {
        Self {
            interval: interval.max(FIRST),
            due: now,
            under_way: false,
            again: false,
            ever: false,
            level: 0,
            rng,
        }
    }

    /// Whether operations may flow: one listing has ended well.
    pub(super) fn ever(&self) -> bool {
        self.ever
    }

    /// When the next is due, unless one is under way.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.under_way).then_some(self.due)
    }

    /// Asks for one now; if one is under way, for another right after, as that one may already have
    /// passed what the asker wants to see.
    pub(super) fn ask(&mut self, now: Instant) {
        if self.under_way {
            self.again = true;
        } else {
            self.due = now;
        }
    }

    /// One begins.
    pub(super) fn begin(&mut self) {
        self.under_way = true;
        self.again = false;
    }

    /// The one under way ended.
    pub(super) fn ended(&mut self, now: Instant, well: bool) {
        let wait = if well {
            self.ever = true;
            self.level = 0;
            self.interval.mul_f64(0.9 + self.rng.f64() / 5.0)
        } else {
            let wait = backoff::delay(FIRST, self.level, &mut self.rng).min(self.interval);
            self.level = self.level.saturating_add(1);
            wait
        };
        let again = std::mem::take(&mut self.again) && well;
        self.due = if again { now } else { now + wait };
        self.under_way = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listings(now: Instant) -> Listings {
        Listings::new(now, Duration::from_mins(10), fastrand::Rng::with_seed(1))
    }

    proptest! {
        #[test]
        fn the_next_is_due_within_a_tenth_of_the_interval(seed: u64) {
            let now = Instant::now();
            let mut l = Listings::new(now, Duration::from_mins(10), fastrand::Rng::with_seed(seed));
            l.begin();
            prop_assert_eq!(l.due(), None);
            l.ended(now, true);
            let wait = l.due().unwrap() - now;
            prop_assert!(wait >= Duration::from_mins(9) && wait <= Duration::from_mins(11));
        }
    }

    #[test]
    fn failures_are_tried_again_soon_then_later_and_open_nothing() {
        let mut now = Instant::now();
        let mut l = listings(now);
        let mut waits = Vec::new();
        for _ in 0..4 {
            l.begin();
            l.ended(now, false);
            assert!(!l.ever());
            waits.push((l.due().unwrap() - now).as_secs_f64());
            now = l.due().unwrap();
        }
        for (wait, plain) in waits.iter().zip([1.0, 2.0, 4.0, 8.0]) {
            assert!(*wait >= plain && *wait <= plain * 1.2, "{waits:?}");
        }
        l.begin();
        l.ended(now, true);
        assert!(l.ever());
    }

    #[test]
    fn asked_for_during_one_means_another_after_it() {
        let now = Instant::now();
        let mut l = listings(now);
        l.begin();
        l.ask(now);
        assert_eq!(l.due(), None);
        let end = now + Duration::from_secs(3);
        l.ended(end, true);
        assert_eq!(l.due(), Some(end));
        l.begin();
        l.ended(end, true);
        assert!(l.due().unwrap() > end, "but only one more");
        l.ask(end);
        assert_eq!(l.due(), Some(end));
    }
}
