//! Tests of the engine with no cluster and no target: what comes in is laid in by hand, and what it
//! would do next is looked at.

mod causes;
mod claims;
mod clock;
mod connectors;
mod deletion;
mod listings;
mod moves;
mod names;
mod orphan_work;
mod orphans;
mod places;
mod policy;
mod remembered;
mod rivals;
mod secrets;
mod shared_waves;
mod statuses;
mod under_way;
mod waves;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Engine, Ports, Settings};
use crate::api::{
    APPROVED_REMOVALS_ANNOTATION, CONFIRM_TARGET_ANNOTATION, PAUSED_ANNOTATION,
    RECONCILE_ANNOTATION, SECRET_HOSTS_ANNOTATION, SECRET_LABEL,
};
use crate::audit::memory::MemorySink;
use crate::connectors::Listing;
use crate::connectors::registry::Protocols;
use crate::controllers::watch::{Change, Key, Seen};

use crate::controllers::world::{Home, Meta};
use crate::dispatch::order::{ConnectorKey, Effect, Event, Order, Outcome};
use crate::dispatch::passwords::Same;
use crate::dispatch::{Command, DispatchMetrics, Handle, Report, Shared};
use crate::domain::account::{
    Activity, Attributes, Completeness, ObservedAccount, ObservedEntitlement,
};
use crate::domain::guard::Limits;
use crate::domain::ids::{ConnectorName, EmployeeName, Username};
use crate::plan::guard::Approval;
use crate::plan::{Lane, Operation};
use crate::runtime::clock::{ShiftableClock, SystemClock};
use crate::runtime::events::{self, Events};
use crate::runtime::http::Health;
use crate::runtime::metrics::{self, Metrics};
use crate::runtime::status_writer::{self, StatusWriter, StatusWritten};

/// An engine in one namespace, and the far ends of what it hands things to.
struct Bench {
    engine: Engine,
    clock: Arc<ShiftableClock>,
    changes: mpsc::Receiver<Change>,
    namespace: Arc<str>,
    version: u64,
    requests: mpsc::UnboundedReceiver<(String, Value)>,
    writes: Vec<(String, Value)>,
    _reports: mpsc::UnboundedReceiver<Report>,
    written: mpsc::UnboundedReceiver<StatusWritten>,
    /// Whether Kubernetes refuses what it is given.
    refusing: Arc<AtomicBool>,
}

impl Bench {
    /// An engine whose watches are in step. Kubernetes accepts every write.
    fn new() -> Self {
        let (sender, requests) = mpsc::unbounded_channel();
        let refusing = Arc::new(AtomicBool::new(false));
        let mood = Arc::clone(&refusing);
        let service = tower::service_fn(move |request: Request<Body>| {
            let sender = sender.clone();
            let refused = mood.load(Ordering::Relaxed);
            async move {
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect_bytes().await.unwrap();
                // Who does not look has dropped the other end.
                let _ = sender.send((path, serde_json::from_slice(&body).unwrap()));
                let (code, answer) = if refused {
                    let why = json!({"causes": [{"field": "<nil>"}]});
                    (422, json!({"message": "Invalid value", "details": why}))
                } else {
                    (200, json!({"metadata": {"resourceVersion": "1"}}))
                };
                let answer = Response::new(Body::from(answer.to_string().into_bytes()));
                let (mut head, body) = answer.into_parts();
                head.status = http::StatusCode::from_u16(code).unwrap();
                Ok::<_, std::convert::Infallible>(Response::from_parts(head, body))
            }
        });
        let client = kube::Client::new(service, "default");
        let mut registry = metrics::registry();
        let clock = Arc::new(ShiftableClock::over(Arc::new(SystemClock)));
        let metrics = Metrics::register(&mut registry, clock.clone());
        let shutdown = CancellationToken::new();
        let (statuses, written, _) = StatusWriter::start(
            client.clone(),
            status_writer::Settings::default(),
            metrics.clone(),
            shutdown.clone(),
        );
        let (events, _) = Events::start(
            client,
            events::Settings::default(),
            metrics.clone(),
            shutdown.clone(),
        );
        let (changes_in, changes) = mpsc::channel(64);
        let (reports_in, reports) = mpsc::unbounded_channel();
        let ports = Ports {
            clock: clock.clone(),
            statuses,
            events,
            open: Arc::new(Protocols),
            dispatch: Shared {
                reports: reports_in,
                audit: Arc::new(MemorySink::default()),
                passwords: Arc::new(Same(Err("nowhere to keep it"))),
                clock: clock.clone(),
                metrics: DispatchMetrics::register(&mut registry),
                stop: shutdown.clone(),
            },
            changes: changes_in,
            metrics,
            health: Arc::new(Health::new(std::time::Duration::from_mins(1))),
            shutdown,
        };
        Self {
            engine: Engine::new(settings(), Vec::new(), ports),
            clock,
            changes,
            namespace: Arc::from("people"),
            version: 0,
            requests,
            writes: Vec::new(),
            _reports: reports,
            written,
            refusing,
        }
    }

    fn key(&self, name: &str) -> Key {
        Key {
            namespace: Arc::clone(&self.namespace),
            name: Arc::from(name),
        }
    }

    /// An object as the watch shows it, the newest there is.
    fn seen<K: serde::de::DeserializeOwned>(&mut self, name: &str, object: &Value) -> Seen<K> {
        self.version += 1;
        let metadata = &object["metadata"];
        let meta = Meta {
            uid: format!("uid-{name}").into(),
            generation: i64::try_from(self.version).unwrap(),
            resource_version: self.version.to_string().into(),
            created: None,
            deleting: !metadata["deletionTimestamp"].is_null(),
            finalizers: serde_json::from_value(metadata["finalizers"].clone()).unwrap_or_default(),
            paused: metadata["annotations"][PAUSED_ANNOTATION] == "true",
            approved: metadata["annotations"][APPROVED_REMOVALS_ANNOTATION]
                .as_str()
                .map(|digest| {
                    Box::new(Approval {
                        digest: digest.to_owned(),
                        by: Some("grace".to_owned()),
                    })
                }),
            confirmed: metadata["annotations"][CONFIRM_TARGET_ANNOTATION]
                .as_str()
                .map(Box::from),
            requested: metadata["annotations"][RECONCILE_ANNOTATION]
                .as_str()
                .map(Box::from),
        };
        let object = serde_json::from_value(object.clone()).unwrap();
        Seen::There(self.key(name), meta, Box::new(object))
    }

    fn employee(&mut self, name: &str, object: &Value) {
        let seen = self.seen(name, object);
        self.engine.change(Change::Employee(seen));
    }

    fn connector(&mut self, name: &str, object: &Value) {
        let seen = self.seen(name, object);
        self.engine.change(Change::AppConnector(seen));
    }

    fn template(&mut self, name: &str, object: &Value) {
        let seen = self.seen(name, object);
        self.engine.change(Change::RoleTemplate(seen));
    }

    fn secret(&mut self, name: &str) {
        self.secret_with(name, "czNjcmV0");
    }

    fn secret_with(&mut self, name: &str, token: &str) {
        let secret: k8s_openapi::api::core::v1::Secret = serde_json::from_value(json!({
            "metadata": {
                "name": name,
                "labels": {SECRET_LABEL: "true"},
                "annotations": {SECRET_HOSTS_ANNOTATION: "localhost"},
            },
            "data": {"token": token},
        }))
        .unwrap();
        let seen = Seen::There(self.key(name), Meta::default(), Box::new(secret.into()));
        self.engine.change(Change::Secret(seen));
    }

    /// The accounts that are recorded were in this application before as well.
    fn at_home(&mut self, connector: &str) {
        let namespace = Arc::clone(&self.namespace);
        let name = ConnectorName::new(connector);
        let entry = self.engine.world.connector_mut(&namespace, &name).unwrap();
        let target = entry.target.clone().unwrap();
        entry.home = Home::told(Some(&target.0));
    }

    /// What the engine tells the dispatch of a connector from now on.
    fn tap(&mut self, connector: &str) -> mpsc::UnboundedReceiver<Command> {
        let (handle, told) = Handle::to_test();
        let namespace = Arc::clone(&self.namespace);
        let name = ConnectorName::new(connector);
        let entry = self.engine.world.connector_mut(&namespace, &name).unwrap();
        entry.running.as_mut().unwrap().handle = handle;
        told
    }

    /// Something that dispatch reports of a connector.
    fn report(&mut self, connector: &str, event: Event) {
        let key = ConnectorKey {
            namespace: Arc::clone(&self.namespace),
            name: ConnectorName::new(connector),
        };
        let entry = self.engine.world.connector_mut(&key.namespace, &key.name);
        let epoch = entry.unwrap().epoch().unwrap();
        self.engine.report(Report {
            connector: key,
            epoch,
            event,
        });
    }

    /// A complete listing of these accounts, and of no entitlement.
    fn listed(&mut self, connector: &str, accounts: Vec<ObservedAccount>) {
        self.listed_so_far(connector, accounts, Completeness::Complete);
    }

    /// A complete listing of these accounts and entitlements.
    fn listed_with(
        &mut self,
        connector: &str,
        accounts: Vec<ObservedAccount>,
        entitlements: Vec<ObservedEntitlement>,
    ) {
        self.lists(connector, accounts, Completeness::Complete, entitlements);
    }

    /// Accounts, as far as they are complete, and no entitlement.
    fn listed_so_far(
        &mut self,
        connector: &str,
        accounts: Vec<ObservedAccount>,
        completeness: Completeness,
    ) {
        self.lists(connector, accounts, completeness, Vec::new());
    }

    fn lists(
        &mut self,
        connector: &str,
        accounts: Vec<ObservedAccount>,
        completeness: Completeness,
        entitlements: Vec<ObservedEntitlement>,
    ) {
        self.report(connector, Event::ListingStarted);
        let listing = Listing {
            accounts,
            accounts_completeness: completeness,
            entitlements,
            entitlements_completeness: Completeness::Complete,
            oddities: Vec::new(),
            requests: 1,
        };
        self.report(connector, Event::Listed(Box::new(listing)));
    }

    /// Works until nothing is to be done now. What the guard gathers is decided at once, and what it let
    /// through is remembered.
    fn work(&mut self) {
        self.work_now();
        while self.pass_gates() {
            self.work_now();
        }
    }

    fn work_now(&mut self) {
        self.engine.work();
        while self.engine.has_work(self.engine.ports.clock.now()) {
            self.engine.work();
        }
    }

    fn pass_gates(&mut self) -> bool {
        let Some(realm) = self.engine.world.realms.get(&self.namespace) else {
            return false;
        };
        let connectors = realm.connectors.iter();
        let asked =
            connectors.filter(|(_, e)| e.gate.is_undecided() || !e.gate.unsaved().is_empty());
        let asked: Vec<ConnectorName> = asked.map(|(name, _)| name.clone()).collect();
        let namespace = Arc::clone(&self.namespace);
        let now = self.engine.now();
        self.engine.decide_wave(&namespace, now);
        for name in &asked {
            let entry = self.engine.world.connector(&namespace, name).unwrap();
            if let Some(token) = entry.saving.keys().next_back().copied() {
                self.engine
                    .releases_remembered(&namespace, name, token, true);
            }
        }
        !asked.is_empty()
    }

    /// Waits for a status that was written for an object.
    async fn status(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let found = self.writes.iter().find(|(path, patch)| {
                path.ends_with(&format!("/{name}/status")) && wanted(&patch[1]["value"])
            });
            if let Some((_, patch)) = found {
                return patch[1]["value"].clone();
            }
            let write = self.requests.recv().await.unwrap();
            self.writes.push(write);
        }
    }

    /// Whether a finalizer was taken off by now.
    fn finalizer_taken_off(&mut self) -> bool {
        while let Ok(write) = self.requests.try_recv() {
            self.writes.push(write);
        }
        self.writes.iter().any(|(_, patch)| {
            let steps = patch.as_array().into_iter().flatten();
            steps.into_iter().any(|step| {
                step["op"] == "remove"
                    && step["path"]
                        .as_str()
                        .is_some_and(|p| p.starts_with("/metadata/finalizers"))
            })
        })
    }

    /// What waits to be looked at now, emptied.
    fn waiting(&mut self) -> Vec<super::Work> {
        let now = self.engine.ports.clock.now();
        std::iter::from_fn(|| self.engine.queue.pop(now).map(|(work, _)| work)).collect()
    }
}

fn settings() -> Settings {
    Settings {
        installation: "test".to_owned(),
        paused: false,
        limits: Limits::NONE,
    }
}

/// An account that bears a mark.
fn account(bench: &Bench, id: &str, employee: &str, activity: Activity) -> ObservedAccount {
    let scope = &bench.engine.world.realms[&bench.namespace].scope;
    ObservedAccount {
        id: id.into(),
        username: Username::new(id),
        mark: Some(scope.mark(&employee.into()).as_str().to_owned()),
        activity,
        attributes: Attributes::new(),
        unfinished: false,
    }
}

/// The operation that is on its way to `directory` for a person.
fn ordered(bench: &Bench, name: &str) -> Option<Operation> {
    ordered_in(bench, name, "directory")
}

/// The same in another application.
fn ordered_in(bench: &Bench, name: &str, connector: &str) -> Option<Operation> {
    let name = EmployeeName::new(name);
    let person = bench.engine.world.person(&bench.namespace, &name).unwrap();
    let submitted = person.unsettled.submitted.get(connector);
    submitted.map(|s| s.operation.clone())
}

/// That operation ended well.
fn done(bench: &mut Bench, name: &str, number: u64, effect: Effect) {
    ended(bench, name, number, effect);
    bench.work();
}

/// The same, and nobody has looked at it yet.
fn ended(bench: &mut Bench, name: &str, number: u64, effect: Effect) {
    let namespace = Arc::clone(&bench.namespace);
    let operation = ordered(bench, name).unwrap();
    let name = EmployeeName::new(name);
    let person = bench.engine.world.person(&namespace, &name).unwrap();
    let order = Order {
        employee: person.employee_id.clone(),
        lane: Lane::Leaver,
        operation,
        revision: 1,
        cause: String::new(),
        knows: 0,
    };
    let outcome = Outcome {
        order,
        result: Ok(effect),
        number,
    };
    bench.report("directory", Event::Done(Box::new(outcome)));
}

/// An Employee of this id.
fn employee(id: &str) -> Value {
    json!({
        "metadata": {},
        "spec": {
            "employeeId": id,
            "name": {"given": "Ada", "family": "Lovelace"},
            "department": "Marketing",
            "jobTitle": "Manager",
            "startDate": "2020-01-01",
        },
    })
}

/// A RoleTemplate that everyone holds, for an account in the connector `directory`.
fn everyone() -> Value {
    json!({
        "metadata": {},
        "spec": {"match": "true", "grants": [{"connector": "directory"}]},
    })
}

/// An AppConnector with nobody at the other end, whose token is in the Secret of this name.
fn connector(secret: &str) -> Value {
    json!({
        "metadata": {},
        "spec": {
            "scim": {
                "baseUrl": "https://localhost:1/scim/v2",
                "auth": {"bearer": {"secretKeyRef": {"name": secret, "key": "token"}}},
            },
            "account": {"username": ["employee.employeeId"]},
        },
    })
}
