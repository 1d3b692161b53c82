//! The flags of notices to administrators.

use std::path::PathBuf;

use clap::Args;

use super::names;
use crate::notify::stored::Place;
use crate::notify::{Config, ConfigError, Settings};

/// Whom to tell of what, and where that is remembered.
#[derive(Debug, Args)]
pub(super) struct NotificationsArgs {
    /// File that says who is told of leavers, connectors in trouble and the like, by e-mail and webhook.
    /// Without it nobody is.
    #[arg(
        long,
        env = "ROLLCALL_NOTIFICATIONS",
        value_name = "FILE",
        requires = "notifications_outbox"
    )]
    notifications: Option<PathBuf>,

    /// What the names of the ConfigMaps begin with that remember what was sent, with --notifications.
    #[arg(long, env = "ROLLCALL_NOTIFICATIONS_OUTBOX", value_parser = names::outbox, value_name = "NAMESPACE/NAME")]
    notifications_outbox: Option<Place>,
}

impl NotificationsArgs {
    /// What was asked for; `None` is that nobody is told.
    pub(super) fn settings(&self) -> Result<Option<Settings>, ConfigError> {
        let (Some(file), Some(place)) = (&self.notifications, &self.notifications_outbox) else {
            return Ok(None);
        };
        Ok(Some(Settings {
            config: Config::read(file)?,
            place: place.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Words {
        #[command(flatten)]
        notifications: NotificationsArgs,
    }

    fn parse(words: &[&str]) -> Result<NotificationsArgs, clap::Error> {
        let words = ["rollcall"].iter().chain(words);
        Ok(Words::try_parse_from(words)?.notifications)
    }

    #[test]
    fn nobody_is_told_unless_a_file_says_who() {
        assert!(parse(&[]).unwrap().settings().unwrap().is_none());
        let alone = parse(&["--notifications", "x"]).unwrap_err().to_string();
        assert!(alone.contains("--notifications-outbox"), "{alone}");
        let absent = [
            "--notifications",
            "/nowhere/x",
            "--notifications-outbox",
            "ops/notices",
        ];
        let error = parse(&absent).unwrap().settings().unwrap_err().to_string();
        assert!(
            error.contains("/nowhere/x") && error.contains("can't be read"),
            "{error}"
        );
    }
}
