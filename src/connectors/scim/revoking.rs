//! Passwords of users, taken away. Of sessions, tokens and keys the standard knows nothing.

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::ScimConnector;
use super::failure::Intent;
use super::patch;
use super::ways::Update;
use crate::connectors::offboarding::not_revoked;
use crate::connectors::random::nobodys_password;
use crate::connectors::{ConnectorError, ErrorKind, InitialPassword, Revocation};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::AccountId;

impl ScimConnector {
    pub(super) async fn revoke_credentials(
        &self,
        id: &AccountId,
        kind: CredentialKind,
    ) -> Result<Revocation, ConnectorError> {
        if kind != CredentialKind::Passwords {
            return Err(not_revoked(kind));
        }
        let what = format!("replacing the password of user {id}");
        if !self.dialect().announced.passwords {
            return Err(ConnectorError::new(
                ErrorKind::Unsupported,
                format!(
                    "{what}: the server says that it sets none (changePassword of its ServiceProviderConfig)"
                ),
            ));
        }
        let password = nobodys_password(&what)?;
        match self.set_password(id, &password, &what).await {
            // It can't be read back (RFC 7643 section 4.1.1).
            Ok(()) => Ok(Revocation::requested(
                "the server accepted a password that nobody knows; it shows none",
            )),
            Err(error) => Err(password.kept_out_of(error)),
        }
    }

    async fn set_password(
        &self,
        id: &AccountId,
        password: &InitialPassword,
        what: &str,
    ) -> Result<(), ConnectorError> {
        let secret = password.secret.expose_secret();
        if self.dialect().patches_users() && self.ways.update == Update::Patch {
            let operation = patch::password(secret);
            match self
                .patch_user(id, &[operation], Intent::Change, what)
                .await
            {
                Ok(_) => return Ok(()),
                Err(failure) if failure.error.kind == ErrorKind::Unsupported => {
                    self.learn(|dialect| dialect.learnt.user_patch_refused = true);
                }
                Err(failure) => return Err(self.confirm_missing(failure).await),
            }
        }
        let edit = |user: &mut Value| {
            patch::put(user, "password", Value::from(secret));
            Ok(())
        };
        self.put_user(id, Intent::Change, what, edit)
            .await
            .map(drop)
    }
}
