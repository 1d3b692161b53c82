//! Accounts and entitlements as every connector sees them, whatever its protocol.

use std::collections::BTreeSet;

use jiff::Timestamp;
use litemap::LiteMap;

use super::ids::{AccountId, AttributeName, EntitlementId, EntitlementName, Username};
use super::mark::Mark;

/// Value of one account attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeValue {
    /// Text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Several texts; their order means nothing.
    Texts(Vec<String>),
    /// Another account of the same target, such as the manager's.
    Account(AccountId),
}

impl AttributeValue {
    /// Whether this is what "unset" looks like: an empty text or list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(t) => t.is_empty(),
            Self::Texts(t) => t.is_empty(),
            Self::Bool(_) | Self::Integer(_) | Self::Account(_) => false,
        }
    }
}

/// Attributes by name. An absent one is unset in the target, or unmanaged in a desire.
pub type Attributes = LiteMap<AttributeName, AttributeValue>;

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activity {
    /// The target says it is enabled.
    Active,
    /// The target says it is disabled.
    Disabled,
    /// The target does not say. Never read as disabled.
    Unknown,
}

/// One account as a target shows it. Holds only the attributes that the connector manages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObservedAccount {
    /// Identifier in the target.
    pub id: AccountId,
    /// User name.
    pub username: Username,
    /// Whatever stands where our mark would stand.
    pub mark: Option<String>,
    /// Whether it can be used.
    pub activity: Activity,
    /// Managed attributes that are set.
    pub attributes: Attributes,
    /// Whether something that was begun with it was cut off half way. A change of it, be it of nothing, finishes that.
    pub unfinished: bool,
}

/// One entitlement as a target shows it, with those who hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedEntitlement {
    /// Identifier in the target.
    pub id: EntitlementId,
    /// Name by which manifests call it.
    pub name: EntitlementName,
    /// Accounts that hold it.
    pub holders: Vec<AccountId>,
    /// Whether `holders` is all of them.
    pub completeness: Completeness,
}

/// How much of something was seen. What was not seen is never taken to be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// All of it.
    Complete,
    /// Some of it; the text says what is known to be missing.
    Partial(String),
    /// None of it; the text says why.
    Unreadable(String),
}

impl Completeness {
    /// Whether absence may be concluded.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// The word used in status: `Complete`, `Partial` or `Unreadable`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Complete => "Complete",
            Self::Partial(_) => "Partial",
            Self::Unreadable(_) => "Unreadable",
        }
    }
}

/// An account to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// User name, already allocated.
    pub username: Username,
    /// Our mark.
    pub mark: Mark,
    /// Whether it is made enabled.
    pub active: bool,
    /// When it is first to be used, where that is later: what is kept for its user is kept beyond that.
    pub first_used: Option<Timestamp>,
    /// Attributes, none of them empty.
    pub attributes: Attributes,
}

/// Attribute changes of one account. Never empty in a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeChanges {
    /// New user name.
    pub username: Option<Username>,
    /// Attributes to set.
    pub set: Attributes,
    /// Attributes to clear.
    pub clear: BTreeSet<AttributeName>,
}

impl AttributeChanges {
    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.username.is_none() && self.set.is_empty() && self.clear.is_empty()
    }
}
