//! What there is: in a cluster, or in a file that was exported.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use crate::api::{AppConnector, Employee, RoleTemplate};
use crate::cli::cluster::ClusterArgs;
use crate::cli::names;
use crate::controllers::guard::Guarded;
use crate::preview::Objects;
use crate::preview::state::{State, StateError, UnfitObject};
use crate::runtime::client::{self, ClientError};

/// Objects in one answer of the API server, at most.
const PAGE: u32 = 500;

/// A cluster, or a file.
#[derive(Debug, Args)]
pub(super) struct SourceArgs {
    /// A file written by `rollcall export`, instead of a cluster: namespace and cluster are those of the file then.
    #[arg(long, value_name = "FILE")]
    offline: Option<PathBuf>,

    #[command(flatten)]
    cluster: ClusterSource,
}

/// A namespace of a cluster.
#[derive(Debug, Args)]
pub(super) struct ClusterSource {
    /// The namespace. Otherwise that of the kubeconfig's context.
    #[arg(long, short, env = "ROLLCALL_NAMESPACE", value_parser = names::namespace, value_name = "NAME")]
    namespace: Option<String>,

    #[command(flatten)]
    cluster: ClusterArgs,
}

/// It is not known what there is.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// There is no way to the cluster.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The cluster does not give it.
    #[error(
        "{kind} of the namespace {namespace} can't be listed: {why}; check --namespace and --context, and that you may list employees, roletemplates and appconnectors of rollcall.dev; or plan with --offline and a file of rollcall export"
    )]
    Unlisted {
        kind: &'static str,
        namespace: String,
        why: Box<kube::Error>,
    },
    /// The file can't be read.
    #[error("{}: {why}", path.display())]
    File { path: PathBuf, why: io::Error },
    /// The file makes no sense.
    #[error("{}: {why}", path.display())]
    State { path: PathBuf, why: StateError },
}

impl SourceArgs {
    /// Whether it is a file.
    pub(super) fn is_offline(&self) -> bool {
        self.offline.is_some()
    }

    pub(super) async fn read(&self, now: Timestamp) -> Result<State, SourceError> {
        let Some(path) = &self.offline else {
            return self.cluster.read(now).await;
        };
        let text = std::fs::read_to_string(path).map_err(|why| SourceError::File {
            path: path.clone(),
            why,
        })?;
        State::read(&text).map_err(|why| SourceError::State {
            path: path.clone(),
            why,
        })
    }
}

impl ClusterSource {
    pub(super) async fn read(&self, now: Timestamp) -> Result<State, SourceError> {
        let client = client::connect(&self.cluster.options()).await?;
        let namespace = self.namespace.as_deref();
        let namespace = namespace.unwrap_or(client.default_namespace()).to_owned();
        let people = list::<Employee>(&client, &namespace, "Employees").await?;
        let roles = list::<RoleTemplate>(&client, &namespace, "RoleTemplates").await?;
        let connectors = list::<AppConnector>(&client, &namespace, "AppConnectors").await?;
        let mut unfit = Vec::new();
        let objects = Objects {
            people: named(people, &mut unfit),
            roles: named(roles, &mut unfit),
            connectors: named(connectors, &mut unfit),
        };
        let mut state = State::new(namespace, objects, now);
        state.unfit = unfit;
        Ok(state)
    }
}

/// Objects by name. One that does not fit the schema of this version is set aside, as the operator does: it says
/// nothing of the others.
fn named<K: Resource<DynamicType = ()>>(
    objects: Vec<Guarded<K>>,
    unfit: &mut Vec<UnfitObject>,
) -> BTreeMap<String, Arc<K>> {
    let mut out = BTreeMap::new();
    for object in objects {
        let Some(name) = object.meta().name.clone() else {
            continue;
        };
        match object.0 {
            Ok(object) => drop(out.insert(name, Arc::new(object))),
            Err(why) => unfit.push(UnfitObject {
                kind: K::kind(&()).into_owned(),
                name,
                why: why.error,
            }),
        }
    }
    out
}

async fn list<K>(
    client: &Client,
    namespace: &str,
    kind: &'static str,
) -> Result<Vec<Guarded<K>>, SourceError>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    let api: Api<Guarded<K>> = Api::namespaced(client.clone(), namespace);
    let mut all = Vec::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = api
            .list(&params)
            .await
            .map_err(|why| SourceError::Unlisted {
                kind,
                namespace: namespace.to_owned(),
                why: Box::new(why),
            })?;
        all.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_that_does_not_fit_says_nothing_of_the_others() {
        let role = |name: &str, spec: serde_json::Value| {
            let object = json!({"metadata": {"name": name}, "spec": spec});
            serde_json::from_value::<Guarded<RoleTemplate>>(object).unwrap()
        };
        let mut unfit = Vec::new();
        let objects = vec![role("odd", json!({"match": 7})), role("all", json!({}))];
        let read = named(objects, &mut unfit);
        assert_eq!(read.keys().collect::<Vec<_>>(), ["all"]);
        assert_eq!(
            (unfit[0].kind.as_str(), unfit[0].name.as_str()),
            ("RoleTemplate", "odd")
        );
        assert!(unfit[0].why.contains("integer"), "{}", unfit[0].why);
    }
}
