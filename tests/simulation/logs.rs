//! What the operator logs, held against what must not be shown.

use std::io;
use std::sync::Arc;

use rollcall::runtime::telemetry::DEFAULT_FILTER;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::findings::Findings;

struct Lines(Arc<Findings>);

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.shown("the log", &String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// From here on, on this thread, for as long as the guard is kept.
pub fn taken_by(findings: &Arc<Findings>) -> DefaultGuard {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(DEFAULT_FILTER))
        .with_ansi(false)
        .with_writer(Lines(Arc::clone(findings)))
        .finish();
    tracing::subscriber::set_default(subscriber)
}
