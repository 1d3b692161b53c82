//! Which cluster a command speaks to.

use std::path::PathBuf;

use clap::Args;

use crate::runtime::client::ClientOptions;

/// Which cluster.
#[derive(Debug, Args)]
pub(super) struct ClusterArgs {
    /// Kubeconfig file. Otherwise $KUBECONFIG, ~/.kube/config, or the pod's service account.
    #[arg(long, env = "ROLLCALL_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig, instead of its current one.
    #[arg(long, env = "ROLLCALL_CONTEXT", value_name = "NAME")]
    context: Option<String>,
}

impl ClusterArgs {
    /// The way to it.
    pub(super) fn options(&self) -> ClientOptions {
        ClientOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        }
    }
}
