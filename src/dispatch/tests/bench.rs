//! A running dispatch with everything around it in the hands of a test.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::scripted::ScriptedConnector;
use crate::audit::memory::MemorySink;
use crate::connectors::ConnectorError;
use crate::dispatch::passwords::Same;
use crate::dispatch::{
    ConnectorKey, Dispatch, DispatchMetrics, Event, Handle, Order, Outcome, Report, Settings,
    Shared, Target,
};
use crate::runtime::clock::Clock;

/// Wall-clock time that follows tokio's paused clock.
pub(super) struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap() + self.0.elapsed()
    }
}

pub(super) struct Bench {
    pub(super) connector: Arc<ScriptedConnector>,
    pub(super) handle: Handle,
    pub(super) audit: Arc<MemorySink>,
    pub(super) stop: CancellationToken,
    pub(super) clock: Arc<PausedClock>,
    registry: Registry,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl Bench {
    pub(super) fn new(connector: ScriptedConnector) -> Self {
        Self::with(connector, Settings::default())
    }

    pub(super) fn with(connector: ScriptedConnector, settings: Settings) -> Self {
        Self::keeping(connector, settings, Err("nowhere to keep it"))
    }

    /// With initial passwords that are all the same, or can't be kept.
    pub(super) fn keeping(
        connector: ScriptedConnector,
        settings: Settings,
        keeper: Result<&'static str, &'static str>,
    ) -> Self {
        let connector = Arc::new(connector);
        let audit = Arc::new(MemorySink::default());
        let clock = Arc::new(PausedClock(Instant::now()));
        let stop = CancellationToken::new();
        let mut registry = Registry::default();
        let (sender, reports) = mpsc::unbounded_channel();
        let shared = Shared {
            reports: sender,
            audit: audit.clone(),
            clock: clock.clone(),
            passwords: Arc::new(Same(keeper)),
            metrics: DispatchMetrics::register(&mut registry),
            stop: stop.clone(),
        };
        let target = Target {
            connector: connector.clone(),
            key: ConnectorKey {
                namespace: "people".into(),
                name: "directory".into(),
            },
            epoch: 4,
        };
        let handle = Dispatch::start(target, settings, shared);
        Self {
            connector,
            handle,
            audit,
            stop,
            clock,
            registry,
            reports,
        }
    }

    pub(super) fn submit(&self, orders: impl IntoIterator<Item = Order>) {
        for order in orders {
            self.handle.submit(order);
        }
    }

    /// The next event; fails the test when none comes in an hour of the paused clock.
    pub(super) async fn event(&mut self) -> Event {
        self.until(Some).await
    }

    /// Skips events until one fits; fails the test when none does in an hour of the paused clock.
    pub(super) async fn until<T>(&mut self, mut fits: impl FnMut(Event) -> Option<T>) -> T {
        let found = async {
            loop {
                let report = self.reports.recv().await.expect("dispatch is gone");
                assert_eq!(
                    (report.epoch, report.connector.name.as_str()),
                    (4, "directory")
                );
                if let Some(found) = fits(report.event) {
                    return found;
                }
            }
        };
        let found = tokio::time::timeout(Duration::from_hours(1), found).await;
        found.expect("no such event")
    }

    pub(super) async fn available(&mut self) {
        self.until(|e| matches!(e, Event::Available).then_some(()))
            .await;
    }

    pub(super) async fn listed(&mut self) {
        self.until(|e| matches!(e, Event::Listed(_)).then_some(()))
            .await;
    }

    /// The next so many outcomes.
    pub(super) async fn done(&mut self, count: usize) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        while outcomes.len() < count {
            outcomes.push(self.until(done).await);
        }
        outcomes
    }

    /// Everything until dispatch has stopped.
    pub(super) async fn rest(mut self) -> Vec<Event> {
        self.handle.stopped().await;
        let mut events = Vec::new();
        while let Some(report) = self.reports.recv().await {
            events.push(report.event);
        }
        events
    }

    /// Lets go of the only handle, and answers everything that still comes.
    pub(super) async fn dropped(self) -> Vec<Event> {
        let Self {
            handle,
            mut reports,
            ..
        } = self;
        drop(handle);
        let mut events = Vec::new();
        while let Some(report) = reports.recv().await {
            events.push(report.event);
        }
        events
    }

    pub(super) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }
}

fn done(event: Event) -> Option<Outcome> {
    match event {
        Event::Done(outcome) => Some(*outcome),
        _ => None,
    }
}

pub(super) fn unavailable(event: Event) -> Option<(ConnectorError, Timestamp)> {
    match event {
        Event::Unavailable { error, retry_at } => Some((error, retry_at)),
        _ => None,
    }
}
