//! How an employee becomes an account.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::rules;

/// How an employee becomes an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.purpose) == has(oldSelf.purpose) && (!has(self.purpose) || self.purpose == oldSelf.purpose)").message("account.purpose is immutable: accounts are known by it; to replace it, delete this AppConnector and create another"))]
#[serde(rename_all = "camelCase")]
pub struct AccountMapping {
    /// CEL expressions of type string, in order of preference; the first that gives a name nobody
    /// has is taken. When all are taken, a number from 2 upwards is added to the first.
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 4096)))]
    pub username: Vec<String>,
    /// What a user name may look like.
    #[serde(default)]
    pub username_rules: UsernameRules,
    /// What becomes of user names when the facts change that they were made of, as by marriage. A former name stays
    /// reserved to the person.
    #[serde(default)]
    pub username_changes: UsernameChanges,
    /// Attribute of the application to CEL expression. An attribute that is not named here is not
    /// managed, and stays as it is. An empty result clears the attribute.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    #[x_kube(validation = Rule::new(rules::TARGET_ATTRIBUTE_KEYS).message(rules::TARGET_ATTRIBUTE_KEYS_MESSAGE))]
    pub attributes: BTreeMap<String, Expression>,
    /// Which of a person's accounts these are, where they have several in one application, each by an AppConnector
    /// of its own: `admin`. It becomes a part of the mark, and so is never changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new(rules::PURPOSE).message(rules::PURPOSE_MESSAGE))]
    pub purpose: Option<String>,
    /// Whether the account's manager attribute follows `managerRef`.
    #[serde(default)]
    pub manager: Manager,
    /// A password that each new account begins with. Without this new accounts have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_password: Option<InitialPassword>,
}

/// The password that a new account begins with. It is kept in a Secret named
/// `<connector>.<employee id>.initial-password`, with the keys `username` and `password`, before it is sent to
/// the application, and shown nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct InitialPassword {
    /// Characters.
    #[serde(default = "default_password_length")]
    #[schemars(range(min = 12, max = 128))]
    pub length: u16,
    /// Signs that may be used beside letters and digits; at least one of them is.
    #[serde(default = "default_password_punctuation")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new(rules::PUNCTUATION).message(rules::PASSWORD_PUNCTUATION_MESSAGE))]
    pub punctuation: String,
    /// Whether whoever signs in with it must choose another one first.
    #[serde(default = "default_must_change")]
    pub must_change: bool,
    /// How long the Secret is kept: `7d`, `36h`.
    #[serde(default = "default_keep_for")]
    #[schemars(length(max = 24))]
    #[x_kube(validation = Rule::new(rules::KEEP_FOR).message(rules::KEEP_FOR_MESSAGE))]
    pub keep_for: String,
}

fn default_password_length() -> u16 {
    20
}

fn default_password_punctuation() -> String {
    "-._~!+=".to_owned()
}

fn default_must_change() -> bool {
    true
}

fn default_keep_for() -> String {
    "7d".to_owned()
}

/// A CEL expression, bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Expression(#[schemars(length(min = 1, max = 4096))] pub String);

/// Whether the account's manager attribute is managed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Manager {
    /// The attribute stays as it is.
    #[default]
    Unmanaged,
    /// It names the account of the person in `managerRef`, in the same application.
    FromManagerRef,
}

/// What a user name may look like, after transliteration to ASCII.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsernameRules {
    /// Characters allowed, beside `a-z` and `0-9`; others are left out.
    #[serde(default = "default_punctuation")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new(rules::PUNCTUATION).message(rules::PUNCTUATION_MESSAGE))]
    pub allowed_punctuation: String,
    /// Longest name, in characters, any number that was added included.
    #[serde(default = "default_username_length")]
    #[schemars(range(min = 4, max = 256))]
    pub max_length: u16,
    /// Whether upper-case letters are kept. Names are compared without case in any event.
    #[serde(default)]
    pub letter_case: LetterCase,
}

impl Default for UsernameRules {
    fn default() -> Self {
        Self {
            allowed_punctuation: default_punctuation(),
            max_length: default_username_length(),
            letter_case: LetterCase::default(),
        }
    }
}

fn default_punctuation() -> String {
    ".-_@".to_owned()
}

fn default_username_length() -> u16 {
    64
}

/// What becomes of user names when the facts change that they were made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum UsernameChanges {
    /// They stay.
    #[default]
    Never,
    /// The account is renamed when no expression gives its name any more. It stays the same account.
    Follow,
}

/// What happens to upper-case letters of a user name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum LetterCase {
    /// Made lower case.
    #[default]
    Lower,
    /// Kept as the expression gives them.
    Preserve,
}
