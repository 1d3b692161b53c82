//! What dispatch counts.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::order::ConnectorKey;
use super::queue::LANES;
use crate::plan::operation::Lane;

/// Labels of what is counted per connector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectorLabels {
    namespace: Arc<str>,
    connector: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    namespace: Arc<str>,
    connector: String,
    verb: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LaneLabels {
    namespace: Arc<str>,
    connector: String,
    lane: &'static str,
}

/// Metric families of dispatch, shared by all targets. Registered in the caller's own registry.
#[derive(Clone, Debug)]
pub struct DispatchMetrics {
    writes: Family<WriteLabels, Counter>,
    in_flight: Family<ConnectorLabels, Gauge>,
    orders: Family<LaneLabels, Gauge>,
    throttled: Family<ConnectorLabels, Counter>,
    listing_seconds: Family<ConnectorLabels, Histogram, fn() -> Histogram>,
}

impl DispatchMetrics {
    /// Makes the families and registers them as `writes_total{namespace,connector,verb,result}`,
    /// `calls_in_flight`, `orders{lane}`, `throttled_total` and `listing_duration_seconds`.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            writes: Family::default(),
            in_flight: Family::default(),
            orders: Family::default(),
            throttled: Family::default(),
            listing_seconds: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.05, 2.0, 14))
            }),
        };
        registry.register(
            "writes",
            "Writes to targets by what was done and how it ended, memberships counted one by one",
            metrics.writes.clone(),
        );
        registry.register(
            "calls_in_flight",
            "Calls to a target in flight, listings and probes aside",
            metrics.in_flight.clone(),
        );
        registry.register(
            "orders",
            "Orders for a target that wait or are under way, by lane",
            metrics.orders.clone(),
        );
        registry.register(
            "throttled",
            "Calls that a target answered by asking for a slower pace",
            metrics.throttled.clone(),
        );
        registry.register(
            "listing_duration_seconds",
            "Time that listings of a target took, failed ones included",
            metrics.listing_seconds.clone(),
        );
        metrics
    }

    /// The metrics of one connector.
    pub(super) fn of(&self, key: &ConnectorKey) -> ConnectorMetrics {
        ConnectorMetrics {
            families: self.clone(),
            labels: ConnectorLabels {
                namespace: key.namespace.clone(),
                connector: key.name.to_string(),
            },
        }
    }
}

/// The metrics of one connector.
#[derive(Clone, Debug)]
pub(super) struct ConnectorMetrics {
    families: DispatchMetrics,
    labels: ConnectorLabels,
}

impl ConnectorMetrics {
    pub(super) fn wrote(&self, verb: &'static str, result: &'static str) {
        let ConnectorLabels {
            namespace,
            connector,
        } = self.labels.clone();
        let labels = WriteLabels {
            namespace,
            connector,
            verb,
            result,
        };
        self.families.writes.get_or_create(&labels).inc();
    }

    pub(super) fn throttled(&self) {
        self.families.throttled.get_or_create(&self.labels).inc();
    }

    pub(super) fn listed(&self, took: Duration) {
        let seconds = self.families.listing_seconds.get_or_create(&self.labels);
        seconds.observe(took.as_secs_f64());
    }

    /// Shows how much is under way.
    pub(super) fn show(&self, in_flight: usize, waiting: impl Fn(Lane) -> usize) {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let gauge = self.families.in_flight.get_or_create(&self.labels);
        gauge.set(count(in_flight));
        drop(gauge);
        for lane in LANES {
            let gauge = self.families.orders.get_or_create(&self.lane(lane));
            gauge.set(count(waiting(lane)));
        }
    }

    /// Takes the connector's gauges away, when it stops.
    pub(super) fn forget(&self) {
        self.families.in_flight.remove(&self.labels);
        for lane in LANES {
            self.families.orders.remove(&self.lane(lane));
        }
    }

    fn lane(&self, lane: Lane) -> LaneLabels {
        let ConnectorLabels {
            namespace,
            connector,
        } = self.labels.clone();
        LaneLabels {
            namespace,
            connector,
            lane: match lane {
                Lane::Leaver => "leaver",
                Lane::Mover => "mover",
                Lane::Joiner => "joiner",
                Lane::Drift => "drift",
            },
        }
    }
}
