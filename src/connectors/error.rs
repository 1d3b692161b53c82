//! What can go wrong with a target, in the few kinds that the rest of the program acts on.

use std::time::Duration;

use crate::domain::problem::NOT_APPLIED;

/// What to do about a value of an attribute that a target does not take.
pub(super) const UNFIT_ATTRIBUTE: &str =
    "mend what spec.account.attributes gives, or the fact behind it";

/// An error of a connector: a stable kind, a message for a person, and when to come back.
///
/// The message holds the target's own words where it gave some, cut to a bounded length and free of
/// credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConnectorError {
    /// What happened, as far as it matters.
    pub kind: ErrorKind,
    /// A sentence for a person.
    pub message: String,
    /// How long the target is to be left alone: as it asked, or because it is overwhelmed. With
    /// [`ErrorKind::OutcomeUnknown`] it slows us down as [`ErrorKind::Throttled`] does, but the
    /// request may have been applied.
    pub retry_after: Option<Duration>,
}

/// The kinds of failure that are treated differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// No connection, or none in time, or TLS or DNS failed, before a request was sent.
    Unreachable,
    /// The request may have been applied: the answer was lost, or was a server error.
    OutcomeUnknown,
    /// The target asks for a slower pace.
    Throttled,
    /// The credential is wrong, expired or insufficient for everything.
    Unauthorized,
    /// This one request is forbidden.
    Forbidden,
    /// The target refuses the value.
    Invalid,
    /// Someone else has that user name or key.
    Taken,
    /// The record does not exist (any more).
    NotFound,
    /// The record changed since it was read.
    Changed,
    /// The target can't do this at all.
    Unsupported,
    /// The answer made no sense: an HTML login page, broken JSON, a record without an id.
    Nonsense,
    /// The target answered a write with success and did not carry it out.
    Ignored,
    /// The password of a new account could not be kept for whoever is to hand it over; the target was not
    /// asked.
    PasswordNotKept,
}

impl ErrorKind {
    /// Stable reason for status, events and metrics.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unreachable => "TargetUnreachable",
            Self::OutcomeUnknown => "OutcomeUnknown",
            Self::Throttled => "Throttled",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::Invalid => "InvalidValue",
            Self::Taken => "AlreadyTaken",
            Self::NotFound => "NotFound",
            Self::Changed => "ChangedMeanwhile",
            Self::Unsupported => "Unsupported",
            Self::Nonsense => "UnintelligibleAnswer",
            Self::Ignored => NOT_APPLIED,
            Self::PasswordNotKept => "PasswordNotKept",
        }
    }

    /// Whether the same request may succeed later without anyone doing anything.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::OutcomeUnknown
                | Self::Throttled
                | Self::Changed
                | Self::Nonsense
                | Self::Ignored
                | Self::PasswordNotKept
        )
    }

    /// Whether the whole target is concerned rather than one record.
    #[must_use]
    pub fn concerns_target(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Throttled | Self::Unauthorized
        )
    }
}

impl ConnectorError {
    /// An error of a kind, with a message for a person.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
        }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: &str) -> Self {
        self.message = format!("{}: {remedy}", self.message);
        self
    }

    /// Whether the target is to be asked more slowly from here on.
    #[must_use]
    pub fn asks_for_quiet(&self) -> bool {
        match self.kind {
            ErrorKind::Throttled => true,
            ErrorKind::OutcomeUnknown => self.retry_after.is_some(),
            _ => false,
        }
    }
}
