//! What is told of the first day: whether everything promised for it is in place.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::conditions::{self, Wanted};
use crate::api::employee::FirstDayStatus;
use crate::controllers::text;
use crate::domain::desired::Desired;
use crate::domain::ids::ConnectorName;
use crate::domain::lifecycle::Stage;
use crate::domain::record::RecordedFirstDay;
use crate::plan::PersonPlan;

/// Reason of a first day that has begun without everything that was promised for it.
pub const NOT_IN_PLACE: &str = "NotInPlace";

/// Since when it was all there, in a form that a restarted operator reads back.
pub(super) fn told(plan: &PersonPlan) -> Option<FirstDayStatus> {
    let day = plan.record.first_day.as_ref()?;
    Some(FirstDayStatus {
        date: day.date.to_string(),
        ready_at: Time(day.ready_at),
    })
}

/// Whether it is there, of whoever works or is about to; and whether it was, of everybody else.
pub(super) fn condition(desired: &Desired, plan: &PersonPlan) -> Option<Wanted> {
    if desired.deleting {
        return None;
    }
    if let Some(RecordedFirstDay { date, .. }) = &plan.record.first_day {
        let message =
            format!("everything for the first day, {date}, was in place (status.firstDay)");
        return Some(told_as(true, "InPlace", &message));
    }
    let (day, readiness) = (desired.first_day.as_ref()?, plan.first_day.as_ref()?);
    let date = day.date;
    let open =
        |names: &BTreeSet<ConnectorName>| text::listed(names.iter().map(ToString::to_string));
    let has_begun = desired.lifecycle.stage == Stage::Active;
    let (is_ready, reason, message) = if !readiness.decided {
        let message = "it can't be decided yet what is promised for the first day (see Ready)";
        (false, "Undecided", message.to_owned())
    } else if readiness.is_complete() {
        let message = format!("everything for the first day, {date}, is in place");
        (true, "InPlace", message)
    } else if has_begun {
        let message = format!(
            "the first day, {date}, has begun, and not everything is in place in {} (see Ready)",
            open(&readiness.missing)
        );
        (false, NOT_IN_PLACE, message)
    } else if !readiness.missing.is_empty() {
        let message = format!(
            "for the first day, {date}, not everything is in place yet in {} (see Ready)",
            open(&readiness.missing)
        );
        (false, "Preparing", message)
    } else if let Some(from) = day.prepared_from.filter(|_| is_upcoming(desired)) {
        let message =
            format!("what comes before the first day, {date}, is prepared from {from} on");
        (false, "NotDue", message)
    } else {
        let message = format!(
            "what comes on the first day, {date}, and no earlier: {}",
            open(&readiness.later)
        );
        (false, "ComesOnFirstDay", message)
    };
    Some(told_as(is_ready, reason, &message))
}

fn is_upcoming(desired: &Desired) -> bool {
    desired.lifecycle.stage == Stage::Upcoming
}

fn told_as(is_ready: bool, reason: &'static str, message: &str) -> Wanted {
    let message = text::bounded(message);
    Wanted::new(conditions::DAY_ONE_READY, is_ready, reason, message)
}

#[cfg(test)]
mod tests;
