//! When the last day was, and whether it is over.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::api::Employee;
use crate::domain::lifecycle::end_of;

/// The last day of somebody, where that person is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LastDay {
    /// `YYYY-MM-DD`, inclusive.
    pub date: String,
    /// IANA time zone in which it ends.
    pub time_zone: String,
    /// The instant at which it was over.
    pub over_at: Timestamp,
}

/// There is no report, as the person has not left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotALeaver {
    /// The manifest names no last day.
    #[error(
        "the Employee {employee} has no spec.endDate, so that this person has not left: set it to the last day of work to let somebody go"
    )]
    NoLastDay {
        /// Namespace and name.
        employee: String,
    },
    /// It has not ended.
    #[error(
        "the Employee {employee} has not left: the last day, {date} in {time_zone}, is over at {over_at}; there is a leaver report from then on"
    )]
    NotOver {
        /// Namespace and name.
        employee: String,
        /// The last day.
        date: String,
        /// Where.
        time_zone: String,
        /// When it ends.
        over_at: Timestamp,
    },
    /// The manifest can't be read.
    #[error("the Employee {employee} can't be reported on: {field} {value:?} {wrong}")]
    Unreadable {
        /// Namespace and name.
        employee: String,
        /// The field.
        field: &'static str,
        /// What stands in it.
        value: String,
        /// What is wrong with it, and how to write it.
        wrong: &'static str,
    },
}

pub(super) fn over(employee: &Employee, now: Timestamp) -> Result<LastDay, NotALeaver> {
    let meta = &employee.metadata;
    let told = format!(
        "{}/{}",
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default()
    );
    let Some(date) = &employee.spec.end_date else {
        return Err(NotALeaver::NoLastDay { employee: told });
    };
    let zone = employee.spec.time_zone.as_deref().unwrap_or("UTC");
    let unreadable = |field, value: &str, wrong| NotALeaver::Unreadable {
        employee: told.clone(),
        field,
        value: value.to_owned(),
        wrong,
    };
    let day: Date = date.parse().map_err(|_| {
        unreadable(
            "spec.endDate",
            date,
            "is not a date: write it as YYYY-MM-DD",
        )
    })?;
    let place = TimeZone::get(zone).map_err(|_| {
        unreadable(
            "spec.timeZone",
            zone,
            "is not in the IANA time zone database: use a name such as Europe/Berlin",
        )
    })?;
    let over_at = end_of(&place, day)
        .ok_or_else(|| unreadable("spec.endDate", date, "is too far away: correct the year"))?;
    if over_at > now {
        return Err(NotALeaver::NotOver {
            employee: told,
            date: date.clone(),
            time_zone: zone.to_owned(),
            over_at,
        });
    }
    Ok(LastDay {
        date: day.to_string(),
        time_zone: zone.to_owned(),
        over_at,
    })
}
