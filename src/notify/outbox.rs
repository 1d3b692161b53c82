//! What is remembered of each notice and sink, so that nothing is sent twice, over restarts too.
//!
//! A notice is claimed before it is handed over, and what came of it is written down afterwards. A claim of somebody
//! who is gone means that nobody knows whether it was sent: it is written down as `Uncertain`, and not sent again. A
//! refusal gives the claim back.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::notice::NoticeId;

/// One notice on its way to one sink.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slip {
    /// Name of the sink.
    pub sink: String,
    /// The notice.
    pub notice: NoticeId,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state")]
pub enum End {
    /// It was accepted.
    Sent,
    /// It never will be.
    GivenUp {
        /// Why.
        why: String,
    },
    /// It was handed over, or may have been, and nobody knows whether it arrived.
    Uncertain,
}

impl End {
    /// The word in the log and in metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sent => "Sent",
            Self::GivenUp { .. } => "GivenUp",
            Self::Uncertain => "Uncertain",
        }
    }
}

/// What came of wishing to hand something over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It may be handed over, now, by whoever asked.
    Granted,
    /// It must not be: it ended, here or before.
    Ended(End),
}

/// The outbox can't be written to, so that nothing may be handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// It does not answer, or refuses.
    #[error("the outbox can't be written to: {0}")]
    Unavailable(String),
    /// It holds as much as it may.
    #[error(
        "the outbox is full: too many notices in three weeks; the events stand in status all the same"
    )]
    Full,
}

/// What is remembered.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims a notice, durably. One's own claim may be claimed again; that of somebody who is gone ends in doubt.
    ///
    /// # Errors
    /// An [`OutboxError`]: then it is not known to be claimed.
    async fn claim(&self, slip: &Slip) -> Result<Claim, OutboxError>;

    /// Writes down how it ended.
    ///
    /// # Errors
    /// An [`OutboxError`]: then it is still claimed.
    async fn close(&self, slip: &Slip, end: &End) -> Result<(), OutboxError>;

    /// Gives the claim back, as nothing was accepted.
    ///
    /// # Errors
    /// An [`OutboxError`]: then it is still claimed.
    async fn release(&self, slip: &Slip) -> Result<(), OutboxError>;
}

/// One that ends with the program.
#[derive(Debug, Default)]
pub struct InMemory {
    slips: Mutex<BTreeMap<Slip, Option<End>>>,
}

impl InMemory {
    /// What is remembered of a slip; `Some(None)` is an open claim.
    #[must_use]
    pub fn of(&self, slip: &Slip) -> Option<Option<End>> {
        self.lock().get(slip).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Slip, Option<End>>> {
        self.slips.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Outbox for InMemory {
    async fn claim(&self, slip: &Slip) -> Result<Claim, OutboxError> {
        match self.lock().entry(slip.clone()).or_insert(None) {
            Some(end) => Ok(Claim::Ended(end.clone())),
            None => Ok(Claim::Granted),
        }
    }

    async fn close(&self, slip: &Slip, end: &End) -> Result<(), OutboxError> {
        self.lock().insert(slip.clone(), Some(end.clone()));
        Ok(())
    }

    async fn release(&self, slip: &Slip) -> Result<(), OutboxError> {
        self.lock().remove(slip);
        Ok(())
    }
}
