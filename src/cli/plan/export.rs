//! `rollcall export`: what a cluster says of a namespace, for a plan where no cluster is at hand.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;

use super::source::{ClusterSource, SourceError};
use crate::cli::{failed, runtime};
use crate::runtime::clock::{Clock, SystemClock};

/// What is exported.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    #[command(flatten)]
    cluster: ClusterSource,

    /// Leave in what names a person: names, mail addresses, user names, reasons.
    #[arg(long)]
    unredacted: bool,
}

/// Why nothing is exported.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    /// The cluster can't be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It can't be written.
    #[error("it can't be written as JSON: {0}")]
    Unwritable(#[from] serde_json::Error),
    /// It can't be put out.
    #[error("it can't be put out: {0}")]
    Io(#[from] io::Error),
}

/// Exports to standard output.
pub(in crate::cli) fn execute(args: &ExportArgs) -> ExitCode {
    match write(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn write(args: &ExportArgs) -> Result<(), ExportError> {
    let now = SystemClock.now();
    let state = runtime()?.block_on(args.cluster.read(now))?;
    let state = if args.unredacted {
        state
    } else {
        state.redacted()
    };
    let text = serde_json::to_string(&state)? + "\n";
    let mut out = io::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
