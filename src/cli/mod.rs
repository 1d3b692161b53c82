//! The command line: `rollcall run`, `rollcall plan`, `rollcall export`, `rollcall connector check`,
//! `rollcall explain employee`, `rollcall report leaver`, `rollcall crds`, `rollcall version`.
//!
//! Exit codes: 0, all went well, or the operator was asked to end; 1, it failed, the command line makes no sense,
//! `crds --check` found a difference, `connector check` a fault, or `plan` something broken; 2, `plan` tells of changes; 3, `report leaver` tells of something that is not done, or not shown to be, or `plan` of
//! something that would be held; 130, `connector check` was asked to end and left nothing
//! behind; 128 plus the signal's number, it was told to end at once by a second signal.

mod cluster;
mod connector;
mod crds;
mod election;
mod explain;
mod guard;
mod names;
mod notifications;
mod person;
mod plan;
mod report;
mod run;
mod yaml;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps every account a company has in line with its declared workforce.
#[derive(Debug, Parser)]
#[command(name = "rollcall", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the operator until SIGTERM or SIGINT.
    Run(Box<run::RunArgs>),
    /// Checks the target of an AppConnector.
    Connector(Box<connector::ConnectorArgs>),
    /// Says what would be done if manifests were applied.
    Plan(Box<plan::PlanArgs>),
    /// Writes down what a plan needs to know of a cluster, for where there is none.
    Export(Box<plan::ExportArgs>),
    /// Explains why somebody has what they have.
    Explain(Box<explain::ExplainArgs>),
    /// Reports on somebody.
    Report(Box<report::ReportArgs>),
    /// Prints the CRDs as YAML.
    Crds(crds::CrdsArgs),
    /// Prints the version.
    Version,
}

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    match cli.command {
        Command::Run(args) => run::execute(*args),
        Command::Connector(args) => connector::execute(*args),
        Command::Plan(args) => plan::execute(&args),
        Command::Export(args) => plan::export(&args),
        Command::Explain(args) => explain::execute(&args),
        Command::Report(args) => report::execute(&args),
        Command::Crds(args) => crds::execute(&args),
        Command::Version => {
            println!("rollcall {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
    }
}

/// Tells what is wrong with the command line, or what was asked for of it, such as help. The code that is usual for it
/// is that of a plan with changes, and who asks for a plan in a pipeline must not take the one for the other.
fn refused(error: &clap::Error) -> ExitCode {
    // There is nobody to tell where it can't be printed.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// What a command that waits for others runs on.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

/// Tells a person what went wrong.
fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("rollcall: {error}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
