//! What administrators are told of: read off the statuses, whoever wrote them.
//!
//! A status says what is so, not what changed: so the same event is found again after a restart, and the outbox of
//! `notify` knows that it was told of. Nothing is kept of an object but while something of it is still to be told.

mod connector;
mod employee;
mod said;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Unit};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::watch::{self, Change, Key, Seen};
use crate::api::{AppConnector, Employee};
use crate::notify::stored::HORIZON;
use crate::notify::{Notice, Notifier};
use crate::plan::Lane;
use crate::runtime::clock::{WallClock, sleep_until};
use crate::runtime::workqueue::WorkQueue;

/// Changes that may wait to be looked at.
const CHANGES: usize = 256;
/// How long something must last before it is told of: much is amiss for a moment only.
const LASTING: SignedDuration = SignedDuration::from_mins(15);
/// When it is tried again where the queue of a sink is full.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// All are looked at in the same lane: none is more urgent than another.
const LANE: Lane = Lane::Drift;

/// What is to be told of one object.
#[derive(Debug, Default)]
struct Outlook {
    /// Now.
    due: Vec<Notice>,
    /// When to look again, if nothing changes before.
    next: Option<Timestamp>,
}

impl Outlook {
    /// Tells of something from an instant on, as long as it is news.
    fn tell(&mut self, at: Timestamp, now: Timestamp, notice: impl FnOnce() -> Notice) {
        if at > now {
            self.next = Some(self.next.map_or(at, |next| next.min(at)));
        } else if now.duration_since(at) < HORIZON {
            self.due.push(notice());
        }
    }
}

/// An object of which something is still to be told.
enum Object {
    Employee(Box<Employee>),
    Connector(Box<AppConnector>),
}

/// Which object it is: people and connectors may be called alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Employee,
    Connector,
}

/// Looks at every status, and tells.
pub(super) struct Notices {
    notifier: Notifier,
    deadline: SignedDuration,
    clock: Arc<dyn WallClock>,
    /// Those of which something is still to be told.
    open: BTreeMap<(Kind, Key), Object>,
    /// When to look at them.
    queue: WorkQueue<(Kind, Key)>,
}

impl Notices {
    /// Tells of an offboarding that is not complete so long after the last day.
    pub(super) fn new(notifier: Notifier, deadline: Duration, clock: Arc<dyn WallClock>) -> Self {
        Self {
            notifier,
            deadline: SignedDuration::try_from(deadline).unwrap_or(SignedDuration::MAX),
            clock,
            open: BTreeMap::new(),
            queue: WorkQueue::default(),
        }
    }

    /// Works until it is told to stop.
    pub(super) async fn watch(
        mut self,
        client: kube::Client,
        namespaces: Option<BTreeSet<String>>,
        stop: CancellationToken,
    ) {
        let (sender, mut changes) = mpsc::channel(CHANGES);
        watch::follow_notable(&client, namespaces.as_ref(), &sender, &stop);
        loop {
            let next = self.queue.next_due();
            let clock = Arc::clone(&self.clock);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                change = changes.recv() => match change {
                    None => return,
                    Some(change) => self.take(change),
                },
                () = sleep_until(&*clock, next.unwrap_or(Timestamp::MAX)), if next.is_some() => {
                    self.look_again();
                }
            }
        }
    }

    fn take(&mut self, change: Change) {
        match change {
            Change::Employee(Seen::There(key, _, person)) => {
                self.look((Kind::Employee, key), Object::Employee(person), self.now());
            }
            Change::AppConnector(Seen::There(key, _, connector)) => {
                let connector = Object::Connector(connector);
                self.look((Kind::Connector, key), connector, self.now());
            }
            Change::Employee(Seen::Gone(key) | Seen::Unreadable(key, ..)) => {
                self.forget(&(Kind::Employee, key));
            }
            Change::AppConnector(Seen::Gone(key) | Seen::Unreadable(key, ..)) => {
                self.forget(&(Kind::Connector, key));
            }
            Change::Failing(source, why) => {
                tracing::warn!(%source, why, "what administrators are told of can't be watched");
            }
            Change::RoleTemplate(_)
            | Change::Secret(_)
            | Change::Synced(_)
            | Change::Stopped(_) => {}
        }
    }

    fn look_again(&mut self) {
        let now = self.now();
        while let Some((key, _)) = self.queue.pop(now) {
            if let Some(object) = self.open.remove(&key) {
                self.look(key, object, now);
            }
        }
    }

    fn look(&mut self, key: (Kind, Key), object: Object, now: Timestamp) {
        let outlook = match &object {
            Object::Employee(person) => employee::outlook(person, self.deadline, now),
            Object::Connector(connector) => connector::outlook(connector, now),
        };
        let mut next = outlook.next;
        for notice in outlook.due {
            if !self.notifier.notify(notice) {
                next = now.checked_add(AGAIN).ok();
            }
        }
        match next {
            Some(at) => {
                self.queue.set_at(key.clone(), LANE, at);
                self.open.insert(key, object);
            }
            None => self.forget(&key),
        }
    }

    fn forget(&mut self, key: &(Kind, Key)) {
        self.open.remove(key);
        self.queue.remove(key);
    }

    /// In whole seconds, as statuses have them.
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        now.round(Unit::Second).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests;
