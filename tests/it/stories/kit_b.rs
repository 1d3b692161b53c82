//! What the stories share: objects in few words, waiting for what a status says, and the target's log.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use rollcall::api::employee::{AccountState, EmployeeStatus};
use rollcall::api::{AppConnector, Employee, RoleTemplate};
use serde_json::{Value, json};

use crate::support::namespace::Namespace;
use crate::support::targets::{LoggedRequest, ScimServer};
use crate::support::wait::{eventually, wait_for};

/// One story: a namespace, and, should the story fail, a view of everything in it.
pub struct Story {
    pub ns: Namespace,
}

impl Story {
    pub async fn new(name: &str) -> Self {
        Self {
            ns: Namespace::new(name).await,
        }
    }

    /// The credential for a server, in a Secret of the connector's name.
    pub async fn credential(&self, name: &str, server: &ScimServer) {
        let (token, host) = (server.token(), server.host());
        self.ns.credential(name, token, host).await;
    }

    /// A connector with its credential.
    pub async fn connect(&self, name: &str, server: &ScimServer) {
        self.credential(name, server).await;
        self.apply_connector(connector(name, server)).await;
    }

    pub async fn apply_connector(&self, object: Value) {
        self.ns.apply::<AppConnector>(object).await.unwrap();
    }

    pub async fn apply_role(&self, object: Value) {
        self.ns.apply::<RoleTemplate>(object).await.unwrap();
    }

    pub async fn apply_person(&self, object: Value) {
        self.ns.apply::<Employee>(object).await.unwrap();
    }

    /// Writes an annotation on an object, or takes it off, with the real kubectl.
    pub async fn annotate(&self, object: &str, annotation: &str, value: Option<&str>) {
        let word = match value {
            Some(value) => format!("{annotation}={value}"),
            None => format!("{annotation}-"),
        };
        let words = ["annotate", "--overwrite", object, &word];
        self.ns.kubectl_ok(&words).await;
    }

    /// Waits until a person's status, of the newest spec, is as wanted.
    pub async fn person(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&EmployeeStatus) -> bool,
    ) -> EmployeeStatus {
        let people = self.ns.api::<Employee>();
        let found = wait_for(&people, name, what, |person| {
            person.status.as_ref().is_some_and(|s| {
                Some(s.observed_generation) == person.metadata.generation && wanted(s)
            })
        });
        found.await.status.unwrap()
    }

    /// Waits until a person is ready.
    pub async fn ready(&self, name: &str) -> EmployeeStatus {
        self.person(name, "is ready", |s| is(&s.conditions, "Ready", "True"))
            .await
    }

    /// Waits until a person has exactly these accounts, each active, and returns the status.
    pub async fn provisioned(&self, name: &str, accounts: usize) -> EmployeeStatus {
        self.person(name, "has its accounts", |s| {
            is(&s.conditions, "Ready", "True")
                && s.accounts.len() == accounts
                && s.accounts.iter().all(|a| a.state == AccountState::Active)
        })
        .await
    }

    /// Waits until a connector's conditions are as wanted.
    pub async fn connector(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&AppConnector) -> bool,
    ) -> AppConnector {
        wait_for(&self.ns.api(), name, what, |c: &AppConnector| {
            c.status
                .as_ref()
                .is_some_and(|s| Some(s.observed_generation) == c.metadata.generation)
                && wanted(c)
        })
        .await
    }

    /// Waits until a connector has a condition with this status and reason, and returns its message.
    pub async fn connector_says(
        &self,
        name: &str,
        type_: &str,
        status: &str,
        reason: &str,
    ) -> String {
        let what = format!("says {type_}={status} {reason}");
        let found = self.connector(name, &what, |c| {
            says(
                &c.status.as_ref().unwrap().conditions,
                type_,
                status,
                reason,
            )
        });
        let conditions = found.await.status.unwrap().conditions;
        message(&conditions, type_)
    }

    /// Waits until a role template has a condition with this status and reason, and returns its
    /// message.
    pub async fn role_says(&self, name: &str, type_: &str, status: &str, reason: &str) -> String {
        let what = format!("says {type_}={status} {reason}");
        let roles = self.ns.api::<RoleTemplate>();
        let found = wait_for(&roles, name, &what, |role| {
            role.status.as_ref().is_some_and(|s| {
                Some(s.observed_generation) == role.metadata.generation
                    && says(&s.conditions, type_, status, reason)
            })
        });
        let conditions = found.await.status.unwrap().conditions;
        message(&conditions, type_)
    }

    /// Waits until a person has a condition with this status and reason, and returns its message.
    pub async fn person_says(&self, name: &str, type_: &str, status: &str, reason: &str) -> String {
        let what = format!("says {type_}={status} {reason}");
        let found = self.person(name, &what, |s| says(&s.conditions, type_, status, reason));
        message(&found.await.conditions, type_)
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        // Whoever fails may stand in the middle of another runtime.
        let ns = &self.ns;
        let view = std::thread::scope(|scope| {
            let ask = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build()?;
                let words = [
                    "get",
                    "employees,roletemplates,appconnectors,events",
                    "-o",
                    "yaml",
                ];
                Ok::<_, std::io::Error>(runtime.block_on(ns.kubectl(&words)).out)
            });
            ask.join()
        });
        let view = match view {
            Ok(Ok(view)) => view,
            other => format!("{other:?}"),
        };
        eprintln!("--- {} ---\n{view}", ns.name);
    }
}

/// An employee of the marketing department who works already.
pub fn employee(name: &str, id: &str, given: &str, family: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "employeeId": id,
            "name": {"given": given, "family": family},
            "department": "Marketing",
            "jobTitle": "Manager",
            "startDate": "2020-01-01",
        },
    })
}

/// A role for everyone, with entitlements in one connector.
pub fn everyone(name: &str, connector: &str, entitlements: &[&str]) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "match": "true",
            "grants": [{"connector": connector, "entitlements": entitlements}],
        },
    })
}

/// A connector that lists every second, makes missing groups, and maps a few attributes.
pub fn connector(name: &str, server: &ScimServer) -> Value {
    connector_to(name, server.base_url().as_str())
}

/// The same for any address.
pub fn connector_to(name: &str, base_url: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "scim": {
                "baseUrl": base_url,
                "auth": {"bearer": {"secretKeyRef": {"name": name, "key": "token"}}},
            },
            "account": {
                "username": ["employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()"],
                "attributes": {"displayName": "employee.name.display", "title": "employee.jobTitle"},
            },
            "entitlements": {"missing": "Create"},
            "sync": {"interval": "1s"},
        },
    })
}

/// Whether a condition has a status.
pub fn is(conditions: &[Condition], type_: &str, status: &str) -> bool {
    conditions
        .iter()
        .any(|c| c.type_ == type_ && c.status == status)
}

/// Whether a condition has a status and a reason.
pub fn says(conditions: &[Condition], type_: &str, status: &str, reason: &str) -> bool {
    conditions
        .iter()
        .any(|c| c.type_ == type_ && c.status == status && c.reason == reason)
}

/// What a condition says.
pub fn message(conditions: &[Condition], type_: &str) -> String {
    let found = conditions.iter().find(|c| c.type_ == type_);
    found.map(|c| c.message.clone()).unwrap_or_default()
}

/// Fails unless every part stands in the text.
pub fn tells(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

/// Requests that could change the target, so far.
pub async fn writes(server: &ScimServer) -> Vec<LoggedRequest> {
    let mut requests = server.requests().await;
    requests.retain(LoggedRequest::is_write);
    requests
}

fn listings(requests: &[LoggedRequest]) -> usize {
    // The probe of a start asks for one record.
    let first = |r: &&LoggedRequest| {
        r.path.contains("/Users?")
            && r.path.contains("startIndex=1&")
            && !r.path.contains("count=1&")
            && !r.path.ends_with("count=1")
    };
    requests.iter().filter(first).count()
}

/// Waits until the target was listed this many times more, each listing begun after the call.
pub async fn cycles(server: &ScimServer, count: usize) {
    let before = listings(&server.requests().await);
    // One more: a listing may be under way that began before, and the last one should have ended.
    eventually("the target is listed again and again", async || {
        let seen = listings(&server.requests().await);
        if seen > before + count {
            Ok(())
        } else {
            Err(seen)
        }
    })
    .await;
}

/// User names in a target, sorted.
pub async fn usernames(server: &ScimServer) -> Vec<String> {
    let users = server.users().await;
    let mut names: Vec<String> = users
        .iter()
        .map(|u| u["userName"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}
