//! What is told of the first day, by table.

use std::collections::BTreeMap;

use jiff::civil::date;

use super::*;
use crate::domain::fixtures::at;
use crate::domain::lifecycle::Lifecycle;
use crate::domain::preparation::FirstDay;
use crate::domain::record::Record;
use crate::domain::roles::Resolution;
use crate::plan::first_day::Readiness;

fn desired(stage: Stage) -> Desired {
    Desired {
        lifecycle: Lifecycle { stage, next: None },
        first_day: Some(FirstDay {
            date: date(2026, 12, 1),
            begins: Some(at("2026-12-01T00:00:00Z")),
            prepared_from: Some(at("2026-11-24T00:00:00Z")),
            next: None,
        }),
        legal_hold: None,
        deleting: false,
        roles: Resolution::default(),
        role_ends: Vec::new(),
        accounts: BTreeMap::new(),
    }
}

fn told(
    stage: Stage,
    missing: &[&str],
    later: &[&str],
    ready: bool,
) -> Option<(bool, &'static str)> {
    let names = |names: &[&str]| names.iter().map(|&n| n.into()).collect();
    let plan = PersonPlan {
        accounts: BTreeMap::new(),
        record: Record {
            first_day: ready.then(|| RecordedFirstDay {
                date: date(2026, 12, 1),
                ready_at: at("2026-12-01T00:00:01Z"),
            }),
            ..Record::default()
        },
        first_day: matches!(stage, Stage::Upcoming | Stage::Preboarding | Stage::Active).then(
            || Readiness {
                missing: names(missing),
                later: names(later),
                decided: true,
            },
        ),
        retired: false,
        wake_at: None,
    };
    let wanted = condition(&desired(stage), &plan)?;
    Some((wanted.status.unwrap(), wanted.reason))
}

#[test]
fn each_time_of_a_working_life_has_its_answer() {
    let none: &[&str] = &[];
    for (stage, missing, later, ready, expected) in [
        (
            Stage::Upcoming,
            none,
            &["dir"][..],
            false,
            Some((false, "NotDue")),
        ),
        (
            Stage::Preboarding,
            &["dir"][..],
            none,
            false,
            Some((false, "Preparing")),
        ),
        (
            Stage::Preboarding,
            none,
            &["dir"][..],
            false,
            Some((false, "ComesOnFirstDay")),
        ),
        (
            Stage::Preboarding,
            none,
            none,
            false,
            Some((true, "InPlace")),
        ),
        (
            Stage::Active,
            &["dir"][..],
            none,
            false,
            Some((false, "NotInPlace")),
        ),
        (Stage::Active, none, none, true, Some((true, "InPlace"))),
        (
            Stage::Active,
            &["dir"][..],
            none,
            true,
            Some((true, "InPlace")),
        ),
        (Stage::Departed, none, none, true, Some((true, "InPlace"))),
        (Stage::Departed, none, none, false, None),
        (Stage::OnLeave, none, none, false, None),
    ] {
        assert_eq!(
            told(stage, missing, later, ready),
            expected,
            "{stage:?} {missing:?} {later:?}"
        );
    }
}

#[test]
fn what_cannot_be_decided_is_not_called_ready() {
    let plan = PersonPlan {
        accounts: BTreeMap::new(),
        record: Record::default(),
        first_day: Some(Readiness::default()),
        retired: false,
        wake_at: None,
    };
    let wanted = condition(&desired(Stage::Active), &plan).unwrap();
    assert_eq!((wanted.status, wanted.reason), (Some(false), "Undecided"));
}

#[test]
fn a_deletion_says_nothing_of_the_first_day() {
    let desired = Desired {
        deleting: true,
        ..desired(Stage::Departed)
    };
    let plan = PersonPlan {
        accounts: BTreeMap::new(),
        record: Record::default(),
        first_day: None,
        retired: false,
        wake_at: None,
    };
    assert_eq!(condition(&desired, &plan), None);
}
