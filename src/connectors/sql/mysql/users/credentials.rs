//! Credentials of users: sessions are ended, and nothing lets them in any more.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use super::MariaDbUsers;
use super::accounts::NO_PASSWORD;
use super::quote::{User, text};
use crate::connectors::offboarding::{ended, not_revoked};
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, Result, Revocation};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::AccountId;

/// Kinds of credentials that the server knows of a user.
pub(super) const REVOKES: [CredentialKind; 2] =
    [CredentialKind::Sessions, CredentialKind::Passwords];

/// What a user is let in with, and whether there are other ways: the list of ways holds the first as well, which has
/// nothing in it there.
const LET_IN_WITH: &str =
    "SELECT JSON_VALUE(Priv, '$.authentication_string'), JSON_VALUE(Priv, '$.plugin'),
  COALESCE(JSON_LENGTH(Priv, '$.auth_or'), 0) > 1 FROM mysql.global_priv WHERE User = ? AND Host = ?";

/// The columns of it.
type LetInWith = (Option<String>, Option<String>, bool);

/// The way to sign in that compares with a hash.
const BY_HASH: &str = "mysql_native_password";

impl MariaDbUsers {
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
        let what = format!("ending the sessions of user {id}");
        let mut connection = self.server.connection().await?;
        let ending = async {
            let found = self.there(&what, &mut connection, id).await?;
            self.end_sessions(&what, &mut connection, &found.user.name)
                .await
        };
        let ending = self.server.bounded(&what, Stage::Committing, ending);
        Ok(Revocation::verified(ended(ending.await?)))
    }

    /// No password has the hash that is put there; what else let the user in, such as PAM, does not any more either.
    async fn revoke_password(&self, id: &AccountId) -> Result<Revocation> {
        let what = format!("taking the password of user {id} away");
        let mut connection = self.server.connection().await?;
        let taking = async {
            let user = self.there(&what, &mut connection, id).await?.user;
            let statement = format!(
                "ALTER USER {user} IDENTIFIED VIA {BY_HASH} USING {}",
                text(NO_PASSWORD)
            );
            self.run(&what, &mut connection, statement).await?;
            if self.lets_nothing_in(&what, &mut connection, &user).await? {
                return Ok(Revocation::verified("no password lets it in any more"));
            }
            Err(ConnectorError::new(
                ErrorKind::Ignored,
                format!("{what}: something lets it in all the same"),
            ))
        };
        self.server.bounded(&what, Stage::Committing, taking).await
    }

    async fn lets_nothing_in(
        &self,
        what: &str,
        connection: &mut Conn,
        user: &User,
    ) -> Result<bool> {
        let params = (user.name.as_str(), user.host.as_str());
        let shown: Option<LetInWith> = connection
            .exec_first(LET_IN_WITH, params)
            .await
            .map_err(|error| self.server.failed(what, &error, Stage::Undone))?;
        let (hash, plugin, has_others) = shown.ok_or_else(|| super::accounts::gone(what))?;
        Ok(hash.as_deref() == Some(NO_PASSWORD)
            && plugin.as_deref() == Some(BY_HASH)
            && !has_others)
    }
}
