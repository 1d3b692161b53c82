//! The tables of an application as its accounts: statements of the manifest, each in a transaction that is
//! undone where it did not do what it was meant to.

mod accounts;
mod check;
mod entitlements;
mod offboarding;

use std::sync::Arc;

use async_trait::async_trait;

use super::config::TablesConfig;
use super::database::{Database, Query};
use super::statement::Statement;
use super::value::{Param, Row, text};
use crate::connectors::{
    Capabilities, Connector, ConnectorError, ErrorKind, FindKey, HolderChange, HolderResults,
    InitialPassword, Listing, MarkChange, Owned, Result, Revocation, Transfer, WritePermit,
};
use crate::domain::account::{AttributeChanges, NewAccount, ObservedAccount, ObservedEntitlement};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

/// One application by its tables.
pub struct Tables {
    database: Arc<dyn Database>,
    config: TablesConfig,
}

impl Tables {
    /// Checks the statements. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with a message that names the field.
    pub fn new(database: Arc<dyn Database>, config: TablesConfig) -> Result<Self> {
        let tables = Self { database, config };
        tables.check()?;
        Ok(tables)
    }

    /// A statement with its values.
    fn query(&self, statement: &Statement, value: &dyn Fn(&str) -> Param) -> Query {
        let (text, order) = statement.placed(self.database.dialect());
        Query {
            text,
            params: order.into_iter().map(value).collect(),
        }
    }

    /// All rows of a list.
    fn all_rows(&self, list: &Statement) -> Query {
        let (text, _) = list.placed(self.database.dialect());
        Query {
            text,
            params: Vec::new(),
        }
    }

    /// The rows of a list that have a value in a column. A database may find some that have nearly the same
    /// (without case, or as a number): whoever reads them looks again, with [`has`].
    fn rows_with(&self, list: &Statement, column: &str, value: &str) -> Query {
        let (text, _) = list.placed(self.database.dialect());
        let place = self.database.dialect().place(1);
        Query {
            // The statement may end with a comment.
            text: format!(
                "SELECT * FROM (\n{text}\n) AS rollcall_list WHERE rollcall_list.{column} = {place}"
            ),
            params: vec![Param::text(value)],
        }
    }
}

/// Whether a row really has a value in a column.
fn has(row: &Row, column: &str, value: &str) -> bool {
    text(row, column).as_deref() == Some(value)
}

fn missing(field: &str, what: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Unsupported,
        format!("{what}: nothing says how: set spec.sql.tables.{field}"),
    )
}

#[async_trait]
impl Connector for Tables {
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
        self.delete_account(id).await
    }

    async fn create_entitlement(
        &self,
        _: &WritePermit,
        name: &EntitlementName,
    ) -> Result<ObservedEntitlement> {
        self.make_entitlement(name).await
    }

    async fn delete_entitlement(&self, _: &WritePermit, id: &EntitlementId) -> Result<()> {
        self.drop_entitlement(id).await
    }

    async fn change_holders(
        &self,
        _: &WritePermit,
        entitlement: &EntitlementId,
        change: &HolderChange,
    ) -> Result<HolderResults> {
        self.change_grants(entitlement, change).await
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
}
