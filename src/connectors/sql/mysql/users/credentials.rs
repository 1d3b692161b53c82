//! Credentials of users: sessions are ended, and nothing lets them in any more.

use mysql_async::prelude::Queryable as _;

use super::MySqlUsers;
use super::flavour::flavour;
use super::quote::User;
use crate::connectors::offboarding::{ended, not_revoked};
use crate::connectors::sql::mysql::connection::Session;
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, Result, Revocation};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::AccountId;

impl MySqlUsers {
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
            for statement in flavour(&connection).shut_out(&user) {
                self.run(&what, &mut connection, statement).await?;
            }
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
        connection: &mut Session,
        user: &User,
    ) -> Result<bool> {
        let asked = flavour(connection).is_shut_out();
        let params = (user.name.as_str(), user.host.as_str());
        let shown: Option<bool> = connection
            .exec_first(asked, params)
            .await
            .map_err(|error| self.server.failed(what, &error, Stage::Undone))?;
        shown.ok_or_else(|| super::accounts::gone(what))
    }
}
