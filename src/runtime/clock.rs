//! The one source of the present instant.
//!
//! Timers follow wall-clock time, not the time since start: the machine may sleep, its clock may be
//! set, and a test may shift it while the program runs.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Longest time that [`sleep_until`] trusts the machine's own timers for.
pub const RECHECK: Duration = Duration::from_secs(30);

/// The present instant.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> jiff::Timestamp;
}

/// A clock that timers can wait on.
pub trait WallClock: Clock {
    /// Changes whenever the clock is known to have been shifted.
    fn shifts(&self) -> Shifts;
}

/// Tells of the shifts of one clock.
#[derive(Clone, Debug, Default)]
pub struct Shifts(Option<watch::Receiver<SignedDuration>>);

impl Shifts {
    /// Of a clock that is never shifted from within the program.
    #[must_use]
    pub fn never() -> Self {
        Self(None)
    }

    /// Waits for the next shift after the last one this value told of; forever, where there is none.
    pub async fn next(&mut self) {
        if let Some(receiver) = &mut self.0
            && receiver.changed().await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl WallClock for SystemClock {
    fn shifts(&self) -> Shifts {
        Shifts::never()
    }
}

/// Another clock with an offset that may be changed at any time; sleepers wake at once.
pub struct ShiftableClock {
    inner: Arc<dyn Clock>,
    offset: watch::Sender<SignedDuration>,
}

impl ShiftableClock {
    /// A clock that agrees with `inner` until it is shifted.
    #[must_use]
    pub fn over(inner: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            offset: watch::Sender::new(SignedDuration::ZERO),
        }
    }

    /// Moves the clock forward, or backward by a negative amount, on top of earlier shifts.
    pub fn shift(&self, by: SignedDuration) {
        self.offset
            .send_modify(|offset| *offset = offset.saturating_add(by));
    }

    /// Moves the clock so that it reads `instant` now.
    pub fn set(&self, instant: Timestamp) {
        self.shift(instant.duration_since(self.now()));
    }
}

impl Clock for ShiftableClock {
    fn now(&self) -> Timestamp {
        let now = self.inner.now();
        let offset = *self.offset.borrow();
        now.saturating_add(offset).unwrap_or(now)
    }
}

impl WallClock for ShiftableClock {
    fn shifts(&self) -> Shifts {
        Shifts(Some(self.offset.subscribe()))
    }
}

/// Waits until the clock reads `at` or later: wakes at once when the clock is shifted there, and
/// within [`RECHECK`] when it got there by other means.
pub async fn sleep_until(clock: &dyn WallClock, at: Timestamp) {
    // Subscribed before the clock is read, so that no shift falls in between.
    let mut shifts = clock.shifts();
    loop {
        let left = at.duration_since(clock.now());
        let Ok(left) = Duration::try_from(left) else {
            return;
        };
        if left.is_zero() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(RECHECK)) => {}
            () = shifts.next() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Advances with tokio's paused time, and jumps without telling anyone.
    struct Machine {
        epoch: Timestamp,
        started: tokio::time::Instant,
        jump: Mutex<SignedDuration>,
    }

    impl Machine {
        fn new() -> Self {
            Self {
                epoch: "2026-11-30T12:00:00Z".parse().unwrap(),
                started: tokio::time::Instant::now(),
                jump: Mutex::default(),
            }
        }
    }

    impl Clock for Machine {
        fn now(&self) -> Timestamp {
            let elapsed = SignedDuration::try_from(self.started.elapsed()).unwrap();
            self.epoch + elapsed + *self.jump.lock().unwrap()
        }
    }

    impl WallClock for Machine {
        fn shifts(&self) -> Shifts {
            Shifts::never()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sleeps_exactly_until_the_instant() {
        let clock = Machine::new();
        let at = clock.now() + SignedDuration::from_secs(100);
        sleep_until(&clock, at).await;
        assert!(clock.now() >= at);
        assert!(clock.now() < at + SignedDuration::from_millis(10));
        sleep_until(&clock, at - SignedDuration::from_hours(1)).await;
        assert!(
            clock.now() < at + SignedDuration::from_millis(10),
            "the past is not waited for"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_shift_wakes_at_once() {
        let clock = Arc::new(ShiftableClock::over(Arc::new(Machine::new())));
        let at = clock.now() + SignedDuration::from_hours(24 * 30);
        let before = tokio::time::Instant::now();
        let sleeper = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move { sleep_until(&*clock, at).await }
        });
        tokio::task::yield_now().await;
        clock.shift(SignedDuration::from_hours(24));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished(), "not there yet");
        clock.set(at);
        sleeper.await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert_eq!(clock.now(), at);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_jump_is_noticed_within_the_recheck() {
        let clock = Arc::new(Machine::new());
        let at = clock.now() + SignedDuration::from_hours(24);
        let before = tokio::time::Instant::now();
        let sleeper = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move { sleep_until(&*clock, at).await }
        });
        tokio::task::yield_now().await;
        *clock.jump.lock().unwrap() = SignedDuration::from_hours(24);
        sleeper.await.unwrap();
        assert!(before.elapsed() <= RECHECK);
    }
}
