//! The report for spreadsheets: one line for each thing, each with who it is about.

use ::csv::{QuoteStyle, Terminator, WriterBuilder};

use super::clean::cell;
use super::model::{AccountReport, StepReport};
use super::{LeaverReport, Unwritable, sentences};

/// Columns, by names that stay.
const COLUMNS: [&str; 19] = [
    "record",
    "name",
    "employeeId",
    "namespace",
    "employee",
    "lastDay",
    "timeZone",
    "complete",
    "completedAt",
    "connector",
    "account",
    "subject",
    "state",
    "verifiedAt",
    "requestedAt",
    "dueAt",
    "attempts",
    "reason",
    "text",
];
/// Those that say whom a line is about.
const COMMON: usize = 8;

/// The report as CSV (RFC 4180), without anything that a spreadsheet would run.
///
/// # Errors
/// [`Unwritable`]; nothing in a report is known to cause it.
pub fn csv(report: &LeaverReport) -> Result<String, Unwritable> {
    let wrong = |why: String| Unwritable { format: "CSV", why };
    let mut writer = WriterBuilder::new()
        // So that no separator that a program of another country goes by splits a cell.
        .quote_style(QuoteStyle::Always)
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let mut write = |line: &[String]| {
        let written = writer.write_record(line.iter().map(|text| cell(text)));
        written.map_err(|error| wrong(error.to_string()))
    };
    write(&COLUMNS.map(str::to_owned))?;
    for line in lines(report) {
        write(&line.cells(report))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}

/// What one line says, beside whom it is about.
#[derive(Default)]
struct Line {
    record: &'static str,
    connector: String,
    account: String,
    subject: String,
    state: String,
    verified_at: String,
    requested_at: String,
    due_at: String,
    attempts: String,
    reason: String,
    text: String,
}

impl Line {
    fn cells(self, report: &LeaverReport) -> Vec<String> {
        let person = &report.person;
        let progress = &report.offboarding;
        let common: [String; COMMON] = [
            person.name.clone(),
            person.employee_id.clone(),
            person.namespace.clone(),
            person.employee.clone(),
            report.last_day.date.clone(),
            report.last_day.time_zone.clone(),
            progress.complete.to_string(),
            progress
                .completed_at
                .map(|at| at.to_string())
                .unwrap_or_default(),
        ];
        let own = [
            self.connector,
            self.account,
            self.subject,
            self.state,
            self.verified_at,
            self.requested_at,
            self.due_at,
            self.attempts,
            self.reason,
            self.text,
        ];
        let record = std::iter::once(self.record.to_owned());
        record.chain(common).chain(own).collect()
    }
}

fn lines(report: &LeaverReport) -> Vec<Line> {
    let mut lines = vec![Line {
        record: "Leaver",
        text: sentences::subject(report),
        ..Line::default()
    }];
    lines.extend(report.credentials_left.iter().map(|left| Line {
        record: "CredentialLeft",
        connector: left.connector.clone(),
        account: left.name.clone(),
        subject: left.kind.clone(),
        state: format!("{:?}", left.certainty),
        text: left.why.clone(),
        ..Line::default()
    }));
    lines.extend(report.remaining.iter().map(|one| Line {
        record: if one.by_hand { "ByHand" } else { "ByItself" },
        connector: one.connector.clone(),
        account: one.account.clone(),
        subject: one.step.clone().unwrap_or_default(),
        due_at: one.due_at.map(|at| at.to_string()).unwrap_or_default(),
        reason: one.reason.clone().unwrap_or_default(),
        text: format!("{}: {}", one.who, one.what),
        ..Line::default()
    }));
    for account in &report.accounts {
        lines.push(of_account(account));
        lines.extend(account.steps.iter().map(|step| of_step(account, step)));
    }
    lines
}

fn of_account(account: &AccountReport) -> Line {
    let read_back = account.read_back_disabled_at.map(|at| at.to_string());
    Line {
        record: "Account",
        connector: account.connector.clone(),
        account: account.username.clone(),
        subject: account.account_id.clone(),
        state: account.state.clone(),
        verified_at: read_back.unwrap_or_default(),
        reason: account.reason.clone().unwrap_or_default(),
        text: account.message.clone().unwrap_or_default(),
        ..Line::default()
    }
}

fn of_step(account: &AccountReport, step: &StepReport) -> Line {
    let at = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    Line {
        record: "Step",
        connector: account.connector.clone(),
        account: account.username.clone(),
        subject: step.name.clone(),
        state: format!("{:?}", step.state),
        verified_at: at(step.verified_at),
        requested_at: at(step.requested_at),
        due_at: at(step.due_at),
        attempts: step.attempts.to_string(),
        reason: step.reason.clone().unwrap_or_default(),
        text: step.evidence.clone(),
    }
}
