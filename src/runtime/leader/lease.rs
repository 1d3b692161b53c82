//! The Lease itself: reading it, judging it, and writing it as the version that was judged.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::{Instant, timeout};

use super::Settings;

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The Lease is ours, and others wait from now on.
    Leads,
    /// It is somebody else's.
    StandsBy(String),
}

/// One that would lead.
pub(super) struct Candidate {
    pub(super) settings: Settings,
    api: Api<Lease>,
    identity: String,
    /// The Lease as we wrote it last, while it is ours.
    held: Option<Lease>,
    observed: Option<Observed>,
}

/// What is known of another's Lease.
struct Observed {
    holder: String,
    version: String,
    /// When we saw this version first; the holder's own clock may be wrong.
    since: Instant,
    duration: Duration,
}

impl Candidate {
    pub(super) fn new(client: Client, settings: Settings) -> Self {
        let suffix = fastrand::u64(..);
        Self {
            api: Api::namespaced(client, &settings.namespace),
            identity: format!("{}_{suffix:016x}", settings.identity),
            settings,
            held: None,
            observed: None,
        }
    }

    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.settings.namespace, self.settings.name)
    }

    /// Takes the Lease where it is free, renews it where it is ours.
    pub(super) async fn reach(&mut self) -> Result<Standing, String> {
        if let Some(held) = self.held.clone() {
            match self.write(held).await {
                Err(error) if is(&error, 404) => {
                    return Ok(Standing::StandsBy("nobody, as it was deleted,".to_owned()));
                }
                // Changed by somebody, or the answer to our last renewal was lost.
                Err(error) if is(&error, 409) => {}
                Err(error) => return Err(error.to_string()),
                Ok(()) => return Ok(Standing::Leads),
            }
        }
        let found = self.asked(self.api.get_opt(&self.settings.name)).await;
        match found.map_err(|e| e.to_string())? {
            Some(lease) => {
                if let Some(holder) = self.holder_to_wait_for(&lease) {
                    return Ok(Standing::StandsBy(holder));
                }
                won(self.write(lease).await)
            }
            None => match &self.observed {
                // Deleted under its leader, who will notice; until then it works.
                Some(seen) if seen.since.elapsed() < seen.duration => {
                    Ok(Standing::StandsBy(seen.holder.clone()))
                }
                _ => won(self.create().await),
            },
        }
    }

    /// Gives the Lease back, if it is ours.
    pub(super) async fn release(&mut self) -> Result<(), String> {
        let Some(mut lease) = self.held.take() else {
            return Ok(());
        };
        let now = MicroTime(Timestamp::now());
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = None;
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(now);
        let (parameters, name) = (PostParams::default(), self.settings.name.clone());
        let request = self.api.replace(&name, &parameters, &lease);
        self.asked(request)
            .await
            .map(drop)
            .map_err(|e| e.to_string())
    }

    /// Whoever must be waited for before this Lease may be taken.
    fn holder_to_wait_for(&mut self, lease: &Lease) -> Option<String> {
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.filter(|h| !h.is_empty())?;
        // Ours, where the answer that said so was lost.
        if holder == self.identity {
            return None;
        }
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let seconds = spec.lease_duration_seconds.unwrap_or_default();
        let theirs = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        let since = match &self.observed {
            Some(seen) if seen.version == version => seen.since,
            _ => Instant::now(),
        };
        let duration = theirs.max(self.settings.lease_duration);
        self.observed = Some(Observed {
            holder: holder.clone(),
            version,
            since,
            duration,
        });
        (since.elapsed() < duration).then_some(holder)
    }

    async fn create(&mut self) -> Result<(), kube::Error> {
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(self.settings.name.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(self.claim(None)),
        };
        let parameters = PostParams::default();
        let made = self.asked(self.api.create(&parameters, &lease)).await?;
        self.held = Some(made);
        Ok(())
    }

    /// Writes the Lease as ours, if it still is the version that was read.
    async fn write(&mut self, mut lease: Lease) -> Result<(), kube::Error> {
        lease.spec = Some(self.claim(lease.spec.take()));
        let parameters = PostParams::default();
        let request = self.api.replace(&self.settings.name, &parameters, &lease);
        match self.asked(request).await {
            Ok(written) => {
                self.held = Some(written);
                Ok(())
            }
            Err(error) => {
                if is(&error, 409) || is(&error, 404) {
                    self.held = None;
                }
                Err(error)
            }
        }
    }

    fn claim(&self, before: Option<LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let before = before.unwrap_or_default();
        let is_ours = before.holder_identity.as_deref() == Some(&self.identity);
        let transitions = before.lease_transitions.unwrap_or(-1);
        let seconds = self.settings.lease_duration.as_secs();
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
            acquire_time: before
                .acquire_time
                .filter(|_| is_ours)
                .or(Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(if is_ours {
                transitions
            } else {
                transitions.saturating_add(1)
            }),
            ..LeaseSpec::default()
        }
    }

    /// A request that leaves time for another before the deadline.
    async fn asked<T>(
        &self,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, kube::Error> {
        let patience = self.settings.renew_deadline / 2;
        timeout(patience, request).await.unwrap_or_else(|_| {
            let why = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time");
            Err(kube::Error::Service(why.into()))
        })
    }
}

fn won(written: Result<(), kube::Error>) -> Result<Standing, String> {
    match written {
        Ok(()) => Ok(Standing::Leads),
        Err(error) if is(&error, 409) => {
            Ok(Standing::StandsBy("another, a moment ago,".to_owned()))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn is(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}
