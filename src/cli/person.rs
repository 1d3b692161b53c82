//! Which Employee a command is about.

use clap::Args;
use kube::{Api, Client};

use super::cluster::ClusterArgs;
use super::names;
use crate::api::Employee;
use crate::runtime::client::{self, ClientError};

/// Which Employee.
#[derive(Debug, Args)]
pub(super) struct PersonArgs {
    /// Name of the Employee object.
    #[arg(value_name = "NAME")]
    pub(super) name: String,

    /// Its namespace. Otherwise that of the kubeconfig's context.
    #[arg(long, short, env = "ROLLCALL_NAMESPACE", value_parser = names::namespace, value_name = "NAME")]
    namespace: Option<String>,

    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Why it can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PersonError {
    /// There is no way to the cluster.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The cluster does not give it.
    #[error(
        "the Employee {name} can't be read: {why}; check the name, --namespace and --context, and that you may get employees.rollcall.dev"
    )]
    Unread { name: String, why: kube::Error },
}

/// An Employee, and where it is.
pub(super) struct Found {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) employee: Employee,
}

impl PersonArgs {
    /// Reads it.
    pub(super) async fn read(&self) -> Result<Found, PersonError> {
        let client = client::connect(&self.cluster.options()).await?;
        let namespace = self.namespace.as_deref();
        let namespace = namespace.unwrap_or(client.default_namespace()).to_owned();
        let people: Api<Employee> = Api::namespaced(client.clone(), &namespace);
        let employee = people.get(&self.name).await;
        let employee = employee.map_err(|why| PersonError::Unread {
            name: self.name.clone(),
            why,
        })?;
        Ok(Found {
            client,
            namespace,
            employee,
        })
    }
}
