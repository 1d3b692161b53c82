//! Connections to MySQL or MariaDB, pooled.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder, SslOpts};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use super::failure::{read, refused};
use crate::connectors::address::resolved;
use crate::connectors::redact::Redactor;
use crate::connectors::sql::server::{NOT_REACHED, Purpose, ServerConfig, Stage};
use crate::connectors::{ConnectorError, ErrorKind, tls};

/// Longest time a connection may take to show that it is good.
const RECYCLE_WITHIN: Duration = Duration::from_secs(3);

/// A connection, which knows which of the two it leads to.
pub(super) struct Session {
    connection: Conn,
    version: String,
}

impl Session {
    /// What the server says of itself, such as `9.7.0` or `10.11.14-MariaDB`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }
}

impl Deref for Session {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.connection
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.connection
    }
}

/// One server.
pub struct MySql {
    pool: Pool<Opener>,
    opener: Opener,
}

/// Opens connections.
#[derive(Clone)]
pub(super) struct Opener {
    config: Arc<ServerConfig>,
    /// Authorities that are trusted, DER.
    authorities: Arc<Vec<Vec<u8>>>,
    redactor: Arc<Redactor>,
}

impl MySql {
    /// Prepares the pool. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a CA bundle that can't work.
    pub fn new(config: ServerConfig) -> Result<Self, ConnectorError> {
        let authorities = if config.encrypted {
            tls::authorities(config.ca_bundle.as_deref())?
        } else {
            Vec::new()
        };
        let opener = Opener {
            authorities: Arc::new(authorities),
            redactor: Arc::new(Redactor::new(vec![config.password.clone()])),
            config: Arc::new(config),
        };
        let size = opener.config.connections.max(1);
        let pool = Pool::builder(opener.clone()).max_size(size).build();
        let pool = pool.map_err(|e| ConnectorError::new(ErrorKind::Invalid, e.to_string()))?;
        Ok(Self { pool, opener })
    }

    /// A connection from the pool.
    pub(super) async fn connection(&self) -> Result<Object<Opener>, ConnectorError> {
        let config = &self.opener.config;
        match timeout(config.timeout, self.pool.get()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(other)) => Err(config.unreachable(&other.to_string())),
            Err(_) => Err(config.unreachable("no connection in time")),
        }
    }

    /// Whether a password lets a user in.
    pub(super) async fn lets_in(
        &self,
        user: &str,
        password: &SecretString,
    ) -> Result<bool, ConnectorError> {
        let config = &self.opener.config;
        let config = ServerConfig {
            username: user.to_owned(),
            password: password.clone(),
            // It need not be allowed into any.
            database: String::new(),
            ..(**config).clone()
        };
        let other = Opener {
            redactor: Arc::new(Redactor::new(vec![password.clone()])),
            config: Arc::new(config),
            authorities: Arc::clone(&self.opener.authorities),
        };
        match timeout(other.config.timeout, other.open()).await {
            Ok(Ok(connection)) => {
                // Whether it says farewell changes nothing.
                let _ = connection.connection.disconnect().await;
                Ok(true)
            }
            Ok(Err(error)) if error.kind == ErrorKind::Unauthorized => Ok(false),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(other.config.unreachable("no connection in time")),
        }
    }

    /// Reads an error.
    pub(super) fn failed(
        &self,
        what: &str,
        error: &mysql_async::Error,
        stage: Stage,
    ) -> ConnectorError {
        read(what, error, stage, &self.opener.redactor)
    }

    /// Bounds an operation.
    pub(super) async fn bounded<T>(
        &self,
        what: &str,
        stage: Stage,
        operation: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        self.opener.config.bounded(what, stage, operation).await
    }
}

impl Opener {
    async fn open(&self) -> Result<Session, ConnectorError> {
        let config = &self.config;
        let what = format!(
            "connecting to {}:{}/{} as {}",
            config.host, config.port, config.database, config.username
        );
        let addresses = resolved(&config.host, config.port, config.allow_link_local).await;
        let addresses = addresses.map_err(|why| {
            let message = format!("{what}: {}", self.redactor.clean(&why));
            ConnectorError::new(ErrorKind::Unreachable, message).with_remedy(NOT_REACHED)
        })?;
        let addresses: Vec<IpAddr> = addresses.iter().map(std::net::SocketAddr::ip).collect();
        let authorities = self.authorities.iter();
        let encryption = config.encrypted.then(|| {
            SslOpts::default()
                .with_disable_built_in_roots(true)
                .with_root_certs(authorities.map(|der| der.clone().into()).collect())
        });
        let database = Some(config.database.as_str()).filter(|name| !name.is_empty());
        let options = OptsBuilder::default()
            .ip_or_hostname(config.tls_name())
            .tcp_port(config.port)
            .resolved_ips(Some(addresses))
            .prefer_socket(false)
            .user(Some(&config.username))
            .pass(Some(config.password.expose_secret()))
            .db_name(database)
            .ssl_opts(encryption)
            .setup(self.settings());
        let opening = async {
            let mut connection = Conn::new(options).await?;
            let version = connection.query_first("SELECT @@version").await?;
            Ok(Session {
                connection,
                version: version.unwrap_or_default(),
            })
        };
        let opened = opening.await;
        opened.map_err(|error| refused(&what, &error, &self.redactor))
    }

    /// What every session begins with.
    fn settings(&self) -> Vec<String> {
        // A value that does not fit is an error, and is not cut.
        let mode = match self.config.purpose {
            // Our own statements know which escapes there are.
            Purpose::Users => "'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'",
            Purpose::Tables => "CONCAT(@@SESSION.sql_mode, ',STRICT_ALL_TABLES')",
        };
        let seconds = self.config.timeout.as_secs().max(1);
        // Each server skips what is written for the other.
        vec![format!(
            "SET SESSION sql_mode = {mode}, SESSION innodb_lock_wait_timeout = {seconds}, \
             SESSION lock_wait_timeout = {seconds} /*M! , SESSION max_statement_time = {seconds} */ \
             /*!50708 , SESSION max_execution_time = {} */",
            seconds * 1000
        )]
    }
}

impl Manager for Opener {
    type Type = Session;
    type Error = ConnectorError;

    async fn create(&self) -> Result<Session, ConnectorError> {
        self.open().await
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<ConnectorError> {
        // One that an operation was given up on may be waiting for the answer to it.
        if session.is_disconnected() {
            return Err(RecycleError::message("the connection was given up on"));
        }
        // Undoes what is open, lets go of what is locked.
        match timeout(RECYCLE_WITHIN, session.reset()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(_) => Err(RecycleError::message("the connection has ended")),
            Err(_) => Err(RecycleError::message("the connection does not answer")),
        }
    }
}
