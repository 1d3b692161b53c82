//! Connections: which server, over what, and as whom.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::{Duration, Instant};

use ldap3::Ldap;
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use tokio::time::timeout;
use url::Url;

use super::config::LdapConfig;
use super::dialect::Dialect;
use super::failure::{Failure, Intent, broken, code, refused};
use super::locked;
use super::wire::{self, Ended, Unopened, Way};
use crate::connectors::address::check_literal;
use crate::connectors::redact::Redactor;
use crate::connectors::{ConnectorError, ErrorKind, tls};

/// The way to a directory.
pub struct Session {
    servers: Vec<Url>,
    start_tls: bool,
    tls: Arc<ClientConfig>,
    allow_link_local: bool,
    timeout: Duration,
    dn: String,
    password: SecretString,
    dialect: Dialect,
    redactor: Redactor,
    /// The connection that operations share.
    shared: Mutex<Shared>,
    /// The server that was used last, and its address.
    last: StdMutex<Option<(usize, SocketAddr)>>,
    /// Why we ended a connection.
    ended: Ended,
}

/// A use of the connection that operations share.
#[derive(Clone)]
pub struct Lease {
    /// The connection.
    pub ldap: Ldap,
    number: u64,
}

#[derive(Default)]
struct Shared {
    lease: Option<Lease>,
    opened: u64,
    failed: Option<(Instant, ConnectorError)>,
}

/// Answers to a bind that are about the account.
const REFUSALS: [u32; 4] = [
    code::CONSTRAINT_VIOLATION,
    code::INVALID_CREDENTIALS,
    code::INSUFFICIENT_ACCESS,
    code::UNWILLING,
];

/// What Active Directory says of an account whose password was right, and which is not let in all the same: not at that
/// time, not from there, its password or itself expired or disabled, or the password must be changed (MS-ERREF 2.2).
const RIGHT_BUT: [&str; 6] = [
    "data 530", "data 531", "data 532", "data 533", "data 701", "data 773",
];

/// Answers to a bind that ask for encryption.
const IN_CLEAR_REFUSED: [u32; 2] = [code::STRONGER_AUTH_REQUIRED, code::CONFIDENTIALITY_REQUIRED];

/// What to do where the account of the connector is not let in.
const NOT_LET_IN: &str = "correct spec.ldap.bind.dn, or the password in the Secret that spec.ldap.bind.passwordSecretKeyRef names";
/// What to do where it would be let in over an encrypted connection.
const IN_CLEAR: &str = "write ldaps:// in spec.ldap.servers, or set spec.ldap.startTLS";
/// What to do where there is no connection.
const NOT_REACHED: &str = "correct spec.ldap.servers, or let them be reached from here";

/// Why a server can't be used, and what to do about it.
struct Unusable {
    error: ConnectorError,
    remedy: Option<String>,
}

impl From<Unusable> for ConnectorError {
    fn from(unusable: Unusable) -> Self {
        match unusable.remedy {
            Some(remedy) => unusable.error.with_remedy(&remedy),
            None => unusable.error,
        }
    }
}

/// Longest time a connection may take, so that several servers can be tried within one operation's time.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

impl Session {
    /// Prepares the way. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a server or CA bundle that can't work.
    pub fn new(config: &LdapConfig) -> Result<Self, ConnectorError> {
        if config.servers.is_empty() {
            return Err(invalid("spec.ldap.servers must name at least one"));
        }
        for server in &config.servers {
            if !matches!(server.scheme(), "ldap" | "ldaps") || server.host_str().is_none() {
                return Err(invalid(format!(
                    "spec.ldap.servers: {server} must be an ldap or ldaps URL such as ldaps://ldap.example.com"
                )));
            }
            if !config.allow_link_local {
                check_literal("spec.ldap.servers", server)?;
            }
        }
        Ok(Self {
            servers: config.servers.clone(),
            start_tls: config.start_tls,
            tls: Arc::new(tls::client(config.ca_bundle.as_deref())?),
            allow_link_local: config.allow_link_local,
            timeout: config.timeout,
            dn: config.bind_dn.clone(),
            password: config.bind_password.clone(),
            dialect: config.dialect,
            redactor: Redactor::new(vec![config.bind_password.clone()]),
            shared: Mutex::default(),
            last: StdMutex::default(),
            ended: Ended::default(),
        })
    }

    /// Longest time one operation may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Reads a failure.
    pub fn refused(&self, what: &str, result: &ldap3::LdapResult, intent: Intent) -> Failure {
        refused(what, result, intent, self.dialect, &self.redactor)
    }

    /// Reads the end of a connection.
    pub fn broken(&self, what: &str, error: &ldap3::LdapError, intent: Intent) -> Failure {
        let mut failure = broken(what, error, intent, &self.redactor);
        if let Some(why) = locked(&self.ended).take() {
            failure.error.message = format!("{}: {}", failure.error.message, why);
        }
        failure
    }

    /// The connection that operations share, opened where there is none.
    ///
    /// # Errors
    /// Why there is none. Whoever has waited for an attempt that failed is told the same.
    pub async fn shared(&self) -> Result<Lease, Failure> {
        let asked = Instant::now();
        let mut shared = self.shared.lock().await;
        if let Some(lease) = shared.lease.as_mut()
            && !lease.ldap.is_closed()
        {
            return Ok(lease.clone());
        }
        if let Some((at, error)) = &shared.failed
            && *at > asked
        {
            return Err(error.clone().into());
        }
        shared.lease = None;
        match self.connect().await {
            Ok(ldap) => {
                shared.opened += 1;
                let lease = Lease {
                    ldap,
                    number: shared.opened,
                };
                shared.failed = None;
                shared.lease = Some(lease.clone());
                Ok(lease)
            }
            Err(error) => {
                shared.failed = Some((Instant::now(), error.clone()));
                Err(error.into())
            }
        }
    }

    /// The next operation opens another connection than this one.
    pub async fn forget(&self, lease: &Lease) {
        let mut shared = self.shared.lock().await;
        if shared
            .lease
            .as_ref()
            .is_some_and(|open| open.number == lease.number)
        {
            shared.lease = None;
        }
    }

    /// Servers, the one that was used last first: replicas may differ, and what one has shown another may
    /// not know yet.
    fn in_order(&self) -> Vec<(usize, &Url)> {
        let last = locked(&self.last).map(|(server, _)| server);
        let mut servers: Vec<(usize, &Url)> = self.servers.iter().enumerate().collect();
        servers.sort_by_key(|(number, _)| Some(*number) != last);
        servers
    }

    /// A connection of its own, as the connector. Servers are tried in order; one that refuses the
    /// credential ends that, as it is the same one everywhere and may be locked after a few attempts.
    ///
    /// # Errors
    /// Why there is none: what each server had to say.
    pub async fn connect(&self) -> Result<Ldap, ConnectorError> {
        let mut failed = Vec::new();
        for (number, server) in self.in_order() {
            let unusable = match self.open(number, server).await {
                Ok((mut ldap, address)) => {
                    let bound = self.bind(&mut ldap, server, &self.dn, &self.password).await;
                    match bound {
                        Ok(()) => {
                            *locked(&self.last) = Some((number, address));
                            return Ok(ldap);
                        }
                        Err(failure) => shut_out(failure),
                    }
                }
                Err(unusable) => unusable,
            };
            if unusable.error.kind == ErrorKind::Unauthorized {
                return Err(unusable.into());
            }
            tracing::debug!(%server, error = %unusable.error, "a server of a directory can't be used");
            failed.push(unusable);
        }
        Err(together(failed).unwrap_or_else(|| invalid("spec.ldap.servers must name at least one")))
    }

    /// Whether a password lets an entry in.
    ///
    /// # Errors
    /// The servers can't be asked.
    pub async fn lets_in(&self, dn: &str, password: &SecretString) -> Result<bool, ConnectorError> {
        self.tried(dn, password, |_| false).await
    }

    /// Whether a password is the right one for an entry, also where that is not let in for another reason, such as that
    /// it is disabled: Active Directory says that only to who knows the password.
    ///
    /// # Errors
    /// The servers can't be asked.
    pub async fn is_right(
        &self,
        dn: &str,
        password: &SecretString,
    ) -> Result<bool, ConnectorError> {
        let is_right_but = |refused: &Failure| {
            let said = &refused.error.message;
            RIGHT_BUT.iter().any(|code| said.contains(code))
        };
        self.tried(dn, password, is_right_but).await
    }

    async fn tried(
        &self,
        dn: &str,
        password: &SecretString,
        counts: fn(&Failure) -> bool,
    ) -> Result<bool, ConnectorError> {
        let mut failed = None;
        for (number, server) in self.in_order() {
            match self.open(number, server).await {
                Ok((mut ldap, _)) => {
                    return match self.bind(&mut ldap, server, dn, password).await {
                        Ok(()) => Ok(true),
                        // Another answer says nothing of the account.
                        Err(failure) if failure.had(&REFUSALS) => Ok(counts(&failure)),
                        Err(failure) => Err(failure.error),
                    };
                }
                Err(unusable) => failed = Some(unusable.into()),
            }
        }
        Err(failed.unwrap_or_else(|| invalid("spec.ldap.servers must name at least one")))
    }

    async fn bind(
        &self,
        ldap: &mut Ldap,
        server: &Url,
        dn: &str,
        password: &SecretString,
    ) -> Result<(), Failure> {
        let what = format!("signing in to {server} as {dn}");
        let answer = ldap
            .with_timeout(self.timeout)
            .simple_bind(dn, password.expose_secret())
            .await
            .map_err(|error| self.broken(&what, &error, Intent::Read))?;
        if answer.rc == 0 {
            return Ok(());
        }
        let mut failure = self.refused(&what, &answer, Intent::Read);
        if matches!(
            failure.error.kind,
            ErrorKind::Forbidden | ErrorKind::Invalid | ErrorKind::NotFound
        ) {
            failure.error.kind = ErrorKind::Unauthorized;
        }
        Err(failure)
    }

    /// A connection that nobody has signed in on.
    async fn open(&self, number: usize, server: &Url) -> Result<(Ldap, SocketAddr), Unusable> {
        let unreachable = |unopened: Unopened| {
            let why = self.redactor.clean(&unopened.why);
            let what = format!("connecting to {server}: {why}");
            Unusable {
                error: ConnectorError::new(ErrorKind::Unreachable, what),
                remedy: unopened.remedy.or_else(|| Some(NOT_REACHED.to_owned())),
            }
        };
        let last = *locked(&self.last);
        let way = Way {
            server,
            start_tls: self.start_tls,
            tls: &self.tls,
            allow_link_local: self.allow_link_local,
            preferred: last.filter(|(used, _)| *used == number).map(|(_, at)| at),
        };
        let opening = wire::open(&way, Arc::clone(&self.ended));
        timeout(self.timeout.min(CONNECT_WITHIN), opening)
            .await
            .map_err(|_| unreachable("no connection in time".to_owned().into()))?
            .map_err(unreachable)
    }
}

/// The account of the connector is not let in, or not now.
fn shut_out(failure: Failure) -> Unusable {
    let remedy = match failure.error.kind {
        ErrorKind::Unauthorized if failure.had(&IN_CLEAR_REFUSED) => Some(IN_CLEAR),
        ErrorKind::Unauthorized => Some(NOT_LET_IN),
        _ => None,
    };
    Unusable {
        error: failure.error,
        remedy: remedy.map(str::to_owned),
    }
}

/// What all of them had to say, and what to do, each thing once.
fn together(failed: Vec<Unusable>) -> Option<ConnectorError> {
    let causes: Vec<String> = failed.iter().map(|one| one.error.message.clone()).collect();
    let mut remedies: Vec<String> = Vec::new();
    for remedy in failed.iter().filter_map(|one| one.remedy.as_ref()) {
        if !remedies.contains(remedy) {
            remedies.push(remedy.clone());
        }
    }
    let first = failed.into_iter().next()?;
    let error = ConnectorError {
        message: causes.join("; "),
        ..first.error
    };
    Some(if remedies.is_empty() {
        error
    } else {
        error.with_remedy(&remedies.join("; "))
    })
}

fn invalid(message: impl Into<String>) -> ConnectorError {
    ConnectorError::new(ErrorKind::Invalid, message)
}
