//! Users of MySQL or MariaDB as accounts, given roles.
//!
//! Neither has a number that stays when a user is renamed, so that our mark is the identifier. Both let what is given to
//! a user count only where the user begins a session with it. So each of ours has a role of their own, which they begin
//! with and which the roles that they are given are granted to: that makes all of them count from the first moment, by
//! one statement.
//!
//! What each does in its own way is in [`of_mariadb`] and [`of_mysql`], behind [`flavour::Flavour`].

mod accounts;
mod caching_sha2;
mod credentials;
mod flavour;
mod limits;
mod listing;
mod marking;
mod of_mariadb;
mod of_mysql;
mod quote;
mod roles;

use async_trait::async_trait;
use secrecy::SecretString;

use super::connection::MySql;
use crate::connectors::sql::server::ServerConfig;
use crate::connectors::{
    Capabilities, Connector, ConnectorError, ErrorKind, FindKey, HolderChange, HolderResults,
    InitialPassword, Listing, MarkChange, Result, Revocation, WritePermit,
};
use crate::domain::account::{AttributeChanges, NewAccount, ObservedAccount, ObservedEntitlement};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

/// The attribute that says how many connections there may be at once.
pub(super) const CONNECTION_LIMIT: &str = "connectionLimit";

/// The users of one server.
pub struct MySqlUsers {
    server: MySql,
    /// From where new users sign in.
    host: String,
    /// The user that we are.
    own_name: String,
}

impl MySqlUsers {
    /// Checks the configuration and prepares the client. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with a message that names the field.
    pub fn new(config: ServerConfig, host: String, managed: &[String]) -> Result<Self> {
        if let Some(odd) = managed.iter().find(|name| *name != CONNECTION_LIMIT) {
            return Err(ConnectorError::new(
                ErrorKind::Invalid,
                format!(
                    "spec.account.attributes[{odd}]: a user of MySQL or MariaDB has no such attribute: there is {CONNECTION_LIMIT}"
                ),
            ));
        }
        Ok(Self {
            own_name: config.username.clone(),
            server: MySql::new(config)?,
            host,
        })
    }
}

#[async_trait]
impl Connector for MySqlUsers {
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
        self.create_role(name).await
    }

    async fn delete_entitlement(&self, _: &WritePermit, id: &EntitlementId) -> Result<()> {
        self.drop_role(id).await
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

    async fn lets_in(&self, id: &AccountId, password: &SecretString) -> Result<bool> {
        self.lets_account_in(id, password).await
    }
}
