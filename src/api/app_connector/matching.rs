//! How accounts that are there already are found to be somebody's.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Expression;

/// How accounts that were there before Rollcall, and bear nobody's mark, are found to be somebody's. Without
/// rules none is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("self.adopt != 'WhenListed' || (has(self.listed) && self.listed.size() > 0)").message("matching.adopt is WhenListed, and matching.listed is empty: list the user names that may be taken over"))]
#[serde(rename_all = "camelCase")]
pub struct Matching {
    /// Tried in order: the first that fits any account decides. Where it fits several, or one account fits
    /// several people, nothing is done until `spec.links` of the Employee says which is meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub rules: Vec<MatchingRule>,
    /// Whether an account that was found is taken over: it gets our mark, and is managed from then on. One
    /// that is not taken over keeps another from being made.
    #[serde(default)]
    pub adopt: Adopt,
    /// For `WhenListed`: patterns of user names of accounts that may be taken over: `*` stands for any
    /// letters, `?` for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 256)))]
    pub listed: Vec<String>,
}

/// An account is somebody's where these two are the same, but for case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatchingRule {
    /// Attribute of the application, called as in `account.attributes`; or `username`.
    #[schemars(length(min = 1, max = 256))]
    pub attribute: String,
    /// CEL expression of type string. An empty result fits nothing.
    pub equals: Expression,
}

/// Whether an account that bears nobody's mark may be taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Adopt {
    /// Never: that there is one is told, and nothing is made beside it.
    #[default]
    Never,
    /// Where exactly one account fits one person.
    WhenUnique,
    /// The same, where `listed` names the account as well.
    WhenListed,
}
