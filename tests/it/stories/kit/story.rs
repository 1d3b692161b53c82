//! A namespace of its own: what is applied there, and waiting for what statuses say of it.

use std::process::Command;

use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use rollcall::api::employee::{AccountState, EmployeeStatus};
use rollcall::api::{AppConnector, Employee, RoleTemplate};
use rollcall::report::LeaverReport;
use serde_json::Value;

use super::conditions::{is, message, says};
use super::manifests::connector;
use crate::support::namespace::Namespace;
use crate::support::targets::ScimServer;
use crate::support::wait::{eventually, wait_for};

/// One story: a namespace, and, should the story fail, a view of everything in it.
pub struct Story {
    /// Where its objects are.
    pub ns: Namespace,
}

impl Story {
    /// In a namespace of its own, whose name begins like this.
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

    /// Applies an AppConnector alone.
    pub async fn apply_connector(&self, object: Value) -> AppConnector {
        self.ns.apply(object).await.unwrap()
    }

    /// Applies a RoleTemplate.
    pub async fn apply_role(&self, object: Value) -> RoleTemplate {
        self.ns.apply(object).await.unwrap()
    }

    /// Applies an Employee.
    pub async fn apply_person(&self, object: Value) -> Employee {
        self.ns.apply(object).await.unwrap()
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

    /// As `person`, of the status as the API server shows it.
    pub async fn status(&self, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let shown = |status: &EmployeeStatus| serde_json::to_value(status).unwrap();
        let seen = self.person(name, what, |status| wanted(&shown(status)));
        shown(&seen.await)
    }

    /// What `rollcall explain employee` says.
    pub async fn explained(&self, name: &str) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        command
            .args(["explain", "employee", name, "--output", "json"])
            .args(["--namespace", &self.ns.name, "--kubeconfig"])
            .arg(self.ns.kubeconfig());
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = output.await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Waits until all is done with a person's accounts that the end of employment asks for at once.
    pub async fn offboarded(&self, name: &str) -> Value {
        let is_complete = |s: &Value| s["offboarding"]["completedAt"].is_string();
        self.status(name, "is offboarded", is_complete).await
    }

    /// The leaver report of a person, as it is at an instant.
    pub async fn report(&self, name: &str, now: Timestamp) -> LeaverReport {
        let person = self.ns.api::<Employee>().get(name).await.unwrap();
        LeaverReport::of(&person, now).unwrap()
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

    /// Waits until removals in a connector wait for an approval, and returns what is told of that.
    pub async fn held(&self, connector: &str) -> String {
        self.connector_says(connector, "DeprovisioningHeld", "True", "WaitsForApproval")
            .await
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

    /// How often something with this reason was told of an object.
    pub async fn events(&self, name: &str, reason: &str) -> i32 {
        let events: Api<Event> = self.ns.api();
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
