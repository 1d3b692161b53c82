//! A seed becomes a history.

mod faults;

use crate::application::Mood;
use crate::company::{APPS, BY_HAND, IN_PEACE, TEMPLATES};
use crate::history::{Day, Event, History, What};
use crate::world::FAMILY;

const HOUR: u32 = 3_600_000;
const MINUTE: u32 = HOUR / 60;

struct Maker {
    rng: fastrand::Rng,
    /// The highest identifier so far.
    people: u32,
    /// The day on which the last mistake is set right.
    set_right: Option<(usize, What)>,
    /// Whose object was deleted by mistake, and comes again on that day.
    deleted: Option<(usize, u32)>,
    /// Who is suspended until the next working day.
    suspended: Vec<u32>,
}

/// The history of a seed: so many people in the beginning, and so many days.
pub fn history(seed: u64, people: u32, days: usize) -> History {
    let mut maker = Maker {
        rng: fastrand::Rng::with_seed(seed),
        people,
        set_right: None,
        deleted: None,
        suspended: Vec::new(),
    };
    let days = (0..days).map(|number| maker.day(number)).collect();
    History {
        seed,
        people,
        naps: !seed.is_multiple_of(8),
        tight: seed % 3 == 2,
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
        let at = 10 * HOUR + rng.u32(..MINUTE);
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
        tight: false,
        days,
    }
}

impl Maker {
    fn day(&mut self, number: usize) -> Day {
        // After every week there are two days without anything.
        if number % 7 >= 5 {
            let relieved = Event {
                at: 19 * HOUR,
                what: What::Relieved,
            };
            let is_second = number % 7 == 6;
            return Day {
                events: is_second.then_some(relieved).into_iter().collect(),
                calm: true,
            };
        }
        let mut events = Vec::new();
        for _ in 0..self.rng.u32(1..6) {
            let at = self.rng.u32(..20 * HOUR);
            let what = self.staff();
            events.push(Event { at, what });
        }
        self.hire_and_marry(&mut events);
        self.reviews(number, &mut events);
        self.deletes(number, &mut events);
        self.mistakes(number, &mut events);
        self.misreads(&mut events);
        self.faults(&mut events);
        self.busy(&mut events);
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
                word: ["Active", "Active", "OnLeave", "Suspended"][self.rng.usize(..4)].to_owned(),
            },
            18 => What::Extra {
                template: IN_PEACE[self.rng.usize(..IN_PEACE.len())],
            },
            _ if self.rng.u8(..4) == 0 => What::Delete { who },
            _ if self.rng.bool() => What::Restore { who },
            _ => self.by_hand(),
        }
    }

    fn by_hand(&mut self) -> What {
        What::ByHand {
            app: self.rng.usize(..APPS.len()),
            who: self.who(),
            group: BY_HAND[self.rng.usize(..BY_HAND.len())].to_owned(),
        }
    }

    /// Somebody joins and has another name at once, while answers may be lost.
    fn hire_and_marry(&mut self, events: &mut Vec<Event>) {
        if self.rng.u8(..5) != 0 {
            return;
        }
        self.people += 1;
        let who = self.people;
        let at = self.rng.u32(8 * HOUR..17 * HOUR);
        let app = self.rng.usize(..APPS.len());
        let lossy = Mood::Lossy(self.rng.u8(50..100));
        let later = at + self.rng.u32(200..5 * MINUTE);
        let well = later + self.rng.u32(MINUTE..HOUR);
        let joins = What::Join {
            who,
            department: self.rng.usize(..3),
            job: self.rng.usize(..3),
            zone: self.rng.usize(..4),
            in_days: -1,
            stays: None,
        };
        let family = self.rng.usize(..FAMILY.len());
        let mood = |mood| What::Mood { app, mood };
        let told = [
            (at - MINUTE, mood(lossy)),
            (at, joins),
            (later, What::Rename { who, family }),
            (well, mood(Mood::Well)),
        ];
        events.extend(told.map(|(at, what)| Event { at, what }));
    }

    /// One after another: people move or are suspended, more than may lose something within a day, and the operator
    /// ends between them.
    fn busy(&mut self, events: &mut Vec<Event>) {
        for who in std::mem::take(&mut self.suspended) {
            let word = "Active".to_owned();
            let what = What::Employment { who, word };
            events.push(Event { at: 6 * HOUR, what });
        }
        if self.rng.u8(..4) != 0 {
            return;
        }
        let suspends = self.rng.bool();
        let mut at = self.rng.u32(7 * HOUR..12 * HOUR);
        for _ in 0..self.rng.u32(4..9) {
            let who = self.who();
            let what = if suspends {
                self.suspended.push(who);
                let word = "Suspended".to_owned();
                What::Employment { who, word }
            } else {
                let (department, job) = (self.rng.usize(..3), self.rng.usize(..3));
                What::Move {
                    who,
                    department,
                    job,
                }
            };
            events.push(Event { at, what });
            at += self.rng.u32(MINUTE..HOUR);
            if self.rng.bool() {
                let what = self.end();
                events.push(Event { at: at - 1, what });
            }
        }
    }

    /// At the beginning of some weeks somebody mends templates, and approves what has come to be held.
    fn reviews(&mut self, number: usize, events: &mut Vec<Event>) {
        if !number.is_multiple_of(7) || self.rng.bool() {
            return;
        }
        if self.set_right.is_none() {
            let at = self.rng.u32(7 * HOUR..8 * HOUR);
            let what = What::Rewrite;
            events.push(Event { at, what });
        }
        for app in 0..APPS.len() {
            for _ in 0..2 {
                let at = self.rng.u32(8 * HOUR..10 * HOUR);
                let what = What::Approve { app };
                events.push(Event { at, what });
            }
        }
    }

    /// The object of somebody is deleted, and comes again before or after it counts that their accounts are nobody's.
    fn deletes(&mut self, number: usize, events: &mut Vec<Event>) {
        let at = self.rng.u32(8 * HOUR..18 * HOUR);
        match self.deleted {
            Some((day, who)) if day <= number => {
                self.deleted = None;
                let what = What::Restore { who };
                events.push(Event { at, what });
            }
            None if self.rng.u8(..4) == 0 => {
                let who = self.who();
                self.deleted = Some((number + self.rng.usize(1..8), who));
                let what = What::Delete { who };
                events.push(Event { at, what });
            }
            _ => {}
        }
    }

    /// The operator ends.
    fn end(&mut self) -> What {
        if self.rng.u8(..4) == 0 {
            What::Stop
        } else {
            What::Kill
        }
    }

    /// A template can't be read, or is gone, for some hours. Nobody is to lose anything by that at once, also where
    /// somebody approves whatever is held.
    fn misreads(&mut self, events: &mut Vec<Event>) {
        if self.rng.u8(..6) != 0 {
            return;
        }
        let template = self.rng.usize(..TEMPLATES);
        let what = if self.rng.bool() {
            What::Typo { template }
        } else {
            What::Unwrite { template }
        };
        let app = self.rng.usize(..APPS.len());
        let at = self.rng.u32(9 * HOUR..15 * HOUR);
        let soon = at + self.rng.u32(10 * MINUTE..50 * MINUTE);
        let later = soon + self.rng.u32(HOUR..4 * HOUR);
        let told = [
            (at, what),
            (soon, What::Approve { app }),
            (later, What::Rewrite),
        ];
        events.extend(told.map(|(at, what)| Event { at, what }));
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
        if self.rng.u8(..12) != 0 {
            return;
        }
        let mut later = self.rng.usize(1..3);
        let tenths = self.rng.u32(2..8);
        let template = self.rng.usize(..TEMPLATES);
        let what = match self.rng.u8(..5) {
            0 => What::Slip { template },
            1 => What::DeleteHalf,
            2 | 3 => What::EndMany {
                tenths,
                in_days: self.rng.i32(-1..1),
            },
            // Told for long enough before it comes, and noticed when it has come.
            _ => {
                let in_days = self.rng.usize(2..5);
                later += in_days;
                What::EndMany {
                    tenths,
                    in_days: in_days.try_into().unwrap_or_default(),
                }
            }
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
        if self.rng.bool() {
            let app = self.rng.usize(..APPS.len());
            let at = at + self.rng.u32(MINUTE..HOUR);
            let what = What::Misapprove { app };
            events.push(Event { at, what });
        }
        self.set_right = Some((number + later, right));
    }
}
