//! Credentials of roles: sessions are ended, passwords taken away. Certificates and Kerberos are no credentials that the
//! server itself knows: its configuration believes them.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use super::PostgresUsers;
use super::listing::oid;
use super::utility::quoted;
use crate::connectors::offboarding::{ended, not_revoked};
use crate::connectors::sql::server::{BETWEEN_LOOKS, LOOKS, Stage};
use crate::connectors::{ConnectorError, ErrorKind, Result, Revocation};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::AccountId;

/// Whether we may see if a role has a password.
const MAY_LOOK: &str = "SELECT has_column_privilege('pg_authid', 'rolpassword', 'SELECT')";
/// Whether a role has a password.
const HAS_PASSWORD: &str = "SELECT rolpassword IS NOT NULL FROM pg_authid WHERE oid = $1";

impl PostgresUsers {
    pub(super) async fn revoke_credentials(
        &self,
        id: &AccountId,
        kind: CredentialKind,
    ) -> Result<Revocation> {
        match kind {
            CredentialKind::Sessions => self.revoke_sessions(id).await,
            CredentialKind::Passwords => self.revoke_password(id).await,
            CredentialKind::Tokens | CredentialKind::Keys => Err(not_revoked(kind)),
        }
    }

    async fn revoke_sessions(&self, id: &AccountId) -> Result<Revocation> {
        let what = format!("ending the sessions of role {id}");
        let client = self.server.client().await?;
        let ending = async {
            self.seen(&what, &**client, id).await?;
            self.end_sessions(&what, &client, id, "It has").await
        };
        let ending = self.server.bounded(&what, Stage::Committing, ending);
        Ok(Revocation::verified(ended(ending.await?)))
    }

    /// Ends what a role is doing, in whatever database, and waits until it has ended. Answers how many sessions did.
    /// `has` is what is said where that can't be done: whether it can sign in.
    pub(super) async fn end_sessions(
        &self,
        what: &str,
        client: &Client,
        id: &AccountId,
        has: &str,
    ) -> Result<usize> {
        let number = oid(id.as_str()).unwrap_or_default();
        let failed = |error| {
            let error = self.server.failed(what, &error, Stage::Undone);
            ConnectorError {
                message: format!(
                    "{}. {has} open sessions: let our role end them (GRANT pg_signal_backend TO {})",
                    error.message,
                    self.server.own_role()
                ),
                ..error
            }
        };
        let end = "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = $1";
        let left = "SELECT count(*) FROM pg_stat_activity WHERE usesysid = $1";
        let mut seen: BTreeSet<i32> = BTreeSet::new();
        for _ in 0..LOOKS {
            for row in client.query(end, &[&number]).await.map_err(failed)? {
                seen.insert(row.try_get(0).map_err(failed)?);
            }
            let row = client.query_one(left, &[&number]).await.map_err(failed)?;
            let open: i64 = row.try_get(0).map_err(failed)?;
            if open == 0 {
                return Ok(seen.len());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Err(ConnectorError::new(
            ErrorKind::Ignored,
            format!("{what}: {has} sessions that do not end: end them by hand"),
        ))
    }

    /// Lets no password in any more. What else `pg_hba.conf` believes is not touched by it.
    async fn revoke_password(&self, id: &AccountId) -> Result<Revocation> {
        let what = format!("taking the password of role {id} away");
        let number = oid(id.as_str()).unwrap_or_default();
        let mut client = self.server.client().await?;
        let taking = async {
            let failed = |error| self.server.failed(&what, &error, Stage::Undone);
            let transaction = client.transaction().await.map_err(failed)?;
            let name = self.name_of(&what, &transaction, id).await?;
            let alter = format!("ALTER ROLE {} PASSWORD NULL", quoted(&name));
            self.utility(&what, &transaction, &alter).await?;
            let row = transaction.query_one(MAY_LOOK, &[]).await.map_err(failed)?;
            let may_look: bool = row.try_get(0).map_err(failed)?;
            let has_one: Option<bool> = if may_look {
                let row = transaction.query_one(HAS_PASSWORD, &[&number]).await;
                row.map_err(failed)?.try_get(0).map_err(failed)?
            } else {
                None
            };
            self.commit(&what, transaction).await?;
            Ok(has_one)
        };
        let has_one = self.server.bounded(&what, Stage::Committing, taking);
        match has_one.await? {
            Some(false) => Ok(Revocation::verified("it has no password any more")),
            Some(true) => Err(ConnectorError::new(
                ErrorKind::Ignored,
                format!("{what}: it has one all the same"),
            )),
            None => Ok(Revocation::requested(format!(
                "the server took its password away; {} may not read pg_authid, which would show it",
                self.server.own_role()
            ))),
        }
    }
}
