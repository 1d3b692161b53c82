//! A real MySQL or MariaDB, each test its own, on loopback.

use std::marker::PhantomData;
use std::ops::Deref;
use std::path::PathBuf;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::database::Database;
use super::process::exercised;

/// Which of the two, and what a test must know of it beside what both have.
pub trait Product: Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;
    /// The same in small letters: of a target of `hack/targets/install.sh`, of its folder, and of an address.
    const WORD: &'static str;
    /// A type for identifiers like those that `uuid()` gives.
    const UUID: &'static str;
    /// Longest name of a user or role.
    const LONGEST: usize;
    /// All users and roles.
    const EVERYBODY: &'static str;
    /// Roles that count for whoever is signed in, but for the one that is their own.
    const ROLES: &'static str;
    /// Of each user: name, host, `1` where it is locked, the own role that it begins with, and the mark.
    const USERS: &'static str;
    /// Who was given which role: role, name, host.
    const GIVEN: &'static str;

    /// Where it was installed.
    fn root() -> &'static OnceCell<PathBuf>;

    /// The role that somebody with a mark begins with.
    fn own_role(mark: &str) -> String;

    /// How names of own roles begin where all marks begin with `it/`.
    const OWN_ROLES: &'static str;
}

pub enum OfMariaDb {}

impl Product for OfMariaDb {
    const NAME: &'static str = "MariaDB";
    const WORD: &'static str = "mariadb";
    const UUID: &'static str = "uuid";
    const LONGEST: usize = 128;
    const EVERYBODY: &'static str =
        "SELECT CONCAT(User, '@', Host) FROM mysql.global_priv ORDER BY 1";
    const ROLES: &'static str = "SELECT ROLE_NAME FROM information_schema.ENABLED_ROLES
                                 WHERE ROLE_NAME NOT LIKE '%/%' ORDER BY 1";
    const USERS: &'static str = "SELECT u.User AS name, u.Host AS host, JSON_VALUE(u.Priv, '$.account_locked') AS locked,
                                   JSON_VALUE(u.Priv, '$.default_role') AS begins,
                                   (SELECT GROUP_CONCAT(r.Role) FROM mysql.roles_mapping r WHERE r.User = u.User
                                     AND r.Host = u.Host AND r.Role LIKE '%/%/%') AS mark
                                 FROM mysql.global_priv u WHERE JSON_VALUE(u.Priv, '$.is_role') IS NULL";
    const GIVEN: &'static str =
        "SELECT Role AS role, User AS name, Host AS host FROM mysql.roles_mapping";
    const OWN_ROLES: &'static str = "it/";

    fn root() -> &'static OnceCell<PathBuf> {
        static ROOT: OnceCell<PathBuf> = OnceCell::const_new();
        &ROOT
    }

    fn own_role(mark: &str) -> String {
        mark.to_owned()
    }
}

pub enum OfMySql {}

impl Product for OfMySql {
    const NAME: &'static str = "MySQL";
    const WORD: &'static str = "mysql";
    const UUID: &'static str = "char(36)";
    const LONGEST: usize = 32;
    const EVERYBODY: &'static str = "SELECT CONCAT(User, '@', Host) FROM mysql.user ORDER BY 1";
    const ROLES: &'static str = "SELECT a.ROLE_NAME FROM information_schema.APPLICABLE_ROLES a
                                 JOIN information_schema.ENABLED_ROLES e ON e.ROLE_NAME = a.GRANTEE ORDER BY 1";
    const USERS: &'static str = "SELECT u.User AS name, u.Host AS host, u.account_locked = 'Y' AS locked,
                                   (SELECT GROUP_CONCAT(DEFAULT_ROLE_USER) FROM mysql.default_roles d
                                     WHERE d.USER = u.User AND d.HOST = u.Host AND DEFAULT_ROLE_USER LIKE 'rollcall:%') AS begins,
                                   JSON_VALUE(u.User_attributes, '$.metadata.rollcall') AS mark
                                 FROM mysql.user u WHERE u.authentication_string <> ''";
    const GIVEN: &'static str =
        "SELECT FROM_USER AS role, TO_USER AS name, TO_HOST AS host FROM mysql.role_edges";
    const OWN_ROLES: &'static str = "rollcall:";

    fn root() -> &'static OnceCell<PathBuf> {
        static ROOT: OnceCell<PathBuf> = OnceCell::const_new();
        &ROOT
    }

    fn own_role(mark: &str) -> String {
        let digest = Sha256::digest(mark.as_bytes());
        let digits = digest.iter().take(11).map(|byte| format!("{byte:02x}"));
        format!("rollcall:{}", digits.collect::<String>())
    }
}

pub type MariaDb = MySqlServer<OfMariaDb>;
pub type MySql = MySqlServer<OfMySql>;

/// A running server, started by `hack/targets/mariadb/start.sh` or `hack/targets/mysql/start.sh`.
pub struct MySqlServer<P> {
    database: Database,
    product: PhantomData<P>,
}

impl<P> Deref for MySqlServer<P> {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl<P: Product> MySqlServer<P> {
    /// An empty one, with the databases `app`, which is Rollcall's, and `other`, which is not.
    pub async fn start() -> Self {
        let mut database = Database::start(P::WORD, P::root()).await;
        let root = async |port, password: &str| connected(port, "root", password, "").await;
        database.lets_in(root).await;
        let server = Self {
            database,
            product: PhantomData,
        };
        let version = server.column("", "SELECT SUBSTRING_INDEX(@@version, '.', 2)");
        exercised(&format!("{} {}", P::NAME, version.await[0]));
        server
    }

    /// A connection as somebody. `None` where that is refused.
    pub async fn sign_in(&self, user: &str, password: &str, database: &str) -> Option<Conn> {
        connected(self.port(), user, password, database).await
    }

    /// Runs statements as the administrator.
    pub async fn run(&self, database: &str, statements: &str) {
        let signed_in = self.sign_in("root", self.password(), database).await;
        signed_in.unwrap().query_drop(statements).await.unwrap();
    }

    /// The first column of a query, as the administrator.
    pub async fn column(&self, database: &str, query: &str) -> Vec<String> {
        let signed_in = self.sign_in("root", self.password(), database).await;
        signed_in.unwrap().query(query).await.unwrap()
    }

    /// For `spec.sql`: the server's own users.
    pub fn users(&self) -> Value {
        self.users_at(P::WORD, "mysql")
    }

    /// For `spec.sql`: the tables of an application, made by [`Self::app`].
    pub fn tables(&self) -> Value {
        let own = json!({
            "revokeKeys": "DELETE FROM ssh_keys WHERE person = :id",
            "listKeys": "SELECT person AS account FROM ssh_keys",
            "revokePasswords": "UPDATE people SET password = SHA2(:password, 256) WHERE id = :id",
            "listOwned": "SELECT owner AS account, title AS thing FROM documents",
        });
        self.tables_at("mysql", own)
    }

    /// Makes the tables of an application.
    pub async fn app(&self) {
        let uuid = P::UUID;
        let tables = format!(
            "CREATE TABLE people (id bigint AUTO_INCREMENT PRIMARY KEY, login varchar(100) NOT NULL UNIQUE,
               rollcall varchar(190) UNIQUE, enabled boolean NOT NULL DEFAULT true,
               full_name varchar(300) NOT NULL, title varchar(300), password char(64));
             CREATE TABLE ssh_keys (person bigint);
             CREATE TABLE documents (owner bigint, title varchar(100));
             CREATE TABLE teams (id {uuid} PRIMARY KEY DEFAULT (uuid()), name varchar(190) UNIQUE NOT NULL);
             CREATE TABLE team_people (team {uuid}, person bigint, PRIMARY KEY (team, person),
               FOREIGN KEY (team) REFERENCES teams (id) ON DELETE CASCADE,
               FOREIGN KEY (person) REFERENCES people (id) ON DELETE CASCADE)"
        );
        self.run("app", &tables).await;
    }
}

async fn connected(port: u16, user: &str, password: &str, database: &str) -> Option<Conn> {
    let options = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(port)
        .prefer_socket(false)
        .user(Some(user))
        .pass(Some(password))
        .db_name(Some(database).filter(|name| !name.is_empty()));
    Conn::new(options).await.ok()
}
