//! The controllers: gather inputs, call the pure code, hand over the plan, write status.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::runtime::clock::{Clock, WallClock};
use crate::runtime::http::{self, Health, ListenError};
use crate::runtime::metrics::{self, Metrics};

/// Longest time the event loop may be silent before the operator counts as dead.
const MAX_SILENCE: Duration = Duration::from_mins(1);

/// What one operator instance needs to know.
pub struct Options {
    /// The namespaces to look after; `None` is all of them.
    pub namespaces: Option<BTreeSet<String>>,
    /// Name of this installation, a DNS label, the first part of every mark.
    pub installation: String,
    /// Address for health and metrics; port 0 takes any.
    pub listen: SocketAddr,
    /// Name under which Kubernetes records our writes.
    pub field_manager: String,
    /// The way to the cluster.
    pub client: kube::Client,
    /// The present instant.
    pub clock: Arc<dyn WallClock>,
}

/// The operator can't run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Health and metrics can't be served.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// Runs one operator until `shutdown` is cancelled.
///
/// # Errors
///
/// A [`RunError`], where it can't start.
pub async fn run(options: Options, shutdown: CancellationToken) -> Result<(), RunError> {
    let mut registry = metrics::registry();
    let clock: Arc<dyn Clock> = options.clock;
    let _metrics = Metrics::register(&mut registry, clock);
    let health = Arc::new(Health::new(MAX_SILENCE));
    let server = http::serve(
        options.listen,
        Arc::clone(&health),
        Arc::new(registry),
        shutdown.clone(),
    )
    .await?;
    tracing::info!(address = %server.address, installation = options.installation, "listening");
    let mut beat = tokio::time::interval(MAX_SILENCE / 6);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = beat.tick() => health.beat(),
        }
    }
    // The server logs its own failure; there is nothing else to do about it here.
    let _ = server.task.await;
    Ok(())
}
