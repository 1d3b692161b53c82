//! Statements that take no parameters, such as `CREATE ROLE`. The server itself puts names and texts into
//! them, each quoted by its own rules, and they are sent back as they are.

use tokio_postgres::Transaction;

use super::PostgresUsers;
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, Result};

/// Longest name, in bytes. A longer one would be cut without a word.
const LONGEST: usize = 63;

/// Refuses a name that the server would cut, or can't hold.
pub(super) fn checked(name: &str) -> Result<&str> {
    if name.len() > LONGEST {
        return Err(ConnectorError::new(
            ErrorKind::Invalid,
            format!(
                "the name {name} has {} bytes, and PostgreSQL keeps {LONGEST}: set spec.account.usernameRules.maxLength to {LONGEST} or less",
                name.len()
            ),
        ));
    }
    if name.is_empty() || name.contains('\0') {
        return Err(ConnectorError::new(
            ErrorKind::Invalid,
            "a name is empty, or holds a zero byte",
        ));
    }
    Ok(name)
}

impl PostgresUsers {
    /// Runs a statement into which names (`%I`) and texts (`%L`) are put.
    pub(super) async fn utility(
        &self,
        what: &str,
        transaction: &Transaction<'_>,
        template: &str,
        arguments: &[&str],
    ) -> Result<()> {
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let row = transaction
            .query_one(
                "SELECT format($1, VARIADIC $2::text[])",
                &[&template, &arguments],
            )
            .await
            .map_err(failed)?;
        let statement: String = row.try_get(0).map_err(failed)?;
        transaction.batch_execute(&statement).await.map_err(failed)
    }
}
