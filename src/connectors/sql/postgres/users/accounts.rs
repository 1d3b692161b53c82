//! Login roles: made, changed, locked.

use std::time::Duration;

use postgres_protocol::password::scram_sha_256;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_postgres::{Client, Transaction};

use super::listing::{MARKED, oid};
use super::utility::checked;
use super::{CONNECTION_LIMIT, PostgresUsers, VALID_UNTIL};
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, InitialPassword, Result};
use crate::domain::account::{AttributeChanges, AttributeValue, NewAccount, ObservedAccount};
use crate::domain::ids::{AccountId, AttributeName};

/// How often it is looked whether sessions have ended, and how long between.
const LOOKS: u32 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

impl PostgresUsers {
    pub(super) async fn create_account(
        &self,
        account: &NewAccount,
        password: Option<&InitialPassword>,
    ) -> Result<ObservedAccount> {
        let name = checked(account.username.as_str())?;
        let what = format!("making role {name}");
        // Only what it is compared with is sent, as statements end up in logs.
        let verifier = password.map(|p| scram_sha_256(p.secret.expose_secret().as_bytes()));
        let mut client = self.server.client().await?;
        let making = async {
            let failed = |error| self.server.failed(&what, &error, Stage::Undone);
            let transaction = client.transaction().await.map_err(failed)?;
            // An answer that was lost may have been a success; and nobody else makes the same meanwhile.
            let lock = "SELECT pg_advisory_xact_lock(hashtext($1))";
            transaction
                .query(lock, &[&account.mark.as_str()])
                .await
                .map_err(failed)?;
            let mark = account.mark.as_str();
            let there = self
                .accounts_where(&what, &transaction, MARKED, &[&mark])
                .await?;
            if let Some(there) = there.into_iter().next() {
                return Ok(there);
            }
            self.must_be_free(&what, &transaction, name, 0).await?;
            let login = if account.active { "LOGIN" } else { "NOLOGIN" };
            let mut template = format!("CREATE ROLE %I {login}");
            let mut arguments = vec![name];
            if let Some(verifier) = &verifier {
                template.push_str(" PASSWORD %L");
                arguments.push(verifier);
            }
            self.utility(&what, &transaction, &template, &arguments)
                .await?;
            for (attribute, value) in &account.attributes {
                self.set(&what, &transaction, name, attribute, Some(value))
                    .await?;
            }
            let mark = account.mark.as_str();
            self.utility(
                &what,
                &transaction,
                "COMMENT ON ROLE %I IS %L",
                &[name, mark],
            )
            .await?;
            let made = self
                .accounts_where(&what, &transaction, "role.rolname = $1", &[&name])
                .await?
                .pop();
            let made = made.ok_or_else(|| gone(&what))?;
            self.commit(&what, transaction).await?;
            Ok(made)
        };
        self.server.bounded(&what, Stage::Committing, making).await
    }

    pub(super) async fn update_account(
        &self,
        id: &AccountId,
        changes: &AttributeChanges,
    ) -> Result<ObservedAccount> {
        let what = format!("changing role {id}");
        let mut client = self.server.client().await?;
        let changing = async {
            let failed = |error| self.server.failed(&what, &error, Stage::Undone);
            let transaction = client.transaction().await.map_err(failed)?;
            let mut name = self.name_of(&what, &transaction, id).await?;
            if let Some(new) = &changes.username {
                let new = checked(new.as_str())?;
                if new != name {
                    let own = oid(id.as_str()).unwrap_or_default();
                    self.must_be_free(&what, &transaction, new, own).await?;
                    let rename = "ALTER ROLE %I RENAME TO %I";
                    self.utility(&what, &transaction, rename, &[&name, new])
                        .await?;
                    new.clone_into(&mut name);
                }
            }
            for (attribute, value) in &changes.set {
                self.set(&what, &transaction, &name, attribute, Some(value))
                    .await?;
            }
            for attribute in &changes.clear {
                self.set(&what, &transaction, &name, attribute, None)
                    .await?;
            }
            let seen = self.seen(&what, &transaction, id).await?;
            self.commit(&what, transaction).await?;
            Ok(seen)
        };
        self.server
            .bounded(&what, Stage::Committing, changing)
            .await
    }

    /// Refuses a name that another role has in other letters: to the server they are two, to everybody else
    /// one.
    async fn must_be_free(
        &self,
        what: &str,
        transaction: &Transaction<'_>,
        name: &str,
        own: u32,
    ) -> Result<()> {
        let text =
            "SELECT rolname::text FROM pg_roles WHERE lower(rolname) = lower($1) AND oid <> $2";
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let found = transaction
            .query(text, &[&name, &own])
            .await
            .map_err(failed)?;
        let Some(row) = found.first() else {
            return Ok(());
        };
        let other: String = row.try_get(0).map_err(failed)?;
        Err(ConnectorError::new(
            ErrorKind::Taken,
            format!("{what}: there is a role {other}"),
        ))
    }

    /// Sets one attribute, or clears it.
    async fn set(
        &self,
        what: &str,
        transaction: &Transaction<'_>,
        role: &str,
        attribute: &AttributeName,
        value: Option<&AttributeValue>,
    ) -> Result<()> {
        let value = value.filter(|value| !value.is_empty());
        let text = match value {
            None => None,
            Some(AttributeValue::Text(text)) => Some(text.clone()),
            Some(AttributeValue::Integer(number)) => Some(number.to_string()),
            Some(other) => {
                return Err(ConnectorError::new(
                    ErrorKind::Invalid,
                    format!("{what}: {attribute} can't be {other:?}: give it one text or number"),
                ));
            }
        };
        match attribute.as_str() {
            VALID_UNTIL => {
                let until = text.as_deref().unwrap_or("infinity");
                let alter = "ALTER ROLE %I VALID UNTIL %L";
                self.utility(what, transaction, alter, &[role, until]).await
            }
            CONNECTION_LIMIT => {
                // The grammar wants a number as it is.
                let limit: i32 = text.as_deref().unwrap_or("-1").parse().map_err(|_| {
                    ConnectorError::new(
                        ErrorKind::Invalid,
                        format!("{what}: {CONNECTION_LIMIT} must be a number"),
                    )
                })?;
                let alter = format!("ALTER ROLE %I CONNECTION LIMIT {limit}");
                self.utility(what, transaction, &alter, &[role]).await
            }
            other => Err(ConnectorError::new(
                ErrorKind::Invalid,
                format!("{what}: a role has no attribute {other}"),
            )),
        }
    }

    pub(super) async fn switch_account(
        &self,
        id: &AccountId,
        active: bool,
    ) -> Result<ObservedAccount> {
        let what = format!("{} role {id}", if active { "unlocking" } else { "locking" });
        let mut client = self.server.client().await?;
        let switching = async {
            let failed = |error| self.server.failed(&what, &error, Stage::Undone);
            let transaction = client.transaction().await.map_err(failed)?;
            let name = self.name_of(&what, &transaction, id).await?;
            let alter = if active {
                "ALTER ROLE %I LOGIN"
            } else {
                "ALTER ROLE %I NOLOGIN"
            };
            self.utility(&what, &transaction, alter, &[&name]).await?;
            self.commit(&what, transaction).await?;
            if !active {
                // Whoever is in stays in. Nobody new comes in from here on.
                self.end_sessions(&what, &client, id).await?;
            }
            self.seen(&what, &*client, id).await
        };
        self.server
            .bounded(&what, Stage::Committing, switching)
            .await
    }

    /// Ends what a role is doing, and waits until it has ended.
    async fn end_sessions(&self, what: &str, client: &Client, id: &AccountId) -> Result<()> {
        let number = oid(id.as_str()).unwrap_or_default();
        let failed = |error| {
            let error = self.server.failed(what, &error, Stage::Undone);
            ConnectorError {
                message: format!(
                    "{}. It can't sign in any more, but has open sessions: let our role end them (GRANT pg_signal_backend TO {})",
                    error.message,
                    self.server.own_role()
                ),
                ..error
            }
        };
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = $1";
        let left = "SELECT count(*) FROM pg_stat_activity WHERE usesysid = $1";
        for _ in 0..LOOKS {
            client.query(end, &[&number]).await.map_err(failed)?;
            let row = client.query_one(left, &[&number]).await.map_err(failed)?;
            let open: i64 = row.try_get(0).map_err(failed)?;
            if open == 0 {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Err(ConnectorError::new(
            ErrorKind::Ignored,
            format!(
                "{what}: it can't sign in any more, but its sessions do not end: end them by hand"
            ),
        ))
    }

    /// The name that a role has now.
    pub(super) async fn name_of(
        &self,
        what: &str,
        transaction: &Transaction<'_>,
        id: &AccountId,
    ) -> Result<String> {
        let account = self.seen(what, transaction, id).await?;
        Ok(account.username.as_str().to_owned())
    }

    pub(super) async fn seen(
        &self,
        what: &str,
        client: &impl tokio_postgres::GenericClient,
        id: &AccountId,
    ) -> Result<ObservedAccount> {
        let Some(oid) = oid(id.as_str()) else {
            return Err(gone(what));
        };
        let mut seen = self
            .accounts_where(what, client, "role.oid = $1", &[&oid])
            .await?;
        seen.pop().ok_or_else(|| gone(what))
    }

    pub(super) async fn commit(&self, what: &str, transaction: Transaction<'_>) -> Result<()> {
        let ended = transaction.commit().await;
        ended.map_err(|error| self.server.failed(what, &error, Stage::Committing))
    }

    pub(super) async fn lets_account_in(
        &self,
        id: &AccountId,
        password: &SecretString,
    ) -> Result<bool> {
        let Some(account) = self.read_account(id).await? else {
            return Err(gone("looking whether it is let in"));
        };
        self.server
            .lets_in(account.username.as_str(), password)
            .await
    }
}

/// Told where a role is not there.
pub(super) fn gone(what: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::NotFound,
        format!("{what}: there is no such role any more"),
    )
}
