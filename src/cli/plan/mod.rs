//! `rollcall plan` and `rollcall export`: what would be done if manifests were applied.

mod export;
mod manifests;
mod source;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

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
    let settings = Settings {
        prune: args.prune,
        limits: args.guard.limits(),
        now,
    };
    let mut preview = preview::preview(state, &read.objects, &settings);
    preview.notes.append(&mut read.notes);
    let text = written(&preview, args.output)?;
    let mut out = io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(preview.verdict)
}

fn written(preview: &Preview, output: Output) -> Result<String, serde_json::Error> {
    Ok(match output {
        Output::Text => preview::text(preview),
        Output::Json => serde_json::to_string_pretty(preview)? + "\n",
        Output::Markdown => preview::markdown(preview),
    })
}
