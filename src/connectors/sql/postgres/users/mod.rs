//! Roles of PostgreSQL as accounts: login roles that are members of group roles. Our mark is the comment on a
//! role, which goes with it wherever it is renamed to; the identifier is its `oid`.

mod accounts;
mod credentials;
mod drop;
mod groups;
mod listing;
mod making;
mod marking;
mod names;
mod ownership;
mod utility;

use async_trait::async_trait;
use secrecy::SecretString;

use super::connection::Postgres;
use crate::connectors::sql::server::ServerConfig;
use crate::connectors::{
    Capabilities, Connector, ConnectorError, ErrorKind, FindKey, HolderChange, HolderResults,
    InitialPassword, Listing, MarkChange, Owned, Result, Revocation, Transfer, WritePermit,
};
use crate::domain::account::{AttributeChanges, NewAccount, ObservedAccount, ObservedEntitlement};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

/// The attribute that says until when a password is good.
pub(super) const VALID_UNTIL: &str = "validUntil";
/// The attribute that says how many connections there may be at once.
pub(super) const CONNECTION_LIMIT: &str = "connectionLimit";

/// The roles of one server.
pub struct PostgresUsers {
    server: Postgres,
    /// Who gets what a deleted role owned.
    successor: Option<String>,
}

impl PostgresUsers {
    /// Checks the configuration and prepares the client. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with a message that names the field.
    pub fn new(
        config: ServerConfig,
        successor: Option<String>,
        managed: &[String],
    ) -> Result<Self> {
        let known = |name: &String| [VALID_UNTIL, CONNECTION_LIMIT].contains(&name.as_str());
        if let Some(odd) = managed.iter().find(|name| !known(name)) {
            return Err(ConnectorError::new(
                ErrorKind::Invalid,
                format!(
                    "spec.account.attributes[{odd}]: a role has no such attribute: there are {VALID_UNTIL} and {CONNECTION_LIMIT}"
                ),
            ));
        }
        Ok(Self {
            server: Postgres::new(config)?,
            successor,
        })
    }
}

#[async_trait]
impl Connector for PostgresUsers {
    async fn probe(&self) -> Result<Capabilities> {
        self.find_out().await
    }

    async fn list(&self) -> Result<Listing> {
        self.list_all().await
    }

    async fn read(&self, id: &AccountId) -> Result<Option<ObservedAccount>> {
        self.read_account(id).await
    }

    async fn find(&self, key: &FindKey) -> Result<Vec<ObservedAccount>> {
        self.find_accounts(key).await
    }

    async fn create(
        &self,
        _: &WritePermit,
        account: &NewAccount,
        password: Option<&InitialPassword>,
    ) -> Result<ObservedAccount> {
        self.create_account(account, password).await
    }

    async fn update(
        &self,
        _: &WritePermit,
        id: &AccountId,
        changes: &AttributeChanges,
    ) -> Result<Option<ObservedAccount>> {
        self.update_account(id, changes).await.map(Some)
    }

    async fn set_active(
        &self,
        _: &WritePermit,
        id: &AccountId,
        active: bool,
    ) -> Result<Option<ObservedAccount>> {
        self.switch_account(id, active).await.map(Some)
    }

    async fn set_mark(
        &self,
        _: &WritePermit,
        id: &AccountId,
        change: &MarkChange,
    ) -> Result<Option<ObservedAccount>> {
        self.mark_account(id, change).await.map(Some)
    }

    async fn delete(&self, _: &WritePermit, id: &AccountId) -> Result<()> {
        self.drop_account(id).await
    }

    async fn create_entitlement(
        &self,
        _: &WritePermit,
        name: &EntitlementName,
    ) -> Result<ObservedEntitlement> {
        self.create_group(name).await
    }

    async fn delete_entitlement(&self, _: &WritePermit, id: &EntitlementId) -> Result<()> {
        self.drop_group(id).await
    }

    async fn change_holders(
        &self,
        _: &WritePermit,
        entitlement: &EntitlementId,
        change: &HolderChange,
    ) -> Result<HolderResults> {
        self.change_members(entitlement, change).await
    }

    async fn revoke(
        &self,
        _: &WritePermit,
        id: &AccountId,
        kind: CredentialKind,
    ) -> Result<Revocation> {
        self.revoke_credentials(id, kind).await
    }

    async fn owned(&self, id: &AccountId) -> Result<Owned> {
        self.owned_by(id).await
    }

    async fn transfer_ownership(
        &self,
        _: &WritePermit,
        from: &AccountId,
        to: &AccountId,
    ) -> Result<Transfer> {
        self.hand_over(from, to).await
    }

    async fn lets_in(&self, id: &AccountId, password: &SecretString) -> Result<bool> {
        self.lets_account_in(id, password).await
    }
}
