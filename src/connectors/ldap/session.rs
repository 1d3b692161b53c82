//! Connections: which server, over what, and as whom.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, StdStream};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Mutex;
use tokio::time::timeout;
use url::Url;

use super::config::LdapConfig;
use super::dialect::Dialect;
use super::failure::{Failure, Intent, broken, refused};
use crate::connectors::address::{check_literal, permitted};
use crate::connectors::redact::Redactor;
use crate::connectors::{ConnectorError, ErrorKind};

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
    shared: Mutex<Option<Ldap>>,
}

impl Session {
    /// Prepares the way. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a server or CA bundle that can't work.
    pub fn new(config: &LdapConfig) -> Result<Self, ConnectorError> {
        if config.servers.is_empty() {
            return Err(invalid("servers must name at least one"));
        }
        for server in &config.servers {
            if !matches!(server.scheme(), "ldap" | "ldaps") || server.host_str().is_none() {
                return Err(invalid(format!(
                    "servers: {server} must be an ldap or ldaps URL such as ldaps://ldap.example.com"
                )));
            }
            if !config.allow_link_local {
                check_literal("servers", server)?;
            }
        }
        Ok(Self {
            servers: config.servers.clone(),
            start_tls: config.start_tls,
            tls: Arc::new(tls(config.ca_bundle.as_deref())?),
            allow_link_local: config.allow_link_local,
            timeout: config.timeout,
            dn: config.bind_dn.clone(),
            password: config.bind_password.clone(),
            dialect: config.dialect,
            redactor: Redactor::new(vec![config.bind_password.clone()]),
            shared: Mutex::default(),
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
        broken(what, error, intent, &self.redactor)
    }

    /// The connection that operations share, opened where there is none.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn shared(&self) -> Result<Ldap, Failure> {
        let mut shared = self.shared.lock().await;
        if let Some(open) = shared.as_mut()
            && !open.is_closed()
        {
            return Ok(open.clone());
        }
        let fresh = self.connect().await?;
        *shared = Some(fresh.clone());
        Ok(fresh)
    }

    /// The next operation opens another connection.
    pub async fn forget(&self) {
        *self.shared.lock().await = None;
    }

    /// A connection of its own, as the connector. Servers are tried in order; one that refuses the
    /// credential ends that, as it is the same one everywhere and may be locked after a few attempts.
    ///
    /// # Errors
    /// Why there is none: what each server had to say.
    pub async fn connect(&self) -> Result<Ldap, ConnectorError> {
        let mut failed: Option<ConnectorError> = None;
        for server in &self.servers {
            let (at, error) = match self.open(server).await {
                Ok(mut ldap) => {
                    match self.bind(&mut ldap, server, &self.dn, &self.password).await {
                        Ok(()) => return Ok(ldap),
                        Err(failure) => (server, failure.error),
                    }
                }
                Err(error) => (server, error),
            };
            if error.kind == ErrorKind::Unauthorized {
                return Err(error);
            }
            tracing::debug!(server = %at, error = %error, "a server of a directory can't be used");
            failed = Some(match failed {
                Some(first) => ConnectorError {
                    message: format!("{}; {}", first.message, error.message),
                    ..first
                },
                None => error,
            });
        }
        Err(failed.unwrap_or_else(|| invalid("servers must name at least one")))
    }

    /// Whether a password lets an entry in.
    ///
    /// # Errors
    /// The servers can't be asked.
    pub async fn lets_in(&self, dn: &str, password: &SecretString) -> Result<bool, ConnectorError> {
        let mut failed = None;
        for server in &self.servers {
            match self.open(server).await {
                Ok(mut ldap) => {
                    return match self.bind(&mut ldap, server, dn, password).await {
                        Ok(()) => Ok(true),
                        Err(failure) if failure.code.is_some() => Ok(false),
                        Err(failure) => Err(failure.error),
                    };
                }
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| invalid("servers must name at least one")))
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
    async fn open(&self, server: &Url) -> Result<Ldap, ConnectorError> {
        let unreachable = |why: &str| {
            let why = self.redactor.clean(why);
            ConnectorError::new(
                ErrorKind::Unreachable,
                format!("connecting to {server}: {why}"),
            )
        };
        let opening = async {
            let stream = self.dial(server).await?;
            let settings = LdapConnSettings::new()
                .set_config(Arc::clone(&self.tls))
                .set_starttls(self.start_tls)
                .set_std_stream(StdStream::Tcp(stream));
            let opened = LdapConnAsync::from_url_with_settings(settings, server).await;
            opened.map_err(|error| error.to_string())
        };
        let (connection, ldap) = timeout(self.timeout, opening)
            .await
            .map_err(|_| unreachable("no connection in time"))?
            .map_err(|why| unreachable(&why))?;
        let server = server.clone();
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(%server, %error, "a connection to a directory ended");
            }
        });
        Ok(ldap)
    }

    async fn dial(&self, server: &Url) -> Result<std::net::TcpStream, String> {
        let host = server.host_str().unwrap_or_default();
        let port = server.port().unwrap_or(match server.scheme() {
            "ldaps" => 636,
            _ => 389,
        });
        // An IPv6 address stands in brackets in a URL.
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let found = lookup_host((name, port)).await;
        let mut addresses: Vec<SocketAddr> = found.map_err(|e| e.to_string())?.collect();
        if !self.allow_link_local {
            addresses = permitted(host, addresses)?;
        }
        let mut why = format!("{host} has no address");
        for address in addresses {
            match TcpStream::connect(address)
                .await
                .and_then(TcpStream::into_std)
            {
                Ok(stream) => {
                    // Small requests are not held back for the answer to the one before.
                    stream.set_nodelay(true).map_err(|e| e.to_string())?;
                    return Ok(stream);
                }
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    }
}

fn invalid(message: impl Into<String>) -> ConnectorError {
    ConnectorError::new(ErrorKind::Invalid, message)
}

fn tls(ca_bundle: Option<&str>) -> Result<ClientConfig, ConnectorError> {
    let mut roots = RootCertStore::empty();
    // Where the system has none, the bundle is what there is.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = ca_bundle {
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(pem.as_bytes())
                .filter_map(Result::ok)
                .collect();
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(invalid("caBundle holds no readable PEM certificate"));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| invalid(format!("TLS can't be set up: {error}")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
