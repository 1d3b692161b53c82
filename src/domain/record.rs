//! What we remember of a person between two looks: the part of a status that later decisions rest on.
//!
//! Conditions are never read back. Links, and the origin of each grant, must be: a membership whose
//! origin is lost is not ours to take away.

use jiff::Timestamp;
use litemap::LiteMap;

use super::ids::{AccountId, ConnectorName, EntitlementName, RoleName, Username};
use super::roles::Why;
use super::small_set::SmallSet;

/// What we remember of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Roles held at the last look.
    pub roles: LiteMap<RoleName, Why>,
    /// Accounts that are, or were, ours.
    pub accounts: LiteMap<ConnectorName, RecordedAccount>,
}

/// What we remember of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedAccount {
    /// Identifier in the target, once known.
    pub id: Option<AccountId>,
    /// User name, once allocated.
    pub username: Option<Username>,
    /// Roles that justify the account.
    pub roles: SmallSet<RoleName>,
    /// Since when no role that can be decided justifies it.
    pub lost_at: Option<Timestamp>,
    /// When the account was last read back directly as disabled. Cleared when it is seen active.
    pub verified_disabled: Option<Timestamp>,
    /// Entitlements that we gave, or are about to give, or are about to take away.
    pub grants: LiteMap<EntitlementName, RecordedGrant>,
}

/// What we remember of one grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedGrant {
    /// Roles that gave it.
    pub roles: SmallSet<RoleName>,
    /// Since when the target shows it. `None` until it does.
    pub since: Option<Timestamp>,
    /// Who approved it.
    pub approved_by: Option<Box<str>>,
    /// Since when no role that can be decided gives it.
    pub lost_at: Option<Timestamp>,
}

impl Record {
    /// Whether the person has held anything so far: tells a joiner from a mover.
    #[must_use]
    pub fn has_history(&self) -> bool {
        self.accounts
            .values()
            .any(|a| a.grants.values().any(|g| g.since.is_some()))
    }
}
