//! `rollcall plan` and `rollcall export`: what would be done if manifests were applied.

mod export;
mod functions;
mod manifests;
mod rules;
mod schema;
mod source;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::guard::GuardArgs;
use super::{failed, runtime};
use crate::preview::{self, Preview, Settings, Verdict};
use crate::runtime::clock::{Clock, SystemClock};
use manifests::ManifestError;
use source::{SourceArgs, SourceError};

pub(super) use export::{ExportArgs, execute as export};

/// Exit code where something would be done.
const CHANGES: u8 = 2;
/// Exit code where more would be taken away than the guard lets through.
const HELD: u8 = 3;

/// What would be done.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Manifests as they would be after the merge: a folder, which is read with all below it, or a file; `-` is
    /// standard input. Repeat it for several.
    #[arg(long = "filename", short, required = true, value_name = "PATH")]
    files: Vec<PathBuf>,

    /// Objects of the namespace that the manifests lack are deleted, as Argo CD and Flux do where they prune.
    #[arg(long)]
    prune: bool,

    #[command(flatten)]
    source: SourceArgs,

    #[command(flatten)]
    guard: GuardArgs,

    /// How it is told.
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
}

/// How it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For a terminal.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
enum PlanError {
    /// The manifests can't be read.
    #[error(transparent)]
    Manifests(#[from] ManifestError),
    /// It is not known what there is.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It can't be put into this format.
    #[error("it can't be written as JSON: {0}")]
    Unwritable(#[from] serde_json::Error),
    /// It can't be put out.
    #[error("it can't be put out: {0}")]
    Io(#[from] io::Error),
}

/// Plans.
pub(super) fn execute(args: &PlanArgs) -> ExitCode {
    match tell(args) {
        Ok(Verdict::Nothing) => ExitCode::SUCCESS,
        Ok(Verdict::Changes) => ExitCode::from(CHANGES),
        Ok(Verdict::Held) => ExitCode::from(HELD),
        Ok(Verdict::Broken) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

fn tell(args: &PlanArgs) -> Result<Verdict, PlanError> {
    let now = SystemClock.now();
    let state = runtime()?.block_on(args.source.read(now))?;
    let mut read = manifests::read(&args.files, &state.namespace)?;
    let age = args.source.is_offline().then(|| age(state.taken_at, now));
    let settings = Settings {
        prune: args.prune,
        limits: args.guard.limits(),
        now,
    };
    let mut preview = preview::preview(state, &read.objects, &settings);
    preview.notes.append(&mut read.notes);
    preview.notes.extend(age);
    let text = written(&preview, args.output)?;
    let mut out = io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(preview.verdict)
}

/// How old the state is that a plan rests on: what happened since is not in it.
fn age(taken_at: Timestamp, now: Timestamp) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let seconds = now.duration_since(taken_at).as_secs();
    let taken = taken_at.strftime("%Y-%m-%dT%H:%MZ");
    let (n, unit) = match seconds {
        ..0 => {
            return format!("the state is of {taken}, which is still to come: is the clock right?");
        }
        0..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    let many = if n == 1 { "" } else { "s" };
    format!("the state is of {taken}, {n} {unit}{many} old")
}

fn written(preview: &Preview, output: Output) -> Result<String, serde_json::Error> {
    Ok(match output {
        Output::Text => preview::text(preview),
        Output::Json => serde_json::to_string_pretty(preview)? + "\n",
        Output::Markdown => preview::markdown(preview),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_state_is_told() {
        let taken = "2026-11-29T10:00:30Z";
        for (now, says) in [
            ("2026-11-29T10:00:40Z", "0 minutes old"),
            ("2026-11-29T10:59:00Z", "58 minutes old"),
            ("2026-11-29T13:00:30Z", "3 hours old"),
            ("2026-11-30T10:00:30Z", "1 day old"),
            ("2026-12-09T10:00:00Z", "9 days old"),
            (
                "2026-11-29T09:00:00Z",
                "which is still to come: is the clock right?",
            ),
        ] {
            let told = age(taken.parse().unwrap(), now.parse().unwrap());
            assert_eq!(told, format!("the state is of 2026-11-29T10:00Z, {says}"));
        }
    }
}
