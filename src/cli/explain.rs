//! `rollcall explain employee`: why somebody has what they have.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use kube::api::ListParams;
use kube::{Api, Resource};

use super::person::{PersonArgs, PersonError};
use super::{failed, runtime};
use crate::api::{AppConnector, Employee, RoleTemplate};
use crate::controllers::guard::Guarded;
use crate::controllers::words::Words;
use crate::controllers::{app_connector, employee, role_template};
use crate::domain::desired::desire;
use crate::domain::ids::{ConnectorName, EmployeeName, RoleName};
use crate::domain::policy::Policy;
use crate::domain::problem::Problem;
use crate::explain::{self, Explanation};
use crate::runtime::clock::{Clock, SystemClock};

/// What to explain.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    #[command(subcommand)]
    command: ExplainCommand,
}

#[derive(Debug, Subcommand)]
enum ExplainCommand {
    /// Says why a person has each thing they have, and why they lack what they lack.
    Employee(EmployeeArgs),
}

/// Whom to explain, and how it is told.
#[derive(Debug, Args)]
struct EmployeeArgs {
    #[command(flatten)]
    person: PersonArgs,

    /// How it is told.
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
}

/// How it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For a terminal.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Why nothing is explained.
#[derive(Debug, thiserror::Error)]
enum ExplainError {
    /// The Employee can't be read.
    #[error(transparent)]
    Unread(#[from] PersonError),
    /// The policy can't be read.
    #[error(
        "{kind} of the namespace can't be listed: {why}; check that you may list roletemplates.rollcall.dev and appconnectors.rollcall.dev"
    )]
    Unlisted {
        kind: &'static str,
        why: kube::Error,
    },
    /// What the object says makes no sense.
    #[error("the Employee {name} can't be used: {why}")]
    Unusable { name: String, why: String },
    /// It can't be put into this format.
    #[error("it can't be written as JSON: {0}")]
    Unwritable(#[from] serde_json::Error),
    /// It can't be put out.
    #[error("it can't be put out: {0}")]
    Io(#[from] io::Error),
}

/// Explains.
pub(super) fn execute(args: &ExplainArgs) -> ExitCode {
    let ExplainCommand::Employee(args) = &args.command;
    match runtime() {
        Ok(runtime) => match runtime.block_on(tell(args)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        },
        Err(error) => failed(&error),
    }
}

async fn tell(args: &EmployeeArgs) -> Result<(), ExplainError> {
    let found = args.person.read().await?;
    let policy = policy(found.client, &found.namespace).await?;
    let told = explained(&policy, &args.person.name, &found.employee)?;
    let text = match args.output {
        Output::Table => explain::table(&told),
        Output::Json => serde_json::to_string_pretty(&told)? + "\n",
    };
    let mut out = io::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// The policy of the namespace, compiled as the operator compiles it. What an application can do is not asked.
async fn policy(client: kube::Client, namespace: &str) -> Result<Policy, ExplainError> {
    let all = ListParams::default();
    let templates: Api<Guarded<RoleTemplate>> = Api::namespaced(client.clone(), namespace);
    let unlisted = |kind| move |why| ExplainError::Unlisted { kind, why };
    let templates = templates.list(&all).await;
    let templates = templates.map_err(unlisted("RoleTemplates"))?;
    let connectors: Api<Guarded<AppConnector>> = Api::namespaced(client, namespace);
    let connectors = connectors.list(&all).await;
    let connectors = connectors.map_err(unlisted("AppConnectors"))?;
    // One that does not fit the schema of this version is there, and says nothing.
    let templates = templates.items.iter().filter_map(|Guarded(template)| {
        let name = template
            .as_ref()
            .map_or_else(|unfit| &unfit.metadata, Resource::meta);
        let name = RoleName::new(name.name.as_deref()?);
        Some(match template {
            Ok(template) => role_template::intake::compile(&name, &template.spec),
            Err(unfit) => {
                let problem = Problem::edit("Unreadable", unfit.error.clone());
                role_template::intake::broken(&name, Some(&problem), None)
            }
        })
    });
    let connectors = connectors.items.iter().filter_map(|Guarded(connector)| {
        let connector = connector.as_ref().ok()?;
        let name = ConnectorName::new(connector.metadata.name.as_deref()?);
        let able = None;
        Some(app_connector::intake::compile(&name, &connector.spec, able))
    });
    Ok(Policy::new(templates, connectors))
}

fn explained(policy: &Policy, name: &str, person: &Employee) -> Result<Explanation, ExplainError> {
    let mut words = Words::default();
    let object = EmployeeName::new(name);
    let facts = employee::intake::facts(&object, &person.spec, &mut words);
    let facts = facts.map_err(|why| ExplainError::Unusable {
        name: name.to_owned(),
        why: why.message,
    })?;
    let status = person.status.clone().unwrap_or_default();
    let record = employee::record::from_status(&status, &mut words);
    let record = record.without_disowned(&facts);
    let desired = desire(policy, &facts, &record, SystemClock.now());
    let generation = person.metadata.generation;
    Ok(explain::explain(
        policy, &facts, &desired, generation, &status,
    ))
}
