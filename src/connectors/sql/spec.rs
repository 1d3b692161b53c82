//! From the `sql` block of an `AppConnector` to a connector. The only file of this folder that sees the API.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::config::{
    EntitlementStatements, OwnershipStatements, RevokingStatements, TablesConfig, revoking_fields,
};
use super::database::Database;
use super::dialect::Dialect;
use super::mysql::MySql;
use super::mysql::users::MySqlUsers;
use super::postgres::Postgres;
use super::postgres::users::PostgresUsers;
use super::server::{Purpose, ServerConfig};
use super::statement::Statement;
use super::tables::Tables;
use crate::api::AppConnectorSpec;
use crate::api::app_connector::{
    Manager, Sql, SqlEncryption, SqlEntitlements, SqlStatement, SqlTables, SqlUsers,
};
use crate::api::duration;
use crate::connectors::address::check_literal;
use crate::connectors::registry::{Credentials, Protocol};
use crate::connectors::{ConnectorError, SharedConnector};
use crate::domain::credentials::CredentialKind;
use crate::domain::problem::Problem;
use crate::runtime::secrets::Destination;

/// The ports that databases have by themselves.
fn usual_port(dialect: Dialect) -> u16 {
    match dialect {
        Dialect::Postgres => 5432,
        Dialect::MySql => 3306,
    }
}

fn port(url: &Url) -> u16 {
    url.port().unwrap_or(usual_port(dialect(url)))
}

/// What the scheme of an address says.
fn dialect(url: &Url) -> Dialect {
    match url.scheme() {
        "mysql" | "mariadb" => Dialect::MySql,
        _ => Dialect::Postgres,
    }
}

/// Connections beside those that dispatch uses: a leaver's, a listing's.
const MORE: usize = 2;

/// SQL, as the registry knows it.
pub const PROTOCOL: Protocol = Protocol {
    word: "SQL",
    is_used: |spec| spec.sql.is_some(),
    block: |spec| serde_json::to_value(&spec.sql).unwrap_or_default(),
    target: |spec| {
        let sql = spec.sql.as_ref()?;
        let url = url(sql).ok()?;
        let place = format!("sql {}:{}", url.host_str()?, port(&url));
        // Users are the server's, tables are one database's.
        Some(match sql.tables {
            Some(_) => format!("{place}{}", url.path()),
            None => place,
        })
    },
    manager_attribute: "manager",
    membership_limit: |_| None,
    own_account: |spec| spec.sql.as_ref().map(|sql| sql.auth.username.clone()),
    open,
};

fn bad_url() -> Problem {
    Problem::edit(
        "BadUrl",
        "spec.sql.url is no usable URL: write it as postgres://db.example.com:5432/app or mysql://db.example.com:3306/app",
    )
}

fn url(sql: &Sql) -> Result<Url, Problem> {
    let url = Url::parse(&sql.url).map_err(|_| bad_url())?;
    let plain = matches!(
        url.scheme(),
        "postgres" | "postgresql" | "mysql" | "mariadb"
    ) && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.path().len() > 1;
    plain.then_some(url).ok_or_else(bad_url)
}

fn open(
    spec: &AppConnectorSpec,
    credentials: &mut Credentials<'_>,
) -> Result<SharedConnector, Problem> {
    let Some(sql) = &spec.sql else {
        return Err(Problem::edit("NoProtocol", "spec.sql is missing"));
    };
    let url = url(sql)?;
    // What only an edit cures is told first, whether or not the credential is there yet.
    connector(spec, sql, &url, SecretString::from("placeholder"))?;
    let host = url.host_str().ok_or_else(bad_url)?;
    let to = Destination {
        host: format!("{host}:{}", port(&url)),
        encrypted: sql.encryption == SqlEncryption::Required,
    };
    let password = credentials(&sql.auth.password_secret_key_ref, &to)?;
    connector(spec, sql, &url, password)
}

fn connector(
    spec: &AppConnectorSpec,
    sql: &Sql,
    url: &Url,
    password: SecretString,
) -> Result<SharedConnector, Problem> {
    if let Some(wanted) = &spec.account.initial_password {
        if wanted.must_change {
            return Err(Problem::edit(
                "Unsupported",
                "spec.account.initialPassword.mustChange: a database has no way to ask for that: set it to false",
            ));
        }
        let takes_none = sql
            .tables
            .as_ref()
            .is_some_and(|tables| !tables.create.0.contains(":password"));
        if takes_none {
            return Err(Problem::edit(
                "InvalidValue",
                "spec.account.initialPassword: spec.sql.tables.create has no :password to put it, so that nobody could use it: add it there",
            ));
        }
        if sql.encryption == SqlEncryption::None && sql.tables.is_some() {
            return Err(Problem::edit(
                "InvalidValue",
                "spec.account.initialPassword: passwords would travel in clear: leave spec.sql.encryption as it is",
            ));
        }
    }
    if spec.account.manager == Manager::FromManagerRef && sql.users.is_some() {
        return Err(Problem::edit(
            "Unsupported",
            "spec.account.manager: users of a database have no manager: set it to Unmanaged",
        ));
    }
    let told = |error: ConnectorError| Problem::edit(error.kind.reason(), error.message);
    if !spec.sync.allow_link_local {
        check_literal("spec.sql.url", url).map_err(told)?;
    }
    let own = |users: &SqlUsers| users.successor.as_ref() == Some(&sql.auth.username);
    if sql.users.as_ref().is_some_and(own) {
        return Err(Problem::edit(
            "InvalidValue",
            "spec.sql.users.successor: functions of a user would run with the rights of Rollcall's own role: name another, which can't sign in",
        ));
    }
    let config = ServerConfig {
        host: url.host_str().unwrap_or_default().to_owned(),
        port: port(url),
        database: url.path().trim_start_matches('/').to_owned(),
        username: sql.auth.username.clone(),
        password,
        encrypted: sql.encryption == SqlEncryption::Required,
        ca_bundle: spec.sync.tls.as_ref().map(|tls| tls.ca_bundle.clone()),
        allow_link_local: spec.sync.allow_link_local,
        purpose: if sql.users.is_some() {
            Purpose::Users
        } else {
            Purpose::Tables
        },
        timeout: duration::parse(&spec.sync.timeout).unwrap_or(Duration::from_secs(30)),
        connections: usize::from(spec.sync.concurrency) + MORE,
    };
    let mut managed: Vec<String> = spec.observed_attributes().into_iter().collect();
    if let Some(tables) = &sql.tables {
        if spec.account.manager == Manager::FromManagerRef {
            managed.push(PROTOCOL.manager_attribute.to_owned());
        }
        let dialect = dialect(url);
        let database: Arc<dyn Database> = match dialect {
            Dialect::Postgres => Arc::new(Postgres::new(config).map_err(told)?),
            Dialect::MySql => Arc::new(MySql::new(config).map_err(told)?),
        };
        let statements = statements(tables, dialect, managed)?;
        return Ok(Arc::new(Tables::new(database, statements).map_err(told)?));
    }
    let users = sql.users.clone().unwrap_or_default();
    Ok(match dialect(url) {
        Dialect::Postgres => {
            Arc::new(PostgresUsers::new(config, users.successor, &managed).map_err(told)?)
        }
        Dialect::MySql => {
            if users.successor.is_some() {
                return Err(Problem::edit(
                    "Unsupported",
                    "spec.sql.users.successor: nothing in MySQL or MariaDB belongs to a user: leave it out",
                ));
            }
            Arc::new(MySqlUsers::new(config, users.host, &managed).map_err(told)?)
        }
    })
}

fn statement(field: &str, text: &SqlStatement, dialect: Dialect) -> Result<Statement, Problem> {
    Statement::parse(&text.0, dialect)
        .map_err(|why| Problem::edit("BadStatement", format!("spec.sql.tables.{field}: {why}")))
}

fn maybe(
    field: &str,
    text: Option<&SqlStatement>,
    dialect: Dialect,
) -> Result<Option<Statement>, Problem> {
    text.map(|text| statement(field, text, dialect)).transpose()
}

fn statements(
    tables: &SqlTables,
    dialect: Dialect,
    managed: Vec<String>,
) -> Result<TablesConfig, Problem> {
    let entitlements = tables.entitlements.as_ref();
    let entitlements = entitlements.map(|of| self::entitlements(of, dialect));
    Ok(TablesConfig {
        list: statement("list", &tables.list, dialect)?,
        create: statement("create", &tables.create, dialect)?,
        update: maybe("update", tables.update.as_ref(), dialect)?,
        disable: maybe("disable", tables.disable.as_ref(), dialect)?,
        enable: maybe("enable", tables.enable.as_ref(), dialect)?,
        delete: maybe("delete", tables.delete.as_ref(), dialect)?,
        mark: maybe("mark", tables.mark.as_ref(), dialect)?,
        entitlements: entitlements.transpose()?,
        revoking: revoking(tables, dialect)?,
        ownership: ownership(tables, dialect)?,
        managed,
    })
}

/// What takes credentials away, each with what proves it.
fn revoking(
    tables: &SqlTables,
    dialect: Dialect,
) -> Result<BTreeMap<CredentialKind, RevokingStatements>, Problem> {
    let mut all = BTreeMap::new();
    for kind in CredentialKind::ALL {
        let (revoke, list) = match kind {
            CredentialKind::Sessions => (&tables.revoke_sessions, &tables.list_sessions),
            CredentialKind::Tokens => (&tables.revoke_tokens, &tables.list_tokens),
            CredentialKind::Keys => (&tables.revoke_keys, &tables.list_keys),
            CredentialKind::Passwords => (&tables.revoke_passwords, &tables.list_passwords),
        };
        let (revokes, lists) = revoking_fields(kind);
        let list = maybe(lists, list.as_ref(), dialect)?;
        match (maybe(revokes, revoke.as_ref(), dialect)?, list) {
            (Some(revoke), list) => {
                all.insert(kind, RevokingStatements { revoke, list });
            }
            (None, Some(_)) => return Err(half(lists, revokes)),
            (None, None) => {}
        }
    }
    Ok(all)
}

fn ownership(tables: &SqlTables, dialect: Dialect) -> Result<Option<OwnershipStatements>, Problem> {
    let (lists, transfers) = ("listOwned", "transferOwnership");
    let list = maybe(lists, tables.list_owned.as_ref(), dialect)?;
    let transfer = maybe(transfers, tables.transfer_ownership.as_ref(), dialect)?;
    match (list, transfer) {
        (Some(list), Some(transfer)) => Ok(Some(OwnershipStatements { list, transfer })),
        (Some(_), None) => Err(half(lists, transfers)),
        (None, Some(_)) => Err(half(transfers, lists)),
        (None, None) => Ok(None),
    }
}

/// Of two statements that belong together, one is missing. A manifest that was not through an API server may have that.
fn half(there: &str, missing: &str) -> Problem {
    Problem::edit(
        "InvalidValue",
        format!(
            "spec.sql.tables.{there} is of no use without {missing}: set that as well, or take it out"
        ),
    )
}

fn entitlements(of: &SqlEntitlements, dialect: Dialect) -> Result<EntitlementStatements, Problem> {
    Ok(EntitlementStatements {
        list: statement("entitlements.list", &of.list, dialect)?,
        holders: statement("entitlements.holders", &of.holders, dialect)?,
        grant: statement("entitlements.grant", &of.grant, dialect)?,
        revoke: statement("entitlements.revoke", &of.revoke, dialect)?,
        create: maybe("entitlements.create", of.create.as_ref(), dialect)?,
        delete: maybe("entitlements.delete", of.delete.as_ref(), dialect)?,
    })
}
