//! Days begin and end where the person is.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

mod random;

use super::*;
use crate::domain::fixtures::{at as instant, person};

fn employed(zone: &str, start: Date, end: Option<Date>) -> Facts {
    Facts {
        zone: TimeZone::get(zone).unwrap(),
        zone_name: zone.into(),
        start,
        end,
        ..person("1")
    }
}

#[test]
fn the_first_day_begins_and_the_last_one_ends_at_the_first_instant_of_a_local_day() {
    for (zone, start, end, begins, ends) in [
        (
            "UTC",
            date(2026, 3, 2),
            date(2026, 3, 2),
            "2026-03-02T00:00:00Z",
            "2026-03-03T00:00:00Z",
        ),
        (
            "Pacific/Auckland",
            date(2026, 12, 1),
            date(2026, 12, 24),
            "2026-11-30T11:00:00Z",
            "2026-12-24T11:00:00Z",
        ),
        (
            "America/Los_Angeles",
            date(2026, 12, 1),
            date(2026, 12, 24),
            "2026-12-01T08:00:00Z",
            "2026-12-25T08:00:00Z",
        ),
        (
            "Asia/Kathmandu",
            date(2026, 5, 1),
            date(2026, 5, 31),
            "2026-04-30T18:15:00Z",
            "2026-05-31T18:15:00Z",
        ),
        // The 30th of December 2011 was left out in Samoa: the 29th ends where the 31st begins.
        (
            "Pacific/Apia",
            date(2011, 12, 1),
            date(2011, 12, 29),
            "2011-12-01T10:00:00Z",
            "2011-12-30T10:00:00Z",
        ),
        (
            "Pacific/Apia",
            date(2011, 12, 31),
            date(2011, 12, 31),
            "2011-12-30T10:00:00Z",
            "2011-12-31T10:00:00Z",
        ),
        // Clocks went from 23:59:59 to 01:00: that day has no midnight.
        (
            "America/Sao_Paulo",
            date(2018, 11, 4),
            date(2018, 11, 4),
            "2018-11-04T03:00:00Z",
            "2018-11-05T02:00:00Z",
        ),
        (
            "America/Sao_Paulo",
            date(2018, 10, 1),
            date(2018, 11, 3),
            "2018-10-01T03:00:00Z",
            "2018-11-04T03:00:00Z",
        ),
        (
            "Asia/Beirut",
            date(2022, 3, 27),
            date(2022, 3, 27),
            "2022-03-26T22:00:00Z",
            "2022-03-27T21:00:00Z",
        ),
        // Clocks went back at midnight, so that 23:00 to 24:00 came twice: both belong to the old day.
        (
            "America/Sao_Paulo",
            date(2019, 1, 1),
            date(2019, 2, 16),
            "2019-01-01T02:00:00Z",
            "2019-02-17T03:00:00Z",
        ),
        // Clocks went back from 01:00 to 00:00: midnight came twice, and the first one counts.
        (
            "America/Havana",
            date(2025, 11, 2),
            date(2025, 11, 2),
            "2025-11-02T04:00:00Z",
            "2025-11-03T05:00:00Z",
        ),
    ] {
        let facts = employed(zone, start, Some(end));
        let (begins, ends) = (instant(begins), instant(ends));
        let second = jiff::SignedDuration::from_secs(1);
        for (now, stage, next) in [
            (
                begins - second,
                Stage::Upcoming,
                Some((begins, Stage::Active)),
            ),
            (begins, Stage::Active, Some((ends, Stage::Departed))),
            (ends - second, Stage::Active, Some((ends, Stage::Departed))),
            (ends, Stage::Departed, None),
        ] {
            let next = next.map(|(at, stage)| Transition { at, stage });
            assert_eq!(
                at(&facts, None, now),
                Lifecycle { stage, next },
                "{zone} {start} to {end} at {now}"
            );
        }
    }
}

#[test]
fn a_single_day_that_never_was_is_no_employment() {
    let facts = employed("Pacific/Apia", date(2011, 12, 30), Some(date(2011, 12, 30)));
    let before = at(&facts, None, instant("2011-12-30T09:59:59Z"));
    assert_eq!(before.stage, Stage::Upcoming);
    assert_eq!(before.next.map(|n| n.stage), Some(Stage::Departed));
    assert_eq!(
        at(&facts, None, instant("2011-12-30T10:00:00Z")).stage,
        Stage::Departed
    );
}

#[test]
fn an_end_before_the_start_ends_and_never_begins() {
    let facts = employed("UTC", date(2026, 5, 1), Some(date(2026, 1, 31)));
    let ends = instant("2026-02-01T00:00:00Z");
    let next = Some(Transition {
        at: ends,
        stage: Stage::Departed,
    });
    assert_eq!(
        at(&facts, None, instant("2026-01-01T00:00:00Z")),
        Lifecycle {
            stage: Stage::Upcoming,
            next
        }
    );
    assert_eq!(
        at(&facts, None, ends),
        Lifecycle {
            stage: Stage::Departed,
            next: None
        }
    );
}

#[test]
fn nobody_departs_after_the_end_of_time() {
    for end in [None, Some(date(9999, 12, 31))] {
        let facts = employed("Europe/Berlin", date(2020, 1, 1), end);
        let found = at(&facts, None, instant("2026-01-01T00:00:00Z"));
        assert_eq!(
            found,
            Lifecycle {
                stage: Stage::Active,
                next: None
            },
            "{end:?}"
        );
    }
    let facts = employed("America/Los_Angeles", date(9999, 12, 31), None);
    assert_eq!(at(&facts, None, Timestamp::MAX).stage, Stage::Upcoming);
}

#[test]
fn dates_come_before_leave_and_suspension() {
    let (before, during, after) = (
        "2026-01-01T00:00:00Z",
        "2026-02-01T00:00:00Z",
        "2026-03-02T00:00:00Z",
    );
    for (employment, works) in [
        (Employment::Active, Stage::Active),
        (Employment::OnLeave, Stage::OnLeave),
        (Employment::Suspended, Stage::Suspended),
    ] {
        let facts = Facts {
            employment,
            ..employed("UTC", date(2026, 1, 15), Some(date(2026, 3, 1)))
        };
        // The emergency brake holds before the first day as well.
        let first = match works {
            Stage::Suspended => (before, works, Some(Stage::Departed)),
            _ => (before, Stage::Upcoming, Some(works)),
        };
        for (now, stage, next) in [
            first,
            (during, works, Some(Stage::Departed)),
            (after, Stage::Departed, None),
        ] {
            let found = at(&facts, None, instant(now));
            assert_eq!((found.stage, found.next.map(|n| n.stage)), (stage, next));
        }
    }
}

#[test]
fn what_a_stage_allows() {
    for (stage, works, paused, urgent) in [
        (Stage::Upcoming, false, false, false),
        (Stage::Preboarding, false, false, false),
        (Stage::Active, true, false, false),
        (Stage::OnLeave, false, true, false),
        (Stage::Suspended, false, true, true),
        (Stage::Departed, false, false, true),
        (Stage::Retired, false, false, true),
    ] {
        let found = (stage.may_work(), stage.is_paused(), stage.is_urgent_end());
        assert_eq!(found, (works, paused, urgent), "{}", stage.word());
    }
}
