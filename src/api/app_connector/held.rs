//! What the guard holds, and what it remembers.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Removals that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldStatus {
    /// `Change`, `Termination` or `LastDay`; each is approved by itself.
    pub cause: String,
    /// What names exactly these removals. An approval of it lapses when they change.
    pub digest: String,
    /// How many people would lose something.
    pub people: i64,
    /// How many of them something privileged.
    pub privileged: i64,
    /// Accounts that could not be used any more.
    pub disable: i64,
    /// Entitlements that would be taken.
    pub remove_entitlements: i64,
    /// Kinds of credentials that would be taken away, of one account each.
    pub revoke: i64,
    /// Accounts that would be given another user name.
    #[serde(default)]
    pub rename: i64,
    /// Accounts that would be deleted.
    pub delete: i64,
    /// Why, with the number of people; the most frequent first. Capped at 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub causes: Vec<HeldCause>,
    /// Names of the Employees, and user names of accounts that are nobody's. Capped at 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub employees: Vec<String>,
}

/// Why people would lose something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldCause {
    /// Why.
    pub why: String,
    /// How many people.
    pub people: i64,
}

/// What the guard remembers of what it let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuardStatus {
    /// How many times held removals were approved.
    pub approvals: u64,
    /// The last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_approval: Option<LastApproval>,
    /// Who is held, as numbers, so that it is known again after a restart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub held: Vec<HeldPeople>,
    /// What was let through and still counts, or may still run. Capped at 128.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    pub released: Vec<ReleasedWave>,
}

/// People who are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldPeople {
    /// `Change`, `Termination` or `LastDay`.
    pub cause: String,
    /// Who, as numbers.
    pub who: String,
}

/// An approval of removals that were held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastApproval {
    /// What was approved.
    pub digest: String,
    /// Who approved it, where an admission policy records that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it was found.
    pub at: Time,
    /// How many people it was about.
    pub people: i64,
}

/// People who were let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleasedWave {
    /// Until when it counts.
    pub until: Time,
    /// `Change`, `Termination` or `LastDay`; each is counted by itself.
    pub cause: String,
    /// How many people.
    pub people: i64,
    /// Those of them who lose something privileged, as numbers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub privileged: String,
    /// The approval that it rests on, where it was held; then it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<String>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Who, as numbers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub who: String,
    /// Who loses what that has not been seen to be lost yet, as numbers, so that it is known again after a restart.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub items: String,
}
