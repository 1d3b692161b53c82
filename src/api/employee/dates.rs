//! Dates that a status tells of.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MAX_LISTED;

/// A dated change: of the stage, or of roles that are held for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextTransition {
    /// When.
    pub at: Time,
    /// Into which stage, where the stage changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Role templates whose time is over then, and that nothing else gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_LISTED))]
    pub roles_ending: Vec<String>,
}

/// Since when everything promised for the first day was in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FirstDayStatus {
    /// Which day it was, `YYYY-MM-DD`.
    pub date: String,
    /// Since when it was, the day having begun.
    pub ready_at: Time,
}

/// The last day, as this status tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastDayStatus {
    /// When it is over.
    pub ends_at: Time,
    /// Since when this status tells of just that. An edit that moves the end begins anew.
    pub told_at: Time,
}
