//! A release of the chart, people with rights of their own, and what they are refused.

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::controlplane::Said;
use crate::support::deployed::Release;
use crate::support::namespace::Namespace;
use crate::support::wait::eventually;

/// A digest of a plan.
pub fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

/// A connector that nothing is behind.
pub fn connector() -> Value {
    let token = json!({"bearer": {"secretKeyRef": {"name": "directory", "key": "token"}}});
    json!({
        "metadata": {"name": "directory"},
        "spec": {
            "scim": {"baseUrl": "https://directory.example.com/scim/v2", "auth": token},
            "account": {"username": ["employee.name.given.lowerAscii()"]},
        },
    })
}

/// A person who is given these roles by name.
pub fn person(name: &str, roles: &Value) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "employeeId": name,
            "name": {"given": name},
            "department": "IT",
            "jobTitle": "Engineer",
            "startDate": "2020-01-01",
            "roles": roles,
        },
    })
}

/// A role.
pub fn role(name: &str, spec: &Value) -> Value {
    json!({"metadata": {"name": name}, "spec": spec})
}

/// A namespace whose rules a release has made.
pub struct Guarded {
    /// The namespace.
    pub people: Namespace,
    /// The release.
    pub release: Arc<Release>,
    /// What names of the chart's objects begin with.
    pub name: String,
}

impl Guarded {
    /// Installs the chart with these values of `admission`. `eve` may edit what is there.
    pub async fn with(story: &str, admission: &Value) -> Self {
        let people = Namespace::new(story).await;
        let values = json!({"admission": admission});
        let release = Release::for_people_with(&people.name, values).await;
        let name = release.deployment.name_any();
        let made = Self {
            people,
            release,
            name,
        };
        made.bind("edit", "eve").await;
        made.bind("view", "eve").await;
        made
    }

    /// Binds one of the chart's roles to somebody.
    pub async fn bind(&self, role: &str, user: &str) {
        let group = "rbac.authorization.k8s.io";
        let binding = json!({
            "metadata": {"name": format!("{user}-{role}")},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": format!("{}-{role}", self.name)},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        });
        self.people.apply::<RoleBinding>(binding).await.unwrap();
    }

    /// Objects of a kind, as somebody sees them.
    pub fn api_as<K>(&self, user: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        let client = self.people.control_plane().client_as(user);
        Api::namespaced(client, &self.people.name)
    }

    /// Somebody applies an object, and a rule refuses it; returns what it says.
    pub async fn refuses<K: Kind>(&self, rule: &str, user: &str, object: &Value) -> String {
        let api = self.api_as::<K>(user);
        let rule = format!("'{}-{rule}'", self.name);
        let try_it = async |dry: bool| match apply(&api, object, dry).await {
            Err(kube::Error::Api(status)) => Ok(status.message),
            Err(e) => panic!("{e}"),
            Ok(_) => Err("it was admitted".to_owned()),
        };
        // A rule holds a moment after it is made.
        let said = eventually("the rule refuses it", async || {
            let said = try_it(true).await?;
            if said.contains(&rule) {
                Ok(said)
            } else {
                Err(said)
            }
        })
        .await;
        assert_eq!(try_it(false).await.unwrap(), said);
        said
    }

    /// Somebody applies an object, and nothing is in the way.
    pub async fn admits<K: Kind>(&self, user: &str, object: &Value) -> K {
        let api = self.api_as::<K>(user);
        eventually("it is admitted", async || apply(&api, object, false).await).await
    }

    /// A command of somebody, which a rule refuses; returns what kubectl says.
    pub async fn refuses_to(&self, rule: &str, user: &str, words: &[&str]) -> String {
        let rule = format!("'{}-{rule}'", self.name);
        eventually("the rule refuses it", async || {
            let dry = [words, &["--dry-run=server"]].concat();
            let said = self.kubectl(user, &dry).await;
            if !said.ok && said.err.contains(&rule) {
                Ok(())
            } else {
                Err(said)
            }
        })
        .await;
        let said = self.kubectl(user, words).await;
        assert!(!said.ok && said.err.contains(&rule), "{said:?}");
        said.err
    }

    /// A command of somebody, with nothing in the way.
    pub async fn lets(&self, user: &str, words: &[&str]) {
        eventually("it is admitted", async || {
            let said = self.kubectl(user, words).await;
            if said.ok { Ok(()) } else { Err(said) }
        })
        .await;
    }

    async fn kubectl(&self, user: &str, words: &[&str]) -> Said {
        let somebody = format!("--as={user}");
        self.people
            .kubectl(&[words, &[somebody.as_str()]].concat())
            .await
    }
}

/// Our kinds.
pub trait Kind:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()>
    + Clone
    + Debug
    + DeserializeOwned
    + Serialize
{
}

impl<K> Kind for K where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize
{
}

async fn apply<K: Kind>(api: &Api<K>, object: &Value, dry: bool) -> Result<K, kube::Error> {
    let parameters = PatchParams {
        dry_run: dry,
        ..PatchParams::apply("a-person").force()
    };
    let mut object = object.clone();
    object["apiVersion"] = json!(K::api_version(&()));
    object["kind"] = json!(K::kind(&()));
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    api.patch(&name, &parameters, &Patch::Apply(object)).await
}
