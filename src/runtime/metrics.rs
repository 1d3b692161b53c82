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
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::runtime::clock::ShiftableClock;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    fn scrape(registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text
    }

    #[test]
    fn names_labels_and_units_are_as_promised() {
        let mut registry = registry();
        let metrics = Metrics::register(&mut registry, Arc::new(Fixed));
        metrics.reconciled("Employee", "ok", Duration::from_micros(80));
        metrics.kubernetes_write("Employee", "patch-status", "ok");
        metrics.event_dropped();
        metrics.set_orphaned_accounts("people", "directory", 2);
        metrics.set_orphaned_credentials("people", "directory", 3);
        metrics.set_rogue_holders("people", "everyone", 4);
        metrics.set_rogue_holders("people", "gone", 5);
        metrics.forget_template("people", "gone");
        metrics.set_queue_length("planner", 7);
        let text = scrape(&registry);
        for line in [
            "rollcall_reconciles_total{kind=\"Employee\",result=\"ok\"} 1",
            "rollcall_reconcile_duration_seconds_count{kind=\"Employee\"} 1",
            "rollcall_reconcile_duration_seconds_bucket{le=\"0.0001\",kind=\"Employee\"} 1",
            "rollcall_kubernetes_writes_total{kind=\"Employee\",verb=\"patch-status\",result=\"ok\"} 1",
            "rollcall_events_dropped_total 1",
            "rollcall_orphaned_accounts{namespace=\"people\",connector=\"directory\"} 2",
            "rollcall_orphaned_credentials{namespace=\"people\",connector=\"directory\"} 3",
            "rollcall_rogue_holders{namespace=\"people\",role_template=\"everyone\"} 4",
            "rollcall_queue_length{queue=\"planner\"} 7",
            "rollcall_leader 1",
            concat!(
                "rollcall_build_info{version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"} 1"
            ),
        ] {
            assert!(text.lines().any(|l| l == line), "no {line} in:\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn employees_move_between_counts() {
        let mut registry = registry();
        let metrics = Metrics::register(&mut registry, Arc::new(Fixed));
        let active = |ready| {
            Some(EmployeeCount {
                stage: "Active",
                ready,
            })
        };
        metrics.count_employee("people", None, active(false));
        metrics.count_employee("people", None, active(false));
        metrics.count_employee("people", active(false), active(true));
        metrics.count_employee("people", active(true), active(true));
        let text = scrape(&registry);
        for line in [
            "rollcall_employees{namespace=\"people\",stage=\"Active\",ready=\"false\"} 1",
            "rollcall_employees{namespace=\"people\",stage=\"Active\",ready=\"true\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "no {line} in:\n{text}");
        }
        metrics.count_employee("people", active(false), None);
        assert!(scrape(&registry).contains("ready=\"false\"} 0"));
    }

    #[test]
    fn an_inventory_grows_old_without_anyone_doing_anything() {
        let mut registry = registry();
        let clock = Arc::new(ShiftableClock::over(Arc::new(Fixed)));
        let metrics = Metrics::register(&mut registry, Arc::clone(&clock) as Arc<dyn Clock>);
        let age = |seconds: &str| {
            format!(
                "rollcall_inventory_age_seconds{{namespace=\"people\",connector=\"directory\"}} {seconds}\n"
            )
        };
        metrics.inventory_listed("people", "directory", clock.now());
        assert!(scrape(&registry).contains(&age("0.0")));
        clock.shift(SignedDuration::from_secs(90));
        assert!(scrape(&registry).contains(&age("90.0")));
        clock.shift(SignedDuration::from_secs(-900));
        assert!(
            scrape(&registry).contains(&age("0.0")),
            "an age is never negative"
        );
        metrics.set_orphaned_accounts("people", "directory", 1);
        metrics.forget_connector("people", "directory");
        assert!(!scrape(&registry).contains("directory"));
    }
}
