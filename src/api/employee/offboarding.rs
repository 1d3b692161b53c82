//! What a status says of the offboarding of somebody whose last day is over.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MAX_GRANTS, MAX_LISTED};

/// What is done with the accounts of somebody whose last day is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OffboardingStatus {
    /// When everything was done, but for accounts that are kept for a time and deleted then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Time>,
    /// One entry a connector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_LISTED))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["connector".into()]))]
    pub accounts: Vec<AccountOffboarding>,
}

/// What is done with one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountOffboarding {
    /// Name of the AppConnector.
    pub connector: String,
    /// Since when.
    pub since: Time,
    /// Since when it is kept before it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retained_since: Option<Time>,
    /// For how long: another time begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retained_for: Option<String>,
    /// Entitlements that roles had given when it began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_GRANTS))]
    pub held: Vec<String>,
    /// Steps, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub steps: Vec<OffboardingStep>,
}

/// One step of offboarding an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OffboardingStep {
    /// `Disable`, `RevokeSessions`, `RevokeTokens`, `RevokeKeys`, `RevokePasswords`, `TransferOwnership`,
    /// `RemoveEntitlements`, `Retain` or `Delete`.
    pub name: String,
    /// Where it stands.
    pub state: StepState,
    /// When it was done; of one that comes by itself, when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// How often the application was asked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// Stable reason, where it is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What shows that it is done, or what it waits for and who must do something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(attempts: &u32) -> bool {
    *attempts == 0
}

/// Where one step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum StepState {
    /// To be done, or being done.
    Pending,
    /// It comes by itself, at the time that `at` says.
    Scheduled,
    /// It waits for somebody to do something, or to lift a hold.
    Waiting,
    /// It failed, and is tried again.
    Failed,
    /// The application accepted it, and shows no more than that.
    Requested,
    /// The application showed it to be so.
    Verified,
    /// The application can't do it: somebody must, by hand.
    NotPossible,
}

/// How employment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Departure {
    /// The last day had been told of before it was over.
    Announced,
    /// By an edit that took effect at once.
    AtOnce,
}
