//! The record of one write: its audit before and after, and its count.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::call::Write;
use super::member::{Change, Creation, Direction};
use super::metrics::ConnectorMetrics;
use super::order::{ConnectorKey, Order};
use crate::audit::{self, AuditEvent, AuditSink, Difference, Phase, Subject};
use crate::connectors::{ConnectorError, ErrorKind, MarkChange};
use crate::domain::ids::AttributeName;
use crate::runtime::clock::Clock;

/// Where records go.
#[derive(Clone)]
pub(super) struct Recorder {
    pub(super) key: ConnectorKey,
    pub(super) audit: Arc<dyn AuditSink>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: ConnectorMetrics,
}

/// What is done for one person by one write.
#[derive(Debug)]
pub(super) struct Line {
    order: Arc<Order>,
    verb: &'static str,
    account: Option<String>,
    difference: Vec<Difference>,
}

/// A write under way. If it is dropped before its end is recorded, because its task was cut off, its
/// outcome is recorded as unknown: no intent stays without an outcome.
pub(super) struct Record {
    recorder: Recorder,
    call: String,
    began: Instant,
    lines: Vec<Line>,
}

impl Recorder {
    /// Records the intent.
    pub(super) fn begin(&self, call: String, lines: Vec<Line>) -> Record {
        for line in &lines {
            self.audit.record(self.event(&call, line, None));
        }
        Record {
            recorder: self.clone(),
            call,
            began: Instant::now(),
            lines,
        }
    }

    fn event(
        &self,
        call: &str,
        line: &Line,
        outcome: Option<(Duration, &'static str)>,
    ) -> AuditEvent {
        AuditEvent {
            at: self.clock.now(),
            phase: outcome.map_or(Phase::Intent, |_| Phase::Outcome),
            call: call.to_owned(),
            namespace: self.key.namespace.clone(),
            connector: self.key.name.to_string(),
            employee: line.order.employee.to_string(),
            verb: line.verb,
            account: line.account.clone(),
            cause: line.order.cause.clone(),
            revision: line.order.revision,
            difference: line.difference.clone(),
            duration_ms: outcome
                .map(|(took, _)| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            result: outcome.map(|(_, result)| result),
        }
    }
}

impl Record {
    /// Records the outcome, the same for all.
    pub(super) fn end<T>(self, result: &Result<T, ConnectorError>) {
        let reason = reason(result);
        self.finish(|_| reason);
    }

    /// Records the outcome, one for each line.
    pub(super) fn end_each(self, results: &[Result<(), ConnectorError>]) {
        self.finish(|n| {
            results
                .get(n)
                .map_or(ErrorKind::OutcomeUnknown.reason(), reason)
        });
    }

    fn finish(mut self, reason: impl Fn(usize) -> &'static str) {
        self.write(reason);
    }

    fn write(&mut self, reason: impl Fn(usize) -> &'static str) {
        let took = self.began.elapsed();
        for (n, line) in std::mem::take(&mut self.lines).iter().enumerate() {
            let result = reason(n);
            let event = self.recorder.event(&self.call, line, Some((took, result)));
            self.recorder.audit.record(event);
            self.recorder.metrics.wrote(line.verb, result);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.write(|_| ErrorKind::OutcomeUnknown.reason());
    }
}

impl Line {
    /// Of a write to one account.
    pub(super) fn write(order: &Arc<Order>, write: &Write) -> Self {
        let attribute = |name: &str, change| Difference {
            subject: Subject::Attribute,
            name: name.to_owned(),
            change,
        };
        let set = |name: &str| attribute(name, audit::Change::Set);
        let (account, difference) = match write {
            Write::Create(new) => {
                let fixed = ["username", "mark", "active"];
                let fixed = fixed
                    .into_iter()
                    .filter(|name| *name != "active" || new.active);
                let named = new.attributes.keys().map(AttributeName::as_str);
                (None, fixed.chain(named).map(set).collect())
            }
            Write::Update(id, changes) => {
                let username = changes.username.iter().map(|_| set("username"));
                let named = changes.set.keys().map(|name| set(name.as_str()));
                let cleared = changes.clear.iter();
                let cleared = cleared.map(|name| attribute(name.as_str(), audit::Change::Cleared));
                (Some(id), username.chain(named).chain(cleared).collect())
            }
            Write::SetActive(id, active) => {
                let change = if *active {
                    audit::Change::Set
                } else {
                    audit::Change::Cleared
                };
                (Some(id), vec![attribute("active", change)])
            }
            Write::SetMark(id, change) => {
                let change = match change {
                    MarkChange::Put(_) => audit::Change::Set,
                    MarkChange::Take(_) => audit::Change::Cleared,
                };
                (Some(id), vec![attribute("mark", change)])
            }
            Write::Revoke(id, kind) => {
                let taken = Difference {
                    subject: Subject::Credentials,
                    name: kind.word().to_owned(),
                    change: audit::Change::Taken,
                };
                (Some(id), vec![taken])
            }
            Write::TransferOwnership { from, to } => {
                let given = Difference {
                    subject: Subject::Ownership,
                    name: to.to_string(),
                    change: audit::Change::Given,
                };
                (Some(from), vec![given])
            }
            Write::Delete(id) => (Some(id), vec![attribute("account", audit::Change::Cleared)]),
        };
        Self {
            verb: order.operation.verb(),
            order: order.clone(),
            account: account.map(ToString::to_string),
            difference,
        }
    }

    /// Of the making of an entitlement.
    pub(super) fn creation(creation: &Creation) -> Self {
        Self {
            order: creation.order.clone(),
            verb: "CreateEntitlement",
            account: None,
            difference: vec![Difference {
                subject: Subject::Entitlement,
                name: creation.name.to_string(),
                change: audit::Change::Made,
            }],
        }
    }

    /// Of each membership that changes in one call.
    pub(super) fn memberships(change: &Change) -> Vec<Self> {
        change
            .parts
            .iter()
            .map(|part| Self {
                order: part.order.clone(),
                verb: part.order.operation.verb(),
                account: Some(part.account.to_string()),
                difference: vec![Difference {
                    subject: Subject::Entitlement,
                    name: part.name.to_string(),
                    change: match part.direction {
                        Direction::Give => audit::Change::Given,
                        Direction::Take => audit::Change::Taken,
                    },
                }],
            })
            .collect()
    }
}

fn reason<T>(result: &Result<T, ConnectorError>) -> &'static str {
    match result {
        Ok(_) => "Succeeded",
        Err(error) => error.kind.reason(),
    }
}
