//! An instant at which many people start and as many end: how long until all is right, and in which order it was done.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::company::{Company, Kind, Target, groups, is_ready, seconds_since, username};
use crate::report::Report;
use crate::support::operator::Operator;

/// Employs twice so many people, of whom one half leaves at the instant at which the other begins.
pub async fn rollover(report: &mut Report, people: usize) {
    let company = Company::new("rollover").await;
    let target = Target::new(Kind::StandIn).await;
    let Target::StandIn(stand_in) = &target else {
        return;
    };
    company.connect("directory", &target, "1h").await;
    company
        .role("everyone", "true", &["directory"], &groups())
        .await;
    let zone = jiff::tz::TimeZone::UTC;
    let today = Timestamp::now().to_zoned(zone.clone()).date();
    let first = today.checked_add(jiff::Span::new().days(3)).unwrap();
    let last = first.yesterday().unwrap();
    let begins = first.to_zoned(zone).unwrap().timestamp();
    let leaves = json!({"timeZone": "UTC", "endDate": last.to_string()});
    let starts = json!({"timeZone": "UTC", "startDate": first.to_string()});
    company.employ_with(0..people, &leaves).await;
    company.employ_with(people..2 * people, &starts).await;
    let operator = Operator::start(&company.namespace).await;
    company.wait(people, is_ready).await;
    assert_eq!(stand_in.seen().users, people);

    let ahead = Duration::from_secs(2);
    operator.clock.set(begins - SignedDuration::from_secs(2));
    let instant = Instant::now() + ahead;
    let is_right = |n: usize| {
        if n < people {
            stand_in.disabled_at(&username(n)).is_some()
        } else {
            stand_in.made_at(&username(n)).is_some()
        }
    };
    while !(0..2 * people).all(is_right) || stand_in.seen().memberships != people * groups().len() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all = seconds_since(instant);
    let mut disabled: Vec<Instant> = (0..people)
        .filter_map(|n| stand_in.disabled_at(&username(n)))
        .collect();
    disabled.sort_unstable();
    let last_out = disabled[people - 1];
    let made = (people..2 * people).filter_map(|n| stand_in.made_at(&username(n)));
    let overtook = made.filter(|made| *made < last_out).count();
    let until = |at: Instant| at.saturating_duration_since(instant).as_secs_f64();
    let what = format!("{people} start and {people} end at one instant");
    report.add(
        &what,
        "until the last one is out",
        until(last_out),
        "s",
        None,
    );
    report.add(&what, "until all is right", all, "s", None);
    #[allow(clippy::cast_precision_loss, reason = "a count of people")]
    let share = overtook as f64 * 100.0 / people as f64;
    report.add(&what, "made before the last was out", share, "%", None);
    drop(operator);
}
