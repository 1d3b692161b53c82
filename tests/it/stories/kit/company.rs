//! A story with an operator, told of whole objects as the API server shows them.

use std::fmt::Debug;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use rollcall::api::{AppConnector, Employee, RoleTemplate};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::json::{is_observed, is_ready};
use super::manifests::connector_with;
use super::story::Story;
use crate::support::namespace::Namespace;
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;
use crate::support::wait::wait_for;

/// A story with an operator that looks after it. Where it fails, the operator's metrics are printed as
/// well as what its objects say.
pub struct Company {
    story: Story,
    /// Who looks after it.
    pub operator: Operator,
}

/// Tells a story in a company of its own.
pub async fn company(name: &str, tell: impl AsyncFnOnce(&Company)) {
    let story = Story::new(name).await;
    let operator = Operator::start(&story.ns).await;
    let company = Company { story, operator };
    if let Err(cause) = AssertUnwindSafe(tell(&company)).catch_unwind().await {
        eprintln!("---- metrics\n{}", company.operator.metrics().await);
        resume_unwind(cause);
    }
}

impl Deref for Company {
    type Target = Story;

    fn deref(&self) -> &Story {
        &self.story
    }
}

impl Company {
    /// Applies an AppConnector that maps most of what is known of a person, and its credential.
    pub async fn connect_with(&self, name: &str, server: &ScimServer, more: Value) {
        self.credential(name, server).await;
        self.apply_connector(connector_with(name, server, more))
            .await;
    }

    /// Waits until an Employee's status speaks of its newest spec and `wanted` holds of it.
    pub async fn seen_employee(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        self.watched::<Employee>(name, what, wanted).await
    }

    /// As `seen_employee`, of a RoleTemplate.
    pub async fn seen_template(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        self.watched::<RoleTemplate>(name, what, wanted).await
    }

    /// As `seen_employee`, of an AppConnector.
    pub async fn seen_connector(
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
        let api: Api<K> = self.ns.api();
        let seen = wait_for(&api, name, what, |object| {
            let object = serde_json::to_value(object).unwrap();
            is_observed(&object) && wanted(&object)
        })
        .await;
        serde_json::to_value(seen).unwrap()
    }

    /// Waits until these people are ready.
    pub async fn all_ready(&self, names: &[&str]) {
        for name in names {
            self.seen_employee(name, "is ready", is_ready).await;
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
        let object = self.ns.api::<K>().get(name).await.unwrap();
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
        let mut all = of::<Employee>(&self.ns).await;
        all.extend(of::<RoleTemplate>(&self.ns).await);
        all.extend(of::<AppConnector>(&self.ns).await);
        all
    }

    /// One metric of the operator; `labels` as they stand between the braces. 0 where there is none.
    pub async fn metric(&self, name: &str, labels: &str) -> u64 {
        let head = format!("{name}{{{labels}}} ");
        let text = self.operator.metrics().await;
        text.lines()
            .find_map(|line| line.strip_prefix(&head))
            .map_or(0, |value| value.trim().parse().unwrap())
    }

    /// Employee statuses written so far.
    pub async fn status_writes(&self) -> u64 {
        let labels = r#"kind="Employee",verb="patch-status",result="ok""#;
        self.metric("rollcall_kubernetes_writes_total", labels)
            .await
    }
}
