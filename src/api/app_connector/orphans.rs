//! What is to become of accounts that nobody declared.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::rules;

/// What to do about accounts that nobody declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Orphans {
    /// `Report` lists them and takes nothing away. `Disable` disables them, and leaves what they hold. `Delete` disables
    /// them, and deletes them after `retain`.
    #[serde(default)]
    pub policy: OrphanPolicy,
    /// Which of them the policy is about: `Released`, those that were ours until their Employee was deleted; or `All`,
    /// those as well that were never ours.
    #[serde(default)]
    pub which: WhichOrphans,
    /// How long one is left alone since it was first seen: `7d`. Whoever declares its owner in that time loses nothing.
    #[serde(default = "default_after")]
    #[schemars(length(max = 24))]
    #[x_kube(validation = Rule::new(rules::GRACE).message(rules::AFTER_MESSAGE))]
    pub after: String,
    /// How long one is kept, disabled, before it is deleted: `30d`. An edit that has accounts deleted gives each of them
    /// this time from then on.
    #[serde(default = "default_retain")]
    #[schemars(length(max = 24))]
    #[x_kube(validation = Rule::new(rules::GRACE).message(rules::ORPHAN_RETAIN_MESSAGE))]
    pub retain: String,
    /// Patterns of user names that are not orphans: `*` stands for any letters, `?` for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub ignore: Vec<String>,
    /// The same, each with a reason and, where it is for a time, with its last day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub exceptions: Vec<OrphanException>,
}

impl Default for Orphans {
    fn default() -> Self {
        Self {
            policy: OrphanPolicy::default(),
            which: WhichOrphans::default(),
            after: default_after(),
            retain: default_retain(),
            ignore: Vec::new(),
            exceptions: Vec::new(),
        }
    }
}

fn default_after() -> String {
    "7d".to_owned()
}

fn default_retain() -> String {
    "30d".to_owned()
}

/// What to do about an orphaned account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum OrphanPolicy {
    /// Listed in status, counted in metrics, told in one event; nothing is taken away.
    #[default]
    Report,
    /// Disabled, once it was left alone for its time. What it holds stays.
    Disable,
    /// Disabled, and deleted after a further time.
    Delete,
}

/// Which orphaned accounts something is done with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum WhichOrphans {
    /// Those that were ours until their Employee was deleted.
    #[default]
    Released,
    /// Those as well that were never ours.
    All,
}

/// User names that are not orphans, for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrphanException {
    /// A pattern of user names: `*` stands for any letters, `?` for one.
    #[schemars(length(min = 1, max = 256))]
    pub username: String,
    /// Why they are not.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// The last day on which that counts, in UTC: `2027-06-30`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new(rules::DATE).message(rules::UNTIL_MESSAGE))]
    pub until: Option<String>,
}
