//! `rollcall connector check`: whether a live target behaves as a connector needs it to.

mod manifest;
mod samples;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::cluster::ClusterArgs;
use super::{failed, names};
use crate::api::AppConnectorSpec;
use crate::connectors::conformance::{self, Opener, Opening};
use crate::connectors::{ConnectorError, ErrorKind, SharedConnector, registry};
use crate::controllers::app_connector::{connect, intake};
use crate::controllers::passwords;
use crate::domain::problem::Problem;
use crate::runtime::client;
use crate::runtime::secrets::SecretView;
use crate::runtime::shutdown;
use manifest::Manifest;

/// What to do with a connector.
#[derive(Debug, Args)]
pub(super) struct ConnectorArgs {
    #[command(subcommand)]
    command: ConnectorCommand,
}

#[derive(Debug, Subcommand)]
enum ConnectorCommand {
    /// Tries everything that a connector needs of its target, with accounts of its own that it takes away.
    Check(CheckArgs),
}

/// Which target is checked, and how it is told.
#[derive(Debug, Args)]
struct CheckArgs {
    /// File with the AppConnector, and with its Secret if that is not to be read from the cluster; `-` is
    /// standard input. Repeat it for several.
    #[arg(long = "filename", short = 'f', required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Namespace of the Secret. Otherwise that of the AppConnector, or of the kubeconfig's context.
    #[arg(long, short, env = "ROLLCALL_NAMESPACE", value_parser = names::namespace, value_name = "NAME")]
    namespace: Option<String>,

    /// First part of the user names and marks of what is made, a DNS label.
    #[arg(long, value_parser = names::installation, default_value = "rollcall-check", value_name = "NAME")]
    prefix: String,

    /// Check nothing; take away what an interrupted check with the same prefix left behind.
    #[arg(long)]
    clean_up: bool,

    /// How the result is told. Progress goes to standard error.
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,

    #[command(flatten)]
    cluster: ClusterArgs,
}

/// How the result is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    /// The manifest can't be used.
    #[error(transparent)]
    Manifest(#[from] manifest::ManifestError),
    /// The connector can't be used as it is declared.
    #[error("{}: {}", .0.reason, .0.message)]
    Declared(Problem),
    /// A Secret can't be read from the cluster.
    #[error("Secret {name} is in none of the files, and can't be read from the cluster: {why}")]
    Secret { name: String, why: String },
    /// The target can't be spoken to.
    #[error("{}: {}", .0.kind.reason(), .0.message)]
    Target(#[from] ConnectorError),
    /// The samples can't be made.
    #[error("spec.account does not fit what is checked with: {0}")]
    Samples(String),
    /// The program can't begin.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The result can't be put into JSON.
    #[error("the result can't be put into JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// What was made is still there.
    #[error("still there: {}", .0.join(", "))]
    LeftBehind(Vec<String>),
}

/// What is told at the first signal, as the step that goes on may take a while.
const INTERRUPTED: &str = "interrupted: this step goes on to its end, and then what was made is taken away; a second signal ends it at once";

/// Checks a connector's target.
pub(super) fn execute(args: ConnectorArgs) -> ExitCode {
    let ConnectorCommand::Check(args) = args.command;
    match super::runtime() {
        Ok(runtime) => runtime
            .block_on(check(args))
            .unwrap_or_else(|error| failed(&error)),
        Err(error) => failed(&error),
    }
}

async fn check(args: CheckArgs) -> Result<ExitCode, CheckError> {
    let manifest = manifest::read(&args.files)?;
    let connector = intake::compile(&manifest.name, &manifest.spec, None);
    if let Some(fault) = connector.faults.first() {
        return Err(CheckError::Declared(fault.clone()));
    }
    let password = passwords::to_try(&manifest.spec)
        .map_err(|error| CheckError::Samples(format!("there is no randomness: {error}")))?;
    let samples = samples::of(&args.prefix, &connector, password).map_err(CheckError::Samples)?;
    let protected = |sample: &conformance::Sample| {
        let name = sample.username.as_str();
        connector.protected_accounts.covers(name)
    };
    if samples.people.iter().any(protected) {
        return Err(CheckError::Samples(
            "spec.protected.accounts covers what would be made".to_owned(),
        ));
    }
    let target = Target {
        secrets: credentials(&args, &manifest).await?,
        spec: manifest.spec,
    };
    // What is wrong with the credential is told in its own words, before anything is sent.
    target.opened(&target.spec).map_err(CheckError::Declared)?;
    if args.clean_up {
        let left = conformance::clean_up(&target, &samples).await?;
        return if left.is_empty() {
            Ok(ExitCode::SUCCESS)
        } else {
            Err(CheckError::LeftBehind(left))
        };
    }
    let stop = CancellationToken::new();
    shutdown::on_signals(stop.clone())?;
    let told = stop.clone();
    tokio::spawn(async move {
        told.cancelled().await;
        let _ = writeln!(io::stderr(), "{INTERRUPTED}");
    });
    // Somebody who looks at the beginning only must not end it half way.
    let mut progress = |finding: &conformance::Finding| {
        let _ = writeln!(io::stderr(), "{finding}");
    };
    let stopped = || stop.is_cancelled();
    let report = conformance::run(&target, &samples, &stopped, &mut progress).await?;
    let told = match args.output {
        Output::Table => told::table(&manifest.name, &report),
        Output::Json => format!("{}\n", serde_json::to_string_pretty(&report)?),
    };
    let _ = io::stdout().write_all(told.as_bytes());
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else if report.interrupted && report.left_behind.is_empty() {
        ExitCode::from(130)
    } else {
        ExitCode::FAILURE
    })
}

/// The Secrets that the connector names: from the files, else from the cluster.
async fn credentials(
    args: &CheckArgs,
    manifest: &Manifest,
) -> Result<BTreeMap<String, SecretView>, CheckError> {
    let mut asked = BTreeSet::new();
    // Nothing is opened for good: this only tells which Secrets are needed.
    let opened = registry::open(&manifest.spec, &mut |reference, _| {
        asked.insert(reference.name.clone());
        Ok(SecretString::from("placeholder"))
    });
    opened.map_err(CheckError::Declared)?;
    let mut views = BTreeMap::new();
    let mut cluster = None;
    for name in asked {
        let secret = if let Some(secret) = manifest.secrets.get(&name) {
            secret.clone()
        } else {
            let unread = |why: String| CheckError::Secret {
                name: name.clone(),
                why,
            };
            let api = match &cluster {
                Some(api) => api,
                None => cluster.insert(secrets_of(args, manifest).await.map_err(unread)?),
            };
            api.get(&name).await.map_err(|e| unread(e.to_string()))?
        };
        views.insert(name, SecretView::from(secret));
    }
    Ok(views)
}

async fn secrets_of(args: &CheckArgs, manifest: &Manifest) -> Result<Api<Secret>, String> {
    let options = args.cluster.options();
    let client = client::connect(&options).await.map_err(|e| e.to_string())?;
    Ok(
        match args.namespace.as_ref().or(manifest.namespace.as_ref()) {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::default_namespaced(client),
        },
    )
}

/// A target as an AppConnector declares it.
struct Target {
    spec: AppConnectorSpec,
    secrets: BTreeMap<String, SecretView>,
}

impl Target {
    fn opened(&self, spec: &AppConnectorSpec) -> Result<SharedConnector, Problem> {
        registry::open(spec, &mut |reference, to| {
            connect::credential(&self.secrets, reference, to)
        })
    }
}

impl Opener for Target {
    fn open(&self, opening: Opening) -> Result<SharedConnector, ConnectorError> {
        let opened = match opening {
            Opening::Declared => self.opened(&self.spec),
            Opening::Paged(size) => {
                let mut spec = self.spec.clone();
                spec.sync.page_size = size.min(spec.sync.page_size);
                self.opened(&spec)
            }
            Opening::WrongCredential => {
                let mut asked = false;
                let opened = registry::open(&self.spec, &mut |_, _| {
                    asked = true;
                    Ok(SecretString::from("this-is-not-the-credential"))
                });
                return opened.ok().filter(|_| asked).ok_or_else(|| {
                    ConnectorError::new(
                        ErrorKind::Unsupported,
                        "there is no credential that could be a wrong one",
                    )
                });
            }
        };
        opened.map_err(|problem| ConnectorError::new(ErrorKind::Invalid, problem.message))
    }
}
