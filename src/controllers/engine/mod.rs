//! The one task that owns the [`World`]: it takes in what changed in Kubernetes and in the targets,
//! works through the queue, and hands orders and statuses on. It waits for nobody.

mod at_rest;
mod changes;
mod claims;
mod clock;
mod connectors;
mod costs;
mod hand_over;
mod listed;
mod moves;
mod namesakes;
mod orphans;
mod people;
mod places;
mod progress;
mod reports;
mod requests;
mod rivals;
mod statuses;
pub mod waves;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::costs::Costs;
use self::progress::Progress;
use super::concerned;
use super::watch::{Change, Source};
use super::world::{Person, Realm, World};
use crate::connectors::registry::Opener;
use crate::dispatch::{Report, Shared};
use crate::domain::guard::Limits;
use crate::domain::ids::{ConnectorName, EmployeeId, EmployeeName, RoleName};
use crate::domain::policy::{Gone, PolicyChange};
use crate::plan::Lane;
use crate::plan::guard::Cause;
use crate::runtime::clock::{WallClock, sleep_until};
use crate::runtime::events::Events;
use crate::runtime::http::Health;
use crate::runtime::metrics::Metrics;
use crate::runtime::status_writer::{Handle as StatusHandle, StatusWritten};
use crate::runtime::workqueue::WorkQueue;

/// Work taken from the queue between two looks at what came in.
const BURST: usize = 64;

/// What holds for everything that the engine does.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of this installation, a DNS label, the first part of every mark.
    pub installation: String,
    /// Whether nothing is to be written to any application.
    pub paused: bool,
    /// How many people may lose something, in all applications together, before somebody has to approve it.
    pub limits: Limits,
}

/// What the engine hands things to.
pub struct Ports {
    /// Wall-clock time.
    pub clock: Arc<dyn WallClock>,
    /// Writes statuses.
    pub statuses: StatusHandle,
    /// Tells Kubernetes events.
    pub events: Events,
    /// Makes the clients of applications.
    pub open: Arc<dyn Opener>,
    /// What every dispatch needs.
    pub dispatch: Shared,
    /// For what comes back to us by way of another task.
    pub changes: mpsc::Sender<Change>,
    /// What the controllers count.
    pub metrics: Metrics,
    /// Tells probes how we are.
    pub health: Arc<Health>,
    /// Ends the engine, and every dispatch.
    pub shutdown: CancellationToken,
}

/// What comes in.
pub struct Inbox {
    /// From Kubernetes.
    pub changes: mpsc::Receiver<Change>,
    /// From the targets.
    pub reports: mpsc::UnboundedReceiver<Report>,
    /// From the status writer.
    pub written: mpsc::UnboundedReceiver<StatusWritten>,
}

/// One thing to look at. The order is the order in which equally urgent ones are looked at: people by
/// `employeeId`, so that ties between them never depend on who came first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    /// A connector: (re)start its dispatch.
    Connector(Arc<str>, ConnectorName),
    /// A person.
    Person(Arc<str>, EmployeeId, EmployeeName),
    /// The status of a role template.
    TemplateStatus(Arc<str>, RoleName),
    /// The status of a connector.
    ConnectorStatus(Arc<str>, ConnectorName),
    /// What those who leave lose in a connector. It comes after every person in the same lane, or a better
    /// one: who else leaves now is known by then.
    Leavers(Arc<str>, ConnectorName),
    /// What anybody loses in a namespace.
    Wave(Arc<str>),
    /// What is held in a connector, which may fit or be approved by now.
    Held(Arc<str>, ConnectorName),
    /// The places in entitlements that only so many may hold.
    Places(Arc<str>),
}

/// The one task that owns the [`World`].
pub struct Engine {
    world: World,
    queue: WorkQueue<Work>,
    ports: Ports,
    /// Watches that have not shown everything yet. Nothing is planned before they have.
    unsynced: BTreeSet<Source>,
    /// Namespaces whose policy has to be put together anew.
    stale_policies: BTreeSet<Arc<str>>,
    counter: AtomicU64,
    /// When statuses tell of work that is going on.
    progress: Progress,
    /// What the statuses of role templates and connectors cost.
    summary_costs: Costs,
    /// The latest that the clock showed.
    latest: Timestamp,
}

impl Engine {
    /// An engine that knows nothing yet and waits for these watches.
    #[must_use]
    pub fn new(settings: Settings, sources: Vec<Source>, ports: Ports) -> Self {
        for source in &sources {
            ports.health.missing(
                source.to_string(),
                format!("waiting for the first list of {source}"),
            );
        }
        ports.health.started();
        let latest = ports.clock.now();
        Self {
            latest,
            world: World::new(settings.installation, settings.paused, settings.limits),
            queue: WorkQueue::default(),
            ports,
            unsynced: sources.into_iter().collect(),
            stale_policies: BTreeSet::new(),
            counter: AtomicU64::new(1),
            progress: Progress::default(),
            summary_costs: Costs::default(),
        }
    }

    /// Runs until shutdown.
    pub async fn run(mut self, mut inbox: Inbox) {
        let shutdown = self.ports.shutdown.clone();
        loop {
            self.ports.health.beat();
            let busy = self.unsynced.is_empty() && self.has_work(self.ports.clock.now());
            let due = if self.unsynced.is_empty() {
                self.queue.next_due()
            } else {
                None
            };
            let clock = Arc::clone(&self.ports.clock);
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(change) = inbox.changes.recv() => self.change(change),
                Some(report) = inbox.reports.recv() => self.report(report),
                Some(written) = inbox.written.recv() => self.written(&written),
                () = std::future::ready(()), if busy => {}
                () = sleep_until(&*clock, due.unwrap_or(Timestamp::MAX)), if due.is_some() => {}
                // Proves to the liveness probe that the loop turns.
                () = tokio::time::sleep(std::time::Duration::from_secs(10)) => {}
            }
            self.drain(&mut inbox);
            if self.unsynced.is_empty() {
                self.work();
            }
        }
        // What is in flight may end, and what it did is found again by the next start.
        let mut stopped = Vec::new();
        for realm in self.world.realms.values_mut() {
            for connector in realm.connectors.values_mut() {
                stopped.extend(connector.running.take().map(|running| running.handle));
            }
        }
        for handle in &stopped {
            handle.stop();
        }
        for handle in stopped {
            handle.stopped().await;
        }
    }

    fn has_work(&self, now: Timestamp) -> bool {
        self.queue.has_ready() || self.queue.next_due().is_some_and(|at| at <= now)
    }

    /// Takes in what has already arrived, up to a bound, so that work sees the newest state.
    fn drain(&mut self, inbox: &mut Inbox) {
        for _ in 0..BURST * 4 {
            if let Ok(change) = inbox.changes.try_recv() {
                self.change(change);
            } else if let Ok(report) = inbox.reports.try_recv() {
                self.report(report);
            } else if let Ok(written) = inbox.written.try_recv() {
                self.written(&written);
            } else {
                return;
            }
        }
    }

    fn work(&mut self) {
        self.notice_clock();
        self.refresh_policies();
        for _ in 0..BURST {
            let now = self.now();
            let Some((work, _)) = self.queue.pop(self.ports.clock.now()) else {
                break;
            };
            let began = tokio::time::Instant::now();
            let summary = matches!(&work, Work::TemplateStatus(..) | Work::ConnectorStatus(..));
            let kind = match &work {
                Work::Connector(namespace, name) => {
                    self.connect(namespace, name);
                    "AppConnector"
                }
                Work::Person(namespace, _, name) => {
                    self.person(namespace, name, now);
                    "Employee"
                }
                Work::Places(namespace) => {
                    self.allot_places(namespace);
                    continue;
                }
                Work::TemplateStatus(namespace, name) => {
                    self.template_status(namespace, name, now);
                    "RoleTemplate"
                }
                Work::ConnectorStatus(namespace, name) => {
                    self.connector_status(namespace, name, now);
                    "AppConnector"
                }
                Work::Leavers(namespace, name) => {
                    self.decide(namespace, name, &Cause::LEAVERS, &BTreeSet::new(), now);
                    "AppConnector"
                }
                Work::Held(namespace, name) => {
                    self.decide(namespace, name, &[], &BTreeSet::new(), now);
                    "AppConnector"
                }
                Work::Wave(namespace) => {
                    self.decide_wave(namespace, now);
                    "AppConnector"
                }
            };
            let took = began.elapsed();
            self.ports.metrics.reconciled(kind, "Done", took);
            if summary {
                self.summary_costs.note(work, took);
            }
        }
        self.ports
            .metrics
            .set_queue_length("ready", self.queue.ready_len());
        self.ports
            .metrics
            .set_queue_length("delayed", self.queue.delayed_len());
    }

    /// The present instant, in whole seconds as the Kubernetes API keeps times: what is written is
    /// what is read back.
    fn now(&self) -> Timestamp {
        whole_seconds(self.ports.clock.now())
    }

    fn next(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    fn realm(&mut self, namespace: &Arc<str>) -> &mut Realm {
        let installation = &self.world.installation;
        let paused = self.world.paused;
        // What is gone when it is started may have gone just now.
        let others = self.ports.clock.now();
        self.world
            .realms
            .entry(Arc::clone(namespace))
            .or_insert_with(|| Realm {
                paused,
                gone: Gone {
                    others,
                    ..Gone::default()
                },
                ..Realm::new(installation, namespace)
            })
    }

    /// Puts together the policies whose parts changed, and looks at those whom that concerns.
    fn refresh_policies(&mut self) {
        let now = self.now();
        for namespace in std::mem::take(&mut self.stale_policies) {
            let Some(realm) = self.world.realms.get_mut(&namespace) else {
                continue;
            };
            let before = realm.rebuild_policy();
            let after = Arc::clone(&realm.policy);
            realm.rivals.forget();
            realm.places.policy_changed();
            self.take_over_names(&namespace);
            // Other rules may find what was ordered to be somebody's, also by another connector of the application.
            self.spare_claimed(&namespace);
            let change = PolicyChange::between(&before, &after);
            self.look_at_those(&namespace, |realm, person| {
                concerned::by_policy(realm, person, &change, now)
            });
            self.allot_soon(&namespace);
            for template in change.templates() {
                self.summary_of_template(&namespace, template.clone());
            }
            for connector in change.connectors().union(&change.given_in()) {
                self.summary_of_connector(&namespace, connector.clone());
            }
        }
    }

    fn look_at_everyone(&mut self, namespace: &Arc<str>) {
        self.look_at_those(namespace, |_, _| true);
    }

    /// Looks at those for whom something about one connector is different.
    fn look_at_those_in(&mut self, namespace: &Arc<str>, connector: &ConnectorName) {
        let now = self.now();
        self.look_at_those(namespace, |realm, person| {
            concerned::by_connector(realm, person, connector, now)
        });
    }

    fn look_at_those(&mut self, namespace: &Arc<str>, concerned: impl Fn(&Realm, &Person) -> bool) {
        let now = self.now();
        let Some(realm) = self.world.realms.get(namespace) else {
            return;
        };
        let work: Vec<(Work, Lane)> = realm
            .people
            .iter()
            .filter(|(_, person)| concerned(realm, person))
            .map(|(name, person)| {
                let work = Work::Person(
                    Arc::clone(namespace),
                    person.employee_id.clone(),
                    name.clone(),
                );
                // Those who need a user name in the same new target are looked at in the order of
                // their ids, whatever history each has elsewhere.
                (work, person.lane(now).min(Lane::Mover))
            })
            .collect();
        for (work, lane) in work {
            self.queue.add(work, lane);
        }
    }

    fn look_at(&mut self, namespace: &Arc<str>, name: &EmployeeName) {
        let now = self.now();
        let Some(person) = self.world.person(namespace, name) else {
            return;
        };
        let lane = person.lane(now);
        let work = Work::Person(
            Arc::clone(namespace),
            person.employee_id.clone(),
            name.clone(),
        );
        self.queue.add(work, lane);
    }

    fn look_at_id(&mut self, namespace: &Arc<str>, id: &EmployeeId) {
        let names: Vec<EmployeeName> = self
            .world
            .realms
            .get(namespace)
            .and_then(|realm| realm.by_id.get(id))
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        for name in names {
            self.look_at(namespace, &name);
        }
    }
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
