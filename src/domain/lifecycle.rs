//! Where a person stands at one instant, in that person's own time zone.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::facts::{Employment, Facts};

/// Where a person stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The first day has not come.
    Upcoming,
    /// Shortly before the first day: accounts are prepared.
    Preboarding,
    /// Works.
    Active,
    /// On leave.
    OnLeave,
    /// Suspended.
    Suspended,
    /// The last day is over.
    Departed,
    /// Departed, and nothing is left to do.
    Retired,
}

impl Stage {
    /// The word used in status and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Upcoming => "Upcoming",
            Self::Preboarding => "Preboarding",
            Self::Active => "Active",
            Self::OnLeave => "OnLeave",
            Self::Suspended => "Suspended",
            Self::Departed => "Departed",
            Self::Retired => "Retired",
        }
    }

    /// Whether the person may use accounts now.
    #[must_use]
    pub fn may_work(self) -> bool {
        self == Self::Active
    }

    /// Whether the person keeps what they were given, unused: on leave, or suspended.
    #[must_use]
    pub fn is_paused(self) -> bool {
        matches!(self, Self::OnLeave | Self::Suspended)
    }

    /// Whether access ends, rather than pausing.
    #[must_use]
    pub fn ends_access(self) -> bool {
        matches!(self, Self::Departed | Self::Retired)
    }

    /// Whether access must end ahead of everything else.
    #[must_use]
    pub fn is_urgent_end(self) -> bool {
        matches!(self, Self::Suspended | Self::Departed | Self::Retired)
    }
}

/// A stage, and when the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// Where the person stands.
    pub stage: Stage,
    /// The next dated change.
    pub next: Option<Transition>,
}

/// A dated change of stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The instant at which the stage changes.
    pub at: Timestamp,
    /// The stage from then on.
    pub stage: Stage,
}

/// Where the person stands at `now`, whose accounts are prepared from `prepared_from` on. A day begins at its first instant in the person's zone, which
/// on some days of some zones is not midnight; the last day is inclusive.
#[must_use]
pub fn at(facts: &Facts, prepared_from: Option<Timestamp>, now: Timestamp) -> Lifecycle {
    let dates = Dates {
        prepared_from,
        begins: first_instant(&facts.zone, facts.start),
        ends: ends_at(facts),
    };
    let current = stage(facts, &dates, now);
    let next = [dates.prepared_from, dates.begins, dates.ends]
        .into_iter()
        .flatten()
        .filter(|at| *at > now)
        .map(|at| Transition {
            at,
            stage: stage(facts, &dates, at),
        })
        .filter(|transition| transition.stage != current)
        .min_by_key(|transition| transition.at);
    Lifecycle {
        stage: current,
        next,
    }
}

/// The instant at which the last day is over, where there is one.
#[must_use]
pub fn ends_at(facts: &Facts) -> Option<Timestamp> {
    end_of(&facts.zone, facts.end?)
}

/// The instants at which a stage may change.
struct Dates {
    prepared_from: Option<Timestamp>,
    begins: Option<Timestamp>,
    ends: Option<Timestamp>,
}

fn stage(facts: &Facts, dates: &Dates, now: Timestamp) -> Stage {
    let has_come = |at: Option<Timestamp>| at.is_some_and(|at| now >= at);
    if has_come(dates.ends) {
        return Stage::Departed;
    }
    match facts.employment {
        // The emergency brake holds before the first day as well: accounts may be there already.
        Employment::Suspended => Stage::Suspended,
        Employment::Active if has_come(dates.begins) => Stage::Active,
        Employment::OnLeave if has_come(dates.begins) => Stage::OnLeave,
        Employment::Active if has_come(dates.prepared_from) => Stage::Preboarding,
        Employment::Active | Employment::OnLeave => Stage::Upcoming,
    }
}

/// When a day begins in a zone: not always at midnight. `None` only beyond the range of instants that a timestamp can
/// hold (after the year 9999).
#[must_use]
pub fn first_instant(zone: &TimeZone, day: Date) -> Option<Timestamp> {
    let zoned = day.to_zoned(zone.clone()).ok()?;
    Some(zoned.start_of_day().ok()?.timestamp())
}

/// When a day is over in a zone: as the next one begins.
#[must_use]
pub fn end_of(zone: &TimeZone, day: Date) -> Option<Timestamp> {
    first_instant(zone, day.tomorrow().ok()?)
}

#[cfg(test)]
mod tests;
