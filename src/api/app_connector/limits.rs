//! Who may hold an entitlement, and how many.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A limit on entitlements of an application. Where several cover one entitlement, each of them holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.maxHolders) || has(self.onlyTypes)").message("a limit needs maxHolders, onlyTypes or both"))]
pub struct EntitlementLimit {
    /// Name of an entitlement, or a pattern of names: `*` stands for any letters, `?` for one. Each entitlement that it
    /// covers is counted by itself.
    #[schemars(length(min = 1, max = 256))]
    pub entitlement: String,
    /// How many may hold it, at most. Everyone counts whom the application shows as a holder, declared or not. Free
    /// places go by `employeeId`; who gets none waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_holders: Option<u32>,
    /// Types of employees (`spec.type`) who may hold it; nobody else is given it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 63)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub only_types: Option<Vec<String>>,
}
