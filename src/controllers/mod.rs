//! The controllers: gather, decide by the pure core, hand over, write status.
//!
//! One task owns everything that is known ([`world::World`]) and one file does one thing with it. See
//! `docs/architecture.md`.

pub mod app_connector;
pub mod concerned;
pub mod employee;
pub mod engine;
pub mod first_seen;
pub mod gate;
pub mod guard;
pub mod names;
pub mod namesakes;
pub mod notice;
mod notices;
pub mod passwords;
pub mod pause;
pub mod places;
mod remembered;
pub mod rivals;
pub mod role_template;
pub mod text;
pub mod watch;
pub mod words;
pub mod world;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::audit::{AuditSink, LogSink};
use crate::connectors::registry::{Opener, Protocols};
use crate::dispatch::{DispatchMetrics, Shared};
use crate::notify::{self, Notifier};
use crate::runtime::clock::WallClock;
use crate::runtime::events::{self, Events};
use crate::runtime::http::{self, Health, ListenError};
use crate::runtime::leader;
use crate::runtime::metrics::{self, Metrics};
use crate::runtime::status_writer::{self, StatusWriter};
use engine::{Engine, Inbox, Ports};

/// Changes from Kubernetes that may wait to be taken in.
const CHANGES: usize = 1024;

/// Longest time the event loop may be silent before the operator counts as dead.
const MAX_SILENCE: Duration = Duration::from_mins(1);

/// What one operator instance needs to know.
pub struct Options {
    /// The namespaces to look after; `None` is all of them.
    pub namespaces: Option<BTreeSet<String>>,
    /// What holds for everything that it does.
    pub engine: engine::Settings,
    /// Address for health and metrics; port 0 takes any.
    pub listen: SocketAddr,
    /// Name under which Kubernetes records our writes.
    pub field_manager: String,
    /// The Lease to hold before anything is watched or written; `None` where this is the only instance.
    pub election: Option<leader::Settings>,
    /// Whom to tell of what, and where that is remembered; `None` where nobody is told.
    pub notifications: Option<notify::Settings>,
    /// The way to the cluster.
    pub client: kube::Client,
    /// The present instant.
    pub clock: Arc<dyn WallClock>,
    /// The way to the applications.
    pub outside: Outside,
}

/// The way to the applications, and where it is recorded.
pub struct Outside {
    /// Makes their clients.
    pub open: Arc<dyn Opener>,
    /// Where every write to one of them is recorded.
    pub audit: Arc<dyn AuditSink>,
}

impl Default for Outside {
    /// Every protocol there is, and the log.
    fn default() -> Self {
        Self {
            open: Arc::new(Protocols),
            audit: Arc::new(LogSink),
        }
    }
}

/// The operator can't run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Health and metrics can't be served.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Notices can't be sent.
    #[error("{0}")]
    Notifications(String),
    /// Another instance may work soon: the process has to end at once.
    #[error(transparent)]
    LeaseLost(#[from] leader::Lost),
}

/// Runs one operator until `shutdown` is cancelled.
///
/// # Errors
/// A [`RunError`], where it can't start, or must not go on.
pub async fn run(options: Options, shutdown: CancellationToken) -> Result<(), RunError> {
    let clock: Arc<dyn WallClock> = Arc::clone(&options.clock);
    let mut registry = metrics::registry();
    let metrics = Metrics::register(&mut registry, clock.clone());
    let dispatch_metrics = DispatchMetrics::register(&mut registry);
    let health = Arc::new(Health::new(MAX_SILENCE));
    let server = http::serve(
        options.listen,
        Arc::clone(&health),
        Arc::new(registry),
        shutdown.clone(),
    )
    .await?;
    announce(&options, server.address);
    let leadership = match options.election.clone() {
        None => None,
        Some(settings) => {
            let client = options.client.clone();
            match leader::campaign(client, settings, &health, &metrics, &shutdown).await {
                None => {
                    let _ = server.task.await;
                    return Ok(());
                }
                elected => elected,
            }
        }
    };
    let tellers = tellers(&options, &clock, &metrics, &shutdown)?;
    let (keeper, sweeper) = passwords::start(&options, clock.clone(), shutdown.clone());
    let settings = status_writer::Settings {
        field_manager: options.field_manager,
        ..status_writer::Settings::default()
    };
    let (statuses, written, writer) = StatusWriter::start(
        options.client.clone(),
        settings,
        metrics.clone(),
        shutdown.clone(),
    );
    let (events, publisher) = Events::start(
        options.client.clone(),
        events::Settings::default(),
        metrics.clone(),
        shutdown.clone(),
    );
    let (changes_in, changes) = mpsc::channel(CHANGES);
    let (reports_in, reports) = mpsc::unbounded_channel();
    let sources = watch::start(
        &options.client,
        options.namespaces.as_ref(),
        &changes_in,
        &shutdown,
    );
    let ports = Ports {
        clock: clock.clone(),
        statuses,
        events,
        open: options.outside.open,
        dispatch: Shared {
            reports: reports_in,
            audit: options.outside.audit,
            passwords: Arc::new(keeper),
            clock,
            metrics: dispatch_metrics,
            stop: shutdown.clone(),
        },
        changes: changes_in,
        metrics,
        health,
        shutdown: shutdown.clone(),
    };
    let inbox = Inbox {
        changes,
        reports,
        written,
    };
    let engine = Engine::new(options.engine, sources, ports);
    let work = async {
        engine.run(inbox).await;
        // What still runs was told to stop and is bounded; how it ended is in the log.
        let _ = tokio::join!(writer, publisher, sweeper);
        tellers.ended().await;
    };
    match leadership {
        None => work.await,
        Some(mut leadership) => {
            tokio::select! {
                biased;
                lost = leadership.lost() => {
                    shutdown.cancel();
                    return Err(lost.into());
                }
                () = work => {}
            }
            // Only now, as nothing of ours is under way any more.
            leadership.release().await;
        }
    }
    let _ = server.task.await;
    Ok(())
}

fn announce(options: &Options, address: SocketAddr) {
    tracing::info!(%address, installation = options.engine.installation, "listening");
    if options.engine.paused {
        tracing::warn!("everything is paused: nothing is written to any application");
    }
}

/// Starts whoever tells administrators, where somebody is to be told.
fn tellers(
    options: &Options,
    clock: &Arc<dyn WallClock>,
    metrics: &Metrics,
    shutdown: &CancellationToken,
) -> Result<notify::Running, RunError> {
    let Some(settings) = options.notifications.clone() else {
        return Ok(notify::Running::none());
    };
    let deadline = settings.config.leaver_deadline;
    let (notifier, running) = Notifier::start(
        settings,
        &options.engine.installation,
        options.client.clone(),
        Arc::clone(clock),
        metrics,
        shutdown,
    )
    .map_err(RunError::Notifications)?;
    let notices = notices::Notices::new(notifier, deadline, Arc::clone(clock));
    let watch = notices.watch(
        options.client.clone(),
        options.namespaces.clone(),
        shutdown.clone(),
    );
    tokio::spawn(watch);
    Ok(running)
}
