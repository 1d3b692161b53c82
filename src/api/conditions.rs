//! Condition types and the reasons they may carry, following kstatus.
//!
//! `Ready` is always present once an object has been looked at. `Reconciling` and `Stalled` are
//! "abnormal-true": present, as `True`, only while they hold.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

/// `True` when the object is as declared.
pub const READY: &str = "Ready";
/// Present while work towards the declared state goes on or something missing is waited for.
pub const RECONCILING: &str = "Reconciling";
/// Present only where nothing but an edit of this object's spec cures it.
pub const STALLED: &str = "Stalled";
/// Employee: `True` once everything promised for the first day is in place.
pub const DAY_ONE_READY: &str = "DayOneReady";
/// Employee: `True` once every account of a departed person was read back as disabled.
pub const ACCESS_REVOKED: &str = "AccessRevoked";
/// Employee, RoleTemplate: `True` while credentials are active that no grant justifies.
pub const ORPHANED_CREDENTIALS: &str = "OrphanedCredentials";
/// Employee: `True` while a role that is held for a time ends soon.
pub const ROLES_ENDING: &str = "RolesEnding";
/// Employee: `True` while the person is likely somebody who left and has another `employeeId` now.
pub const LIKELY_REHIRE: &str = "LikelyRehire";
/// AppConnector: `True` while the target answers with the given credential.
pub const CONNECTED: &str = "Connected";
/// AppConnector: `True` when the last listing of accounts and entitlements was complete.
pub const INVENTORY_COMPLETE: &str = "InventoryComplete";
/// AppConnector: `True` while removals wait until somebody approves them, or until they are taken back.
pub const DEPROVISIONING_HELD: &str = "DeprovisioningHeld";
/// AppConnector: `True` while the target holds accounts that nobody declared.
pub const ORPHANED_ACCOUNTS: &str = "OrphanedAccounts";

/// One condition as the code wants it, before times are attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Condition type, one of the constants of this module.
    pub type_: &'static str,
    /// `Some(true)` is `True`, `Some(false)` is `False`, `None` is `Unknown`.
    pub status: Option<bool>,
    /// Stable reason in PascalCase.
    pub reason: &'static str,
    /// A sentence a person can act on.
    pub message: String,
}

impl Wanted {
    /// A condition of the given type and status.
    #[must_use]
    pub fn new(
        type_: &'static str,
        status: bool,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            type_,
            status: Some(status),
            reason,
            message: message.into(),
        }
    }
}

/// Gives the wanted conditions their transition times: an unchanged status keeps its time
/// (Kubernetes API conventions, "Typical status properties").
#[must_use]
pub fn merge(
    previous: &[Condition],
    wanted: Vec<Wanted>,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    wanted
        .into_iter()
        .map(|w| {
            let status = match w.status {
                Some(true) => "True",
                Some(false) => "False",
                None => "Unknown",
            };
            let since = previous
                .iter()
                .find(|p| p.type_ == w.type_ && p.status == status)
                .map_or_else(|| Time(now), |p| p.last_transition_time.clone());
            Condition {
                type_: w.type_.to_owned(),
                status: status.to_owned(),
                reason: w.reason.to_owned(),
                message: w.message,
                observed_generation: Some(generation),
                last_transition_time: since,
            }
        })
        .collect()
}
