//! Passwords, keys and certificates of accounts, taken away. Sessions and tokens are those of applications: a directory
//! knows of none.

use std::collections::BTreeSet;

use super::LdapConnector;
use super::abilities::Abilities;
use super::dialect::Dialect;
use super::failure::{Failure, code};
use super::passwords::unicode;
use super::write::{Change, Target, attribute};
use crate::connectors::offboarding::not_revoked;
use crate::connectors::random::nobodys_password;
use crate::connectors::{ConnectorError, ErrorKind, InitialPassword, Revocation};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::AccountId;

/// Attributes with what a password is compared with. Beside the usual one: RFC 3112, and what Samba keeps in another
/// directory.
const PASSWORDS: [&str; 4] = [
    "userPassword",
    "authPassword",
    "sambaNTPassword",
    "sambaLMPassword",
];
/// Attributes that a class wants, which says nothing else of an entry.
const NEEDED_BY: [(&str, &str); 1] = [("sshPublicKey", "ldapPublicKey")];
/// How often an attribute is taken away, as somebody may put it there again.
const ATTEMPTS: u32 = 3;

/// What to do where a domain takes no new password.
const NOT_SET: &str = "let the account of spec.ldap.bind reset passwords there, and the domain's policy take one of 32 letters, digits and -._";

/// What came of taking attributes away.
#[derive(Default)]
struct Taken {
    /// Those that were there.
    there: Vec<&'static str>,
    /// Those of which the server says that they are not there.
    absent: Vec<&'static str>,
    /// Those of which it does not.
    unproven: Vec<&'static str>,
    /// Why it does not let us.
    forbidden: Option<Failure>,
}

impl Taken {
    fn revocation(self) -> Result<Revocation, ConnectorError> {
        let were = if self.there.is_empty() {
            "nothing was there".to_owned()
        } else {
            format!("{} was taken away", self.there.join(", "))
        };
        if self.unproven.is_empty() {
            let proven = format!("{were}; there is no {} any more", self.absent.join(", "));
            return Ok(Revocation::verified(proven));
        }
        match self.forbidden {
            Some(failure) if self.there.is_empty() && self.absent.is_empty() => Err(failure.error),
            forbidden => {
                let unproven = self.unproven.join(", ");
                let why = forbidden.map_or_else(
                    || "comes back each time".to_owned(),
                    |failure| format!("may not be written: {}", failure.error),
                );
                Ok(Revocation::requested(format!("{were}; {unproven} {why}")))
            }
        }
    }
}

impl LdapConnector {
    /// Kinds of credentials that can be revoked.
    pub(super) fn revokes(&self, told: Abilities) -> BTreeSet<CredentialKind> {
        let config = &self.config;
        let is_encrypted = config.start_tls || config.servers.iter().all(|s| s.scheme() == "ldaps");
        // Active Directory takes no password in clear.
        let passwords = is_encrypted || config.dialect != Dialect::ActiveDirectory;
        [
            (CredentialKind::Passwords, passwords),
            (CredentialKind::Keys, told.keys != Some(false)),
        ]
        .into_iter()
        .filter_map(|(kind, can)| can.then_some(kind))
        .collect()
    }

    pub(super) async fn revoke_credentials(
        &self,
        id: &AccountId,
        kind: CredentialKind,
    ) -> Result<Revocation, ConnectorError> {
        if matches!(kind, CredentialKind::Sessions | CredentialKind::Tokens) {
            return Err(not_revoked(kind));
        }
        let doing = format!("revoking the {}", kind.within_a_sentence());
        let entry = self
            .located(id, &format!("{doing} of account {id}"))
            .await?;
        let what = format!("{doing} of {}", entry.dn);
        let is = self.config.id.filter(id.as_str());
        let target = Target {
            dn: &entry.dn,
            is: is.as_deref(),
            what: &what,
        };
        self.not_ourselves(&entry, &what)?;
        let dialect = self.config.dialect;
        match kind {
            CredentialKind::Passwords if dialect == Dialect::ActiveDirectory => {
                self.make_unknown(&target).await
            }
            CredentialKind::Passwords => self.take_password(&target).await,
            _ => self
                .take_all(&target, dialect.key_attributes())
                .await?
                .revocation(),
        }
    }

    /// Takes attributes away, each by itself: that one may not be written, or is not known, says nothing of the others.
    async fn take_all(
        &self,
        target: &Target<'_>,
        attributes: &[&'static str],
    ) -> Result<Taken, Failure> {
        let mut taken = Taken::default();
        for name in attributes {
            match self.take_one(target, name, &mut taken).await {
                Ok(true) => taken.absent.push(name),
                Ok(false) => taken.unproven.push(name),
                Err(failure) if failure.had(&[code::UNDEFINED_TYPE]) => {}
                Err(failure) if failure.had(&[code::INSUFFICIENT_ACCESS]) => {
                    taken.unproven.push(name);
                    taken.forbidden.get_or_insert(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(taken)
    }

    /// Takes one away until the server says that it is not there. No right to read it is needed for that.
    async fn take_one(
        &self,
        target: &Target<'_>,
        name: &'static str,
        taken: &mut Taken,
    ) -> Result<bool, Failure> {
        for _ in 0..ATTEMPTS {
            let mut outcome = self.take_away(target, name).await;
            if outcome
                .as_ref()
                .is_err_and(|f| f.had(&[code::CLASS_VIOLATION]))
                && let Some((_, class)) = NEEDED_BY.iter().find(|(needed, _)| *needed == name)
            {
                outcome = self.take_with_class(target, name, class).await;
            }
            match outcome {
                Ok(()) if taken.there.contains(&name) => {}
                Ok(()) => taken.there.push(name),
                Err(failure) if failure.had(&[code::NO_SUCH_ATTRIBUTE]) => return Ok(true),
                Err(failure) => return Err(failure),
            }
        }
        Ok(false)
    }

    /// Takes an attribute away together with the class that wants one.
    async fn take_with_class(
        &self,
        target: &Target<'_>,
        name: &str,
        class: &str,
    ) -> Result<(), Failure> {
        let changes = [
            Change::Delete(attribute(name, [])),
            Change::Delete(attribute("objectClass", [class.to_owned()])),
        ];
        self.modify(target, &changes, &[]).await.map(drop)
    }

    /// Without a password nobody is let in with one. Where there must be one, it becomes one that nobody knows.
    async fn take_password(&self, target: &Target<'_>) -> Result<Revocation, ConnectorError> {
        match self.take_all(target, &PASSWORDS).await {
            Ok(taken) if taken.unproven.contains(&PASSWORDS[0]) && taken.forbidden.is_some() => {
                let refused = taken.forbidden.map(|failure| failure.error);
                Err(refused.unwrap_or_else(|| not_revoked(CredentialKind::Passwords)))
            }
            Ok(taken) => taken.revocation(),
            Err(failure) if failure.had(&[code::CLASS_VIOLATION]) => {
                let password = nobodys_password(target.what)?;
                let given = self.give(target, &password).await;
                given.map_err(|failure| password.kept_out_of(failure.error))?;
                Ok(Revocation::requested(
                    "the directory wants a password there, and took one that nobody knows",
                ))
            }
            Err(failure) => Err(failure.error),
        }
    }

    /// Two of them, one after the other: for an hour, a domain lets the one before the last in over the network.
    async fn make_unknown(&self, target: &Target<'_>) -> Result<Revocation, ConnectorError> {
        self.set_unknown(target).await?;
        let last = self.set_unknown(target).await?;
        let is_right = self.session.is_right(target.dn, &last.secret).await;
        Ok(if is_right.map_err(|error| last.kept_out_of(error))? {
            Revocation::verified("its password is one that nobody knows, as a sign-in showed")
        } else {
            Revocation::requested("the domain accepted a password that nobody knows")
        })
    }

    async fn set_unknown(&self, target: &Target<'_>) -> Result<InitialPassword, ConnectorError> {
        let password = nobodys_password(target.what)?;
        let change = Change::Replace(unicode(&password));
        match self.modify(target, &[change], &[]).await {
            Ok(_) => Ok(password),
            Err(failure) => {
                let error = match failure.error.kind {
                    ErrorKind::Invalid | ErrorKind::Forbidden => failure.error.with_remedy(NOT_SET),
                    _ => failure.error,
                };
                Err(password.kept_out_of(error))
            }
        }
    }
}
