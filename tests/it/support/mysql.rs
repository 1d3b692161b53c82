//! A real MySQL or MariaDB, each test its own, on loopback.

use std::marker::PhantomData;
use std::path::PathBuf;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::authority::Certified;
use super::process::{Tied, exercised, free_port, repository};
use super::targets::installed;
use super::wait::eventually;

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
    port: u16,
    password: String,
    certified: Certified,
    _folder: TempDir,
    process: Tied,
    product: PhantomData<P>,
}

impl<P: Product> MySqlServer<P> {
    /// An empty one, with the databases `app`, which is Rollcall's, and `other`, which is not.
    pub async fn start() -> Self {
        let letters = std::iter::repeat_with(fastrand::alphanumeric);
        let password: String = letters.take(24).collect();
        let certified = Certified::new(&["127.0.0.1", "localhost"]);
        let folder = TempDir::new().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("cert.pem"), &certified.pem).unwrap();
        std::fs::write(file("key.pem"), certified.key.serialize_pem()).unwrap();
        let root = installed(P::root(), P::WORD).await;
        let port = free_port();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let root_variable = format!("{}_ROOT", P::WORD.to_uppercase());
        let own = [
            (&*root_variable, text(root.clone())),
            ("DIR", text(file(P::WORD))),
            ("PORT", port.to_string()),
            ("TLS_CERT", text(file("cert.pem"))),
            ("TLS_KEY", text(file("key.pem"))),
            ("PASSWORD", password.clone()),
        ];
        let environment: Vec<(&str, &str)> = own.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let script = repository(&format!("hack/targets/{}/start.sh", P::WORD));
        let nothing: [&str; 0] = [];
        let process = Tied::start(&script, nothing, &environment, &file("output.log"));
        let mut server = Self {
            port,
            password,
            certified,
            _folder: folder,
            process,
            product: PhantomData,
        };
        server.answers().await;
        let version = server.column("", "SELECT SUBSTRING_INDEX(@@version, '.', 2)");
        exercised(&format!("{} {}", P::NAME, version.await[0]));
        server
    }

    async fn answers(&mut self) {
        eventually("it lets us in", async || {
            let ended = self.process.ended();
            assert!(ended.is_none(), "it ended:\n{}", self.process.output());
            let signed_in = self.sign_in("root", &self.password, "").await;
            signed_in.map(drop).ok_or_else(|| self.process.output())
        })
        .await;
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// For the annotation of a Secret.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The password of the user `rollcall`.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The authority that its certificate is from, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.certified.ca_pem
    }

    /// A connection as somebody. `None` where that is refused.
    pub async fn sign_in(&self, user: &str, password: &str, database: &str) -> Option<Conn> {
        let options = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(self.port)
            .prefer_socket(false)
            .user(Some(user))
            .pass(Some(password))
            .db_name(Some(database).filter(|name| !name.is_empty()));
        Conn::new(options).await.ok()
    }

    /// Runs statements as the administrator.
    pub async fn run(&self, database: &str, statements: &str) {
        let signed_in = self.sign_in("root", &self.password, database).await;
        signed_in.unwrap().query_drop(statements).await.unwrap();
    }

    /// The first column of a query, as the administrator.
    pub async fn column(&self, database: &str, query: &str) -> Vec<String> {
        let signed_in = self.sign_in("root", &self.password, database).await;
        signed_in.unwrap().query(query).await.unwrap()
    }

    /// For `spec.sql`: the server's own users.
    pub fn users(&self) -> Value {
        json!({
            "url": format!("{}://127.0.0.1:{}/mysql", P::WORD, self.port),
            "auth": {
                "username": "rollcall",
                "passwordSecretKeyRef": {"name": "directory", "key": "token"},
            },
            "users": {},
        })
    }

    /// For `spec.sql`: the tables of an application, made by [`Self::app`].
    pub fn tables(&self) -> Value {
        json!({
            "url": format!("mysql://127.0.0.1:{}/app", self.port),
            "auth": {
                "username": "rollcall",
                "passwordSecretKeyRef": {"name": "directory", "key": "token"},
            },
            "tables": {
                "list": "SELECT id, login AS username, rollcall AS mark, enabled AS active, full_name, title FROM people",
                "create": "INSERT INTO people (login, rollcall, enabled, full_name, title) VALUES (:username, :mark, :active, :full_name, :title)",
                "update": "UPDATE people SET login = :username, full_name = :full_name, title = :title WHERE id = :id",
                "disable": "UPDATE people SET enabled = false WHERE id = :id",
                "enable": "UPDATE people SET enabled = true WHERE id = :id",
                "mark": "UPDATE people SET rollcall = :mark WHERE id = :id",
                "delete": "DELETE FROM people WHERE id = :id",
                "revokeKeys": "DELETE FROM ssh_keys WHERE person = :id",
                "listKeys": "SELECT person AS account FROM ssh_keys",
                "revokePasswords": "UPDATE people SET password = SHA2(:password, 256) WHERE id = :id",
                "listOwned": "SELECT owner AS account, title AS thing FROM documents",
                "transferOwnership": "UPDATE documents SET owner = :to WHERE owner = :from",
                "entitlements": {
                    "list": "SELECT id, name FROM teams",
                    "holders": "SELECT team AS entitlement, person AS account FROM team_people",
                    "grant": "INSERT INTO team_people (team, person) VALUES (:entitlement, :account)",
                    "revoke": "DELETE FROM team_people WHERE team = :entitlement AND person = :account",
                    "create": "INSERT INTO teams (name) VALUES (:name)",
                    "delete": "DELETE FROM teams WHERE id = :id",
                },
            },
        })
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
