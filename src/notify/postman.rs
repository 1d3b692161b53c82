//! Who brings notices to one sink: claims, hands over, writes down what came of it, and comes again where it was
//! refused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Notice;
use super::outbox::{Claim, End, Outbox, OutboxError, Slip};
use super::sink::{Refusal, Sink};
use crate::runtime::backoff;
use crate::runtime::metrics::Metrics;

/// Times between attempts: from this, doubling, to at most that.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// How long a sink that keeps refusing is asked again.
const PATIENCE: Duration = Duration::from_hours(3 * 24);

/// Brings notices to one sink.
pub(super) struct Postman {
    pub sink: Arc<dyn Sink>,
    pub outbox: Arc<dyn Outbox>,
    pub metrics: Metrics,
    pub stop: CancellationToken,
}

/// A notice that waits for its turn.
struct Waiting {
    notice: Arc<Notice>,
    attempts: u32,
    since: Instant,
    /// How it ended, where only writing that down is left to do.
    ended: Option<End>,
}

/// What comes next for a notice.
enum Next {
    Done,
    Again(Duration),
}

impl Postman {
    /// Works until it is told to stop. One notice is under way at a time; those that wait for another attempt keep no
    /// other from being tried.
    pub(super) async fn work(self, mut queue: mpsc::Receiver<Arc<Notice>>) {
        let mut waiting: BTreeMap<(Instant, u64), Waiting> = BTreeMap::new();
        let mut count = 0_u64;
        loop {
            let due = waiting.first_key_value().map(|((at, _), _)| *at);
            let turn = async {
                match due {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            // As many wait here as may wait in the queue: then the queue itself fills up.
            let has_room = waiting.len() < queue.max_capacity();
            let mut one = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = turn => match waiting.pop_first() {
                    Some((_, one)) => one,
                    None => continue,
                },
                notice = queue.recv(), if has_room => match notice {
                    None => return,
                    // It waits here already, perhaps for being written down as sent.
                    Some(notice) if waiting.values().any(|one| one.notice.id == notice.id) => continue,
                    Some(notice) => Waiting {
                        notice,
                        attempts: 0,
                        since: Instant::now(),
                        ended: None,
                    },
                },
            };
            // What is under way when it is time to end is left in doubt, unless it ends in a moment.
            let next = tokio::select! {
                biased;
                next = self.attempt(&mut one) => next,
                () = async { self.stop.cancelled().await; sleep(Duration::from_secs(5)).await } => return,
            };
            if let Next::Again(pause) = next {
                count += 1;
                waiting.insert((Instant::now() + pause, count), one);
            }
        }
    }

    async fn attempt(&self, one: &mut Waiting) -> Next {
        let slip = Slip {
            sink: self.sink.name().to_owned(),
            notice: one.notice.id.clone(),
        };
        if let Some(end) = one.ended.clone() {
            return self.close(&slip, one, end).await;
        }
        match self.outbox.claim(&slip).await {
            Ok(Claim::Granted) => {}
            Ok(Claim::Ended(end)) => {
                self.count(&one.notice, "Known");
                tracing::debug!(sink = slip.sink, notice = %slip.notice, end = end.word(), "not sent again");
                return Next::Done;
            }
            Err(error) => return Self::wait_for_outbox(&slip, one, &error),
        }
        let end = match self.sink.deliver(&one.notice).await {
            Ok(()) => End::Sent,
            Err(Refusal::Uncertain(why)) => {
                tracing::warn!(sink = slip.sink, notice = %slip.notice, why, "a notice may have been sent, and is not sent again");
                End::Uncertain
            }
            Err(Refusal::Never(why)) => End::GivenUp { why },
            Err(Refusal::Later { why, .. }) if one.since.elapsed() > PATIENCE => End::GivenUp {
                why: format!("refused for three days: {why}"),
            },
            Err(Refusal::Later { why, after }) => {
                self.count(&one.notice, "Refused");
                tracing::warn!(sink = slip.sink, notice = %slip.notice, why, attempts = one.attempts + 1, "a notice was not taken, and is tried again");
                if let Err(error) = self.outbox.release(&slip).await {
                    // The claim stays ours, so that we may try again; only after a crash it counts as in doubt.
                    tracing::warn!(sink = slip.sink, notice = %slip.notice, "a claim can't be given back: {error}");
                }
                return Next::Again(pause(one).max(after.unwrap_or_default()));
            }
        };
        self.count(&one.notice, end.word());
        match &end {
            End::GivenUp { why } => {
                tracing::error!(sink = slip.sink, notice = %slip.notice, why, "a notice was not sent, and is not tried again");
            }
            End::Sent => {
                tracing::info!(sink = slip.sink, notice = %slip.notice, "a notice was sent");
            }
            End::Uncertain => {}
        }
        one.attempts = 0;
        self.close(&slip, one, end).await
    }

    async fn close(&self, slip: &Slip, one: &mut Waiting, end: End) -> Next {
        match self.outbox.close(slip, &end).await {
            Ok(()) => Next::Done,
            Err(error) => {
                one.ended = Some(end);
                Self::wait_for_outbox(slip, one, &error)
            }
        }
    }

    fn wait_for_outbox(slip: &Slip, one: &mut Waiting, error: &OutboxError) -> Next {
        tracing::warn!(sink = slip.sink, notice = %slip.notice, "a notice waits: {error}");
        Next::Again(pause(one))
    }

    fn count(&self, notice: &Notice, result: &'static str) {
        self.metrics
            .noticed(self.sink.name(), notice.occasion.word(), result);
    }
}

fn pause(one: &mut Waiting) -> Duration {
    let pause = backoff::delay(one.attempts, FIRST_PAUSE, LONGEST_PAUSE, fastrand::f64());
    one.attempts = one.attempts.saturating_add(1);
    pause
}

#[cfg(test)]
mod tests;
