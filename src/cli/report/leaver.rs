//! `rollcall report leaver`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::{Timestamp, Unit};

use crate::cli::person::{PersonArgs, PersonError};
use crate::cli::{failed, runtime};
use crate::report::{self, LeaverReport, NotALeaver, Unwritable};
use crate::runtime::clock::{Clock, SystemClock};

/// Exit code where the offboarding is not complete, a credential is left, or somebody has something to do.
const SOMETHING_REMAINS: u8 = 3;

/// Whose report, and how it is told.
#[derive(Debug, Args)]
pub(super) struct LeaverArgs {
    #[command(flatten)]
    person: PersonArgs,

    /// How the report is told.
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
}

/// How the report is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For a terminal.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
    /// For tickets and wikis.
    Markdown,
    /// A page to print and to file.
    Html,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
enum ReportError {
    /// The Employee can't be read.
    #[error(transparent)]
    Unread(#[from] PersonError),
    /// The person has not left.
    #[error(transparent)]
    NotALeaver(#[from] NotALeaver),
    /// It can't be put into this format.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// It can't be put out.
    #[error("the report can't be put out: {0}")]
    Io(#[from] io::Error),
}

/// Tells the report.
pub(super) fn execute(args: &LeaverArgs) -> ExitCode {
    match runtime() {
        Ok(runtime) => runtime
            .block_on(tell(args))
            .unwrap_or_else(|error| failed(&error)),
        Err(error) => failed(&error),
    }
}

async fn tell(args: &LeaverArgs) -> Result<ExitCode, ReportError> {
    let found = args.person.read().await?;
    let report = LeaverReport::of(&found.employee, in_seconds(SystemClock.now()))?;
    let text = match args.output {
        Output::Table => report::table(&report),
        Output::Json => report::json(&report)?,
        Output::Csv => report::csv(&report)?,
        Output::Markdown => report::markdown(&report),
        Output::Html => report::html(&report),
    };
    // Unlike what is only looked at, a report is kept: one that was cut must not pass for a whole one.
    let mut out = io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(if report.is_settled() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(SOMETHING_REMAINS)
    })
}

/// Statuses hold whole seconds, and nobody asks for more.
fn in_seconds(now: Timestamp) -> Timestamp {
    now.round(Unit::Second).unwrap_or(now)
}
