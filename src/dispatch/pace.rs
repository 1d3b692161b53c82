//! How fast a target is asked: a fixed rate, pauses it asks for, and a number of calls at once that
//! halves when it complains and grows back one by one (additive increase, multiplicative decrease).

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::backoff;
use crate::connectors::ConnectorError;

/// Shortest pause, also where the target asks for none at all.
const FIRST: Duration = Duration::from_secs(1);
/// A pause, or a row of them, that lasts longer than this is worth telling.
const LONG: Duration = Duration::from_secs(30);

/// A clock that shows what it was told, so that pace needs no clock of its own.
#[derive(Clone, Debug, Default)]
struct ToldClock(Arc<AtomicU64>);

impl GovernorClock for ToldClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.load(Ordering::Relaxed).into()
    }
}

/// A fixed number of requests a second, spread evenly.
struct Rate {
    per_second: u32,
    begin: Instant,
    clock: ToldClock,
    limiter: RateLimiter<NotKeyed, InMemoryState, ToldClock, NoOpMiddleware<Nanos>>,
}

impl Rate {
    fn new(now: Instant, per_second: u16) -> Option<Self> {
        let per_second = NonZeroU32::new(u32::from(per_second))?;
        // A hundredth of a second's worth may go at once: timers are no finer than a millisecond.
        let burst = NonZeroU32::new((per_second.get() / 100).max(1))?;
        let clock = ToldClock::default();
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Some(Self {
            per_second: per_second.get(),
            begin: now,
            limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
        })
    }

    /// Takes leave for one request, or says when to ask again.
    fn take(&self, now: Instant) -> Result<(), Instant> {
        let nanos = now.saturating_duration_since(self.begin).as_nanos();
        self.clock
            .0
            .store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.limiter.check().map_err(|not| {
            let wait = not.wait_time_from(self.clock.now());
            now + wait.max(Duration::from_micros(1))
        })
    }
}

/// Pure state of one target's pace.
pub(super) struct Pace {
    rate: Option<Rate>,
    /// Requests that were sent without leave, such as the second of a read that needs two.
    debt: u32,
    ceiling: u16,
    limit: u16,
    successes: u16,
    paused_until: Option<Instant>,
    /// When the limit was halved last. Calls sent before that tell nothing new by being throttled.
    cut_at: Option<Instant>,
    /// Complaints since a call worked.
    level: u32,
    throttled_since: Option<Instant>,
    told: bool,
    rng: fastrand::Rng,
}

impl Pace {
    pub(super) fn new(
        now: Instant,
        concurrency: u16,
        per_second: Option<u16>,
        rng: fastrand::Rng,
    ) -> Self {
        let ceiling = concurrency.max(1);
        Self {
            rate: per_second.and_then(|n| Rate::new(now, n.max(1))),
            debt: 0,
            ceiling,
            limit: ceiling,
            successes: 0,
            paused_until: None,
            cut_at: None,
            level: 0,
            throttled_since: None,
            told: false,
            rng,
        }
    }

    /// How many calls may be in flight now.
    pub(super) fn limit(&self) -> usize {
        usize::from(self.limit)
    }

    /// Until when nothing may be sent, if a pause is on.
    pub(super) fn paused(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|until| *until > now)
    }

    /// Somebody asks that the target be tried now. If it still complains, it is waited for as before.
    pub(super) fn end_pause(&mut self) {
        self.paused_until = None;
    }

    /// Takes leave for one request, or says when to ask again.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        if let Some(until) = self.paused(now) {
            return Err(until);
        }
        let Some(rate) = &self.rate else {
            return Ok(());
        };
        while self.debt > 0 {
            rate.take(now)?;
            self.debt -= 1;
        }
        rate.take(now)
    }

    /// Counts requests that a call makes beyond its first; they delay those that follow.
    pub(super) fn charge(&mut self, requests: u32) {
        if self.rate.is_some() {
            self.debt = self.debt.saturating_add(requests);
        }
    }

    /// Counts the requests that a listing made beyond its first, as far as they were faster than the rate
    /// while it lasted.
    pub(super) fn charge_listing(&mut self, requests: u32, lasted: Duration) {
        if let Some(rate) = &self.rate {
            let due = lasted.as_secs_f64() * f64::from(rate.per_second);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a cast to an integer saturates"
            )]
            let within = due as u32;
            self.charge(requests.saturating_sub(1).saturating_sub(within));
        }
    }

    /// A call that was sent at `started` was throttled. Answers until when nothing is sent, once, if
    /// that has become long enough to be told.
    pub(super) fn throttled(
        &mut self,
        started: Instant,
        now: Instant,
        error: &ConnectorError,
    ) -> Option<Instant> {
        let news = self.cut_at.is_none_or(|cut| started > cut);
        let own = if news {
            self.limit = (self.limit / 2).max(1);
            self.successes = 0;
            self.cut_at = Some(now);
            let own = backoff::delay(FIRST, self.level, &mut self.rng);
            self.level = self.level.saturating_add(1);
            if error.retry_after.is_some() {
                FIRST
            } else {
                own
            }
        } else {
            Duration::ZERO
        };
        let until = now + backoff::with_wish(own, error.retry_after);
        let until = self.paused_until.map_or(until, |old| old.max(until));
        self.paused_until = Some(until);
        let since = *self.throttled_since.get_or_insert(now);
        let tell = !self.told && until > now && until - since > LONG;
        self.told |= tell;
        tell.then_some(until)
    }

    /// A call that was sent at `started` was answered in good order. Answers whether that ends a
    /// throttle that was told.
    pub(super) fn worked(&mut self, started: Instant) -> bool {
        if self.cut_at.is_some_and(|cut| started <= cut) {
            return false;
        }
        if self.limit < self.ceiling {
            self.successes += 1;
            if self.successes >= self.limit {
                self.limit += 1;
                self.successes = 0;
            }
        }
        self.level = 0;
        self.throttled_since = None;
        std::mem::take(&mut self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::ErrorKind;
    use proptest::prelude::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn pace(now: Instant, per_second: Option<u16>) -> Pace {
        Pace::new(now, 8, per_second, fastrand::Rng::with_seed(3))
    }

    fn throttle(after: Option<u64>) -> ConnectorError {
        ConnectorError {
            retry_after: after.map(secs),
            ..ConnectorError::new(ErrorKind::Throttled, "slower")
        }
    }

    #[test]
    fn a_throttle_pauses_as_asked_and_halves_once_for_those_in_flight_together() {
        let now = Instant::now();
        let mut p = pace(now, None);
        for _ in 0..8 {
            assert_eq!(p.throttled(now, now + secs(1), &throttle(Some(5))), None);
        }
        assert_eq!(p.limit(), 4);
        assert_eq!(p.paused(now + secs(2)), Some(now + secs(6)));
        assert_eq!(p.take(now + secs(5)), Err(now + secs(6)));
        assert_eq!(p.take(now + secs(6)), Ok(()));
        assert_eq!(
            p.throttled(now + secs(6), now + secs(7), &throttle(Some(5))),
            None
        );
        assert_eq!(p.limit(), 2);
    }

    #[test]
    fn without_a_wish_the_pause_doubles_until_something_works() {
        let mut now = Instant::now();
        let mut p = pace(now, None);
        for level in 0..12 {
            let sent = now + secs(1);
            p.throttled(sent, sent, &throttle(None));
            let until = p.paused(sent).unwrap();
            let plain = secs(2_u64.pow(level)).min(secs(300));
            assert!(until - sent >= plain && until - sent <= plain.mul_f64(1.2).min(secs(300)));
            now = until;
        }
        p.worked(now + secs(1));
        p.throttled(now + secs(2), now + secs(2), &throttle(None));
        assert!(p.paused(now + secs(2)).unwrap() - now <= secs(4));
    }

    #[test]
    fn a_wish_of_nothing_still_pauses() {
        let now = Instant::now();
        let mut p = pace(now, None);
        p.throttled(now, now, &throttle(Some(0)));
        assert_eq!(p.paused(now), Some(now + FIRST));
    }

    #[test]
    fn concurrency_grows_back_one_by_one() {
        let now = Instant::now();
        let mut p = pace(now, None);
        for n in 0..3 {
            p.throttled(now + secs(n), now + secs(n), &throttle(Some(1)));
        }
        assert_eq!(p.limit(), 1);
        let mut limits = Vec::new();
        for _ in 0..40 {
            p.worked(now + secs(9));
            limits.push(p.limit());
        }
        assert_eq!(limits[..6], [2, 2, 3, 3, 3, 4]);
        assert_eq!(limits.last(), Some(&8), "and not beyond what was asked");
    }

    #[test]
    fn a_long_throttle_is_told_once_and_its_end_once() {
        let now = Instant::now();
        let mut p = pace(now, None);
        assert_eq!(p.throttled(now, now, &throttle(Some(20))), None);
        assert_eq!(
            p.throttled(now + secs(20), now + secs(20), &throttle(Some(20))),
            Some(now + secs(40))
        );
        assert_eq!(
            p.throttled(now + secs(40), now + secs(40), &throttle(Some(20))),
            None
        );
        assert!(!p.worked(now + secs(39)), "sent before the last complaint");
        assert!(p.worked(now + secs(60)));
        assert!(!p.worked(now + secs(60)));
    }

    #[test]
    fn a_late_complaint_about_a_pause_that_is_over_tells_nothing() {
        let now = Instant::now();
        let mut p = pace(now, None);
        p.throttled(now, now, &throttle(Some(1)));
        let late = now + secs(60);
        assert_eq!(p.throttled(now, late, &throttle(None)), None);
        assert_eq!(p.paused(late), None);
    }

    proptest! {
        #[test]
        fn no_second_sees_more_requests_than_allowed(
            per_second in 1_u16..2000,
            steps in proptest::collection::vec((0_u64..400, 1_u8..6), 1..300),
        ) {
            let begin = Instant::now();
            let mut p = pace(begin, Some(per_second));
            let mut now = begin;
            let mut sent = Vec::new();
            for (wait, wanted) in steps {
                now += Duration::from_millis(wait);
                for _ in 0..wanted {
                    match p.take(now) {
                        Ok(()) => sent.push(now),
                        Err(again) => prop_assert!(again > now),
                    }
                }
            }
            let burst = usize::from((per_second / 100).max(1));
            for (n, first) in sent.iter().enumerate() {
                let within = sent[n..].iter().take_while(|t| **t < *first + secs(1)).count();
                prop_assert!(within < usize::from(per_second) + burst);
            }
        }

        #[test]
        fn an_idle_target_is_asked_at_the_full_rate(per_second in 1_u16..=1000) {
            let begin = Instant::now();
            let mut p = pace(begin, Some(per_second));
            let (mut now, mut sent) = (begin, 0_u32);
            while now < begin + secs(2) {
                match p.take(now) {
                    Ok(()) => sent += 1,
                    Err(again) => now = again,
                }
            }
            prop_assert!(sent + 1 >= 2 * u32::from(per_second));
        }

        #[test]
        fn debts_are_paid_before_anything_else_goes(extra in 1_u32..20) {
            let now = Instant::now();
            let mut p = pace(now, Some(10));
            prop_assert!(p.take(now).is_ok());
            p.charge(extra);
            let (mut at, mut waits) = (now, 0);
            while let Err(again) = p.take(at) {
                at = again;
                waits += 1;
            }
            prop_assert_eq!(waits, extra + 1);
        }
    }
}
