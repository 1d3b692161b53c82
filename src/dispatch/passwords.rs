//! The passwords that new accounts begin with: where they come from and where they are kept, so that whoever
//! is to hand one over finds it, and nobody else does.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use super::order::ConnectorKey;
use crate::domain::ids::{EmployeeId, Username};

/// What the initial passwords of a target are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Characters.
    pub length: u16,
    /// Signs that may be used beside letters and digits; at least one of them is, unless there are none.
    pub punctuation: String,
    /// Whether whoever signs in with it must choose another one first.
    pub must_change: bool,
    /// How long it is kept for somebody to hand it over, once the account can be used.
    pub keep_for: Duration,
}

/// For whom a password is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// In which target.
    pub connector: &'a ConnectorKey,
    /// Whose account.
    pub employee: &'a EmployeeId,
    /// The account's user name.
    pub username: &'a Username,
    /// When it is first to be used, where that is later.
    pub first_used: Option<Timestamp>,
    /// What it is to be like.
    pub policy: &'a PasswordPolicy,
}

/// Makes passwords and keeps them.
#[async_trait]
pub trait PasswordKeeper: Send + Sync {
    /// The password of an account that is about to be made. It is kept before it is given away: one that was
    /// sent and is known to nobody would be worth nothing. Asked again for the same account, it gives the
    /// same password, as an answer that was lost may have been a success; unless that is not as the policy wants
    /// it by now.
    ///
    /// # Errors
    /// Why it could not be kept, for a person. Nothing was sent to the target.
    async fn keep(&self, wanted: Wanted<'_>) -> Result<SecretString, String>;
}

/// Gives the same password to everybody, or none at all, for tests.
#[cfg(test)]
pub(crate) struct Same(pub(crate) Result<&'static str, &'static str>);

#[cfg(test)]
#[async_trait]
impl PasswordKeeper for Same {
    async fn keep(&self, _: Wanted<'_>) -> Result<SecretString, String> {
        self.0.map(SecretString::from).map_err(str::to_owned)
    }
}
