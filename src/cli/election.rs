//! The flags of leader election.

use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory};

use super::{Cli, names};
use crate::api::duration;
use crate::runtime::leader::Settings;

/// Whether there may be others, and how it is agreed who works.
#[derive(Debug, Args)]
#[allow(clippy::struct_field_names, reason = "each is the name of its flag")]
pub(super) struct ElectionArgs {
    /// Stand by until the Lease is held: for more than one instance, and for upgrades without a gap.
    #[arg(long, env = "ROLLCALL_LEADER_ELECT", value_parser = clap::builder::BoolishValueParser::new())]
    leader_elect: bool,

    /// The Lease, with --leader-elect. Instances that look after the same namespaces share one.
    #[arg(long, env = "ROLLCALL_LEADER_ELECT_LEASE", value_parser = names::lease, required_if_eq("leader_elect", "true"), value_name = "NAMESPACE/NAME")]
    leader_elect_lease: Option<(String, String)>,

    /// Who this instance is in the Lease, for people, such as the pod's name.
    #[arg(
        long,
        env = "ROLLCALL_LEADER_ELECT_IDENTITY",
        default_value = "rollcall",
        value_name = "NAME"
    )]
    leader_elect_identity: String,

    /// How long the others wait for a leader that no longer renews the Lease.
    #[arg(long, env = "ROLLCALL_LEADER_ELECT_LEASE_DURATION", value_parser = duration::parse, default_value = "15s", value_name = "DURATION")]
    leader_elect_lease_duration: Duration,

    /// When a leader that can't renew the Lease ends itself; less than the lease duration.
    #[arg(long, env = "ROLLCALL_LEADER_ELECT_RENEW_DEADLINE", value_parser = duration::parse, default_value = "10s", value_name = "DURATION")]
    leader_elect_renew_deadline: Duration,

    /// Time between two attempts; less than the renew deadline.
    #[arg(long, env = "ROLLCALL_LEADER_ELECT_RETRY_PERIOD", value_parser = duration::parse, default_value = "2s", value_name = "DURATION")]
    leader_elect_retry_period: Duration,
}

impl ElectionArgs {
    /// What was asked for; `None` is no election.
    pub(super) fn settings(&self) -> Result<Option<Settings>, clap::Error> {
        let Some((namespace, name)) = self
            .leader_elect_lease
            .as_ref()
            .filter(|_| self.leader_elect)
        else {
            return Ok(None);
        };
        let settings = Settings {
            namespace: namespace.clone(),
            name: name.clone(),
            identity: self.leader_elect_identity.clone(),
            lease_duration: self.leader_elect_lease_duration,
            renew_deadline: self.leader_elect_renew_deadline,
            retry_period: self.leader_elect_retry_period,
        };
        match settings.check() {
            Ok(()) => Ok(Some(settings)),
            Err(why) => Err(Cli::command().error(ErrorKind::ValueValidation, why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Words {
        #[command(flatten)]
        election: ElectionArgs,
    }

    fn parse(words: &str) -> Result<Option<Settings>, clap::Error> {
        let words = ["rollcall"].into_iter().chain(words.split_whitespace());
        Words::try_parse_from(words)?.election.settings()
    }

    #[test]
    fn there_is_none_unless_it_is_asked_for() {
        assert_eq!(parse("").unwrap(), None);
        assert_eq!(parse("--leader-elect-lease a/b").unwrap(), None);
        let settings = parse(
            "--leader-elect --leader-elect-lease ops/rollcall --leader-elect-identity rollcall-0 \
             --leader-elect-lease-duration 1m --leader-elect-renew-deadline 40s",
        );
        let expected = Settings {
            namespace: "ops".to_owned(),
            name: "rollcall".to_owned(),
            identity: "rollcall-0".to_owned(),
            lease_duration: Duration::from_mins(1),
            renew_deadline: Duration::from_secs(40),
            retry_period: Duration::from_secs(2),
        };
        assert_eq!(settings.unwrap(), Some(expected));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_way_out() {
        let lease = "--leader-elect --leader-elect-lease ops/rollcall";
        for (words, part) in [
            ("--leader-elect".to_owned(), "--leader-elect-lease"),
            (
                "--leader-elect --leader-elect-lease rollcall".to_owned(),
                "NAMESPACE/NAME",
            ),
            (
                format!("{lease} --leader-elect-renew-deadline 15s"),
                "less than the lease duration",
            ),
            (
                format!("{lease} --leader-elect-retry-period 10s"),
                "less than the renew deadline",
            ),
            (
                format!("{lease} --leader-elect-retry-period 0s"),
                "more than nothing",
            ),
            (
                format!("{lease} --leader-elect-lease-duration 5"),
                "is not a duration",
            ),
        ] {
            let error = parse(&words).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
