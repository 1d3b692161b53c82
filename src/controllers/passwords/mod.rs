//! Initial passwords are kept in Secrets of their own, one an account, for whoever may read those: a manager,
//! or IT. The name of each can be foretold, so that a Role can name it. After a while they are deleted.

mod generate;
mod name;
mod sweep;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Options;
use crate::api::{AppConnectorSpec, EXPIRES_ANNOTATION, INITIAL_PASSWORD_LABEL};
use crate::connectors::InitialPassword;
use crate::controllers::app_connector::connect::passwords;
use crate::dispatch::passwords::{PasswordKeeper, Wanted};
use crate::runtime::clock::WallClock;

pub use name::secret_name;

/// Longest time Kubernetes may take to keep one.
const PATIENCE: Duration = Duration::from_secs(20);

/// What keeps initial passwords, and the task that deletes those whose time is over.
#[must_use]
pub fn start(
    options: &Options,
    clock: Arc<dyn WallClock>,
    stop: CancellationToken,
) -> (SecretKeeper, JoinHandle<()>) {
    let client = options.client.clone();
    let kept = Arc::new(Notify::new());
    let keeper = SecretKeeper {
        client: client.clone(),
        clock: clock.clone(),
        kept: Arc::clone(&kept),
        field_manager: options.field_manager.clone(),
    };
    let namespaces = options.namespaces.clone();
    let sweeper = tokio::spawn(sweep::sweep(client, namespaces, clock, kept, stop));
    (keeper, sweeper)
}

/// Annotations that say for which account a password is.
const CONNECTOR: &str = "rollcall.dev/connector";
const EMPLOYEE: &str = "rollcall.dev/employee-id";

/// Keeps passwords in Kubernetes.
pub struct SecretKeeper {
    client: Client,
    clock: Arc<dyn WallClock>,
    /// Told of each new one, as one that is about to expire may be among them.
    kept: Arc<Notify>,
    field_manager: String,
}

impl SecretKeeper {
    async fn secret(&self, wanted: Wanted<'_>) -> Result<SecretString, kube::Error> {
        let namespace = &wanted.connector.namespace;
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let name = secret_name(&wanted.connector.name, wanted.employee);
        // Twice, as it may come or go between two requests.
        for _ in 0..2 {
            if let Some(kept) = secrets.get_opt(&name).await? {
                let until = expires(&kept.metadata);
                if let Some(password) = password_of(kept, wanted) {
                    self.prolong(&secrets, &name, until, wanted).await?;
                    return Ok(password);
                }
            }
            let password = generate::password(wanted.policy).map_err(std::io::Error::other);
            let password = password.map_err(|error| kube::Error::Service(Box::new(error)))?;
            let parameters = PostParams {
                field_manager: Some(self.field_manager.clone()),
                ..PostParams::default()
            };
            let fresh = self.object(name.clone(), wanted, &password);
            match secrets.create(&parameters, &fresh).await {
                Ok(_) => {
                    self.kept.notify_one();
                    return Ok(password);
                }
                Err(kube::Error::Api(status)) if status.code == 409 => {
                    // One that is not for this account, or whose password is not as it is to be, is replaced.
                    if let Some(kept) = secrets.get_opt(&name).await?
                        && is_ours(&kept)
                        && password_of(kept, wanted).is_none()
                    {
                        secrets
                            .delete(&name, &kube::api::DeleteParams::default())
                            .await?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(kube::Error::Service(
            std::io::Error::other("a Secret of that name is somebody else's, or comes and goes")
                .into(),
        ))
    }

    /// Lets one that was kept for an attempt that failed be kept as long as any other.
    async fn prolong(
        &self,
        secrets: &Api<Secret>,
        name: &str,
        until: Option<Timestamp>,
        wanted: Wanted<'_>,
    ) -> Result<(), kube::Error> {
        let enough = self.begins(wanted) + wanted.policy.keep_for / 2;
        if until.is_some_and(|until| until > enough) {
            return Ok(());
        }
        let until = (self.begins(wanted) + wanted.policy.keep_for).to_string();
        let patch = serde_json::json!({"metadata": {"annotations": {EXPIRES_ANNOTATION: until}}});
        let parameters = PatchParams {
            field_manager: Some(self.field_manager.clone()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(&patch);
        secrets.patch(name, &parameters, &patch).await.map(drop)
    }

    /// When the time for which it is kept begins: now, or once the account can be used.
    fn begins(&self, wanted: Wanted<'_>) -> Timestamp {
        let now = self.clock.now();
        wanted.first_used.map_or(now, |first| first.max(now))
    }

    fn object(&self, name: String, wanted: Wanted<'_>, password: &SecretString) -> Secret {
        let text = |text: &str| ByteString(text.as_bytes().to_vec());
        let until = self.begins(wanted) + wanted.policy.keep_for;
        let annotations = [
            (EXPIRES_ANNOTATION, until.to_string()),
            (CONNECTOR, wanted.connector.name.to_string()),
            (EMPLOYEE, wanted.employee.to_string()),
        ];
        Secret {
            metadata: ObjectMeta {
                name: Some(name),
                labels: Some(BTreeMap::from([(
                    INITIAL_PASSWORD_LABEL.to_owned(),
                    "true".to_owned(),
                )])),
                annotations: Some(annotations.map(|(k, v)| (k.to_owned(), v)).into()),
                ..ObjectMeta::default()
            },
            type_: Some("kubernetes.io/basic-auth".to_owned()),
            immutable: Some(true),
            data: Some(BTreeMap::from([
                ("username".to_owned(), text(wanted.username.as_str())),
                ("password".to_owned(), text(password.expose_secret())),
            ])),
            ..Secret::default()
        }
    }
}

/// A password for trying a target out: kept nowhere, and never to be changed by whoever signs in with it.
///
/// # Errors
/// The system has no randomness to give.
pub fn to_try(spec: &AppConnectorSpec) -> Result<Option<InitialPassword>, getrandom::Error> {
    let Some(wanted) = &spec.account.initial_password else {
        return Ok(None);
    };
    Ok(Some(InitialPassword {
        secret: generate::password(&passwords(wanted))?,
        must_change: false,
    }))
}

/// When a Secret of ours is to go; at once where it does not say so in a way that can be read.
fn expires(secret: &ObjectMeta) -> Option<Timestamp> {
    let annotations = secret.annotations.as_ref()?;
    annotations.get(EXPIRES_ANNOTATION)?.parse().ok()
}

fn is_ours(secret: &Secret) -> bool {
    let labels = secret.metadata.labels.as_ref();
    labels.is_some_and(|labels| labels.contains_key(INITIAL_PASSWORD_LABEL))
}

/// What was kept for this very account, as it is to be now.
fn password_of(secret: Secret, wanted: Wanted<'_>) -> Option<SecretString> {
    let annotations = secret.metadata.annotations.as_ref()?;
    let says = |key: &str, value: &str| annotations.get(key).is_some_and(|said| said == value);
    let is_meant = is_ours(&secret)
        && says(CONNECTOR, wanted.connector.name.as_str())
        && says(EMPLOYEE, wanted.employee.as_str());
    if !is_meant {
        return None;
    }
    let mut data = secret.data?;
    let username = data.remove("username")?;
    if username.0 != wanted.username.as_str().as_bytes() {
        return None;
    }
    let password = String::from_utf8(data.remove("password")?.0).ok()?;
    generate::is_of(wanted.policy, &password).then(|| password.into())
}

#[async_trait]
impl PasswordKeeper for SecretKeeper {
    async fn keep(&self, wanted: Wanted<'_>) -> Result<SecretString, String> {
        let name = secret_name(&wanted.connector.name, wanted.employee);
        let why = match timeout(PATIENCE, self.secret(wanted)).await {
            Ok(Ok(password)) => return Ok(password),
            Ok(Err(kube::Error::Api(status))) if status.code == 403 => format!(
                "{}: let the operator create and delete Secrets (initialPasswords.enabled of the Helm chart)",
                status.message
            ),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "Kubernetes does not answer".to_owned(),
        };
        Err(format!(
            "the initial password can't be kept in Secret {name}, so that no account is made: {why}"
        ))
    }
}
