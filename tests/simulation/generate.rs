//! A seed becomes a history.

use crate::application::Mood;
use crate::cluster::Health;
use crate::company::APPS;
use crate::history::{Day, Event, History, What};
use crate::world::FAMILY;

const HOUR: u32 = 3_600_000;

struct Maker {
    rng: fastrand::Rng,
    /// The highest identifier so far.
    people: u32,
    /// The day on which the last mistake is set right.
    set_right: Option<(usize, What)>,
}

/// The history of a seed: so many people in the beginning, and so many days.
pub fn history(seed: u64, people: u32, days: usize) -> History {
    let mut maker = Maker {
        rng: fastrand::Rng::with_seed(seed),
        people,
        set_right: None,
    };
    let days = (0..days).map(|number| maker.day(number)).collect();
    History {
        seed,
        people,
        naps: !seed.is_multiple_of(8),
        days,
    }
}

/// A history of a few people who leave while an application says that it does what it does not.
pub fn lies(seed: u64) -> History {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut days = vec![Day::default(); 3];
    days[2].calm = true;
    let lying = Mood::Lying(rng.u8(30..100));
    let mut tell = |day: usize, at, what| days[day].events.push(Event { at, what });
    tell(
        0,
        9 * HOUR,
        What::Mood {
            app: 0,
            mood: lying,
        },
    );
    for who in 1..=3 {
        let at = 10 * HOUR + rng.u32(..HOUR / 60);
        tell(0, at, What::End { who, in_days: -2 });
    }
    tell(
        0,
        12 * HOUR,
        What::Mood {
            app: 0,
            mood: Mood::Well,
        },
    );
    days[0].events.sort_by_key(|event| event.at);
    History {
        seed,
        people: 5,
        naps: seed.is_multiple_of(2),
        days,
    }
}

impl Maker {
    fn day(&mut self, number: usize) -> Day {
        // After every week there are two days without anything.
        if number % 7 >= 5 {
            return Day {
                events: Vec::new(),
                calm: true,
            };
        }
        let mut events = Vec::new();
        for _ in 0..self.rng.u32(1..6) {
            let at = self.rng.u32(..20 * HOUR);
            let what = self.staff();
            events.push(Event { at, what });
        }
        self.mistakes(number, &mut events);
        self.faults(&mut events);
        events.sort_by_key(|event| event.at);
        self.kills(&mut events);
        events.sort_by_key(|event| event.at);
        Day {
            events,
            calm: false,
        }
    }

    fn who(&mut self) -> u32 {
        self.rng.u32(1..=self.people)
    }

    fn staff(&mut self) -> What {
        let who = self.who();
        let (department, job, zone) = (
            self.rng.usize(..3),
            self.rng.usize(..3),
            self.rng.usize(..4),
        );
        match self.rng.u32(..20) {
            0..=4 => {
                self.people += 1;
                What::Join {
                    who: self.people,
                    department,
                    job,
                    zone,
                    in_days: self.rng.i32(-2..20),
                    stays: self.rng.bool().then(|| self.rng.i32(5..60)),
                }
            }
            5..=9 => What::Move {
                who,
                department,
                job,
            },
            10..=12 => What::End {
                who,
                in_days: self.rng.i32(-3..20),
            },
            13 => What::Return {
                who,
                in_days: self.rng.i32(-1..5),
            },
            14 | 15 => What::Rename {
                who,
                family: self.rng.usize(..FAMILY.len()),
            },
            16 | 17 => What::Employment {
                who,
                word: ["Active", "Active", "OnLeave", "Suspended"][self.rng.usize(..4)],
            },
            18 => What::Extra {
                template: self.rng.usize(..5),
            },
            _ if self.rng.u8(..4) == 0 => What::Delete { who },
            _ if self.rng.bool() => What::Restore { who },
            _ => What::ByHand {
                app: self.rng.usize(..2),
                who,
            },
        }
    }

    fn mistakes(&mut self, number: usize, events: &mut Vec<Event>) {
        if let Some((day, what)) = self.set_right.take() {
            if day <= number {
                events.push(Event {
                    at: self.rng.u32(8 * HOUR..9 * HOUR),
                    what,
                });
            } else {
                self.set_right = Some((day, what));
            }
            return;
        }
        if self.rng.u8(..15) != 0 {
            return;
        }
        let what = match self.rng.u8(..3) {
            0 => What::Slip {
                template: self.rng.usize(..5),
            },
            1 => What::DeleteHalf,
            _ => What::EndMany {
                tenths: self.rng.u32(2..8),
            },
        };
        let at = self.rng.u32(9 * HOUR..17 * HOUR);
        let right = if what == What::DeleteHalf {
            What::Approve { app: 0 }
        } else if self.rng.u8(..3) == 0 {
            What::Approve {
                app: self.rng.usize(..2),
            }
        } else {
            What::Revert
        };
        events.push(Event { at, what });
        self.set_right = Some((number + self.rng.usize(1..3), right));
    }

    fn faults(&mut self, events: &mut Vec<Event>) {
        for app in 0..APPS.len() {
            if self.rng.u8(..3) == 0 {
                let mood = match self.rng.u8(..8) {
                    0 | 1 => Mood::Flaky(self.rng.u8(5..80)),
                    2 => Mood::Throttling(self.rng.u16(1..600)),
                    3 => Mood::Lossy(self.rng.u8(20..100)),
                    4 => Mood::Partial,
                    5 => Mood::Lying(self.rng.u8(5..60)),
                    6 => Mood::Unauthorized,
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
                let at = at + self.rng.u32(HOUR / 60..3 * HOUR);
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
    fn kills(&mut self, events: &mut Vec<Event>) {
        while self.rng.u8(..3) == 0 {
            let after = events.get(self.rng.usize(..events.len().max(1)));
            let at = after.map_or(0, |event| event.at);
            let soon = [50, 1000, 5000, 60_000][self.rng.usize(..4)];
            let at = at + self.rng.u32(1..soon);
            let what = if self.rng.u8(..4) == 0 {
                What::Stop
            } else {
                What::Kill
            };
            events.push(Event { at, what });
        }
    }
}
