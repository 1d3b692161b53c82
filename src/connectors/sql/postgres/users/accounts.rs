//! Login roles: changed, locked.

use secrecy::SecretString;
use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use super::listing::{NUMBERED, oid};
use super::utility::{checked, literal, quoted};
use super::{CONNECTION_LIMIT, PostgresUsers, VALID_UNTIL};
use crate::connectors::error::UNFIT_ATTRIBUTE;
use crate::connectors::sql::names::NameOf;
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, Result};
use crate::domain::account::{AttributeChanges, AttributeValue, ObservedAccount};
use crate::domain::ids::{AccountId, AttributeName};

impl PostgresUsers {
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
                let new = checked(new.as_str(), NameOf::User)?;
                if new != name {
                    let own = oid(id.as_str()).unwrap_or_default();
                    self.must_be_free(&what, &transaction, new, own).await?;
                    let rename = format!("ALTER ROLE {} RENAME TO {}", quoted(&name), quoted(new));
                    self.utility(&what, &transaction, &rename).await?;
                    new.clone_into(&mut name);
                }
            }
            let role = quoted(&name);
            let set = changes.set.iter().map(|(name, value)| (name, Some(value)));
            let clear = changes.clear.iter().map(|name| (name, None));
            for (attribute, value) in set.chain(clear) {
                let setting = setting(&what, &role, attribute, value)?;
                let set = self.utility(&what, &transaction, &setting).await;
                set.map_err(unfit)?;
            }
            let seen = self.seen(&what, &transaction, id).await?;
            self.commit(&what, transaction).await?;
            Ok(seen)
        };
        self.server
            .bounded(&what, Stage::Committing, changing)
            .await
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
            let login = if active { "LOGIN" } else { "NOLOGIN" };
            let alter = format!("ALTER ROLE {} {login}", quoted(&name));
            self.utility(&what, &transaction, &alter).await?;
            self.commit(&what, transaction).await?;
            if !active {
                // Whoever is in stays in. Nobody new comes in from here on.
                self.end_sessions(&what, &client, id, "It can't sign in any more, but has")
                    .await?;
            }
            self.seen(&what, &**client, id).await
        };
        self.server
            .bounded(&what, Stage::Committing, switching)
            .await
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
            .accounts_where(what, client, NUMBERED, &[(&oid, Type::OID)])
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

/// The statement that sets one attribute, or clears it. The role is quoted already.
pub(super) fn setting(
    what: &str,
    role: &str,
    attribute: &AttributeName,
    value: Option<&AttributeValue>,
) -> Result<String> {
    let invalid = |why: String| ConnectorError::new(ErrorKind::Invalid, format!("{what}: {why}"));
    let text = match value.filter(|value| !value.is_empty()) {
        None => None,
        Some(AttributeValue::Text(text)) => Some(text.clone()),
        Some(AttributeValue::Integer(number)) => Some(number.to_string()),
        Some(other) => {
            let why = format!(
                "spec.account.attributes[{attribute}] can't be {other:?}: give it one text or number"
            );
            return Err(invalid(why));
        }
    };
    match attribute.as_str() {
        VALID_UNTIL => {
            let until = literal(text.as_deref().unwrap_or("infinity"));
            Ok(format!("ALTER ROLE {role} VALID UNTIL {until}"))
        }
        CONNECTION_LIMIT => {
            // The grammar wants a number as it is.
            let limit = text.as_deref().unwrap_or("-1").parse::<i32>();
            let limit = limit.map_err(|_| {
                invalid(format!(
                    "spec.account.attributes[{CONNECTION_LIMIT}] must give a number"
                ))
            })?;
            Ok(format!("ALTER ROLE {role} CONNECTION LIMIT {limit}"))
        }
        other => Err(invalid(format!("a role has no attribute {other}"))),
    }
}

/// A value that the server refuses is told with where it comes from.
pub(super) fn unfit(error: ConnectorError) -> ConnectorError {
    match error.kind {
        ErrorKind::Invalid => error.with_remedy(UNFIT_ATTRIBUTE),
        _ => error,
    }
}

/// Told where a role is not there.
pub(super) fn gone(what: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::NotFound,
        format!("{what}: there is no such role any more"),
    )
}
