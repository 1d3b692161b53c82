//! Deletes initial passwords when their time is over.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ListParams, PartialObjectMeta, Preconditions};
use kube::{Api, Client};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::expires;
use crate::api::INITIAL_PASSWORD_LABEL;
use crate::runtime::clock::{WallClock, sleep_until};

/// Longest time between two looks: somebody may have changed what a Secret says.
const LONGEST: Duration = Duration::from_hours(1);
/// Longest time one look may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long new ones are waited for before they are looked at.
const TOGETHER: Duration = Duration::from_secs(5);
/// After a look that failed.
const AFTER_FAILURE: Duration = Duration::from_mins(1);

/// Deletes initial passwords whose time is over, until it is stopped. Only what is labelled as one is looked
/// at, and only its metadata. Nothing is asked for until `kept` tells of the first one, or the first look at
/// the start finds some.
pub(super) async fn sweep(
    client: Client,
    namespaces: Option<BTreeSet<String>>,
    clock: Arc<dyn WallClock>,
    kept: Arc<Notify>,
    stop: CancellationToken,
) {
    loop {
        // Kubernetes may not answer, and nobody waits for that when it is time to end.
        let looking = timeout(PATIENCE, look(&client, namespaces.as_ref(), clock.now()));
        let looked = tokio::select! {
            () = stop.cancelled() => return,
            looked = looking => looked,
        };
        let failed = match looked {
            Ok(Ok(next)) => Ok(next),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("Kubernetes does not answer".to_owned()),
        };
        let next = failed.unwrap_or_else(|why| {
            tracing::warn!(why, "initial passwords that expire can't be looked for");
            Some(clock.now() + AFTER_FAILURE)
        });
        let over = async {
            match next {
                Some(next) => sleep_until(&*clock, next.min(clock.now() + LONGEST)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            // Many come together: they are looked at once.
            () = async { kept.notified().await; tokio::time::sleep(TOGETHER).await } => {}
            () = over => {}
        }
    }
}

/// Deletes what is over. Answers when the next one will be.
async fn look(
    client: &Client,
    namespaces: Option<&BTreeSet<String>>,
    now: Timestamp,
) -> Result<Option<Timestamp>, kube::Error> {
    let places: Vec<Api<Secret>> = match namespaces {
        None => vec![Api::all(client.clone())],
        Some(names) => names
            .iter()
            .map(|name| Api::namespaced(client.clone(), name))
            .collect(),
    };
    let labelled = ListParams::default().labels(&format!("{INITIAL_PASSWORD_LABEL}=true"));
    let mut next: Option<Timestamp> = None;
    let mut failed = Ok(());
    for place in places {
        let secrets = match place.list_metadata(&labelled).await {
            Ok(secrets) => secrets,
            Err(error) => {
                failed = Err(error);
                continue;
            }
        };
        for secret in secrets {
            match expires(&secret.metadata).filter(|until| *until > now) {
                Some(until) => next = Some(next.map_or(until, |next| next.min(until))),
                // One that can't be deleted does not keep the others.
                None => failed = failed.and(delete(client, &secret).await),
            }
        }
    }
    failed.map(|()| next)
}

/// The one that was looked at, and no other that has its name now.
async fn delete(client: &Client, secret: &PartialObjectMeta<Secret>) -> Result<(), kube::Error> {
    let metadata = &secret.metadata;
    let (Some(namespace), Some(name)) = (&metadata.namespace, &metadata.name) else {
        return Ok(());
    };
    let parameters = DeleteParams {
        preconditions: Some(Preconditions {
            uid: metadata.uid.clone(),
            resource_version: metadata.resource_version.clone(),
        }),
        ..DeleteParams::default()
    };
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    match secrets.delete(name, &parameters).await {
        Ok(_) => {
            tracing::info!(
                namespace,
                name,
                "an initial password was deleted, as its time is over"
            );
            Ok(())
        }
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(error),
    }
}
