//! What the stories are told with: manifests, waiting on statuses, the targets' own request logs, and
//! every version that an object ever had.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex};

use futures::{FutureExt, StreamExt};
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use rollcall::api::{AppConnector, Employee, RoleTemplate};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::support::namespace::Namespace;
use crate::support::operator::Operator;
use crate::support::targets::{LoggedRequest, ScimServer};
use crate::support::wait::{eventually, wait_for};

/// A namespace with an operator that looks after it.
pub struct Company {
    /// Where its objects are.
    pub namespace: Namespace,
    /// Who looks after it.
    pub operator: Operator,
}

/// Tells a story in a company of its own. Where it fails, everything that the objects and the operator
/// say is printed first.
pub async fn story(name: &str, tell: impl AsyncFnOnce(&Company)) {
    let namespace = Namespace::new(name).await;
    let operator = Operator::start(&namespace).await;
    let company = Company {
        namespace,
        operator,
    };
    if let Err(cause) = AssertUnwindSafe(tell(&company)).catch_unwind().await {
        company.say_everything().await;
        resume_unwind(cause);
    }
}

/// An Employee who began long ago. `more` is laid over the spec.
pub fn employee(name: &str, id: &str, department: &str, more: Value) -> Value {
    let mut spec = json!({
        "employeeId": id,
        "name": {"given": name, "family": "Example"},
        "email": format!("{name}@example.com"),
        "department": department,
        "jobTitle": "Clerk",
        "startDate": "2020-01-01",
    });
    overlay(&mut spec, more);
    json!({"metadata": {"name": name}, "spec": spec})
}

/// A RoleTemplate. `grants` are pairs of a connector and entitlements in it.
pub fn template(name: &str, rule: &str, grants: &[(&str, &[&str])]) -> Value {
    let grants: Vec<Value> = grants
        .iter()
        .map(|(connector, names)| json!({"connector": connector, "entitlements": names}))
        .collect();
    json!({"metadata": {"name": name}, "spec": {"match": rule, "grants": grants}})
}

/// An AppConnector for a server, with the credential of the same name. `more` is laid over the spec.
pub fn connector(name: &str, server: &ScimServer, more: Value) -> Value {
    let mut spec = json!({
        "scim": {
            "baseUrl": server.base_url().as_str(),
            "auth": {"bearer": {"secretKeyRef": {"name": name, "key": "token"}}},
        },
        "account": {
            "username": ["employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()"],
            "attributes": {
                "displayName": "employee.name.display",
                "title": "employee.jobTitle",
                "emails[type eq \"work\"].value": "employee.email",
                "department": "employee.department",
                "employeeNumber": "employee.employeeId",
            },
            "manager": "FromManagerRef",
        },
        "sync": {"interval": "5s"},
    });
    overlay(&mut spec, more);
    json!({"metadata": {"name": name}, "spec": spec})
}

fn overlay(base: &mut Value, more: Value) {
    match (base, more) {
        (Value::Object(base), Value::Object(more)) => {
            for (key, value) in more {
                overlay(base.entry(key).or_insert(Value::Object(Map::new())), value);
            }
        }
        (base, more) => *base = more,
    }
}

/// The user name that the mapping of [`connector`] gives.
pub fn username(name: &str) -> String {
    format!("{name}.example")
}

impl Company {
    /// Applies an Employee.
    pub async fn employ(&self, manifest: Value) -> Employee {
        self.namespace.apply(manifest).await.unwrap()
    }

    /// Applies a RoleTemplate.
    pub async fn role(&self, manifest: Value) -> RoleTemplate {
        self.namespace.apply(manifest).await.unwrap()
    }

    /// Applies an AppConnector alone.
    pub async fn app(&self, manifest: Value) -> AppConnector {
        self.namespace.apply(manifest).await.unwrap()
    }

    /// Applies an AppConnector and its credential.
    pub async fn connect(&self, name: &str, server: &ScimServer, more: Value) {
        let (token, host) = (server.token(), server.host());
        self.namespace.credential(name, token, host).await;
        self.app(connector(name, server, more)).await;
    }

    /// Waits until an Employee's status speaks of its newest spec and `wanted` holds of it.
    pub async fn employee(&self, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.watched::<Employee>(name, what, wanted).await
    }

    /// As `employee`, of a RoleTemplate.
    pub async fn template(&self, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.watched::<RoleTemplate>(name, what, wanted).await
    }

    /// As `employee`, of an AppConnector.
    pub async fn connector(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        self.watched::<AppConnector>(name, what, wanted).await
    }

    async fn watched<K>(&self, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize
            + Send
            + 'static,
    {
        let api: Api<K> = self.namespace.api();
        let seen = wait_for(&api, name, what, |object| {
            let object = serde_json::to_value(object).unwrap();
            is_observed(&object) && wanted(&object)
        })
        .await;
        serde_json::to_value(seen).unwrap()
    }

    /// Waits until these people are ready.
    pub async fn ready(&self, names: &[&str]) {
        for name in names {
            self.employee(name, "is ready", is_ready).await;
        }
    }

    /// The object as it is now.
    pub async fn now<K>(&self, name: &str) -> Value
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        let object = self.namespace.api::<K>().get(name).await.unwrap();
        serde_json::to_value(object).unwrap()
    }

    /// `resourceVersion` of every object of the three kinds, by kind and name.
    pub async fn versions(&self) -> Vec<(String, String)> {
        async fn of<K>(namespace: &Namespace) -> Vec<(String, String)>
        where
            K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
                + Clone
                + Debug
                + DeserializeOwned,
        {
            let list = namespace.api::<K>().list(&ListParams::default()).await;
            let name = |o: &K| format!("{} {}", K::kind(&()), o.name_any());
            let version = |o: &K| o.resource_version().unwrap();
            let items = list.unwrap().items;
            items.iter().map(|o| (name(o), version(o))).collect()
        }
        let mut all = of::<Employee>(&self.namespace).await;
        all.extend(of::<RoleTemplate>(&self.namespace).await);
        all.extend(of::<AppConnector>(&self.namespace).await);
        all
    }

    /// How often something with this reason was told of an object.
    pub async fn events(&self, name: &str, reason: &str) -> i32 {
        let events: Api<Event> = self.namespace.api();
        let events = events.list(&ListParams::default()).await.unwrap();
        let mut told = 0;
        for event in events {
            let of = event.regarding.and_then(|r| r.name);
            if of.as_deref() == Some(name) && event.reason.as_deref() == Some(reason) {
                told += event.series.map_or(1, |s| s.count);
            }
        }
        told
    }

    /// Waits until something with this reason has been told of an object, and returns how often.
    pub async fn told(&self, name: &str, reason: &str) -> i32 {
        eventually(&format!("{reason} is told of {name}"), async || match self
            .events(name, reason)
            .await
        {
            0 => Err("no such event"),
            n => Ok(n),
        })
        .await
    }

    /// One metric of the operator; `labels` as they stand between the braces. 0 where there is none.
    pub async fn metric(&self, name: &str, labels: &str) -> f64 {
        let head = format!("{name}{{{labels}}} ");
        let text = self.operator.metrics().await;
        text.lines()
            .find_map(|line| line.strip_prefix(&head))
            .map_or(0.0, |value| value.trim().parse().unwrap())
    }

    /// Employee statuses written so far.
    pub async fn status_writes(&self) -> f64 {
        let labels = r#"kind="Employee",verb="patch-status",result="ok""#;
        self.metric("rollcall_kubernetes_writes_total", labels)
            .await
    }

    async fn say_everything(&self) {
        for kind in ["employees", "roletemplates", "appconnectors"] {
            let said = self.namespace.kubectl(&["get", kind, "-o", "yaml"]).await;
            eprintln!("---- {kind}\n{}{}", said.out, said.err);
        }
        let said = self.namespace.kubectl(&["get", "events"]).await;
        eprintln!("---- events\n{}{}", said.out, said.err);
        eprintln!("---- metrics\n{}", self.operator.metrics().await);
    }
}

/// Whether a status speaks of the newest spec.
pub fn is_observed(object: &Value) -> bool {
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// Whether `Ready` is true, of the newest spec.
pub fn is_ready(object: &Value) -> bool {
    is_observed(object) && is_true(object, "Ready")
}

/// Whether a condition is true.
pub fn is_true(object: &Value, type_: &str) -> bool {
    condition(object, type_).is_some_and(|c| c["status"] == "True")
}

/// The condition of a type.
pub fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|c| c["type"] == type_)
}

/// Whether a condition has this status and reason, and its message contains `words`.
pub fn says(object: &Value, type_: &str, status: &str, reason: &str, words: &str) -> bool {
    condition(object, type_).is_some_and(|c| {
        c["status"] == status
            && c["reason"] == reason
            && c["message"].as_str().is_some_and(|m| m.contains(words))
    })
}

/// The account of an Employee in one connector; null where there is none.
pub fn account<'a>(employee: &'a Value, connector: &str) -> &'a Value {
    let accounts = employee["status"]["accounts"].as_array();
    let found = accounts
        .into_iter()
        .flatten()
        .find(|a| a["connector"] == connector);
    found.unwrap_or(&Value::Null)
}

/// The server's own identifier of a person's account.
pub async fn id_of(server: &ScimServer, name: &str) -> String {
    let user = server.user_by_name(&username(name)).await;
    let user = user.unwrap_or_else(|| panic!("{name} has no account"));
    user["id"].as_str().unwrap().to_owned()
}

/// The server's own identifier of a group.
pub async fn group_id(server: &ScimServer, name: &str) -> String {
    let group = server.group_by_name(name).await;
    let group = group.unwrap_or_else(|| panic!("there is no group {name}"));
    group["id"].as_str().unwrap().to_owned()
}

/// Whether a request begins a listing of everyone.
pub fn begins_listing(request: &LoggedRequest) -> bool {
    request.method == "GET"
        && request.path.contains("/Users?startIndex=1&")
        && !request.path.contains("filter=")
        && !request.path.contains("count=1&")
        && !request.path.ends_with("count=1")
}

/// Requests of a server since a length of its log.
pub async fn since(server: &ScimServer, mark: usize) -> Vec<LoggedRequest> {
    server.requests().await.split_off(mark)
}

/// Writes among requests, as `METHOD path`.
pub fn writes(requests: &[LoggedRequest]) -> Vec<String> {
    let writes = requests.iter().filter(|r| r.is_write());
    writes.map(|r| format!("{} {}", r.method, r.path)).collect()
}

/// Where the first request of a method, and of a path that contains `part`, stands.
pub fn position(requests: &[LoggedRequest], method: &str, part: &str) -> Option<usize> {
    requests
        .iter()
        .position(|r| r.method == method && r.path.contains(part))
}

/// Waits until the operator has begun `n` more listings of a server and ended all but the last.
pub async fn listings(server: &ScimServer, n: usize) {
    let mark = server.requests().await.len();
    eventually("the target is listed again", async || {
        let seen = since(server, mark).await;
        let begun = seen.iter().filter(|r| begins_listing(r)).count();
        if begun > n { Ok(()) } else { Err(begun) }
    })
    .await;
}

/// Every version that the objects of one kind have had since a moment.
pub struct Witness {
    versions: Arc<Mutex<Vec<Value>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Witness {
    /// Watches from now on.
    pub fn of<K>(namespace: &Namespace) -> Self
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize
            + Send
            + 'static,
    {
        let versions: Arc<Mutex<Vec<Value>>> = Arc::default();
        let stream = watcher(namespace.api::<K>(), watcher::Config::default())
            .default_backoff()
            .applied_objects();
        let kept = Arc::clone(&versions);
        let task = tokio::spawn(stream.for_each(move |object| {
            if let Ok(object) = object {
                kept.lock()
                    .unwrap()
                    .push(serde_json::to_value(object).unwrap());
            }
            std::future::ready(())
        }));
        Self { versions, task }
    }

    /// Every version of one object, oldest first.
    pub fn versions_of(&self, name: &str) -> Vec<Value> {
        let mut all = self.all();
        all.retain(|v| v["metadata"]["name"] == name);
        all
    }

    /// Every version of every object, oldest first.
    pub fn all(&self) -> Vec<Value> {
        self.versions.lock().unwrap().clone()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Today, and days before or after it, in UTC.
pub fn day(offset: i64) -> String {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    (today + jiff::SignedDuration::from_hours(24 * offset)).to_string()
}
