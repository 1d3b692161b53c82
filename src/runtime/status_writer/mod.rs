//! Writes to our own objects in Kubernetes, apart from the planner: status, and finalizers.
//!
//! The planner hands over what an object's status should be and goes on. Here the newest status of
//! an object wins, the most urgent lane goes first, a bounded number is in flight, and failures are
//! repeated with per-object back-off. What came of a write comes back through a channel.

mod patch;
mod queue;
mod worker;

#[cfg(test)]
mod queue_tests;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::{Client, Resource};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api::{AppConnector, Employee, RoleTemplate};
use crate::plan::operation::Lane;
use crate::runtime::metrics::Metrics;
use crate::runtime::packed_status::PackedStatus;

use queue::{Absorb, Queue};

/// A kind of object that we write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// `Employee`.
    Employee,
    /// `RoleTemplate`.
    RoleTemplate,
    /// `AppConnector`.
    AppConnector,
}

impl ObjectKind {
    /// The kind, as in manifests and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Employee => "Employee",
            Self::RoleTemplate => "RoleTemplate",
            Self::AppConnector => "AppConnector",
        }
    }

    /// Path of the namespace's objects of this kind at the API server.
    fn path(self, namespace: &str) -> String {
        let namespace = Some(namespace);
        match self {
            Self::Employee => Employee::url_path(&(), namespace),
            Self::RoleTemplate => RoleTemplate::url_path(&(), namespace),
            Self::AppConnector => AppConnector::url_path(&(), namespace),
        }
    }
}

/// A status to be written whole: nothing of the former one stays.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusWrite {
    /// Kind of the object.
    pub kind: ObjectKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid. An object that was deleted and made again is not written to.
    pub uid: String,
    /// How urgent.
    pub lane: Lane,
    /// The status.
    pub status: PackedStatus,
    /// Comes back in [`StatusWritten`].
    pub token: u64,
}

/// A finalizer to be put on or taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalizerChange {
    /// Kind of the object.
    pub kind: ObjectKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// How urgent.
    pub lane: Lane,
    /// The finalizer.
    pub finalizer: String,
    /// Whether it shall be there.
    pub present: bool,
    /// The object's finalizers as last seen. If they are others by now, nothing is changed and the
    /// result is [`WriteError::Changed`].
    pub seen: Vec<String>,
    /// Comes back in [`StatusWritten`].
    pub token: u64,
}

/// What came of a write. A value that a newer one replaced before it was sent gets none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusWritten {
    /// What was written.
    pub part: Part,
    /// Kind of the object.
    pub kind: ObjectKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// From the write.
    pub token: u64,
    /// The object afterwards, or why it was given up.
    pub result: Result<Saved, WriteError>,
}

/// Which part of an object a write concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its status.
    Status,
    /// Its finalizers.
    Finalizers,
}

/// What the API server says of an object after a write. Nothing else of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its new resource version. Opaque.
    pub resource_version: String,
    /// Its generation, by which one sees whether the spec has changed meanwhile.
    pub generation: Option<i64>,
}

/// Why a write was given up. Repeating it would not help; failures that may pass are repeated and
/// not reported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The object does not exist.
    #[error("the object does not exist any more")]
    Gone,
    /// The object has another uid, or other finalizers, than the write was made for.
    #[error("the object was made again or changed meanwhile; it is looked at anew")]
    Changed,
    /// The finalizer already was as asked for, as far as was seen; nothing was sent.
    #[error("the finalizer is as it should be already")]
    AlreadySo,
    /// The API server does not accept the value.
    #[error("Kubernetes refused the write with {code}: {message}")]
    Refused {
        /// HTTP status.
        code: u16,
        /// The server's words, bounded.
        message: String,
    },
}

impl WriteError {
    /// Stable reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Gone => "ObjectGone",
            Self::Changed => "ObjectChanged",
            Self::AlreadySo => "AlreadySo",
            Self::Refused { .. } => "WriteRefused",
        }
    }
}

/// How hard Kubernetes is written to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many objects are written to at the same time.
    pub in_flight: usize,
    /// How long one request may take.
    pub timeout: Duration,
    /// First delay after a failure; it doubles from there.
    pub backoff_base: Duration,
    /// Longest delay after failures, and longest that a `Retry-After` is honoured for.
    pub backoff_cap: Duration,
    /// How long requests in flight may go on after a shutdown was asked for.
    pub drain: Duration,
    /// Field manager, under which Kubernetes records our writes.
    pub field_manager: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            in_flight: 16,
            timeout: Duration::from_secs(30),
            backoff_base: Duration::from_millis(500),
            backoff_cap: Duration::from_mins(2),
            drain: Duration::from_secs(5),
            field_manager: "rollcall".to_owned(),
        }
    }
}

/// Starts and owns the writer.
pub struct StatusWriter;

impl StatusWriter {
    /// Starts writing. Ends when `shutdown` is cancelled and the requests in flight have ended; what
    /// still waits then is dropped, as the next start works it out anew.
    ///
    /// The channel of results holds at most one entry for each write that was handed over.
    #[must_use]
    pub fn start(
        client: Client,
        settings: Settings,
        metrics: Metrics,
        shutdown: CancellationToken,
    ) -> (
        Handle,
        mpsc::UnboundedReceiver<StatusWritten>,
        JoinHandle<()>,
    ) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let handle = Handle {
            shared: Arc::clone(&shared),
        };
        let worker = worker::Worker::new(client, settings, metrics, shared, sender);
        (handle, receiver, tokio::spawn(worker.run(shutdown)))
    }
}

/// Hands writes over. Cheap to clone; never blocks.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    /// Hands a status over. It replaces one of the same object that still waits.
    pub fn write(&self, write: StatusWrite) {
        let key = (write.kind, write.namespace.clone(), write.name.clone());
        let work = Work {
            lane: write.lane,
            status: Some(write),
            finalizer: None,
        };
        self.put(key, work);
    }

    /// Hands a change of finalizers over. It replaces one of the same object that still waits.
    pub fn change_finalizer(&self, change: FinalizerChange) {
        let key = (change.kind, change.namespace.clone(), change.name.clone());
        let work = Work {
            lane: change.lane,
            status: None,
            finalizer: Some(change),
        };
        self.put(key, work);
    }

    /// Drops what waits for an object that is gone.
    pub fn forget(&self, kind: ObjectKind, namespace: &str, name: &str) {
        let key = (kind, namespace.to_owned(), name.to_owned());
        self.shared.queue().forget(&key);
    }

    /// How many objects wait to be written to, or are being written to.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.shared.queue().len()
    }

    fn put(&self, key: ObjectKey, work: Work) {
        self.shared.queue().put(key, work.lane, work);
        self.shared.arrived.notify_one();
    }
}

type ObjectKey = (ObjectKind, String, String);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue<ObjectKey, Work>>,
    arrived: Notify,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue<ObjectKey, Work>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that waits for one object.
#[derive(Debug)]
struct Work {
    lane: Lane,
    status: Option<StatusWrite>,
    finalizer: Option<FinalizerChange>,
}

impl Absorb for Work {
    fn absorb(&mut self, newer: Self) {
        if newer.status.is_some() {
            self.status = newer.status;
        }
        if newer.finalizer.is_some() {
            self.finalizer = newer.finalizer;
        }
    }
}
