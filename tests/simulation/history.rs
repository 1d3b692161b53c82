//! What happens, as data, so that a history that fails can be made shorter.

use serde::{Deserialize, Serialize};

/// A whole history. The company, the faults and every delay follow from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    pub seed: u64,
    /// People who are there on the first day.
    pub people: u32,
    /// Whether the machine sleeps where nothing happens.
    pub naps: bool,
    /// Whether the limit of the whole operator is smaller than those of the applications.
    #[serde(default)]
    pub tight: bool,
    pub days: Vec<Day>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// In the order of time.
    pub events: Vec<Event>,
    /// Everything is well, and nothing happens: what should be must be, by the evening.
    pub calm: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds after the beginning of the day, in UTC.
    pub at: u32,
    pub what: What,
}

/// What happens. People are named by their identifier: who is not there is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    Join {
        who: u32,
        department: usize,
        job: usize,
        zone: usize,
        in_days: i32,
        stays: Option<i32>,
    },
    Move {
        who: u32,
        department: usize,
        job: usize,
    },
    End {
        who: u32,
        in_days: i32,
    },
    Return {
        who: u32,
        in_days: i32,
    },
    Rename {
        who: u32,
        family: usize,
    },
    Employment {
        who: u32,
        word: String,
    },
    Delete {
        who: u32,
    },
    /// The object of who was deleted comes again.
    Restore {
        who: u32,
    },
    /// Grants of a template change: `extra` comes or goes.
    Extra {
        template: usize,
    },
    /// A template matches nobody.
    Slip {
        template: usize,
    },
    /// The rule of a template can't be read.
    Typo {
        template: usize,
    },
    /// A template is deleted.
    Unwrite {
        template: usize,
    },
    /// Whom templates are for is as it was on the first day.
    Rewrite,
    /// Of all objects of people every other one is deleted.
    DeleteHalf,
    /// So many of ten people get a last day: today, or one that is over.
    EndMany {
        tenths: u32,
        in_days: i32,
    },
    /// The last mistake is taken back.
    Revert,
    /// What is held is approved, whatever it is.
    Approve {
        app: usize,
    },
    /// Something that is not held, or not any more, is approved.
    Misapprove {
        app: usize,
    },
    Mood {
        app: usize,
        mood: crate::application::Mood,
    },
    Api {
        health: crate::cluster::Health,
    },
    /// The API server goes away for a moment.
    ApiRestart {
        forgets: bool,
    },
    Kill,
    /// It is asked to end, and does.
    Stop,
    /// It is asked to end on a quiet evening, and the next one finds nothing to do.
    Relieved,
    ClockJump {
        seconds: i32,
    },
    /// The clock is ahead for a moment, by so much.
    Ahead {
        hours: i32,
    },
    /// Somebody is put into a group by hand.
    ByHand {
        app: usize,
        who: u32,
        group: String,
    },
    /// Somebody takes a person out of every group by hand, or disables the account.
    Drift {
        app: usize,
        who: u32,
    },
    Stranger {
        app: usize,
    },
    /// Another installation puts its mark over ours.
    Claimed {
        app: usize,
        who: u32,
    },
    /// The application is put back to what it was some days ago.
    PutBack {
        app: usize,
        days: usize,
    },
}

impl History {
    pub fn events(&self) -> usize {
        self.days.iter().map(|day| day.events.len()).sum()
    }
}

/// As it is kept: a line for each day.
impl std::fmt::Display for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            seed,
            people,
            naps,
            tight,
            days,
        } = self;
        let days: Vec<String> = days.iter().map(|day| json(day).to_string()).collect();
        write!(
            f,
            "{{\n  \"seed\": {seed}, \"people\": {people}, \"naps\": {naps}, \"tight\": {tight},\n  \"days\": [\n    {}\n  ]\n}}\n",
            days.join(",\n    ")
        )
    }
}

fn json(day: &Day) -> serde_json::Value {
    serde_json::to_value(day).unwrap_or_default()
}
