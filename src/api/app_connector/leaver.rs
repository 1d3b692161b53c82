//! What happens to accounts before the first day and after the last one.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::references::ObjectRef;
use crate::api::rules;

/// When the accounts of those who join are made. On the first day, unless more is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Joiner {
    /// How many days before a person's first one their account is made, so that all is ready. A role template that
    /// gives an account here may ask for more.
    #[serde(default)]
    #[schemars(range(min = 0, max = 365))]
    pub days_before_start: u16,
    /// How such an account is until the first day.
    #[serde(default)]
    pub until_start: UntilStart,
}

/// How an account is that is made before the first day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum UntilStart {
    /// Disabled, with everything that roles give; enabled when the day begins. Where the application can't
    /// disable accounts, none is made before the first day.
    #[default]
    Disabled,
    /// Usable, with what those role templates give that say `daysBeforeStart`; the others follow on the first day.
    Enabled,
}

/// What happens to the accounts of those who are on leave. Whoever is suspended is disabled everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum OnLeave {
    /// They are disabled, keep what they hold, and are enabled on return.
    #[default]
    Disable,
    /// They can be used as ever, as mail may have to be.
    Keep,
}

/// What happens to the accounts of those whose access ends: they are disabled, and what roles gave is taken away.
/// What more is to be done once the last day is over is said here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Leaver {
    /// What to do where the application can't disable an account. It has to be said before any is made there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of_disable: Option<InsteadOfDisable>,
    /// Kinds of credentials that are taken away for good, beside the account being disabled. What the application
    /// can't revoke is told as not possible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub revoke: Vec<Credentials>,
    /// Who gets what the account owns in the application.
    #[serde(default)]
    pub transfer_ownership_to: TransferOwnershipTo,
    /// Who gets it where no manager works any more, none is known, or none has an account there. A name of an Employee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_owner: Option<ObjectRef>,
    /// How long the account is kept, disabled: `30d`. An edit that has accounts deleted gives each of them this time
    /// from then on, also those of people who left long ago.
    #[serde(default = "default_retain")]
    #[schemars(length(max = 24))]
    #[x_kube(validation = Rule::new(rules::RETAIN).message(rules::RETAIN_MESSAGE))]
    pub retain: String,
    /// What becomes of it then.
    #[serde(default)]
    pub then: ThenAccount,
}

impl Default for Leaver {
    fn default() -> Self {
        Self {
            instead_of_disable: None,
            revoke: Vec::new(),
            transfer_ownership_to: TransferOwnershipTo::default(),
            fallback_owner: None,
            retain: default_retain(),
            then: ThenAccount::default(),
        }
    }
}

fn default_retain() -> String {
    "30d".to_owned()
}

/// A kind of credential by which an account is used.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(inline)]
pub enum Credentials {
    /// What somebody who is signed in works with.
    Sessions,
    /// What programs sign in with on somebody's behalf.
    Tokens,
    /// Public keys and certificates.
    Keys,
    /// Passwords. Whoever comes back needs a new one.
    Passwords,
}

/// Who gets what an account owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum TransferOwnershipTo {
    /// It stays as it is.
    #[default]
    Nobody,
    /// The manager; where that one has left as well, theirs, and so on; else `fallbackOwner`.
    Manager,
}

/// What becomes of an account that was kept for its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum ThenAccount {
    /// It stays, disabled.
    #[default]
    Keep,
    /// It is deleted, unless a legal hold keeps it.
    Delete,
}

/// What to do about an account that can't be disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum InsteadOfDisable {
    /// Take the entitlements that roles gave, and say on the person that the account stays open until somebody
    /// closes it by hand.
    Report,
}
