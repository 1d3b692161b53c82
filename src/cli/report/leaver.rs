//! `rollcall report leaver`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::{Timestamp, Unit};
use kube::Api;

use crate::api::Employee;
use crate::cli::cluster::ClusterArgs;
use crate::cli::{failed, names, runtime};
use crate::report::{self, LeaverReport, NotALeaver, Unwritable};
use crate::runtime::client::{self, ClientError};
use crate::runtime::clock::{Clock, SystemClock};

/// Exit code where the offboarding is not complete, a credential is left, or somebody has something to do.
const SOMETHING_REMAINS: u8 = 3;

/// Whose report, and how it is told.
#[derive(Debug, Args)]
pub(super) struct LeaverArgs {
    /// Name of the Employee object.
    #[arg(value_name = "NAME")]
    name: String,

    /// Its namespace. Otherwise that of the kubeconfig's context.
    #[arg(long, short, env = "ROLLCALL_NAMESPACE", value_parser = names::namespace, value_name = "NAME")]
    namespace: Option<String>,

    /// How the report is told.
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,

    #[command(flatten)]
    cluster: ClusterArgs,
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
    /// There is no way to the cluster.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The Employee can't be read.
    #[error(
        "the Employee {name} can't be read: {why}; check the name, --namespace and --context, and that you may get employees.rollcall.dev"
    )]
    Unread { name: String, why: kube::Error },
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
    let client = client::connect(&args.cluster.options()).await?;
    let employees: Api<Employee> = match &args.namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::default_namespaced(client),
    };
    let employee = employees.get(&args.name).await;
    let employee = employee.map_err(|why| ReportError::Unread {
        name: args.name.clone(),
        why,
    })?;
    let report = LeaverReport::of(&employee, in_seconds(SystemClock.now()))?;
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
