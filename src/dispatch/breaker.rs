//! The breaker: stops everything while a target as a whole fails, and tries it at growing intervals.

use std::time::{Duration, Instant};

use super::backoff;
use crate::connectors::{ConnectorError, ErrorKind};

/// First wait after a failure that may pass by itself.
const FIRST: Duration = Duration::from_secs(1);
/// First wait after a refused credential, which needs a person, and may lock an account if hammered.
const FIRST_REFUSED: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Calls flow.
    Closed,
    /// Nothing is sent until then.
    Open { until: Instant },
    /// One trial is under way, and nothing else.
    Trying,
}

/// Pure state machine of one target. Begins open with its trial due at once: nothing flows before the
/// first proof.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// Failures since a call other than the trial worked.
    level: u32,
    /// Whether a call failed since one worked. One record may fail for ever, so the first failure
    /// only has the target tried at once.
    suspected: bool,
    /// Whether a trial failed since calls flowed last.
    lasted: bool,
    /// When it was closed last: a call sent earlier tells nothing new by failing.
    closed_at: Option<Instant>,
    rng: fastrand::Rng,
}

impl Breaker {
    pub(super) fn new(now: Instant, rng: fastrand::Rng) -> Self {
        Self {
            state: State::Open { until: now },
            level: 0,
            suspected: false,
            lasted: false,
            closed_at: None,
            rng,
        }
    }

    /// Whether calls flow.
    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// When the next trial is due, if one is to come.
    pub(super) fn trial_at(&self) -> Option<Instant> {
        match self.state {
            State::Open { until } => Some(until),
            State::Closed | State::Trying => None,
        }
    }

    /// Begins the trial if it is due.
    pub(super) fn begin_trial(&mut self, now: Instant) -> bool {
        let due = self.trial_at().is_some_and(|at| at <= now);
        if due {
            self.state = State::Trying;
        }
        due
    }

    /// Somebody asks that the target be tried now, also where it works: the trial is due.
    pub(super) fn try_now(&mut self, now: Instant) {
        if self.state != State::Trying {
            self.state = State::Open { until: now };
        }
    }

    /// The trial worked. Calls flow again; the waits are forgotten only when one of those works too.
    /// Answers whether an earlier trial did not, so that there was an outage.
    pub(super) fn trial_worked(&mut self, now: Instant) -> bool {
        self.state = State::Closed;
        self.closed_at = Some(now);
        std::mem::take(&mut self.lasted)
    }

    /// The trial failed. Answers when the next one is due.
    pub(super) fn trial_failed(&mut self, now: Instant, error: &ConnectorError) -> Instant {
        self.lasted = true;
        self.open(now, error)
    }

    /// A call that was sent at `started` failed as if it concerned the whole target. The first time it
    /// is tried at once. Answers when the trial is due if nothing is sent for a while.
    pub(super) fn failed(
        &mut self,
        started: Instant,
        now: Instant,
        error: &ConnectorError,
    ) -> Option<Instant> {
        let stale = self.closed_at.is_some_and(|closed| started < closed);
        if !self.is_closed() || stale {
            return None;
        }
        let believed =
            self.level > 0 || error.kind == ErrorKind::Unauthorized || error.retry_after.is_some();
        if believed || std::mem::replace(&mut self.suspected, true) {
            return Some(self.open(now, error));
        }
        self.state = State::Open { until: now };
        None
    }

    /// A call other than the trial worked.
    pub(super) fn worked(&mut self) {
        self.suspected = false;
        if self.is_closed() {
            self.level = 0;
        }
    }

    fn open(&mut self, now: Instant, error: &ConnectorError) -> Instant {
        let first = match error.kind {
            ErrorKind::Unauthorized | ErrorKind::Forbidden => FIRST_REFUSED,
            _ => FIRST,
        };
        let own = backoff::delay(first, self.level, &mut self.rng);
        let until = now + backoff::with_wish(own, error.retry_after);
        self.level = self.level.saturating_add(1);
        self.state = State::Open { until };
        until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn breaker(now: Instant) -> Breaker {
        Breaker::new(now, fastrand::Rng::with_seed(7))
    }

    fn error(kind: ErrorKind) -> ConnectorError {
        ConnectorError::new(kind, "no")
    }

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn tries_first_and_flows_only_after_the_proof() {
        let now = Instant::now();
        let mut b = breaker(now);
        assert!(!b.is_closed());
        assert!(b.begin_trial(now));
        assert!(!b.is_closed() && !b.begin_trial(now), "one trial at a time");
        b.trial_worked(now);
        assert!(b.is_closed());
        assert_eq!(b.trial_at(), None);
    }

    #[test]
    fn waits_double_with_each_failed_trial_up_to_five_minutes() {
        let mut now = Instant::now();
        let mut b = breaker(now);
        let mut waits = Vec::new();
        for _ in 0..12 {
            assert!(b.begin_trial(now));
            let until = b.trial_failed(now, &error(ErrorKind::Unreachable));
            let early = until.checked_sub(Duration::from_millis(1)).unwrap();
            assert!(!b.begin_trial(early));
            waits.push(until - now);
            now = until;
        }
        for (n, wait) in waits.iter().enumerate() {
            let plain = secs(2_u64.pow(u32::try_from(n).unwrap())).min(secs(300));
            assert!(
                *wait >= plain && *wait <= plain.mul_f64(1.2).min(secs(300)),
                "{n}: {wait:?}"
            );
        }
    }

    #[test]
    fn a_refused_credential_waits_half_a_minute_and_a_wish_is_honoured() {
        let now = Instant::now();
        let until = breaker(now).trial_failed(now, &error(ErrorKind::Unauthorized));
        assert!(until - now >= secs(30) && until - now <= secs(36));
        let mut asked = error(ErrorKind::Unreachable);
        asked.retry_after = Some(secs(77));
        assert_eq!(breaker(now).trial_failed(now, &asked) - now, secs(77));
    }

    #[test]
    fn failures_together_open_it_once_and_late_ones_not_again() {
        let now = Instant::now();
        let mut b = breaker(now);
        b.begin_trial(now);
        b.trial_worked(now);
        let first = b.failed(now, now + secs(1), &error(ErrorKind::Unauthorized));
        assert!(first.is_some());
        assert_eq!(
            b.failed(now, now + secs(1), &error(ErrorKind::Unreachable)),
            None
        );
        let later = now + secs(40);
        assert!(b.begin_trial(later));
        assert_eq!(
            b.failed(now, later, &error(ErrorKind::Unreachable)),
            None,
            "only the trial counts"
        );
        b.trial_worked(later);
        assert_eq!(
            b.failed(now, later + secs(1), &error(ErrorKind::Unreachable)),
            None,
            "sent before"
        );
        assert!(
            b.failed(later, later + secs(1), &error(ErrorKind::Unreachable))
                .is_some()
        );
    }

    #[test]
    fn waits_are_forgotten_only_when_a_real_call_works() {
        let mut now = Instant::now();
        let mut b = breaker(now);
        for _ in 0..4 {
            assert!(b.begin_trial(now));
            now = b.trial_failed(now, &error(ErrorKind::Unreachable));
        }
        assert!(b.begin_trial(now));
        b.trial_worked(now);
        let flapping = b.failed(now, now, &error(ErrorKind::Unreachable)).unwrap();
        assert!(flapping - now >= secs(16));
        assert!(b.begin_trial(flapping));
        b.trial_worked(flapping);
        b.worked();
        let fresh = b.failed(flapping, flapping, &error(ErrorKind::Unreachable));
        assert_eq!((fresh, b.trial_at()), (None, Some(flapping)));
    }

    #[test]
    fn the_first_failure_only_has_it_tried_and_the_next_is_believed() {
        let now = Instant::now();
        let mut b = breaker(now);
        assert!(b.begin_trial(now));
        assert!(!b.trial_worked(now), "no outage");
        for _ in 0..3 {
            b.worked();
            assert_eq!(b.failed(now, now, &error(ErrorKind::Unreachable)), None);
            assert!(!b.is_closed() && b.begin_trial(now), "tried at once");
            assert!(!b.trial_worked(now), "one record, no outage");
        }
        let until = b.failed(now, now, &error(ErrorKind::Unreachable));
        assert!(until.unwrap() - now >= secs(1));
        assert!(b.begin_trial(until.unwrap()));
        let until = b.trial_failed(until.unwrap(), &error(ErrorKind::Unreachable));
        assert!(b.begin_trial(until));
        assert!(b.trial_worked(until), "an outage");
    }

    proptest! {
        #[test]
        fn never_flows_without_a_trial_that_worked_since_the_last_failure(
            steps in proptest::collection::vec((0_u8..5, 0_u64..20), 0..100)
        ) {
            let mut now = Instant::now();
            let mut b = breaker(now);
            let mut proven = false;
            for (step, wait) in steps {
                now += secs(wait);
                match step {
                    0 => { b.begin_trial(now); }
                    1 if b.state == State::Trying => { b.trial_worked(now); proven = true; }
                    2 if b.state == State::Trying => { b.trial_failed(now, &error(ErrorKind::Unauthorized)); proven = false; }
                    3 => if b.is_closed() && b.closed_at.is_none_or(|closed| now >= closed) {
                        b.failed(now, now, &error(ErrorKind::Unreachable));
                        proven = false;
                    },
                    _ => b.worked(),
                }
                prop_assert_eq!(b.is_closed(), proven);
                if let Some(at) = b.trial_at() {
                    prop_assert!(at <= now + backoff::LONGEST);
                }
            }
        }
    }
}
