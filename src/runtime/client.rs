//! The client to Kubernetes, with our own patience.
//!
//! kube repeats a request up to 15 times, silently, for minutes; here every caller decides what a
//! failure means, so the client repeats nothing.

use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest silence on a connection. A watch is silent for as long as nothing happens, and is ended by
/// the server after at most 290 seconds, so this must be more; single requests have bounds of their
/// own.
const READ_TIMEOUT: Duration = Duration::from_mins(5);

/// How long sending may be stuck.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Which cluster is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientOptions {
    /// A kubeconfig file. Where there is none: `$KUBECONFIG`, `~/.kube/config`, or the pod's own
    /// service account, in this order.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; its current one where unset.
    pub context: Option<String>,
}

/// There is no way to the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The kubeconfig, or the context in it, can't be used.
    #[error("the kubeconfig can't be used: {0}; check --kubeconfig and --context")]
    Kubeconfig(#[from] KubeconfigError),
    /// Neither a kubeconfig nor a service account was found.
    #[error("found no cluster: {0}; give --kubeconfig, or run in a pod with a service account")]
    NoCluster(#[from] InferConfigError),
    /// The client can't be made from what the kubeconfig holds.
    #[error("can't make a client from the kubeconfig: {0}")]
    Unusable(#[source] Box<kube::Error>),
}

impl ClientError {
    /// Stable reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Kubeconfig(_) => "BadKubeconfig",
            Self::NoCluster(_) => "NoCluster",
            Self::Unusable(_) => "UnusableKubeconfig",
        }
    }
}

/// A client to the cluster that is meant. Sends nothing yet.
///
/// # Errors
///
/// A [`ClientError`].
pub async fn connect(options: &ClientOptions) -> Result<Client, ClientError> {
    let config = with_our_patience(load(options).await?);
    Client::try_from(config).map_err(|error| ClientError::Unusable(Box::new(error)))
}

async fn load(options: &ClientOptions) -> Result<Config, ClientError> {
    let chosen = KubeConfigOptions {
        context: options.context.clone(),
        ..KubeConfigOptions::default()
    };
    Ok(match &options.kubeconfig {
        Some(path) => Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &chosen).await?,
        None if options.context.is_some() => Config::from_kubeconfig(&chosen).await?,
        None => Config::infer().await?,
    })
}

fn with_our_patience(mut config: Config) -> Config {
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    config.write_timeout = Some(WRITE_TIMEOUT);
    // Else the time that a pooled connection was idle counts as silence of the next request.
    config.reset_reader_on_write = true;
    let agent = HeaderValue::from_static(concat!("rollcall/", env!("CARGO_PKG_VERSION")));
    config.headers.push((USER_AGENT, agent));
    config
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};

    use super::*;

    const KUBECONFIG: &str = r#"{
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "clusters": [{"name": "here", "cluster": {"server": "http://ADDRESS"}}],
        "contexts": [{"name": "one", "context": {"cluster": "here", "user": "me", "namespace": "people"}},
                     {"name": "two", "context": {"cluster": "here", "user": "me", "namespace": "staff"}}],
        "users": [{"name": "me", "user": {}}]
    }"#;

    fn options(dir: &tempfile::TempDir, address: &str, context: Option<&str>) -> ClientOptions {
        let path = dir.path().join("config");
        std::fs::write(&path, KUBECONFIG.replace("ADDRESS", address)).unwrap();
        ClientOptions {
            kubeconfig: Some(path),
            context: context.map(str::to_owned),
        }
    }

    #[tokio::test]
    async fn a_refused_request_is_not_repeated_and_says_who_we_are() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let router = Router::new().fallback(move |headers: HeaderMap| async move {
            counter.fetch_add(1, Ordering::SeqCst);
            let agent = headers[USER_AGENT].to_str().unwrap().to_owned();
            let body = format!("{{\"kind\": \"Status\", \"code\": 503, \"message\": \"{agent}\"}}");
            (StatusCode::SERVICE_UNAVAILABLE, body)
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async { axum::serve(listener, router).await });
        let dir = tempfile::tempdir().unwrap();
        let client = connect(&options(&dir, &address, None)).await.unwrap();
        let error = client.apiserver_version().await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains(concat!("rollcall/", env!("CARGO_PKG_VERSION"))),
            "{error}"
        );
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn the_context_is_chosen_and_must_exist() {
        let dir = tempfile::tempdir().unwrap();
        for (context, namespace) in [(None, "people"), (Some("two"), "staff")] {
            let config = load(&options(&dir, "127.0.0.1:1", context)).await.unwrap();
            assert_eq!(config.default_namespace, namespace);
        }
        let error = load(&options(&dir, "127.0.0.1:1", Some("three")))
            .await
            .unwrap_err();
        assert_eq!(error.reason(), "BadKubeconfig");
        assert!(error.to_string().contains("three"), "{error}");
    }
}
