//! Logs: text for a person at a terminal, JSON for everything else.
//!
//! What libraries write by the crate `log` is not taken in (`tracing-subscriber` is built without `tracing-log`): there
//! the clients of databases write statements with their parameters, and so passwords.

use std::io::{IsTerminal, stderr};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// What is logged where `RUST_LOG` is not set.
pub const DEFAULT_FILTER: &str = "info";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text at a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Text.
    Text,
    /// One JSON object a line.
    Json,
}

/// Logs can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter makes no sense.
    #[error("RUST_LOG={filter} makes no sense: {source}; an example is info,rollcall=debug")]
    BadFilter {
        /// The filter.
        filter: String,
        /// Why.
        source: ParseError,
    },
    /// Something else has set logs up before.
    #[error("logs are set up already: {0}")]
    AlreadySetUp(#[from] TryInitError),
}

impl TelemetryError {
    /// Stable reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BadFilter { .. } => "BadLogFilter",
            Self::AlreadySetUp(_) => "LogsAlreadySetUp",
        }
    }
}

/// Logs to standard error from now on. To be called once, by `main`. `filter` is what `RUST_LOG`
/// holds; [`DEFAULT_FILTER`] where it is not set or empty.
///
/// # Errors
///
/// A [`TelemetryError`].
pub fn init(format: LogFormat, filter: Option<&str>) -> Result<(), TelemetryError> {
    let terminal = stderr().is_terminal();
    subscriber(format, filter, terminal, stderr)?.try_init()?;
    Ok(())
}

/// The subscriber, apart from the terminal and from the process that it is installed in.
fn subscriber<W>(
    format: LogFormat,
    filter: Option<&str>,
    terminal: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = filter.filter(|f| !f.is_empty()).unwrap_or(DEFAULT_FILTER);
    let directives =
        EnvFilter::builder()
            .parse(filter)
            .map_err(|source| TelemetryError::BadFilter {
                filter: filter.to_owned(),
                source,
            })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(directives)
        .with_ansi(terminal)
        .with_writer(writer);
    let text = match format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    Ok(if text {
        Box::new(builder.finish())
    } else {
        Box::new(builder.json().flatten_event(true).finish())
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: Option<&str>, terminal: bool) -> String {
        let paper = Paper::default();
        let writer = paper.clone();
        let subscriber = subscriber(format, filter, terminal, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(connector = "directory", "listed");
            tracing::debug!("not by default");
        });
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn text_for_a_terminal_and_json_for_a_machine() {
        for (format, terminal, json) in [
            (LogFormat::Auto, true, false),
            (LogFormat::Auto, false, true),
            (LogFormat::Text, false, false),
            (LogFormat::Json, true, true),
        ] {
            let log = logged(format, None, terminal);
            assert_eq!(log.lines().count(), 1, "{log}");
            let line: Result<serde_json::Value, _> = serde_json::from_str(&log);
            assert_eq!(line.is_ok(), json, "{format:?}: {log}");
            assert_eq!(
                log.contains('\u{1b}'),
                terminal && !json,
                "colours: {log:?}"
            );
            if let Ok(line) = line {
                assert_eq!(
                    (&line["message"], &line["connector"]),
                    (&"listed".into(), &"directory".into())
                );
            }
        }
    }

    #[test]
    fn the_filter_is_obeyed_and_checked() {
        assert_eq!(
            logged(LogFormat::Text, Some("debug"), false)
                .lines()
                .count(),
            2
        );
        assert_eq!(logged(LogFormat::Text, Some("error"), false), "");
        assert_eq!(logged(LogFormat::Text, Some(""), false).lines().count(), 1);
        let error = subscriber(LogFormat::Text, Some("rollcall=loud"), false, io::sink)
            .err()
            .unwrap();
        assert!(
            error.to_string().contains("RUST_LOG=rollcall=loud"),
            "{error}"
        );
    }
}
