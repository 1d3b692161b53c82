//! What is recorded of one write. Field names are stable: people's queries depend on them.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

/// One write for one person, before or after. A call that serves many people is recorded for each of
/// them, under the same `call`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// Before or after.
    pub phase: Phase,
    /// The call to the target, `<epoch>-<number>`: the same before and after, and for everyone that
    /// it serves. Unique per connector and run of the operator.
    pub call: String,
    /// Namespace of the connector and the employee.
    pub namespace: Arc<str>,
    /// Name of the connector.
    pub connector: String,
    /// Whose account, as `employeeId`. For `CreateEntitlement` the first who needs it.
    pub employee: String,
    /// What is done: `Create`, `Update`, `Enable`, `Disable`, `AddEntitlements`, `RemoveEntitlements`,
    /// `RevokeSessions` and the like, `TransferOwnership`, `Delete`, `CreateEntitlement`.
    pub verb: &'static str,
    /// The account's identifier in the target, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Why, in words.
    pub cause: String,
    /// Revision of the plan that it is from.
    pub revision: u64,
    /// What changes, without values.
    pub difference: Vec<Difference>,
    /// How long the call took, in milliseconds. After it only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// `Succeeded`, or the stable reason of the error. After it only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<&'static str>,
}

/// Before or after the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Phase {
    /// It is about to be sent.
    Intent,
    /// It has ended, as `result` says.
    Outcome,
}

/// One thing that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// What kind of thing.
    pub subject: Subject,
    /// Its name.
    pub name: String,
    /// What happens to it.
    pub change: Change,
}

/// What kind of thing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Subject {
    /// An attribute of the account, `username`, `mark` and `active` among them.
    Attribute,
    /// A group, role, licence or other right.
    Entitlement,
    /// Credentials of a kind, by which the account is used.
    Credentials,
    /// What the account owns in the target; the name is the identifier of the account that gets it.
    Ownership,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Change {
    /// It has a new value.
    Set,
    /// It has no value any more.
    Cleared,
    /// The account holds it.
    Given,
    /// The account no longer holds it.
    Taken,
    /// It is made, without holders.
    Made,
}
