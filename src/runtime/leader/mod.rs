//! Leader election by a Lease (`coordination.k8s.io/v1`): of several instances one works, the others
//! stand by.
//!
//! Every write of the Lease names the version it was made for, so that of two who reach for it one is
//! refused. Whoever stands by trusts no clock but its own: it counts from when it saw the Lease change
//! last. The leader counts from before it sent its last renewal, and gives up earlier than that:
//! `renew_deadline` is less than `lease_duration`. Then the process must end (`docs/operations.md`).

mod lease;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kube::Client;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::lease::{Candidate, Standing};
use super::http::Health;
use super::metrics::Metrics;

/// How long giving the Lease back may take at the end.
const RELEASE: Duration = Duration::from_secs(3);

/// Which Lease, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease.
    pub name: String,
    /// Who we are, for people; it is made unique by a random suffix.
    pub identity: String,
    /// How long the others wait for a leader that no longer renews. Whole seconds.
    pub lease_duration: Duration,
    /// When a leader that can't renew gives up.
    pub renew_deadline: Duration,
    /// Time between two attempts.
    pub retry_period: Duration,
}

impl Settings {
    /// Whether the times fit each other.
    ///
    /// # Errors
    /// A sentence that says what is to be changed.
    pub fn check(&self) -> Result<(), String> {
        let (lease, deadline) = (self.lease_duration, self.renew_deadline);
        if self.retry_period.is_zero() {
            return Err("the retry period must be more than nothing".to_owned());
        }
        if deadline >= lease {
            return Err(format!(
                "the renew deadline ({deadline:?}) must be less than the lease duration ({lease:?}): a \
                 leader has to end before another may begin"
            ));
        }
        if self.retry_period >= deadline {
            let retry = self.retry_period;
            return Err(format!(
                "the retry period ({retry:?}) must be less than the renew deadline ({deadline:?})"
            ));
        }
        Ok(())
    }
}

/// We lead no longer: this process must end before another begins.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Lost {
    /// The Lease could not be renewed in time.
    #[error(
        "lost the Lease: it could not be renewed for {} seconds (last: {why}); ending, so that another \
         can go on", after.as_secs()
    )]
    NotRenewed {
        /// How long.
        after: Duration,
        /// What the last attempt met.
        why: String,
    },
    /// Somebody took the Lease, or deleted it.
    #[error("lost the Lease: {0}; ending, so that there are not two")]
    Taken(String),
}

impl Lost {
    /// Stable reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotRenewed { .. } => "LeaseNotRenewed",
            Self::Taken(_) => "LeaseTaken",
        }
    }
}

/// The Lease is ours, and is renewed until it is released or lost.
#[derive(Debug)]
pub struct Leadership {
    lost: oneshot::Receiver<Lost>,
    release: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Leadership {
    /// Ends when we lead no longer.
    pub async fn lost(&mut self) -> Lost {
        match (&mut self.lost).await {
            Ok(lost) => lost,
            Err(_) => Lost::Taken("nobody renews it any more".to_owned()),
        }
    }

    /// Gives the Lease back, so that another begins at once. To be called when the work has ended.
    pub async fn release(self) {
        self.release.cancel();
        let _ = self.task.await;
    }
}

/// Stands by until the Lease is ours; `None` where `shutdown` comes first. Says meanwhile how it is
/// going: in `health`, and as `rollcall_leader`.
pub async fn campaign(
    client: Client,
    settings: Settings,
    health: &Health,
    metrics: &Metrics,
    shutdown: &CancellationToken,
) -> Option<Leadership> {
    let mut candidate = Candidate::new(client, settings);
    metrics.set_leader(false);
    let mut told = String::new();
    let renewed = loop {
        health.beat();
        let began = Instant::now();
        let standing = tokio::select! {
            () = shutdown.cancelled() => return None,
            standing = candidate.reach() => standing,
        };
        match standing {
            Ok(Standing::Leads) => break began,
            Ok(Standing::StandsBy(holder)) => {
                let words = format!("standby: {holder} holds the Lease {}", candidate.place());
                if told != words {
                    info!(identity = candidate.identity(), "{words}");
                    told.clone_from(&words);
                }
                health.present(LEASE);
                health.stand_by(Some(words));
            }
            Err(why) => {
                let words = format!("the Lease {} can't be had: {why}", candidate.place());
                if told != words {
                    warn!("{words}");
                    told.clone_from(&words);
                }
                health.stand_by(None);
                health.missing(LEASE, words);
            }
        }
        let retry = candidate.settings.retry_period;
        // So that two do not go on meeting each other.
        let retry = retry + retry.mul_f64(fastrand::f64() / 5.0);
        tokio::select! {
            () = shutdown.cancelled() => return None,
            () = sleep(retry) => {}
        }
    };
    health.present(LEASE);
    health.stand_by(None);
    metrics.set_leader(true);
    info!(
        identity = candidate.identity(),
        "leads: holds the Lease {}",
        candidate.place()
    );
    let (tell, lost) = oneshot::channel();
    let release = CancellationToken::new();
    let task = tokio::spawn(keep(candidate, renewed, tell, release.clone()));
    Some(Leadership {
        lost,
        release,
        task,
    })
}

/// What `/readyz` knows it by.
const LEASE: &str = "lease";

/// Renews until it is told to release, or can't.
async fn keep(
    mut candidate: Candidate,
    mut renewed: Instant,
    tell: oneshot::Sender<Lost>,
    release: CancellationToken,
) {
    let (retry, patience) = (
        candidate.settings.retry_period,
        candidate.settings.renew_deadline,
    );
    let mut why = "it was not tried".to_owned();
    let lost = loop {
        let deadline = renewed + patience;
        tokio::select! {
            () = release.cancelled() => {
                if let Ok(Err(why)) | Err(why) = timeout(RELEASE, candidate.release())
                    .await
                    .map_err(|_| "no answer in time".to_owned())
                {
                    warn!("the Lease {} was not given back: {why}", candidate.place());
                }
                return;
            }
            () = sleep_until(deadline.min(Instant::now() + retry)) => {}
        }
        let began = Instant::now();
        let attempt = tokio::select! {
            biased;
            () = sleep_until(deadline) => {
                break Lost::NotRenewed { after: renewed.elapsed(), why };
            }
            attempt = candidate.reach() => attempt,
        };
        match attempt {
            Ok(Standing::Leads) => renewed = began,
            Ok(Standing::StandsBy(holder)) => {
                break Lost::Taken(format!("{holder} holds {}", candidate.place()));
            }
            Err(error) => {
                warn!("the Lease {} was not renewed: {error}", candidate.place());
                why = error;
            }
        }
    };
    // Whoever is gone needs no answer.
    let _ = tell.send(lost);
}
