//! What fails, and what strangers do.

use super::{HOUR, MINUTE, Maker};
use crate::application::Mood;
use crate::cluster::Health;
use crate::company::APPS;
use crate::history::{Event, What};

impl Maker {
    pub(super) fn faults(&mut self, events: &mut Vec<Event>) {
        for app in 0..APPS.len() {
            if self.rng.u8(..3) == 0 {
                let mood = match self.rng.u8(..9) {
                    0 | 1 => Mood::Flaky(self.rng.u8(5..80)),
                    2 => Mood::Throttling(self.rng.u16(1..600)),
                    3 => Mood::Lossy(self.rng.u8(20..100)),
                    4 => Mood::Partial,
                    5 => Mood::Lying(self.rng.u8(5..60)),
                    6 => Mood::Unauthorized,
                    7 => Mood::Blank,
                    _ => Mood::Down,
                };
                let at = self.rng.u32(..18 * HOUR);
                events.push(Event {
                    at,
                    what: What::Mood { app, mood },
                });
                let at = at + self.rng.u32(HOUR / 6..6 * HOUR);
                events.push(Event {
                    at,
                    what: What::Mood {
                        app,
                        mood: Mood::Well,
                    },
                });
            }
            let at = self.rng.u32(..20 * HOUR);
            match self.rng.u8(..30) {
                0 => events.push(Event {
                    at,
                    what: What::PutBack {
                        app,
                        days: self.rng.usize(1..5),
                    },
                }),
                1 => events.push(Event {
                    at,
                    what: What::Stranger { app },
                }),
                2 => {
                    let who = self.who();
                    events.push(Event {
                        at,
                        what: What::Drift { app, who },
                    });
                }
                3 | 4 => {
                    let what = self.by_hand();
                    events.push(Event { at, what });
                }
                5 => {
                    let what = What::Claimed {
                        app,
                        who: self.who(),
                    };
                    events.push(Event { at, what });
                }
                _ => {}
            }
        }
        let at = self.rng.u32(..18 * HOUR);
        match self.rng.u8(..10) {
            0 | 1 => {
                let flaky = Health::Flaky(self.rng.u8(5..70));
                let health = if self.rng.bool() { flaky } else { Health::Down };
                events.push(Event {
                    at,
                    what: What::Api { health },
                });
                let at = at + self.rng.u32(MINUTE..3 * HOUR);
                events.push(Event {
                    at,
                    what: What::Api {
                        health: Health::Well,
                    },
                });
            }
            2 => events.push(Event {
                at,
                what: What::ApiRestart {
                    forgets: self.rng.bool(),
                },
            }),
            4 if self.rng.bool() => {
                let hours = self.rng.i32(12..240);
                let what = What::Ahead { hours };
                events.push(Event { at, what });
            }
            3 if self.rng.bool() => {
                let seconds = self.rng.i32(-1800..7200);
                events.push(Event {
                    at,
                    what: What::ClockJump { seconds },
                });
            }
            _ => {}
        }
    }

    /// Kills come soon after something happened, when something is under way.
    pub(super) fn kills(&mut self, events: &mut Vec<Event>) {
        while self.rng.u8(..3) == 0 {
            let after = events.get(self.rng.usize(..events.len().max(1)));
            let at = after.map_or(0, |event| event.at);
            let soon = [50, 1000, 5000, 60_000][self.rng.usize(..4)];
            let at = at + self.rng.u32(1..soon);
            let what = self.end();
            events.push(Event { at, what });
        }
    }
}
