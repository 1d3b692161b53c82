//! What Rollcall says of a connector.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::held::{GuardStatus, HeldStatus};

/// What Rollcall says of a connector. Written by the operator alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppConnectorStatus {
    /// Generation of the spec that this status speaks of; -1 before the first look.
    #[serde(default)]
    pub observed_generation: i64,
    /// Protocol, such as `SCIM`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
    /// The application that the accounts are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub target: Option<String>,
    /// Ready, Connected, InventoryComplete, DeprovisioningHeld, OrphanedAccounts; Reconciling and Stalled while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// How many accounts in the application are ours.
    #[serde(default)]
    pub accounts: i64,
    /// How many accounts nobody declared, also where the list is cut.
    #[serde(default)]
    pub orphans: i64,
    /// Accounts that nobody declared; those first with which something is to be done. Capped at 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub orphaned_accounts: Vec<OrphanedAccount>,
    /// How many accounts would be told of as orphans if neither `spec.orphans.ignore`, an exception nor
    /// `spec.protected.accounts` named them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spared: Option<i64>,
    /// Which those are, by user name. Capped at 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub spared_accounts: Vec<SparedAccount>,
    /// Rules of `spec.orphans.exceptions` whose last day is over: they count no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub expired_exceptions: Vec<ExpiredException>,
    /// What the last listing gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<InventoryStatus>,
    /// Entitlements that manifests name, and their identifiers, by which they are known where the application
    /// calls them otherwise. Capped at 512.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 512))]
    pub entitlements: Vec<EntitlementStatus>,
    /// What the application can do, as it says or as was found out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub capabilities: Vec<String>,
    /// When the application is tried again, after it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Time>,
    /// What is not done in mode `DryRun` or while paused, and would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<DryRunStatus>,
    /// What would be taken away and waits until somebody approves it, or until it is taken back; one entry a cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub held: Vec<HeldStatus>,
    /// What the guard remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardStatus>,
    /// `Enforce`, `DryRun`, or `Paused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The text of the annotation `rollcall.dev/reconcile-requested-at` that was handled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
}

/// What would be done at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryRunStatus {
    /// Accounts that would be created.
    pub create: i64,
    /// Accounts whose attributes would be changed.
    pub update: i64,
    /// Accounts that would be enabled.
    pub enable: i64,
    /// Accounts that would be disabled.
    pub disable: i64,
    /// Accounts that were there before and would be taken over.
    #[serde(default)]
    pub adopt: i64,
    /// Accounts that our mark would be taken off.
    #[serde(default)]
    pub disown: i64,
    /// Kinds of credentials that would be taken away, of one account each.
    #[serde(default)]
    pub revoke: i64,
    /// Accounts of which what they own would be handed over.
    #[serde(default)]
    pub transfer_ownership: i64,
    /// Accounts that would be deleted.
    #[serde(default)]
    pub delete: i64,
    /// Memberships that would be added.
    pub add_entitlements: i64,
    /// Memberships that would be removed.
    pub remove_entitlements: i64,
}

/// What the last listing gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryStatus {
    /// `Complete`, `Partial` or `Unreadable`.
    pub completeness: String,
    /// Accounts seen, whoever owns them.
    pub accounts: i64,
    /// Entitlements seen.
    pub entitlements: i64,
}

/// An entitlement that manifests name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntitlementStatus {
    /// The name that manifests use.
    pub name: String,
    /// Identifier that the application gave it.
    pub id: String,
    /// What the application calls it now, where that is something else: mend the RoleTemplates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_to: Option<String>,
}

/// An account that nobody declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrphanedAccount {
    /// Identifier that the target gave the account.
    pub account_id: String,
    /// User name in the target.
    pub username: String,
    /// `Undeclared`, never ours, or `Released`, ours until its Employee was deleted.
    pub kind: String,
    /// The `employeeId` that it was of, where it is `Released`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
    /// Whether the account is enabled, where the target says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Since when it has been seen.
    pub since: Time,
    /// `Reported`, `Waiting`, `Pending`, `Held`, `Failed`, `Kept` or `Disabled`; where the policy is to do something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// A stable word that says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
    /// When something is done with it, at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Time>,
    /// Since when it is kept, disabled, before it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_since: Option<Time>,
    /// For how long, in seconds. Another time begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_for: Option<i64>,
}

/// An account that nobody declared and that is left in peace, as manifests name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SparedAccount {
    /// Identifier that the target gave the account.
    pub account_id: String,
    /// User name in the target.
    pub username: String,
    /// `Undeclared`, never ours, or `Released`, ours until its Employee was deleted.
    pub kind: String,
    /// The `employeeId` that it was of, where it is `Released`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
    /// Whether the account is enabled, where the target says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// User names that are orphans again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExpiredException {
    /// The pattern.
    pub username: String,
    /// Why they were not.
    pub reason: String,
    /// The last day on which that counted.
    pub until: String,
}
