//! When what failed is tried again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::connectors::ConnectorError;
use crate::controllers::world::Failure;
use crate::runtime::backoff;

/// First wait after a failure that may pass by itself.
const RETRY_BASE: Duration = Duration::from_secs(2);
/// Longest wait after such failures.
const RETRY_CAP: Duration = Duration::from_mins(5);
/// First wait after a failure that someone must do something about.
const REPORTED_BASE: Duration = Duration::from_mins(5);
/// Longest wait after such failures.
const REPORTED_CAP: Duration = Duration::from_hours(1);

/// A failure after so many others in a row, and when it is tried again.
#[must_use]
pub fn failure(error: &ConnectorError, before: u32, now: Timestamp, jitter: f64) -> Failure {
    let (base, cap) = if error.kind.is_retryable() {
        (RETRY_BASE, RETRY_CAP)
    } else {
        (REPORTED_BASE, REPORTED_CAP)
    };
    let wait = backoff::delay(before, base, cap, jitter).max(error.retry_after.unwrap_or_default());
    // Whole seconds, as statuses keep them.
    let wait = i64::try_from(wait.as_secs()).unwrap_or(3600) + 1;
    let wait = SignedDuration::from_secs(wait);
    Failure {
        reason: error.kind.reason(),
        message: error.message.clone(),
        attempts: before + 1,
        retry_at: now.checked_add(wait).unwrap_or(Timestamp::MAX),
    }
}
