//! How hard one target is driven.

use std::time::Duration;

use super::passwords::PasswordPolicy;

/// Limits and times of one target. Zeros are read as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Calls in flight at once. Leavers may use one more.
    pub concurrency: u16,
    /// Requests a second, at most. Unlimited when unset. The pages of a listing count.
    pub requests_per_second: Option<u16>,
    /// Memberships changed in one request, at most.
    pub membership_batch: u16,
    /// Time between the end of one listing and the begin of the next, ±10 %.
    pub interval: Duration,
    /// Longest time one call may take. A backstop: connectors have time limits of their own, and one
    /// call may be several requests.
    pub call_timeout: Duration,
    /// Longest time a listing may take.
    pub listing_timeout: Duration,
    /// How long a first membership waits for company. Leavers never wait.
    pub linger: Duration,
    /// How long calls in flight may take to end after a stop.
    pub grace: Duration,
    /// What the passwords of new accounts are like, where they get one.
    pub passwords: Option<PasswordPolicy>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 8,
            requests_per_second: None,
            membership_batch: 100,
            interval: Duration::from_mins(10),
            call_timeout: Duration::from_mins(2),
            listing_timeout: Duration::from_mins(15),
            linger: Duration::from_millis(10),
            grace: Duration::from_secs(10),
            passwords: None,
        }
    }
}
