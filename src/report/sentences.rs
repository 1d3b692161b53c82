//! What a report says, in sentences that every format for people has in common. They hold texts of others as those
//! are: each format makes them fit to be shown.

use super::model::{
    AccountReport, Certainty, CredentialLeft, LeaverReport, PassedOn, Remaining, StepReport,
};
use crate::api::employee::StepState;

/// A point of the first lines, and what belongs to it.
pub(super) struct Point {
    /// What it is about.
    pub label: &'static str,
    /// What there is to say.
    pub said: String,
    /// One by one.
    pub items: Vec<String>,
}

/// One line that says what the report comes to, such as for the subject of a mail.
#[must_use]
pub fn subject(report: &LeaverReport) -> String {
    let person = &report.person;
    let outcome = if report.is_settled() {
        "complete, no credential is left".to_owned()
    } else {
        let progress = if report.offboarding.complete {
            "complete"
        } else {
            "NOT complete"
        };
        let left = match report.credentials_left.len() {
            0 => String::new(),
            n => format!(", {n} credentials left or not proven gone"),
        };
        let by_hand = match report.by_hand().count() {
            0 => String::new(),
            n => format!(", {n} to do by hand"),
        };
        format!("{progress}{left}{by_hand}")
    };
    super::clean::line(&format!(
        "Leaver {} ({}/{}): {outcome}",
        person.name, person.namespace, person.employee
    ))
}

/// What comes first: what must be known without reading on.
pub(super) fn points(report: &LeaverReport) -> Vec<Point> {
    let mut points = vec![
        who(report),
        last_day(report),
        offboarding(report),
        credentials(report),
    ];
    if !report.not_asked.is_empty() {
        points.push(not_asked(report));
    }
    let by_hand: Vec<String> = report.by_hand().map(remaining).collect();
    points.push(listed("By hand", "nothing", by_hand));
    let by_itself: Vec<String> = report.by_itself().map(remaining).collect();
    if !by_itself.is_empty() {
        points.push(listed("By itself", "nothing", by_itself));
    }
    let passed: Vec<String> = report.passed_on.iter().map(passed_on).collect();
    points.push(Point {
        label: "Passed on",
        said: match passed.len() {
            0 => "nothing was to be handed over".to_owned(),
            _ => "what accounts owned".to_owned(),
        },
        items: passed,
    });
    if let Some(why) = &report.legal_hold {
        points.push(Point {
            label: "Legal hold",
            said: format!("nothing is deleted: {why}"),
            items: Vec::new(),
        });
    }
    points.push(Point {
        label: "As of",
        said: report.as_of.to_string(),
        items: Vec::new(),
    });
    points
}

fn who(report: &LeaverReport) -> Point {
    let person = &report.person;
    let deleting = if person.being_deleted {
        ", which is being deleted"
    } else {
        ""
    };
    Point {
        label: "Leaver",
        said: format!(
            "{}, employeeId {}, Employee {}/{}{deleting}",
            person.name, person.employee_id, person.namespace, person.employee
        ),
        items: Vec::new(),
    }
}

fn last_day(report: &LeaverReport) -> Point {
    let day = &report.last_day;
    Point {
        label: "Last day",
        said: format!(
            "{} in {}, over since {}",
            day.date, day.time_zone, day.over_at
        ),
        items: Vec::new(),
    }
}

fn offboarding(report: &LeaverReport) -> Point {
    let progress = &report.offboarding;
    Point {
        label: "Offboarding",
        said: match progress.completed_at {
            Some(at) if report.is_settled() => format!("complete since {at}"),
            Some(at) => {
                format!("complete since {at}, BUT FOR what Rollcall can't do or see (below)")
            }
            None => "NOT complete".to_owned(),
        },
        items: progress.note.iter().cloned().collect(),
    }
}

fn credentials(report: &LeaverReport) -> Point {
    Point {
        label: "Credentials",
        said: match report.credentials_left.len() {
            0 => "No credential is left.".to_owned(),
            1 => "1 IS LEFT, or not proven to be gone:".to_owned(),
            n => format!("{n} ARE LEFT, or not proven to be gone:"),
        },
        items: report.credentials_left.iter().map(credential).collect(),
    }
}

fn credential(left: &CredentialLeft) -> String {
    let place = match left.connector.as_str() {
        "" => "in some application".to_owned(),
        connector => format!("in {connector}"),
    };
    let what = match (left.kind.as_str(), left.name.as_str()) {
        ("Account", "") => "an account".to_owned(),
        (kind @ ("Account" | "Entitlement"), name) => format!("{} {name}", kind.to_lowercase()),
        (kind, "") => kind.to_lowercase(),
        (kind, name) => format!("{} of {name}", kind.to_lowercase()),
    };
    let how = match (left.certainty, left.kind.as_str()) {
        (Certainty::Active, _) => "active",
        (Certainty::NotRevoked, "Account") => "not disabled",
        (Certainty::NotRevoked, _) => "not taken away",
        (Certainty::NotProven, _) => "not proven to be gone",
    };
    format!("{what} {place}: {how}; {}", left.why)
}

fn not_asked(report: &LeaverReport) -> Point {
    let items = report.not_asked.iter().map(|one| {
        let kinds: Vec<String> = one.kinds.iter().map(|k| k.to_lowercase()).collect();
        format!("{}: {}", one.connector, kinds.join(", "))
    });
    Point {
        label: "Not asked for",
        said: "spec.leaver.revoke of the AppConnector does not name them, so that nothing more is known of".to_owned(),
        items: items.collect(),
    }
}

fn listed(label: &'static str, none: &str, items: Vec<String>) -> Point {
    Point {
        label,
        said: match items.len() {
            0 => none.to_owned(),
            1 => "1 thing to do:".to_owned(),
            n => format!("{n} things to do:"),
        },
        items,
    }
}

fn remaining(one: &Remaining) -> String {
    let whose = match one.account.as_str() {
        "" => String::new(),
        account => format!(" ({account})"),
    };
    let step = one.step.as_deref().unwrap_or("account");
    let due = one.due_at.map(|at| format!(" at {at}")).unwrap_or_default();
    format!(
        "{}{whose}, {step}: {}{due}: {}",
        one.connector, one.who, one.what
    )
}

fn passed_on(one: &PassedOn) -> String {
    let state = state_word(one.state);
    let at = one.at.map(|at| format!(" {at}")).unwrap_or_default();
    match one.what.as_str() {
        "" => format!("{}: {state}{at}", one.connector),
        what => format!("{}: {what} ({state}{at})", one.connector),
    }
}

/// An account in one line, without its connector.
pub(super) fn account(account: &AccountReport) -> String {
    let username = match account.username.as_str() {
        "" => "no user name known".to_owned(),
        name => name.to_owned(),
    };
    let mut said = vec![username];
    if !account.account_id.is_empty() {
        said.push(format!("id {}", account.account_id));
    }
    said.push(account.state.clone());
    if let Some(at) = account.read_back_disabled_at {
        said.push(format!("last read back as disabled {at}"));
    }
    said.join(", ")
}

/// What is the matter with an account, and what it held.
pub(super) fn notes(account: &AccountReport) -> Vec<String> {
    let mut notes = Vec::new();
    if let (Some(reason), Some(message)) = (&account.reason, &account.message) {
        notes.push(format!("{reason}: {message}"));
    }
    if !account.held.is_empty() {
        notes.push(format!("Roles had given: {}", account.held.join(", ")));
    }
    notes
}

/// Headings of the table of steps.
pub(super) const HEADINGS: [&str; 5] = ["Step", "State", "When", "Attempts", "Evidence"];

/// The cells of one step.
pub(super) fn cells(step: &StepReport) -> [String; 5] {
    let when = match (step.verified_at, step.requested_at, step.due_at) {
        (Some(at), _, _) | (_, Some(at), _) => at.to_string(),
        (_, _, Some(at)) => format!("due {at}"),
        _ => String::new(),
    };
    let evidence = match (&step.reason, step.evidence.as_str()) {
        (Some(reason), "") => reason.clone(),
        (Some(reason), evidence) => format!("{reason}: {evidence}"),
        (None, evidence) => evidence.to_owned(),
    };
    let attempts = match step.attempts {
        0 => String::new(),
        n => n.to_string(),
    };
    [
        step.name.clone(),
        state_word(step.state).to_owned(),
        when,
        attempts,
        evidence,
    ]
}

/// Where a step stands, so that what was only accepted reads like nothing that was shown.
pub(super) fn state_word(state: StepState) -> &'static str {
    match state {
        StepState::Verified => "verified",
        StepState::Requested => "accepted, NO PROOF",
        StepState::NotPossible => "NOT POSSIBLE",
        StepState::Waiting => "WAITING",
        StepState::Failed => "FAILED",
        StepState::Pending => "to be done",
        StepState::Scheduled => "scheduled",
    }
}
