//! Connectors: each knows one protocol, and nothing of employees, Kubernetes or policy.
//!
//! Adding one is one folder here, one line in [`registry`], one variant in the `AppConnector` API,
//! and the conformance suite run against it.

mod address;
pub mod capability;
pub mod conformance;
pub mod error;
pub mod ldap;
mod oddities;
pub mod offboarding;
pub mod permit;
pub mod random;
pub mod redact;
pub mod registry;
pub mod scim;
pub mod sql;
mod tls;

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::domain::account::{
    AttributeChanges, Completeness, NewAccount, ObservedAccount, ObservedEntitlement,
};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName, Username};
use crate::domain::mark::Mark;

pub use capability::Capabilities;
pub use error::{ConnectorError, ErrorKind};
pub use offboarding::{Owned, Revocation, Transfer};
pub use permit::WritePermit;

use redact::Redactor;

/// A connector in use, shared between listing and operations.
pub type SharedConnector = Arc<dyn Connector>;

/// Result of one call to a target.
pub type Result<T> = std::result::Result<T, ConnectorError>;

/// One target application, spoken to in its own protocol.
///
/// Every verb is idempotent as far as the protocol allows: adding a member twice, disabling what is
/// disabled and deleting what is gone succeed. No verb retries by itself; pace and retries belong to
/// dispatch. A write needs a [`WritePermit`], which only the one door of dispatch can issue.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Finds out what the target can do. Also the cheapest proof that the address and the credential
    /// are right.
    async fn probe(&self) -> Result<Capabilities>;

    /// Lists every account and every entitlement with its holders. Ends even if the target's paging
    /// does not, and knows whether it saw everything. An error means that nothing was learnt.
    async fn list(&self) -> Result<Listing>;

    /// Reads one account. `None` only where the target said that this record does not exist.
    async fn read(&self, id: &AccountId) -> Result<Option<ObservedAccount>>;

    /// Finds accounts by a key. Every hit is checked against the key, as targets may ignore filters.
    async fn find(&self, key: &FindKey) -> Result<Vec<ObservedAccount>>;

    /// Makes an account, with a password where one is given, and returns it as the target now shows it.
    async fn create(
        &self,
        permit: &WritePermit,
        account: &NewAccount,
        password: Option<&InitialPassword>,
    ) -> Result<ObservedAccount>;

    /// Changes attributes or the user name, and returns the account where the target's answer shows it.
    /// What is [`unfinished`](ObservedAccount::unfinished) is finished first, also where nothing is to be changed.
    async fn update(
        &self,
        permit: &WritePermit,
        id: &AccountId,
        changes: &AttributeChanges,
    ) -> Result<Option<ObservedAccount>>;

    /// Enables or disables the account, and returns it where the target's answer shows it.
    async fn set_active(
        &self,
        permit: &WritePermit,
        id: &AccountId,
        active: bool,
    ) -> Result<Option<ObservedAccount>>;

    /// Puts our mark on an account where nothing stands in its place, or takes off the one that is named, and returns
    /// the account where the target's answer shows it. Where something else stands there, it is left alone:
    /// [`ErrorKind::Changed`].
    async fn set_mark(
        &self,
        permit: &WritePermit,
        id: &AccountId,
        change: &MarkChange,
    ) -> Result<Option<ObservedAccount>>;

    /// Deletes the account. One that is gone already is a success.
    async fn delete(&self, permit: &WritePermit, id: &AccountId) -> Result<()>;

    /// Makes an entitlement with no holders.
    async fn create_entitlement(
        &self,
        permit: &WritePermit,
        name: &EntitlementName,
    ) -> Result<ObservedEntitlement>;

    /// Deletes an entitlement. One that is gone already is a success. Rollcall never does so of its own
    /// accord; the conformance suite takes away what it made.
    async fn delete_entitlement(&self, permit: &WritePermit, id: &EntitlementId) -> Result<()>;

    /// Changes who holds one entitlement. The answer has one result for each account that was named,
    /// as one bad member must not fail the others. An `Err` concerns all of them.
    async fn change_holders(
        &self,
        permit: &WritePermit,
        entitlement: &EntitlementId,
        change: &HolderChange,
    ) -> Result<HolderResults>;

    /// Takes every credential of a kind away from an account: what is open with it ends, and it lets nobody in any more.
    /// Where none is left already, that is a success. [`ErrorKind::Unsupported`] for what is not among
    /// [`Capabilities::revokes`].
    async fn revoke(
        &self,
        permit: &WritePermit,
        id: &AccountId,
        kind: CredentialKind,
    ) -> Result<Revocation> {
        let (_, _) = (permit, id);
        Err(offboarding::not_revoked(kind))
    }

    /// What an account owns, all of it: an error where a part can't be seen.
    async fn owned(&self, id: &AccountId) -> Result<Owned> {
        let _ = id;
        Err(offboarding::no_ownership())
    }

    /// Hands everything that an account owns to another. Where it owns nothing already, that is a success. What it
    /// owns all the same is told; nothing else is known by its absence from what was moved.
    async fn transfer_ownership(
        &self,
        permit: &WritePermit,
        from: &AccountId,
        to: &AccountId,
    ) -> Result<Transfer> {
        let (_, _, _) = (permit, from, to);
        Err(offboarding::no_ownership())
    }

    /// Whether an account is let in with a password, for the conformance suite: the best proof of an account
    /// that is disabled. [`ErrorKind::Unsupported`] where a target can't be asked.
    async fn lets_in(&self, id: &AccountId, password: &SecretString) -> Result<bool> {
        let (_, _) = (id, password);
        Err(ConnectorError::new(
            ErrorKind::Unsupported,
            "it can't be asked whether an account is let in",
        ))
    }
}

/// The password that a new account begins with. Never shown.
#[derive(Clone, Debug)]
pub struct InitialPassword {
    /// The password.
    pub secret: SecretString,
    /// Whether whoever signs in with it must choose another one first.
    pub must_change: bool,
}

impl InitialPassword {
    /// An error without the password in it: targets like to repeat the one that they refuse.
    #[must_use]
    pub fn kept_out_of(&self, mut error: ConnectorError) -> ConnectorError {
        // The target's own words in it are bounded already, and what follows them says what to do.
        error.message = Redactor::new(vec![self.secret.clone()]).hide(&error.message);
        error
    }
}

/// A mark that is to be put on an account, or taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkChange {
    /// Put on, where nothing stands.
    Put(Mark),
    /// Taken off, where it stands.
    Take(Mark),
}

impl MarkChange {
    /// What shall stand there.
    #[must_use]
    pub fn wanted(&self) -> Option<&Mark> {
        match self {
            Self::Put(mark) => Some(mark),
            Self::Take(_) => None,
        }
    }

    /// Whether there is anything to do, by what stands there now.
    ///
    /// # Errors
    /// [`ErrorKind::Changed`] where something else stands there.
    pub fn is_open(&self, what: &str, held: Option<&str>) -> Result<bool> {
        let held = held.filter(|held| !held.is_empty());
        match (self, held) {
            (Self::Put(mark), Some(held)) if mark.is_kept_as(Some(held)) => Ok(false),
            (Self::Put(_), None) => Ok(true),
            (Self::Take(mark), Some(held)) if mark.is_kept_as(Some(held)) => Ok(true),
            (Self::Take(_), None) => Ok(false),
            (Self::Put(_) | Self::Take(_), Some(held)) => Err(ConnectorError::new(
                ErrorKind::Changed,
                format!("{what}: {held:?} stands where our mark would, and is left alone"),
            )),
        }
    }

    /// What is done, in words.
    #[must_use]
    pub fn doing(&self) -> &'static str {
        match self {
            Self::Put(_) => "marking",
            Self::Take(_) => "taking our mark off",
        }
    }
}

/// A key to find accounts by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindKey {
    /// What stands where our mark would stand.
    Mark(String),
    /// The user name, compared without case.
    Username(Username),
}

impl FindKey {
    /// Whether an account has it.
    #[must_use]
    pub fn fits(&self, account: &ObservedAccount) -> bool {
        match self {
            Self::Mark(mark) => account.mark.as_ref() == Some(mark),
            Self::Username(name) => account.username == *name,
        }
    }
}

/// Everything a target showed at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Accounts, each once.
    pub accounts: Vec<ObservedAccount>,
    /// Whether `accounts` is all of them.
    pub accounts_completeness: Completeness,
    /// Entitlements, each once.
    pub entitlements: Vec<ObservedEntitlement>,
    /// Whether `entitlements` is all of them.
    pub entitlements_completeness: Completeness,
    /// Records left out because they made no sense, each with a reason. Bounded.
    pub oddities: Vec<String>,
    /// Requests that it took, for the rate that the target may be asked at.
    pub requests: u32,
}

/// Accounts to be added to, and removed from, one entitlement. No account is in both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HolderChange {
    /// Accounts that shall hold it.
    pub add: Vec<AccountId>,
    /// Accounts that shall not.
    pub remove: Vec<AccountId>,
}

impl HolderChange {
    /// Each account, and whether it shall hold the entitlement.
    pub fn wishes(&self) -> impl Iterator<Item = (&AccountId, bool)> {
        let adds = self.add.iter().map(|account| (account, true));
        adds.chain(self.remove.iter().map(|account| (account, false)))
    }
}

/// One result for each account of a [`HolderChange`].
pub type HolderResults = Vec<(AccountId, Result<()>)>;
