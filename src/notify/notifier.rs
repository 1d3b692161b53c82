//! The one address for whoever has something to tell. It never waits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::config::Config;
use super::notice::{Notice, NoticeId, Occasion};
use super::outbox::Outbox;
use super::postman::Postman;
use super::sink::Sink;
use super::smtp::Smtp;
use super::stored::{Place, Stored};
use super::webhook::Hook;
use crate::runtime::clock::WallClock;
use crate::runtime::metrics::Metrics;

/// Notices that may wait for one sink.
const QUEUE: usize = 1000;
/// Events that are known to have been passed on, at most. Whatever is forgotten is asked of the outbox again.
const REMEMBERED: usize = 20_000;

/// Where notices go, and where it is remembered what was sent.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where they go, and which.
    pub config: Config,
    /// Where it is remembered.
    pub place: Place,
}

/// Takes notices, and passes them on to every sink. Cheap to clone.
#[derive(Clone, Default)]
pub struct Notifier {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    occasions: BTreeSet<Occasion>,
    sinks: Vec<Queue>,
    metrics: Metrics,
}

struct Queue {
    name: String,
    notices: mpsc::Sender<Arc<Notice>>,
    passed: Mutex<Passed>,
}

/// What was passed on in this run, oldest first.
#[derive(Default)]
struct Passed {
    known: BTreeMap<NoticeId, u64>,
    order: BTreeMap<u64, NoticeId>,
    count: u64,
}

impl Passed {
    fn note(&mut self, id: NoticeId) {
        self.count += 1;
        self.order.insert(self.count, id.clone());
        self.known.insert(id, self.count);
        if self.known.len() > REMEMBERED
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.known.remove(&oldest);
        }
    }
}

/// Those who bring the notices; they end when they are told to.
pub struct Running(JoinSet<()>);

impl Running {
    /// Nobody.
    #[must_use]
    pub fn none() -> Self {
        Self(JoinSet::new())
    }

    /// Waits until all of them have ended.
    pub async fn ended(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

impl Notifier {
    /// One that nobody listens to.
    #[must_use]
    pub fn silent() -> Self {
        Self::default()
    }

    /// Starts a postman for each sink of the configuration, with the outbox in Kubernetes.
    ///
    /// # Errors
    /// A sentence that names what can't be set up.
    pub fn start(
        settings: Settings,
        installation: &str,
        client: kube::Client,
        clock: Arc<dyn WallClock>,
        metrics: &Metrics,
        stop: &CancellationToken,
    ) -> Result<(Self, Running), String> {
        let Settings { config, place } = settings;
        let mut sinks: Vec<Arc<dyn Sink>> = Vec::new();
        if let Some(email) = config.email {
            sinks.push(Arc::new(Smtp::new(email, installation)?));
        }
        for webhook in config.webhooks {
            sinks.push(Arc::new(Hook::new(webhook, installation)?));
        }
        let mut run = [0_u8; 8];
        getrandom::fill(&mut run).map_err(|error| format!("there is no randomness: {error}"))?;
        let run = format!("{:016x}", u64::from_be_bytes(run));
        let outbox: Arc<dyn Outbox> = Arc::new(Stored::new(client, place, run, clock));
        Ok(Self::over(sinks, &outbox, config.occasions, metrics, stop))
    }

    /// Starts a postman for each of some sinks.
    #[must_use]
    pub fn over(
        sinks: Vec<Arc<dyn Sink>>,
        outbox: &Arc<dyn Outbox>,
        occasions: BTreeSet<Occasion>,
        metrics: &Metrics,
        stop: &CancellationToken,
    ) -> (Self, Running) {
        let mut running = JoinSet::new();
        let mut queues = Vec::new();
        for sink in sinks {
            let (notices, queue) = mpsc::channel(QUEUE);
            queues.push(Queue {
                name: sink.name().to_owned(),
                notices,
                passed: Mutex::default(),
            });
            let postman = Postman {
                sink,
                outbox: Arc::clone(outbox),
                metrics: metrics.clone(),
                stop: stop.clone(),
            };
            running.spawn(postman.work(queue));
        }
        let inner = Inner {
            occasions,
            sinks: queues,
            metrics: metrics.clone(),
        };
        let notifier = Self {
            inner: Some(Arc::new(inner)),
        };
        (notifier, Running(running))
    }

    /// Whether anybody wants to hear of it.
    #[must_use]
    pub fn tells(&self, occasion: Occasion) -> bool {
        self.inner
            .as_ref()
            .is_some_and(|inner| inner.occasions.contains(&occasion))
    }

    /// Passes a notice on, and waits for nothing. The same event may be told of any number of times. Whether all took
    /// it: one whose queue is full does not, and it is to be told of again.
    #[must_use]
    pub fn notify(&self, notice: Notice) -> bool {
        let Some(inner) = self.inner.as_ref().filter(|_| self.tells(notice.occasion)) else {
            return true;
        };
        let notice = Arc::new(notice);
        let taken = inner
            .sinks
            .iter()
            .map(|sink| sink.take(&notice, &inner.metrics));
        // Everyone is asked, whatever the first one says.
        let taken: Vec<bool> = taken.collect();
        taken.into_iter().all(|taken| taken)
    }
}

impl Queue {
    fn take(&self, notice: &Arc<Notice>, metrics: &Metrics) -> bool {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        if passed.known.contains_key(&notice.id) {
            return true;
        }
        if self.notices.try_send(Arc::clone(notice)).is_err() {
            metrics.noticed(&self.name, notice.occasion.word(), "Deferred");
            return false;
        }
        passed.note(notice.id.clone());
        true
    }
}
