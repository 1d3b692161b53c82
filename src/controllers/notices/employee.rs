//! What is told of a person.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::said::{self, Subject};
use super::{LASTING, Outlook};
use crate::api::Employee;
use crate::api::conditions::DAY_ONE_READY;
use crate::controllers::employee::day_one::NOT_IN_PLACE;
use crate::domain::lifecycle::first_instant;
use crate::notify::stored::HORIZON;
use crate::notify::{Notice, NoticeId, Occasion};
use crate::report::{self, LeaverReport, NotALeaver};

/// What is to be told of a person now, and when to look again.
pub(super) fn outlook(employee: &Employee, deadline: SignedDuration, now: Timestamp) -> Outlook {
    let mut outlook = Outlook::default();
    leaver(&mut outlook, employee, deadline, now);
    first_day(&mut outlook, employee, now);
    let status = employee.status.as_ref();
    let orphans = status.map_or(&[][..], |status| &status.orphaned_credentials);
    let orphans = orphans.iter().map(|o| (o.since.0, o.told()));
    said::orphans(&mut outlook, &subject(employee), orphans, now);
    outlook
}

fn subject(employee: &Employee) -> Subject<'_> {
    Subject::of("Employee", &employee.metadata)
}

/// Each leaving of a person is one event: it is known by the last day, and told of once, whatever comes after.
fn leaver(outlook: &mut Outlook, employee: &Employee, deadline: SignedDuration, now: Timestamp) {
    let report = match LeaverReport::of(employee, now) {
        Ok(report) => report,
        // The end is not left to the status alone: nobody may be there to write one.
        Err(NotALeaver::NotOver { over_at, .. }) => {
            outlook.next = Some(over_at);
            return;
        }
        Err(NotALeaver::NoLastDay { .. } | NotALeaver::Unreadable { .. }) => return,
    };
    let told = |occasion| of_leaver(occasion, employee, &report);
    if let Some(at) = report.offboarding.completed_at {
        outlook.tell(at, now, || told(Occasion::LeaverReport));
        return;
    }
    if let Ok(at) = report.last_day.over_at.checked_add(deadline) {
        outlook.tell(at, now, || told(Occasion::LeaverOverdue));
    }
}

fn of_leaver(occasion: Occasion, employee: &Employee, report: &LeaverReport) -> Notice {
    let subject = report::subject(report);
    Notice {
        id: subject_id(occasion, employee, &report.last_day.date),
        occasion,
        subject: match occasion {
            Occasion::LeaverOverdue => format!("OVERDUE: {subject}"),
            _ => subject,
        },
        text: report::table(report),
        html: Some(report::html(report)),
        json: serde_json::to_value(report).unwrap_or_default(),
    }
}

fn subject_id(occasion: Occasion, employee: &Employee, day: &str) -> NoticeId {
    subject(employee).id(occasion, day)
}

/// Something that was promised for the first day is missing, a while after it began.
fn first_day(outlook: &mut Outlook, employee: &Employee, now: Timestamp) {
    let spec = &employee.spec;
    let Some(status) = &employee.status else {
        return;
    };
    // Before the day it may say so for other reasons; it is looked at again when it says something else.
    let is_missing = |c: &&Condition| c.status == "False" && c.reason == NOT_IN_PLACE;
    let condition = status.conditions.iter().find(|c| c.type_ == DAY_ONE_READY);
    let Some(condition) = condition.filter(is_missing) else {
        return;
    };
    let zone = TimeZone::get(spec.time_zone.as_deref().unwrap_or("UTC"));
    let (Ok(day), Ok(zone)) = (spec.start_date.parse::<Date>(), zone) else {
        return;
    };
    let Some(begins) = first_instant(&zone, day) else {
        return;
    };
    // Whoever is declared after their first day is given a while, too.
    let declared = employee.metadata.creation_timestamp.as_ref().map(|at| at.0);
    let from = declared.map_or(begins, |at| at.max(begins));
    let is_news = now.duration_since(begins) < HORIZON;
    let Ok(at) = from.checked_add(LASTING) else {
        return;
    };
    if is_news {
        let subject = subject(employee);
        outlook.tell(at, now, || {
            subject.notice(
                Occasion::NotReadyOnDayOne,
                &spec.start_date,
                "not everything is in place on the first day",
                &condition.message,
            )
        });
    }
}
