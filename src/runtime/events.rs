//! Kubernetes events (`events.k8s.io/v1`): what a person should notice on an object.
//!
//! They go through a bounded queue at a bounded rate. What is too much is dropped and counted; nobody
//! ever waits for an event.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::metrics::Metrics;

/// Longest message, in bytes (Kubernetes validates `note` to 1 kB).
const MESSAGE_LIMIT: usize = 1024;

/// One thing that a person should notice.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The object that it is about.
    pub object: ObjectReference,
    /// Whether something is amiss.
    pub kind: NoticeKind,
    /// Stable reason in `PascalCase`.
    pub reason: &'static str,
    /// What was done, or could not be done, in `PascalCase`.
    pub action: &'static str,
    /// A sentence. Cut where it is longer than Kubernetes takes.
    pub message: String,
}

/// Whether something is amiss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// It is not.
    Normal,
    /// It is.
    Warning,
}

/// How many events are published.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many may wait.
    pub queue: usize,
    /// How many may follow each other at once.
    pub burst: u32,
    /// Time between two, on average.
    pub interval: Duration,
    /// How long publishing one may take.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue: 1000,
            burst: 100,
            interval: Duration::from_millis(50),
            timeout: Duration::from_secs(10),
        }
    }
}

/// Takes notices. Cheap to clone; never blocks.
#[derive(Clone)]
pub struct Events {
    queue: mpsc::Sender<Notice>,
    metrics: Metrics,
}

impl Events {
    /// Starts publishing, as `rollcall`, until `shutdown` is cancelled; what still waits then is
    /// dropped.
    #[must_use]
    pub fn start(
        client: Client,
        settings: Settings,
        metrics: Metrics,
        shutdown: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (queue, notices) = mpsc::channel(settings.queue.max(1));
        let publisher = Publisher {
            recorder: Recorder::new(client, Reporter::from("rollcall")),
            bucket: Bucket::new(settings.burst, settings.interval, Instant::now()),
            settings,
            metrics: metrics.clone(),
        };
        let task = tokio::spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = publisher.run(notices) => {}
            }
        });
        (Self { queue, metrics }, task)
    }

    /// Publishes a notice soon, or drops it if too many wait.
    pub fn notify(&self, notice: Notice) {
        if self.queue.try_send(notice).is_err() {
            self.metrics.event_dropped();
        }
    }
}

struct Publisher {
    recorder: Recorder,
    bucket: Bucket,
    settings: Settings,
    metrics: Metrics,
}

impl Publisher {
    async fn run(mut self, mut notices: mpsc::Receiver<Notice>) {
        while let Some(notice) = notices.recv().await {
            sleep(self.bucket.take(Instant::now())).await;
            let event = Event {
                type_: match notice.kind {
                    NoticeKind::Normal => EventType::Normal,
                    NoticeKind::Warning => EventType::Warning,
                },
                reason: notice.reason.to_owned(),
                note: Some(cut(notice.message, MESSAGE_LIMIT)),
                action: notice.action.to_owned(),
                secondary: None,
            };
            let published = timeout(
                self.settings.timeout,
                self.recorder.publish(&event, &notice.object),
            );
            let why = match published.await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            debug!(reason = notice.reason, why, "an event was not published");
            self.metrics.event_dropped();
        }
    }
}

/// At most `limit` bytes of a text, with a mark where something was cut off.
fn cut(mut text: String, limit: usize) -> String {
    const MARK: &str = "…";
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit - MARK.len()));
        text.push_str(MARK);
    }
    text
}

/// A token bucket (pure): lets a burst through, then one an interval.
struct Bucket {
    interval: Duration,
    burst: u32,
    /// When the bucket is full again, if nothing more is taken.
    full_at: Instant,
}

impl Bucket {
    fn new(burst: u32, interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            burst: burst.max(1),
            full_at: now,
        }
    }

    /// Takes one token and returns how long to wait until it is there.
    fn take(&mut self, now: Instant) -> Duration {
        self.full_at = self.full_at.max(now) + self.interval;
        let debt = self.full_at - now;
        debt.saturating_sub(self.interval * self.burst)
    }
}

#[cfg(test)]
mod tests;
