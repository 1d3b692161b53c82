//! Where a database server is, and as whom it is spoken to.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::timeout;

use crate::connectors::{Capabilities, ConnectorError, ErrorKind};
use crate::domain::credentials::CredentialKind;

/// How a mark looks, in the regular expressions of both databases. (No namespace has a `_`: it is there for
/// the marks of `rollcall connector check`.)
pub(super) const MARK: &str = "^[a-z0-9-]+/[a-z0-9_-]+/[A-Za-z0-9._~-]+$";

/// Whether a text looks like a mark.
#[must_use]
pub(super) fn is_mark(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty()) && !text.contains([' ', '=', '@'])
}

/// What can be done to the users of a server: all of it, on either database.
#[must_use]
pub(super) fn users_capabilities() -> Capabilities {
    Capabilities {
        disable: true,
        rename: true,
        delete: true,
        patch: true,
        filter: true,
        entitlements: true,
        mark: true,
        revokes: BTreeSet::from([CredentialKind::Sessions, CredentialKind::Passwords]),
        ownership: false,
        max_page: None,
        notes: Vec::new(),
    }
}

/// How often it is looked whether the sessions of a user have ended, and how long between.
pub(super) const LOOKS: u32 = 50;
pub(super) const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// What connections to a server are made from.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database to connect to.
    pub database: String,
    /// User that we are.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// Whether the connection is encrypted, and the server must prove who it is.
    pub encrypted: bool,
    /// Certificates of authorities, PEM, that are trusted beside those of the system.
    pub ca_bundle: Option<String>,
    /// Whether link-local addresses may be connected to.
    pub allow_link_local: bool,
    /// What is done there.
    pub purpose: Purpose,
    /// Time one operation may take.
    pub timeout: Duration,
    /// Connections at once.
    pub connections: usize,
}

/// What is done in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Users of the server are managed, by statements of ours alone.
    Users,
    /// Statements of the manifest are run.
    Tables,
}

/// How far an operation had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing can have changed: it was a read, or its transaction was not committed.
    Undone,
    /// It was to be carried out for good.
    Committing,
}

impl Stage {
    /// What it means to hear no more.
    #[must_use]
    pub fn cut_off(self) -> ErrorKind {
        match self {
            Self::Undone => ErrorKind::Unreachable,
            Self::Committing => ErrorKind::OutcomeUnknown,
        }
    }
}

/// The field that says where a server is.
pub(super) const ADDRESS: &str = "spec.sql.url";
/// What to do where there is no connection.
pub(super) const NOT_REACHED: &str =
    "correct spec.sql.url, or let that server be reached from here";
/// What to do where the user of the connector is not let in.
pub(super) const NOT_LET_IN: &str = "correct spec.sql.auth.username, or the password in the Secret that spec.sql.auth.passwordSecretKeyRef names; or let the server admit that user from here";
/// What to do where there is no such database, or not for that user.
pub(super) const NO_DATABASE: &str =
    "correct the database in spec.sql.url, or make it, and let that user connect to it";
/// What to do where the server does not encrypt.
pub(super) const NOT_ENCRYPTED: &str =
    "let the server offer encryption, or set spec.sql.encryption to None";

impl ServerConfig {
    /// What is told where no connection comes about.
    #[must_use]
    pub fn unreachable(&self, why: &str) -> ConnectorError {
        let message = format!("connecting to {}:{}: {why}", self.host, self.port);
        ConnectorError::new(ErrorKind::Unreachable, message).with_remedy(NOT_REACHED)
    }

    /// The host as TLS knows it: an IPv6 address stands in brackets in a URL only.
    #[must_use]
    pub fn tls_name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Bounds an operation. What becomes of its connection is found out before that is used again.
    ///
    /// # Errors
    /// What the operation says, or that it took too long.
    pub async fn bounded<T>(
        &self,
        what: &str,
        stage: Stage,
        operation: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        // The server ends a statement of itself; this is for one that does not answer at all.
        match timeout(self.timeout.saturating_mul(2), operation).await {
            Ok(done) => done,
            Err(_) => Err(ConnectorError::new(
                stage.cut_off(),
                format!("{what}: no answer in time"),
            )),
        }
    }
}
