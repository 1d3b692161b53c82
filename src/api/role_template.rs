//! `RoleTemplate`: a rule for who holds a role, and the grants it carries.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;

/// A rule for who holds a role, and the grants it carries.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "rollcall.dev",
    version = "v1alpha1",
    kind = "RoleTemplate",
    plural = "roletemplates",
    shortname = "rt",
    category = "rollcall",
    namespaced,
    status = "RoleTemplateStatus",
    derive = "PartialEq",
    validation = Rule::new("!has(self.spec.includes) || !(self.metadata.name in self.spec.includes)").message("includes names this role template itself: leave it out"),
    validation = Rule::new("!has(self.spec.conflictsWith) || !(self.metadata.name in self.spec.conflictsWith)").message("conflictsWith names this role template itself: leave it out"),
    doc = "A rule for who holds a role, and the grants it carries.",
    printcolumn(
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        name = "Ready",
        type_ = "string"
    ),
    printcolumn(json_path = ".status.holders", name = "Holders", type_ = "integer"),
    printcolumn(
        json_path = ".status.provisioned",
        name = "Provisioned",
        type_ = "integer"
    ),
    printcolumn(json_path = ".status.failures", name = "Failures", type_ = "integer"),
    printcolumn(json_path = ".status.orphans", name = "Orphans", type_ = "integer"),
    printcolumn(
        json_path = ".metadata.creationTimestamp",
        name = "Age",
        type_ = "date"
    ),
    printcolumn(
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        name = "Message",
        type_ = "string",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct RoleTemplateSpec {
    /// What the role is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// CEL expression over `employee`, of type bool: true for those who hold the role. A template
    /// without one is held only by those who name it or a role that includes it.
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub match_: Option<String>,
    /// Names of role templates whose grants holders of this one receive as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 253)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(validation = Rule::new(rules::OBJECT_NAMES).message(rules::OBJECT_NAME_MESSAGE))]
    pub includes: Vec<String>,
    /// Names of role templates that nobody may hold beside this one (segregation of duties). It is enough that one of
    /// two says so. Who would hold both keeps what they hold already, and is given nothing of the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 253)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(validation = Rule::new(rules::OBJECT_NAMES).message(rules::OBJECT_NAME_MESSAGE))]
    pub conflicts_with: Vec<String>,
    /// What holders receive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["connector".into()]))]
    pub grants: Vec<Grant>,
    /// From when to when holders receive it, beside the days on which they work.
    #[serde(default, skip_serializing_if = "Availability::is_unsaid")]
    pub availability: Availability,
}

/// From when to when holders of a role receive what it gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Availability {
    /// How many days before a person's first one they receive it: with 7 all of it is there a week before. With
    /// 0 it comes on the first day itself, however early the account is made. Unset, it comes along with
    /// an account that is disabled until the first day, and on the first day into one that is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 365))]
    pub days_before_start: Option<u16>,
    /// How long somebody who goes on working keeps it after the role is lost, as by a transfer: `72h`, `14d`.
    /// Someone whose last day is over, and a role whose own `until` is over, have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 24))]
    #[x_kube(validation = Rule::new(rules::GRACE).message(rules::GRACE_MESSAGE))]
    pub grace_after_loss: Option<String>,
}

impl Availability {
    fn is_unsaid(&self) -> bool {
        *self == Self::default()
    }
}

/// What holders of a role receive in one application: an account, and entitlements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Name of the AppConnector, in the same namespace.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new(rules::OBJECT_NAME).message(rules::OBJECT_NAME_MESSAGE))]
    pub connector: String,
    /// Names of groups, roles or licences in that application. Empty means an account alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), inner(length(min = 1, max = 256)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub entitlements: Vec<String>,
}

/// What Rollcall says of a role template. Written by the operator alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleTemplateStatus {
    /// Generation of the spec that this status speaks of; -1 before the first look.
    #[serde(default)]
    pub observed_generation: i64,
    /// Ready, OrphanedCredentials; Reconciling and Stalled while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// How many employees hold the role.
    #[serde(default)]
    pub holders: i64,
    /// How many of them have everything the role gives.
    #[serde(default)]
    pub provisioned: i64,
    /// How many of them lack something because an operation failed.
    #[serde(default)]
    pub failures: i64,
    /// How many orphaned credentials there are, also where the list is cut.
    #[serde(default)]
    pub orphans: i64,
    /// Rogue holders: observed in a target, given by no policy. Capped at 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub orphaned_credentials: Vec<RogueHolder>,
    /// The text of the annotation `rollcall.dev/reconcile-requested-at` that was handled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
}

/// Someone who holds an entitlement in a target that no policy gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RogueHolder {
    /// Name of the AppConnector.
    pub connector: String,
    /// Name of the entitlement in the target.
    pub entitlement: String,
    /// Identifier of the account in the target.
    pub account_id: String,
    /// User name of the account, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Name of the Employee, where the account is one of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee: Option<String>,
    /// Since when it has been seen.
    pub since: Time,
}

impl RogueHolder {
    /// In words: `marketing in directory by mallory`.
    #[must_use]
    pub fn told(&self) -> String {
        let who = self.username.as_deref().unwrap_or(&self.account_id);
        format!("{} in {} by {who}", self.entitlement, self.connector)
    }
}
