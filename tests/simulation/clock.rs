//! The one clock of a simulation: it goes on while one operator after another lives.

use std::sync::Mutex;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rollcall::runtime::clock::{Clock, ShiftableClock, Shifts, WallClock};
use std::sync::Arc;
use tokio::time::Instant;

/// Wall-clock time, over tokio's paused time of whichever operator lives.
pub struct Wall {
    clock: ShiftableClock,
    base: Arc<Base>,
}

struct Base(Mutex<(Timestamp, Option<Instant>)>);

impl Clock for Base {
    fn now(&self) -> Timestamp {
        let (at, since) = *self.0.lock().unwrap();
        let gone = since.map_or(Duration::ZERO, |since| since.elapsed());
        at + SignedDuration::try_from(gone).unwrap()
    }
}

impl Wall {
    pub fn at(start: Timestamp) -> Self {
        let base = Arc::new(Base(Mutex::new((start, None))));
        Self {
            clock: ShiftableClock::over(base.clone()),
            base,
        }
    }

    /// An operator begins: from here on time passes as its runtime says.
    pub fn goes(&self) {
        self.base.0.lock().unwrap().1 = Some(Instant::now());
    }

    /// Its runtime is about to end.
    pub fn stands(&self) {
        let now = self.base.now();
        *self.base.0.lock().unwrap() = (now, None);
    }

    /// Somebody sets the clock.
    pub fn jump(&self, by: SignedDuration) {
        self.clock.shift(by);
    }
}

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl WallClock for Wall {
    fn shifts(&self) -> Shifts {
        self.clock.shifts()
    }
}
