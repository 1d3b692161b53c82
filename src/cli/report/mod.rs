//! `rollcall report`: what is told of somebody, on paper.

mod leaver;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// What to report on.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    #[command(subcommand)]
    command: ReportCommand,
}

#[derive(Debug, Subcommand)]
enum ReportCommand {
    /// Tells what was done with the accounts of somebody who left, what shows it, and what is left.
    Leaver(leaver::LeaverArgs),
}

/// Reports.
pub(super) fn execute(args: &ReportArgs) -> ExitCode {
    match &args.command {
        ReportCommand::Leaver(args) => leaver::execute(args),
    }
}
