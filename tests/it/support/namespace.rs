//! Each test has a namespace of its own in the shared control plane.

use std::fmt::Debug;
use std::path::PathBuf;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Namespace as CoreNamespace, Secret};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::controlplane::{ControlPlane, Said, control_plane};

/// One test's own namespace in the shared control plane.
pub struct Namespace {
    /// Its name.
    pub name: String,
    client: Client,
    control_plane: &'static ControlPlane,
}

impl Namespace {
    /// A new namespace whose name begins with `story`.
    pub async fn new(story: &str) -> Self {
        Self::new_in(control_plane().await, story).await
    }

    /// As `new`, in a control plane of the test's own.
    pub async fn new_in(control_plane: &'static ControlPlane, story: &str) -> Self {
        let client = control_plane.client();
        let api: Api<CoreNamespace> = Api::all(client.clone());
        let wanted = json!({"metadata": {"generateName": format!("{story}-")}});
        let wanted = serde_json::from_value(wanted).unwrap();
        let made = api.create(&PostParams::default(), &wanted).await.unwrap();
        Self {
            name: made.name_any(),
            client,
            control_plane,
        }
    }

    /// Where it is.
    pub fn control_plane(&self) -> &'static ControlPlane {
        self.control_plane
    }

    /// A client for this test's runtime.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A file for `--kubeconfig`, with all rights.
    pub fn kubeconfig(&self) -> PathBuf {
        self.control_plane.kubeconfig()
    }

    /// Objects of one kind in this namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Creates or changes an object from JSON by server-side apply, as a person's tools would.
    pub async fn apply<K>(&self, object: Value) -> Result<K, kube::Error>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let parameters = PatchParams::apply("a-person").force();
        let mut object = object;
        object["apiVersion"] = json!(K::api_version(&()));
        object["kind"] = json!(K::kind(&()));
        self.api::<K>()
            .patch(&name, &parameters, &Patch::Apply(object))
            .await
    }

    /// A Secret that a connector may use: labelled, and naming the one host it is meant for.
    pub async fn credential(&self, name: &str, token: &str, host: &str) {
        let secret = json!({
            "metadata": {
                "name": name,
                "labels": {rollcall::api::SECRET_LABEL: "true"},
                "annotations": {rollcall::api::SECRET_HOSTS_ANNOTATION: host},
            },
            "stringData": {"token": token},
        });
        self.apply::<Secret>(secret).await.unwrap();
    }

    /// Runs the real kubectl in this namespace.
    pub async fn kubectl(&self, arguments: &[&str]) -> Said {
        let mut all = vec!["--namespace", &self.name];
        all.extend(arguments);
        self.control_plane.kubectl(&all).await
    }

    /// As `kubectl`, and fails the test where kubectl fails. Returns what it printed.
    pub async fn kubectl_ok(&self, arguments: &[&str]) -> String {
        let said = self.kubectl(arguments).await;
        assert!(said.ok, "kubectl {arguments:?}: {}{}", said.out, said.err);
        said.out
    }
}
