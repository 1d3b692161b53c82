//! Connections to PostgreSQL, pooled.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::{read, refused};
use super::prepared::Connection;
use crate::connectors::address::dial;
use crate::connectors::redact::Redactor;
use crate::connectors::sql::server::{NOT_REACHED, Purpose, ServerConfig, Stage};
use crate::connectors::{ConnectorError, ErrorKind, tls};

/// Longest time a connection may take to show that it is good.
const RECYCLE_WITHIN: Duration = Duration::from_secs(3);

/// One server.
pub struct Postgres {
    pool: Pool<Opener>,
    opener: Opener,
    pub(super) redactor: Redactor,
}

/// Opens connections.
#[derive(Clone)]
pub struct Opener {
    config: Arc<ServerConfig>,
    tls: Arc<ClientConfig>,
}

impl Postgres {
    /// Prepares the pool. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a CA bundle that can't work.
    pub fn new(config: ServerConfig) -> Result<Self, ConnectorError> {
        let opener = Opener {
            tls: Arc::new(tls::client(config.ca_bundle.as_deref())?),
            config: Arc::new(config),
        };
        let size = opener.config.connections.max(1);
        let pool = Pool::builder(opener.clone()).max_size(size).build();
        let pool = pool.map_err(|e| ConnectorError::new(ErrorKind::Invalid, e.to_string()))?;
        Ok(Self {
            pool,
            redactor: Redactor::new(vec![opener.config.password.clone()]),
            opener,
        })
    }

    /// The role that we are.
    pub(super) fn own_role(&self) -> &str {
        &self.opener.config.username
    }

    /// The database that we are connected to.
    pub(super) fn database(&self) -> &str {
        &self.opener.config.database
    }

    /// A connection from the pool.
    pub(super) async fn client(&self) -> Result<Object<Opener>, ConnectorError> {
        match timeout(self.opener.config.timeout, self.pool.get()).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(other)) => Err(self.unreachable(&other.to_string())),
            Err(_) => Err(self.unreachable("no connection in time")),
        }
    }

    /// A connection to another database of the same server.
    pub(super) async fn client_of(&self, database: &str) -> Result<Client, ConnectorError> {
        match timeout(self.opener.config.timeout, self.opener.open(database)).await {
            Ok(client) => client,
            Err(_) => Err(self.unreachable("no connection in time")),
        }
    }

    /// Whether a password lets a role in.
    pub(super) async fn lets_in(
        &self,
        role: &str,
        password: &SecretString,
    ) -> Result<bool, ConnectorError> {
        let config = ServerConfig {
            username: role.to_owned(),
            password: password.clone(),
            ..(*self.opener.config).clone()
        };
        let other = Opener {
            config: Arc::new(config),
            tls: Arc::clone(&self.opener.tls),
        };
        match timeout(self.opener.config.timeout, other.open(self.database())).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) if error.kind == ErrorKind::Unauthorized => Ok(false),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(self.unreachable("no connection in time")),
        }
    }

    fn unreachable(&self, why: &str) -> ConnectorError {
        self.opener.config.unreachable(why)
    }

    /// Reads an error.
    pub(super) fn failed(
        &self,
        what: &str,
        error: &tokio_postgres::Error,
        stage: Stage,
    ) -> ConnectorError {
        read(what, error, stage, &self.redactor)
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
    async fn open(&self, database: &str) -> Result<Client, ConnectorError> {
        let config = &self.config;
        let redactor = Redactor::new(vec![config.password.clone()]);
        let what = format!(
            "connecting to {}:{}/{database} as {}",
            config.host, config.port, config.username
        );
        let unreachable = |why: &str| {
            let message = format!("{what}: {}", redactor.clean(why));
            ConnectorError::new(ErrorKind::Unreachable, message).with_remedy(NOT_REACHED)
        };
        let stream = dial(&config.host, config.port, config.allow_link_local, None).await;
        let stream = stream.map_err(|why| unreachable(&why))?;
        let mut settings = Config::new();
        settings
            .user(&config.username)
            .password(config.password.expose_secret())
            .dbname(database)
            .application_name("rollcall")
            .options(format!(
                "-c statement_timeout={0} -c lock_timeout={0}{1}",
                config.timeout.as_millis(),
                if config.purpose == Purpose::Users {
                    // Nobody's function stands in for one of the server's.
                    " -c search_path=pg_catalog"
                } else {
                    ""
                }
            ));
        let opened = if config.encrypted {
            settings.ssl_mode(SslMode::Require);
            let mut tls = MakeRustlsConnect::new((*self.tls).clone());
            let tls =
                <MakeRustlsConnect as MakeTlsConnect<tokio::net::TcpStream>>::make_tls_connect(
                    &mut tls,
                    config.tls_name(),
                );
            let tls = tls.map_err(|error| unreachable(&error.to_string()))?;
            let opened = settings.connect_raw(stream, tls).await;
            opened.map(|(client, connection)| {
                tokio::spawn(connection);
                client
            })
        } else {
            settings.ssl_mode(SslMode::Disable);
            let opened = settings.connect_raw(stream, NoTls).await;
            opened.map(|(client, connection)| {
                tokio::spawn(connection);
                client
            })
        };
        opened.map_err(|error| refused(&what, &error, &redactor))
    }
}

impl Manager for Opener {
    type Type = Connection;
    type Error = ConnectorError;

    async fn create(&self) -> Result<Connection, ConnectorError> {
        self.open(&self.config.database).await.map(Connection::new)
    }

    async fn recycle(
        &self,
        client: &mut Connection,
        used: &Metrics,
    ) -> RecycleResult<ConnectorError> {
        if client.is_closed() {
            return Err(RecycleError::message("the connection has ended"));
        }
        // An operation that was given up on took longer, and what was begun and dropped is rolled back already.
        if used.last_used() < self.config.timeout {
            return Ok(());
        }
        // One that an operation was given up on may hang, or be in the middle of something.
        match timeout(RECYCLE_WITHIN, client.simple_query("ROLLBACK")).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(RecycleError::message("the connection has ended")),
            Err(_) => Err(RecycleError::message("the connection does not answer")),
        }
    }
}
