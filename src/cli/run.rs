//! `rollcall run`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory};
use tokio_util::sync::CancellationToken;

use super::cluster::ClusterArgs;
use super::election::ElectionArgs;
use super::guard::GuardArgs;
use super::notifications::NotificationsArgs;
use super::{Cli, failed, names};
use crate::controllers::engine::Settings;
use crate::controllers::{self, Options, Outside, RunError};
use crate::notify;
use crate::runtime::client;
use crate::runtime::clock::SystemClock;
use crate::runtime::leader;
use crate::runtime::shutdown;
use crate::runtime::telemetry::{self, LogFormat};

/// How the operator is to run.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// A namespace to look after. Repeat it, or give a comma separated list.
    #[arg(long, short, env = "ROLLCALL_NAMESPACE", value_delimiter = ',', value_parser = names::namespace, value_name = "NAME")]
    namespace: Vec<String>,

    /// Look after every namespace.
    #[arg(long, short = 'A', env = "ROLLCALL_ALL_NAMESPACES", value_parser = clap::builder::BoolishValueParser::new())]
    all_namespaces: bool,

    /// Name of this installation, a DNS label. It is part of the mark left on every account, so it
    /// must outlive the cluster and never change.
    #[arg(long, env = "ROLLCALL_INSTALLATION", value_parser = names::installation, value_name = "NAME")]
    installation: String,

    /// Write nothing to any application, leavers included; statuses say what would be done.
    #[arg(long, env = "ROLLCALL_PAUSED", value_parser = clap::builder::BoolishValueParser::new())]
    paused: bool,

    /// Address for /healthz, /readyz and /metrics.
    #[arg(
        long,
        env = "ROLLCALL_LISTEN",
        default_value = "0.0.0.0:8080",
        value_name = "ADDRESS:PORT"
    )]
    listen: SocketAddr,

    #[command(flatten)]
    guard: GuardArgs,

    #[command(flatten)]
    cluster: ClusterArgs,

    /// How log lines look; what is logged is told by `$RUST_LOG`.
    #[arg(long, env = "ROLLCALL_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,

    /// Name under which Kubernetes records what the operator wrote.
    #[arg(long, env = "ROLLCALL_FIELD_MANAGER", value_parser = names::field_manager, default_value = "rollcall", value_name = "NAME")]
    field_manager: String,

    #[command(flatten)]
    election: ElectionArgs,

    #[command(flatten)]
    notifications: NotificationsArgs,
}

impl RunArgs {
    /// The namespaces to look after; `None` is all of them.
    fn namespaces(&self) -> Result<Option<BTreeSet<String>>, clap::Error> {
        let wrong = |kind, message| Err(Cli::command().error(kind, message));
        match (self.namespace.is_empty(), self.all_namespaces) {
            (true, true) => Ok(None),
            (false, false) => Ok(Some(self.namespace.iter().cloned().collect())),
            (true, false) => wrong(
                ErrorKind::MissingRequiredArgument,
                "no namespace to look after: give --namespace NAME, or --all-namespaces",
            ),
            (false, true) => wrong(
                ErrorKind::ArgumentConflict,
                "--namespace and --all-namespaces contradict each other: give one of them",
            ),
        }
    }
}

/// Runs the operator.
pub(super) fn execute(args: RunArgs) -> ExitCode {
    let namespaces = match args.namespaces() {
        Ok(namespaces) => namespaces,
        Err(error) => error.exit(),
    };
    let election = match args.election.settings() {
        Ok(election) => election,
        Err(error) => error.exit(),
    };
    let filter = std::env::var("RUST_LOG").ok();
    if let Err(error) = telemetry::init(args.log_format, filter.as_deref()) {
        return failed(&error);
    }
    let notifications = match args.notifications.settings() {
        Ok(notifications) => notifications,
        Err(error) => return failed(&error),
    };
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    runtime.block_on(operate(args, namespaces, election, notifications))
}

async fn operate(
    args: RunArgs,
    namespaces: Option<BTreeSet<String>>,
    election: Option<leader::Settings>,
    notifications: Option<notify::Settings>,
) -> ExitCode {
    let token = CancellationToken::new();
    if let Err(error) = shutdown::on_signals(token.clone()) {
        return failed(&error);
    }
    let client = match client::connect(&args.cluster.options()).await {
        Ok(client) => client,
        Err(error) => return failed(&error),
    };
    let options = Options {
        namespaces,
        engine: Settings {
            installation: args.installation,
            paused: args.paused,
            limits: args.guard.limits(),
        },
        listen: args.listen,
        field_manager: args.field_manager,
        election,
        notifications,
        client,
        clock: Arc::new(SystemClock),
        outside: Outside::default(),
    };
    match controllers::run(options, token).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ RunError::LeaseLost(_)) => {
            tracing::error!("{error}");
            failed(&error);
            // Nothing under way is waited for: another instance may begin in a moment.
            std::process::exit(1)
        }
        Err(error) => failed(&error),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Command;
    use super::*;

    fn parse(words: &str) -> Result<RunArgs, clap::Error> {
        let words = ["rollcall", "run"]
            .into_iter()
            .chain(words.split_whitespace());
        match Cli::try_parse_from(words)?.command {
            Command::Run(args) => Ok(*args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn defaults_are_safe_and_flags_are_read() {
        let args = parse("--installation acme --namespace people,staff -n lab").unwrap();
        let names = args.namespaces().unwrap().unwrap();
        assert_eq!(
            names.into_iter().collect::<Vec<_>>(),
            ["lab", "people", "staff"]
        );
        assert_eq!(args.listen, SocketAddr::from(([0, 0, 0, 0], 8080)));
        assert_eq!(args.field_manager, "rollcall");
        assert_eq!(args.log_format, LogFormat::Auto);
        assert!(!args.paused);
        assert_eq!(
            (
                args.guard.limits().allow(400),
                args.guard.limits().allow(10)
            ),
            (40, 20)
        );
        assert!(parse("--installation acme -A --paused").unwrap().paused);
        let args =
            parse("--installation acme -A --listen 127.0.0.1:0 --context two --log-format json")
                .unwrap();
        assert_eq!(args.namespaces().unwrap(), None);
        assert_eq!(
            (
                args.listen.port(),
                args.cluster.options().context.as_deref()
            ),
            (0, Some("two"))
        );
        assert_eq!(args.log_format, LogFormat::Json);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_way_out() {
        for (words, part) in [
            ("-A", "--installation <NAME>"),
            ("-A --installation Acme", "never change it"),
            ("--installation acme -n Bad_Name", "a namespace's name has"),
            ("--installation acme -A --listen nowhere", "--listen"),
            ("--installation acme -A --guard-max-percent 101", "0..=100"),
        ] {
            let error = parse(words).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(part), "{error}");
        }
        for (words, part) in [
            ("--installation acme", "--all-namespaces"),
            ("--installation acme -A -n people", "contradict"),
        ] {
            let error = parse(words).unwrap().namespaces().unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
