//! A real MariaDB, each test its own, on loopback.

use std::path::PathBuf;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::authority::Certified;
use super::process::{Tied, exercised, free_port, repository};
use super::targets::installed;
use super::wait::eventually;

static ROOT: OnceCell<PathBuf> = OnceCell::const_new();

/// A running server, started by `hack/targets/mariadb/start.sh`.
pub struct MariaDb {
    port: u16,
    password: String,
    certified: Certified,
    _folder: TempDir,
    process: Tied,
}

impl MariaDb {
    /// An empty one, with the databases `app`, which is Rollcall's, and `other`, which is not.
    pub async fn start() -> Self {
        let letters = std::iter::repeat_with(fastrand::alphanumeric);
        let password: String = letters.take(24).collect();
        let certified = Certified::new(&["127.0.0.1", "localhost"]);
        let folder = TempDir::new().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("cert.pem"), &certified.pem).unwrap();
        std::fs::write(file("key.pem"), certified.key.serialize_pem()).unwrap();
        let root = installed(&ROOT, "mariadb").await;
        let port = free_port();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let own = [
            ("MARIADB_ROOT", text(root.clone())),
            ("DIR", text(file("mariadb"))),
            ("PORT", port.to_string()),
            ("TLS_CERT", text(file("cert.pem"))),
            ("TLS_KEY", text(file("key.pem"))),
            ("PASSWORD", password.clone()),
        ];
        let environment: Vec<(&str, &str)> = own.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let script = repository("hack/targets/mariadb/start.sh");
        let nothing: [&str; 0] = [];
        let process = Tied::start(&script, nothing, &environment, &file("output.log"));
        let mut server = Self {
            port,
            password,
            certified,
            _folder: folder,
            process,
        };
        server.answers().await;
        exercised("MariaDB 10.11");
        server
    }

    async fn answers(&mut self) {
        eventually("MariaDB lets us in", async || {
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
            "url": format!("mariadb://127.0.0.1:{}/mysql", self.port),
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
        self.run(
            "app",
            "CREATE TABLE people (id bigint AUTO_INCREMENT PRIMARY KEY, login varchar(100) NOT NULL UNIQUE,
               rollcall varchar(190) UNIQUE, enabled boolean NOT NULL DEFAULT true,
               full_name varchar(300) NOT NULL, title varchar(300), password char(64));
             CREATE TABLE ssh_keys (person bigint);
             CREATE TABLE documents (owner bigint, title varchar(100));
             CREATE TABLE teams (id uuid PRIMARY KEY DEFAULT uuid(), name varchar(190) UNIQUE NOT NULL);
             CREATE TABLE team_people (team uuid, person bigint, PRIMARY KEY (team, person),
               FOREIGN KEY (team) REFERENCES teams (id) ON DELETE CASCADE,
               FOREIGN KEY (person) REFERENCES people (id) ON DELETE CASCADE)",
        )
        .await;
    }
}
