//! Where notices go.

use std::time::Duration;

use async_trait::async_trait;

use super::Notice;

/// Where notices go.
#[async_trait]
pub trait Sink: Send + Sync {
    /// A word that stays, by which the outbox, the log and metrics know it.
    fn name(&self) -> &str;

    /// Hands a notice over, once. Bounded in time.
    ///
    /// # Errors
    /// A [`Refusal`].
    async fn deliver(&self, notice: &Notice) -> Result<(), Refusal>;
}

/// Why a notice was not handed over, or is not known to have been. Never a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing was accepted, and it may go better later.
    #[error("{why}")]
    Later {
        /// What happened.
        why: String,
        /// How long the other side asks to be left alone.
        after: Option<Duration>,
    },
    /// Nothing was accepted, and nothing will be.
    #[error("{0}")]
    Never(String),
    /// It was handed over, and the answer was lost.
    #[error("{0}")]
    Uncertain(String),
}

impl Refusal {
    /// Nothing was accepted, and it may go better later.
    pub fn later(why: impl Into<String>) -> Self {
        Self::Later {
            why: why.into(),
            after: None,
        }
    }

    /// The same in other words.
    #[must_use]
    pub fn told(self, tell: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Later { why, after } => Self::Later {
                why: tell(&why),
                after,
            },
            Self::Never(why) => Self::Never(tell(&why)),
            Self::Uncertain(why) => Self::Uncertain(tell(&why)),
        }
    }
}
