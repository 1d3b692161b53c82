//! The operations a plan is made of.

use std::collections::BTreeMap;

use crate::domain::account::{AttributeChanges, NewAccount};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName, Username};
use crate::domain::mark::Mark;
use crate::domain::offboarding::Step;

/// The priority an operation travels in. The order is the order of travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Access ends: departures and suspensions.
    Leaver,
    /// Access changes: a transfer, a policy edit.
    Mover,
    /// Access begins.
    Joiner,
    /// The target strayed from what was so before.
    Drift,
}

/// One change to, or direct read of, one account in one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Makes an account that bears our mark.
    Create(NewAccount),
    /// Reads the account directly: to prove that it is disabled, or because its entry is in doubt.
    Read(ReadKey),
    /// Changes attributes, or the user name.
    Update {
        /// The account.
        id: AccountId,
        /// What to change.
        changes: AttributeChanges,
        /// Whether a user name among the changes is the one that we gave the account, and somebody else changed.
        gives_back: bool,
    },
    /// Lets the account be used again.
    Enable(AccountId),
    /// Stops the account from being used.
    Disable(AccountId),
    /// Puts our mark on an account that bears nobody's: it is managed from then on.
    Adopt {
        /// The account.
        id: AccountId,
        /// Our mark.
        mark: Mark,
    },
    /// Takes our mark off an account, and leaves it as it is.
    Disown {
        /// The account.
        id: AccountId,
        /// Our mark, which stands on it. Any other is left alone.
        mark: Mark,
    },
    /// Gives and takes entitlements. Additions and removals are never in one operation.
    AddEntitlements {
        /// The account.
        id: AccountId,
        /// What to give.
        entitlements: BTreeMap<EntitlementName, EntitlementTarget>,
    },
    /// Takes credentials of a kind away from an account, for good.
    Revoke {
        /// The account.
        id: AccountId,
        /// Which.
        kind: CredentialKind,
    },
    /// Hands what an account owns to another.
    TransferOwnership {
        /// The account.
        id: AccountId,
        /// Who gets it.
        to: AccountId,
        /// That one's user name.
        name: Username,
    },
    /// Deletes an account.
    Delete(AccountId),
    /// Takes entitlements that we gave.
    RemoveEntitlements {
        /// The account.
        id: AccountId,
        /// What to take.
        entitlements: BTreeMap<EntitlementName, EntitlementId>,
    },
}

/// Where an entitlement to be given is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntitlementTarget {
    /// It exists.
    Existing(EntitlementId),
    /// It does not, and the connector says that it shall be made.
    ToBeCreated,
}

/// How an account is found by a direct read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadKey {
    /// By the target's own identifier.
    Id(AccountId),
    /// By our mark and, where one is known, the user name; where its identifier is not known.
    MarkOrUsername(Mark, Option<Username>),
}

impl Operation {
    /// Verb for audit, metrics and status: `Create`, `Read`, `Update`, …
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create(_) => "Create",
            Self::Read(_) => "Read",
            Self::Update { .. } => "Update",
            Self::Enable(_) => "Enable",
            Self::Disable(_) => Step::Disable.word(),
            Self::Adopt { .. } => "Adopt",
            Self::Disown { .. } => "Disown",
            Self::AddEntitlements { .. } => "AddEntitlements",
            Self::RemoveEntitlements { .. } => Step::RemoveEntitlements.word(),
            Self::Revoke { kind, .. } => Step::Revoke(*kind).word(),
            Self::TransferOwnership { .. } => Step::TransferOwnership.word(),
            Self::Delete(_) => Step::Delete.word(),
        }
    }

    /// Whether it has to do with this entitlement; every operation has to do with none in particular.
    #[must_use]
    pub fn concerns(&self, entitlement: Option<&EntitlementName>) -> bool {
        let Some(name) = entitlement else {
            return true;
        };
        match self {
            Self::AddEntitlements { entitlements, .. } => entitlements.contains_key(name),
            Self::RemoveEntitlements { entitlements, .. } => entitlements.contains_key(name),
            _ => false,
        }
    }

    /// The step of offboarding that it takes, where it takes one.
    #[must_use]
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::Disable(_) => Some(Step::Disable),
            Self::Revoke { kind, .. } => Some(Step::Revoke(*kind)),
            Self::TransferOwnership { .. } => Some(Step::TransferOwnership),
            Self::RemoveEntitlements { .. } => Some(Step::RemoveEntitlements),
            Self::Delete(_) => Some(Step::Delete),
            _ => None,
        }
    }

    /// Whether an account comes into being by it, or into use.
    #[must_use]
    pub fn brings_account(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Enable(_))
    }

    /// Whether an account can be used after it that could not be before.
    #[must_use]
    pub fn gives_access(&self) -> bool {
        match self {
            Self::Create(account) => account.active,
            operation => matches!(operation, Self::Enable(_)),
        }
    }

    /// Whether the target is changed.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !matches!(self, Self::Read(_))
    }
}
