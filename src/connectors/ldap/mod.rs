//! LDAP (RFC 4510 and what it names), as a client: OpenLDAP, 389 Directory Server, Active Directory.
//!
//! An account is known by an identifier that the server keeps through every rename; its name (DN) is looked
//! up before each write, and where the server can promise it (RFC 4528), the write happens only to the entry
//! with that identifier. Our mark stands in an attribute that the manifest names.

mod abilities;
mod accounts;
mod config;
mod dialect;
mod dn;
mod entry;
mod failure;
mod frames;
mod groups;
mod ids;
mod listing;
mod making;
mod marking;
mod member_rule;
mod membership;
mod notes;
mod observe;
mod ownership;
mod passwords;
mod references;
mod refusal;
mod renaming;
mod revoking;
mod search;
mod session;
mod spec;
mod values;
mod wire;
mod write;

#[cfg(test)]
mod tests;

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use secrecy::SecretString;

use self::abilities::Abilities;
use self::session::Session;
use super::{
    Capabilities, Connector, ConnectorError, FindKey, HolderChange, HolderResults, InitialPassword,
    Listing, MarkChange, Owned, Revocation, Transfer, WritePermit,
};
use crate::domain::account::{AttributeChanges, NewAccount, ObservedAccount, ObservedEntitlement};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

pub use self::config::{Accounts, Disabling, Groups, LdapConfig, MemberForm};
pub use self::dialect::Dialect;
pub use self::dn::Template;
pub use self::ids::IdAttribute;
pub use self::spec::PROTOCOL;

/// One directory.
pub struct LdapConnector {
    config: LdapConfig,
    session: Session,
    /// What the server announced, once it was asked.
    known: Mutex<Option<Abilities>>,
    /// Whether groups were seen to follow an entry that was renamed by themselves.
    groups_follow: AtomicBool,
    /// Attributes that are asked for of each account.
    asked: Vec<String>,
}

impl LdapConnector {
    /// Checks the configuration and prepares the client. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](super::ErrorKind::Invalid) with a message that names the field.
    pub fn new(config: LdapConfig) -> Result<Self, ConnectorError> {
        config.check()?;
        Ok(Self {
            session: Session::new(&config)?,
            known: Mutex::default(),
            groups_follow: AtomicBool::default(),
            asked: config.asked(),
            config,
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking holder left is a fact, true by itself.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Connector for LdapConnector {
    async fn probe(&self) -> super::Result<Capabilities> {
        self.find_out().await
    }

    async fn list(&self) -> super::Result<Listing> {
        self.list_all().await
    }

    async fn read(&self, id: &AccountId) -> super::Result<Option<ObservedAccount>> {
        self.read_account(id).await
    }

    async fn find(&self, key: &FindKey) -> super::Result<Vec<ObservedAccount>> {
        self.find_accounts(key).await
    }

    async fn create(
        &self,
        _: &WritePermit,
        account: &NewAccount,
        password: Option<&InitialPassword>,
    ) -> super::Result<ObservedAccount> {
        self.create_account(account, password).await
    }

    async fn update(
        &self,
        _: &WritePermit,
        id: &AccountId,
        changes: &AttributeChanges,
    ) -> super::Result<Option<ObservedAccount>> {
        self.update_account(id, changes).await
    }

    async fn set_active(
        &self,
        _: &WritePermit,
        id: &AccountId,
        active: bool,
    ) -> super::Result<Option<ObservedAccount>> {
        self.switch_account(id, active).await
    }

    async fn set_mark(
        &self,
        _: &WritePermit,
        id: &AccountId,
        change: &MarkChange,
    ) -> super::Result<Option<ObservedAccount>> {
        self.mark_account(id, change).await
    }

    async fn delete(&self, _: &WritePermit, id: &AccountId) -> super::Result<()> {
        self.delete_account(id).await
    }

    async fn create_entitlement(
        &self,
        _: &WritePermit,
        name: &EntitlementName,
    ) -> super::Result<ObservedEntitlement> {
        self.create_group(name).await
    }

    async fn delete_entitlement(&self, _: &WritePermit, id: &EntitlementId) -> super::Result<()> {
        self.delete_group(id).await
    }

    async fn change_holders(
        &self,
        _: &WritePermit,
        entitlement: &EntitlementId,
        change: &HolderChange,
    ) -> super::Result<HolderResults> {
        self.change_members(entitlement, change).await
    }

    async fn revoke(
        &self,
        _: &WritePermit,
        id: &AccountId,
        kind: CredentialKind,
    ) -> super::Result<Revocation> {
        self.revoke_credentials(id, kind).await
    }

    async fn owned(&self, id: &AccountId) -> super::Result<Owned> {
        self.owned_by(id).await
    }

    async fn transfer_ownership(
        &self,
        _: &WritePermit,
        from: &AccountId,
        to: &AccountId,
    ) -> super::Result<Transfer> {
        self.hand_over(from, to).await
    }

    async fn lets_in(&self, id: &AccountId, password: &SecretString) -> super::Result<bool> {
        self.lets_account_in(id, password).await
    }
}
