//! Passwords that new accounts begin with, in the way that each kind of directory takes them.

use ldap3::exop::PasswordModify;
use secrecy::{ExposeSecret as _, SecretString};

use super::LdapConnector;
use super::dialect::Dialect;
use super::failure::Failure;
use super::write::{Attribute, Change, Target, attribute};
use crate::connectors::{ConnectorError, ErrorKind, InitialPassword};
use crate::domain::account::Activity;
use crate::domain::ids::AccountId;

/// What to do about a password that is refused.
pub(super) const NOT_BY_POLICY: &str =
    "let spec.account.initialPassword be as the directory's policy wants it";

impl LdapConnector {
    /// What a new entry holds for its password. Active Directory makes no usable account without one;
    /// elsewhere the server is asked to store it its own way once the entry is there.
    pub(super) fn born_with(&self, password: &InitialPassword) -> Vec<Attribute> {
        if self.config.dialect != Dialect::ActiveDirectory {
            return Vec::new();
        }
        let mut attributes = vec![unicode(password)];
        if password.must_change {
            attributes.push(attribute("pwdLastSet", ["0".to_owned()]));
        }
        attributes
    }

    /// Gives an entry its password.
    pub(super) async fn give(
        &self,
        target: &Target<'_>,
        password: &InitialPassword,
    ) -> Result<(), Failure> {
        if self.abilities().await?.passwords {
            let mut lease = self.session.shared().await?;
            lease.ldap.with_timeout(self.session.timeout());
            // RFC 3062: however the server is configured, it does not keep it as it is.
            let answer = lease.ldap.extended(PasswordModify {
                user_id: Some(target.dn),
                old_pass: None,
                new_pass: Some(password.secret.expose_secret()),
            });
            let answer = answer.await.map(|answer| answer.1);
            self.judged(target.what, &lease, answer).await?;
        } else {
            let secret = password.secret.expose_secret().to_owned();
            let change = Change::Replace(attribute("userPassword", [secret]));
            self.modify(target, &[change], &[]).await?;
        }
        Ok(())
    }

    /// Whether an account is let in.
    pub(super) async fn lets_account_in(
        &self,
        id: &AccountId,
        password: &SecretString,
    ) -> Result<bool, ConnectorError> {
        // Without a password everybody is let in, as nobody (RFC 4513 section 5.1.2).
        if password.expose_secret().is_empty() {
            return Ok(false);
        }
        let entry = self.located(id, "looking whether it is let in").await?;
        let let_in = self.session.lets_in(&entry.dn, password).await?;
        let is_its_own_way = self.config.disabling == self.config.dialect.disabling();
        if let_in && self.activity(&entry) == Activity::Disabled && !is_its_own_way {
            return Err(ConnectorError::new(
                ErrorKind::Unsupported,
                "the directory lets a disabled account in: spec.ldap.disable leaves it to the applications that ask it, which must look at that",
            ));
        }
        Ok(let_in)
    }

    /// An account whose password could not be set, or perhaps not, is not left without one: it is made again.
    pub(super) async fn unmake(&self, target: &Target<'_>, failure: Failure) -> ConnectorError {
        let error = match failure.error.kind {
            ErrorKind::Invalid => failure.error.with_remedy(NOT_BY_POLICY),
            _ => failure.error,
        };
        match self.remove(target).await {
            Ok(()) => ConnectorError {
                // Nothing is there any more, whatever was.
                kind: match error.kind {
                    ErrorKind::OutcomeUnknown => ErrorKind::Unreachable,
                    kind => kind,
                },
                ..error
            },
            Err(second) => ConnectorError {
                message: format!(
                    "{error}. The entry stays half made, as it could not be deleted, and is made anew: {}",
                    second.error
                ),
                ..error
            },
        }
    }
}

/// A password as Active Directory takes it (MS-ADTS 3.1.1.3.1.5.1): in quotes, UTF-16 with the lower byte first.
pub(super) fn unicode(password: &InitialPassword) -> Attribute {
    let quoted = format!("\"{}\"", password.secret.expose_secret());
    let bytes: Vec<u8> = quoted.encode_utf16().flat_map(u16::to_le_bytes).collect();
    (b"unicodePwd".to_vec(), [bytes].into())
}
