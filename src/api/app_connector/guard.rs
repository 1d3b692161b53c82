//! How much access one change may take away.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::rules;

/// How many people may lose something in the application before somebody has to approve it. Those who leave
/// are counted by themselves, and neither keeps the other waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Guard {
    /// Never more people than these within the window, `alwaysAllowed` or not. Unlimited when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_removals: Option<u32>,
    /// Nor more than this share of the accounts that are ours, rounded up; 100 is no limit.
    #[serde(default = "default_percent")]
    #[schemars(range(min = 0, max = 100))]
    pub max_percent: u8,
    /// So many are allowed whatever their share is.
    #[serde(default = "default_always")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub always_allowed: u32,
    /// For how long what was taken away counts: `24h`. A mistake in small portions is caught by it.
    #[serde(default = "default_window")]
    #[schemars(length(max = 24))]
    #[x_kube(validation = Rule::new(rules::WINDOW).message(rules::WINDOW_MESSAGE))]
    pub window: String,
    /// Those whose employment ends, or is suspended. Those whose last day had been told of for at least the window
    /// before it was over are counted apart from those whose end was decided later, or at once.
    #[serde(default)]
    pub leavers: LeaverLimits,
    /// Entitlements of which fewer may be lost.
    #[serde(default)]
    pub privileged: PrivilegedLimits,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            max_removals: None,
            max_percent: default_percent(),
            always_allowed: default_always(),
            window: default_window(),
            leavers: LeaverLimits::default(),
            privileged: PrivilegedLimits::default(),
        }
    }
}

/// How many people may leave within the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaverLimits {
    /// Never more people than these. Unlimited when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_removals: Option<u32>,
    /// Nor more than this share of the accounts that are ours; 100 is no limit.
    #[serde(default = "default_percent")]
    #[schemars(range(min = 0, max = 100))]
    pub max_percent: u8,
}

impl Default for LeaverLimits {
    fn default() -> Self {
        Self {
            max_removals: None,
            max_percent: default_percent(),
        }
    }
}

/// Entitlements of which fewer may be lost, by themselves or with the account that holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrivilegedLimits {
    /// Patterns of their names: `*` stands for any letters, `?` for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub entitlements: Vec<String>,
    /// Never more people than these may lose one of them within the window.
    #[serde(default = "default_privileged")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_removals: u32,
}

impl Default for PrivilegedLimits {
    fn default() -> Self {
        Self {
            entitlements: Vec::new(),
            max_removals: default_privileged(),
        }
    }
}

fn default_percent() -> u8 {
    5
}
fn default_always() -> u32 {
    10
}
fn default_window() -> String {
    "24h".to_owned()
}
fn default_privileged() -> u32 {
    3
}
