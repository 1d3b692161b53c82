//! Whatever the dates, the stage is what a calendar on the wall of the person says.

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{Lifecycle, Stage, Timestamp, at, employed};
use crate::domain::fixtures::{AWKWARD, days_from, reached};
use crate::properties::runner;

/// By a calendar, and not by the instants at which days begin.
fn on_the_wall(today: Date, start: Date, end: Option<Date>) -> Stage {
    if end.is_some_and(|end| today > end) {
        Stage::Departed
    } else if today >= start {
        Stage::Active
    } else {
        Stage::Upcoming
    }
}

#[test]
fn the_stage_is_what_the_calendar_on_the_wall_says_and_changes_when_it_is_told_to() {
    let cases = (
        0..AWKWARD.len(),
        -3..=3_i32,
        prop::option::of(-3..=3_i32),
        -4 * 24 * 60..=4 * 24 * 60_i64,
        0..60_i64,
    );
    let mut seen = [0; 3];
    let seen_in = std::cell::RefCell::new(&mut seen);
    runner(4096)
        .run(&cases, |(which, start, end, minutes, seconds)| {
            let (zone_name, day) = AWKWARD[which];
            let zone = TimeZone::get(zone_name).unwrap();
            let start = days_from(day, start);
            let end = end.map(|end| days_from(day, end));
            let facts = employed(zone_name, start, end);
            let wall = |now: Timestamp| on_the_wall(reached(&zone, now), start, end);
            let noon = day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
            let by = SignedDuration::from_secs(60 * minutes + seconds);
            let now = noon.timestamp() + by;
            let Lifecycle { stage, next } = at(&facts, None, now);
            prop_assert_eq!(stage, wall(now));
            seen_in.borrow_mut()[match stage {
                Stage::Upcoming => 0,
                Stage::Active => 1,
                _ => 2,
            }] += 1;
            let Some(next) = next else {
                prop_assert_eq!(wall(now + SignedDuration::from_hours(24 * 30)), stage);
                return Ok(());
            };
            prop_assert!(next.at > now);
            let second = SignedDuration::from_secs(1);
            prop_assert_eq!(wall(next.at - second), stage);
            prop_assert_eq!(wall(next.at), next.stage);
            prop_assert_ne!(next.stage, stage);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert!(seen.iter().all(|count| *count > 300), "{seen:?}");
}
