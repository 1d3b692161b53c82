//! What the operator counts about itself, for Prometheus.
//!
//! The registry belongs to one operator instance; nothing here is global. Names begin with
//! `rollcall_` and end in their unit (Prometheus, "Metric and label naming").

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::clock::Clock;

/// Upper bounds of reconcile durations in seconds: a reconcile is pure work, microseconds to
/// milliseconds.
const RECONCILE_BUCKETS: [f64; 10] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.01, 0.05, 0.25, 1.0,
];

/// An empty registry whose names all begin with `rollcall_`.
#[must_use]
pub fn registry() -> Registry {
    Registry::with_prefix("rollcall")
}

/// The families that controllers and the writers to Kubernetes keep. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    reconciles: Family<ReconcileLabels, Counter>,
    reconcile_duration: Family<KindLabels, Histogram, fn() -> Histogram>,
    kubernetes_writes: Family<WriteLabels, Counter>,
    watch_failures: Family<KindLabels, Counter>,
    events_dropped: Counter,
    orphaned_accounts: Family<ConnectorLabels, Gauge>,
    orphaned_credentials: Family<ConnectorLabels, Gauge>,
    held_people: Family<ConnectorLabels, Gauge>,
    rogue_holders: Family<TemplateLabels, Gauge>,
    employees: Family<EmployeeLabels, Gauge>,
    queue_length: Family<QueueLabels, Gauge>,
    leader: Gauge,
    notices: Family<NoticeLabels, Counter>,
    inventories: Arc<Inventories>,
}

/// How an employee is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmployeeCount {
    /// Stage, as in status.
    pub stage: &'static str,
    /// Whether the `Ready` condition is `True`.
    pub ready: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReconcileLabels {
    kind: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    kind: &'static str,
    verb: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct ConnectorLabels {
    namespace: String,
    connector: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TemplateLabels {
    namespace: String,
    role_template: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EmployeeLabels {
    namespace: String,
    stage: &'static str,
    ready: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    queue: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NoticeLabels {
    sink: String,
    event: &'static str,
    result: &'static str,
}

impl Metrics {
    /// Registers every family, the age of inventories (told by `clock` at each scrape) and the
    /// build.
    #[must_use]
    pub fn register(registry: &mut Registry, clock: Arc<dyn Clock>) -> Self {
        let metrics = Self {
            reconciles: Family::default(),
            reconcile_duration: Family::new_with_constructor(|| Histogram::new(RECONCILE_BUCKETS)),
            kubernetes_writes: Family::default(),
            watch_failures: Family::default(),
            events_dropped: Counter::default(),
            orphaned_accounts: Family::default(),
            orphaned_credentials: Family::default(),
            held_people: Family::default(),
            rogue_holders: Family::default(),
            employees: Family::default(),
            queue_length: Family::default(),
            leader: Gauge::default(),
            notices: Family::default(),
            inventories: Arc::new(Inventories {
                clock,
                listed: Mutex::default(),
            }),
        };
        registry.register(
            "reconciles",
            "Objects looked at, by kind and result",
            metrics.reconciles.clone(),
        );
        registry.register_with_unit(
            "reconcile_duration",
            "Time from taking an object up to handing over its plan and status",
            Unit::Seconds,
            metrics.reconcile_duration.clone(),
        );
        registry.register(
            "kubernetes_writes",
            "Requests that change something in Kubernetes, by kind of object, verb and result",
            metrics.kubernetes_writes.clone(),
        );
        registry.register(
            "watch_failures",
            "Times that a watch of objects of a kind failed and was begun again",
            metrics.watch_failures.clone(),
        );
        registry.register(
            "events_dropped",
            "Kubernetes events not published, as there were too many or publishing failed",
            metrics.events_dropped.clone(),
        );
        registry.register(
            "orphaned_accounts",
            "Accounts in a target that nobody declared",
            metrics.orphaned_accounts.clone(),
        );
        registry.register(
            "orphaned_credentials",
            "Active credentials in a target that no grant justifies",
            metrics.orphaned_credentials.clone(),
        );
        registry.register(
            "held_people",
            "People whose access is kept by the guard until somebody approves that it is taken away",
            metrics.held_people.clone(),
        );
        registry.register(
            "rogue_holders",
            "Accounts that hold what a role template gives without policy giving it to them",
            metrics.rogue_holders.clone(),
        );
        registry.register(
            "employees",
            "Employees by stage and readiness",
            metrics.employees.clone(),
        );
        registry.register(
            "queue_length",
            "Entries waiting in a queue",
            metrics.queue_length.clone(),
        );
        metrics.set_leader(true);
        registry.register(
            "leader",
            "1 where this instance works, 0 where it stands by",
            metrics.leader.clone(),
        );
        registry.register(
            "notices",
            "What came of handing notices over to a sink",
            metrics.notices.clone(),
        );
        registry.register(
            "build",
            "The program that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register_collector(Box::new(Arc::clone(&metrics.inventories)));
        metrics
    }

    /// Counts what came of handing a notice over to a sink, or that its queue had no room.
    pub fn noticed(&self, sink: &str, event: &'static str, result: &'static str) {
        let labels = NoticeLabels {
            sink: sink.to_owned(),
            event,
            result,
        };
        self.notices.get_or_create(&labels).inc();
    }

    /// Counts one look at an object. `result` is a stable word such as `ok` or an error's reason.
    pub fn reconciled(&self, kind: &'static str, result: &'static str, took: Duration) {
        self.reconciles
            .get_or_create(&ReconcileLabels { kind, result })
            .inc();
        self.reconcile_duration
            .get_or_create(&KindLabels { kind })
            .observe(took.as_secs_f64());
    }

    /// Counts one request that changes something in Kubernetes, whatever came of it.
    pub fn kubernetes_write(&self, kind: &'static str, verb: &'static str, result: &'static str) {
        self.kubernetes_writes
            .get_or_create(&WriteLabels { kind, verb, result })
            .inc();
    }

    /// Counts one watch that failed. What it would have shown is not seen until it works again.
    pub fn watch_failed(&self, kind: &'static str) {
        self.watch_failures
            .get_or_create(&KindLabels { kind })
            .inc();
    }

    /// Counts one event that was not published.
    pub fn event_dropped(&self) {
        self.events_dropped.inc();
    }

    /// Sets how many accounts nobody declared.
    pub fn set_orphaned_accounts(&self, namespace: &str, connector: &str, count: i64) {
        self.orphaned_accounts
            .get_or_create(&ConnectorLabels::new(namespace, connector))
            .set(count);
    }

    /// Sets how many active credentials no grant justifies.
    pub fn set_orphaned_credentials(&self, namespace: &str, connector: &str, count: i64) {
        self.orphaned_credentials
            .get_or_create(&ConnectorLabels::new(namespace, connector))
            .set(count);
    }

    /// Sets of how many people something is held.
    pub fn set_held_people(&self, namespace: &str, connector: &str, count: i64) {
        self.held_people
            .get_or_create(&ConnectorLabels::new(namespace, connector))
            .set(count);
    }

    /// Sets how many accounts hold what a role template gives, and should not.
    pub fn set_rogue_holders(&self, namespace: &str, role_template: &str, count: i64) {
        self.rogue_holders
            .get_or_create(&TemplateLabels::new(namespace, role_template))
            .set(count);
    }

    /// Forgets everything about a role template that is gone.
    pub fn forget_template(&self, namespace: &str, role_template: &str) {
        let labels = TemplateLabels::new(namespace, role_template);
        self.rogue_holders.remove(&labels);
    }

    /// Moves one employee from one count to another; `None` is before it was first seen, and after
    /// it is gone.
    pub fn count_employee(
        &self,
        namespace: &str,
        before: Option<EmployeeCount>,
        after: Option<EmployeeCount>,
    ) {
        if before == after {
            return;
        }
        let gauge = |count: EmployeeCount| {
            self.employees.get_or_create_owned(&EmployeeLabels {
                namespace: namespace.to_owned(),
                stage: count.stage,
                ready: if count.ready { "true" } else { "false" },
            })
        };
        if let Some(before) = before {
            gauge(before).dec();
        }
        if let Some(after) = after {
            gauge(after).inc();
        }
    }

    /// Sets how many entries wait in a queue.
    pub fn set_queue_length(&self, queue: &'static str, length: usize) {
        self.queue_length
            .get_or_create(&QueueLabels { queue })
            .set(i64::try_from(length).unwrap_or(i64::MAX));
    }

    /// Sets whether this instance works or stands by. Without leader election it works.
    pub fn set_leader(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// Remembers when a target was last listed successfully; its age is told at each scrape.
    pub fn inventory_listed(&self, namespace: &str, connector: &str, at: Timestamp) {
        self.inventories
            .listed()
            .insert(ConnectorLabels::new(namespace, connector), at);
    }

    /// Forgets everything about a connector that is gone.
    pub fn forget_connector(&self, namespace: &str, connector: &str) {
        let labels = ConnectorLabels::new(namespace, connector);
        self.orphaned_accounts.remove(&labels);
        self.orphaned_credentials.remove(&labels);
        self.held_people.remove(&labels);
        self.inventories.listed().remove(&labels);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl TemplateLabels {
    fn new(namespace: &str, role_template: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            role_template: role_template.to_owned(),
        }
    }
}

impl ConnectorLabels {
    fn new(namespace: &str, connector: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            connector: connector.to_owned(),
        }
    }
}

/// When each target was last listed. Ages are computed when they are asked for, so that time passing
/// is no work.
struct Inventories {
    clock: Arc<dyn Clock>,
    listed: Mutex<BTreeMap<ConnectorLabels, Timestamp>>,
}

impl Inventories {
    fn listed(&self) -> MutexGuard<'_, BTreeMap<ConnectorLabels, Timestamp>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Inventories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inventories").finish_non_exhaustive()
    }
}

impl Collector for Inventories {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut family = encoder.encode_descriptor(
            "inventory_age",
            "Time since a target was last listed successfully.",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        let now = self.clock.now();
        for (labels, at) in &*self.listed() {
            let age = now.duration_since(*at).as_secs_f64().max(0.0);
            ConstGauge::new(age).encode(family.encode_family(labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
