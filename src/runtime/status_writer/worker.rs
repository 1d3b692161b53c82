//! The loop that sends what the queue holds.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use http::Request;
use kube::Client;
use kube::client::Body;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::patch::{self, Answer};
use super::queue::Absorb;
use super::{ObjectKey, Part, Settings, Shared, StatusWritten, Work, WriteError};
use crate::runtime::backoff;
use crate::runtime::metrics::Metrics;

/// After how many failures in a row of one object a person is told, once.
const WORTH_A_WARNING: u32 = 3;

pub(super) struct Worker {
    sender: Sender,
    shared: Arc<Shared>,
    results: mpsc::UnboundedSender<StatusWritten>,
}

/// What one flight needs.
#[derive(Clone)]
struct Sender {
    client: Client,
    settings: Arc<Settings>,
    metrics: Metrics,
}

/// How one flight ended.
struct Landed {
    key: ObjectKey,
    results: Vec<StatusWritten>,
    /// What has to be sent again, and how long the server asked us to stay away.
    again: Option<(Work, Option<Duration>)>,
}

impl Worker {
    pub(super) fn new(
        client: Client,
        settings: Settings,
        metrics: Metrics,
        shared: Arc<Shared>,
        results: mpsc::UnboundedSender<StatusWritten>,
    ) -> Self {
        Self {
            sender: Sender {
                client,
                settings: Arc::new(settings),
                metrics,
            },
            shared,
            results,
        }
    }

    pub(super) async fn run(self, shutdown: CancellationToken) {
        let mut flights = FuturesUnordered::new();
        loop {
            let due = self.launch(&flights);
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(landed) = flights.next() => self.land(landed),
                () = self.shared.arrived.notified() => {}
                () = wait_for(due) => {}
            }
        }
        let emptied = timeout(self.sender.settings.drain, async {
            while let Some(landed) = flights.next().await {
                self.land(landed);
            }
        });
        if emptied.await.is_err() {
            warn!(
                "writes to Kubernetes were still in flight at the end; the next start makes up for them"
            );
        }
    }

    /// Sends as much as may be in flight, and tells when the next delayed write is due, if there is
    /// room for it.
    fn launch(&self, flights: &FuturesUnordered<BoxFuture<'static, Landed>>) -> Option<Instant> {
        let mut queue = self.shared.queue();
        let now = Instant::now();
        let mut due = None;
        while flights.len() < self.sender.settings.in_flight {
            let Some((key, lane, work)) = queue.take(now) else {
                due = queue.next_due();
                break;
            };
            flights.push(self.sender.clone().fly(key, Work { lane, ..work }).boxed());
        }
        self.sender.metrics.set_queue_length("status", queue.len());
        due
    }

    fn land(&self, landed: Landed) {
        let Landed {
            key,
            results,
            again,
        } = landed;
        {
            let mut queue = self.shared.queue();
            match again {
                None => queue.finished(&key),
                Some((work, retry_after)) => {
                    let settings = &self.sender.settings;
                    let failures = queue.failures(&key);
                    let delay = backoff::delay(
                        failures,
                        settings.backoff_base,
                        settings.backoff_cap,
                        fastrand::f64(),
                    )
                    .max(retry_after.unwrap_or_default().min(settings.backoff_cap));
                    if failures + 1 == WORTH_A_WARNING {
                        warn!(
                            kind = key.0.as_str(),
                            namespace = key.1,
                            name = key.2,
                            ?delay,
                            "an object can't be written to; it is tried again"
                        );
                    }
                    queue.failed(&key, work.lane, work, Instant::now() + delay);
                }
            }
        }
        for result in results {
            // Nobody listens any more at the end of the program.
            let _ = self.results.send(result);
        }
    }
}

impl Sender {
    async fn fly(self, key: ObjectKey, work: Work) -> Landed {
        let Work {
            lane,
            status,
            finalizer,
        } = work;
        let manager = &self.settings.field_manager;
        let mut landed = Landed {
            key,
            results: Vec::new(),
            again: None,
        };
        if let Some(write) = status {
            let request = patch::status_request(&write, manager);
            let token = write.token;
            let left = Work {
                lane,
                status: Some(write),
                finalizer: None,
            };
            self.leg(&mut landed, Part::Status, token, request, left)
                .await;
        }
        if let Some(change) = finalizer {
            let request = patch::finalizer_request(&change, manager);
            let token = change.token;
            let left = Work {
                lane,
                status: None,
                finalizer: Some(change),
            };
            self.leg(&mut landed, Part::Finalizers, token, request, left)
                .await;
        }
        landed
    }

    async fn leg(
        &self,
        landed: &mut Landed,
        part: Part,
        token: u64,
        request: Result<Request<Vec<u8>>, WriteError>,
        left: Work,
    ) {
        let (kind, namespace, name) = landed.key.clone();
        let answer = match request {
            Ok(request) => self.exchange(request).await,
            Err(error) => Answer::GivenUp(error),
        };
        let verb = match part {
            Part::Status => patch::STATUS_VERB,
            Part::Finalizers => patch::FINALIZER_VERB,
        };
        self.metrics
            .kubernetes_write(kind.as_str(), verb, answer.label());
        let result = match answer {
            Answer::Saved(saved) => Ok(saved),
            Answer::GivenUp(error) => Err(error),
            Answer::Again { retry_after, why } => {
                debug!(
                    kind = kind.as_str(),
                    namespace, name, verb, why, "a write failed"
                );
                match &mut landed.again {
                    Some((work, longest)) => {
                        work.absorb(left);
                        *longest = (*longest).max(retry_after);
                    }
                    none => *none = Some((left, retry_after)),
                }
                return;
            }
        };
        landed.results.push(StatusWritten {
            part,
            kind,
            namespace,
            name,
            token,
            result,
        });
    }

    async fn exchange(&self, request: Request<Vec<u8>>) -> Answer {
        let exchange = async {
            let answer = self.client.send(request.map(Body::from)).await?;
            let (head, body) = answer.into_parts();
            let body = body.collect_bytes().await?;
            Ok::<_, kube::Error>(patch::answer(head.status, &head.headers, &body))
        };
        let why = match timeout(self.settings.timeout, exchange).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        Answer::Again {
            retry_after: None,
            why,
        }
    }
}

async fn wait_for(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
