//! A real PostgreSQL, each test its own, on loopback.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, Config, NoTls};

use super::authority::Certified;
use super::process::{Tied, exercised, free_port, repository};
use super::targets::installed;
use super::wait::eventually;

static ROOT: OnceCell<PathBuf> = OnceCell::const_new();

/// A running server, started by `hack/targets/postgres/start.sh`.
pub struct Postgres {
    port: u16,
    password: String,
    certified: Certified,
    _folder: TempDir,
    process: Tied,
}

impl Postgres {
    /// An empty one, with the databases `app`, which is Rollcall's, and `other`, which is not.
    pub async fn start() -> Self {
        let letters = std::iter::repeat_with(fastrand::alphanumeric);
        let password: String = letters.take(24).collect();
        let certified = Certified::new(&["127.0.0.1", "localhost"]);
        let folder = TempDir::new().unwrap();
        // It does not run as root, and must look into its folder.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("cert.pem"), &certified.pem).unwrap();
        std::fs::write(file("key.pem"), certified.key.serialize_pem()).unwrap();
        let root = installed(&ROOT, "postgres").await;
        let port = free_port();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let own = [
            ("POSTGRES_ROOT", text(root.clone())),
            ("DIR", text(file("postgres"))),
            ("PORT", port.to_string()),
            ("TLS_CERT", text(file("cert.pem"))),
            ("TLS_KEY", text(file("key.pem"))),
            ("PASSWORD", password.clone()),
        ];
        let environment: Vec<(&str, &str)> = own.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let script = repository("hack/targets/postgres/start.sh");
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
        exercised("PostgreSQL 15");
        server
    }

    async fn answers(&mut self) {
        eventually("PostgreSQL lets us in", async || {
            let ended = self.process.ended();
            assert!(ended.is_none(), "it ended:\n{}", self.process.output());
            let signed_in = self.sign_in("postgres", &self.password, "postgres").await;
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

    /// The password of the role `rollcall`.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The authority that its certificate is from, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.certified.ca_pem
    }

    /// A connection as somebody. `None` where that is refused.
    pub async fn sign_in(&self, role: &str, password: &str, database: &str) -> Option<Client> {
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(self.port)
            .user(role)
            .password(password)
            .dbname(database);
        let (client, connection) = config.connect(NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    }

    /// A connection as the superuser.
    pub async fn admin(&self, database: &str) -> Client {
        let signed_in = self.sign_in("postgres", &self.password, database).await;
        signed_in.unwrap()
    }

    /// The first column of a query, as the superuser.
    pub async fn column(&self, database: &str, query: &str) -> Vec<String> {
        let rows = self.admin(database).await.query(query, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// For `spec.sql`: the server's own roles.
    pub fn users(&self) -> Value {
        json!({
            "url": format!("postgres://127.0.0.1:{}/postgres", self.port),
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
            "url": format!("postgres://127.0.0.1:{}/app", self.port),
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
                "revokeSessions": "DELETE FROM sessions WHERE person = :id",
                "listSessions": "SELECT person AS account FROM sessions",
                "revokeTokens": "UPDATE tokens SET ended = true WHERE person = :id",
                "revokePasswords": "UPDATE people SET password = NULL WHERE id = :id",
                "listPasswords": "SELECT id AS account FROM people WHERE password IS NOT NULL",
                "listOwned": "SELECT owner AS account, 'document ' || title AS thing FROM documents",
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
        let owner = self
            .sign_in("rollcall", &self.password, "app")
            .await
            .unwrap();
        owner
            .batch_execute(
                "CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                   login text NOT NULL, rollcall text UNIQUE, enabled boolean NOT NULL DEFAULT true,
                   full_name text NOT NULL, title text, password text);
                 CREATE TABLE sessions (person bigint REFERENCES people ON DELETE CASCADE);
                 CREATE TABLE tokens (person bigint REFERENCES people ON DELETE CASCADE, ended boolean NOT NULL DEFAULT false);
                 CREATE TABLE documents (owner bigint REFERENCES people, title text);
                 CREATE UNIQUE INDEX ON people (lower(login));
                 CREATE TABLE teams (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text UNIQUE NOT NULL);
                 CREATE TABLE team_people (team uuid REFERENCES teams ON DELETE CASCADE,
                   person bigint REFERENCES people ON DELETE CASCADE, PRIMARY KEY (team, person));",
            )
            .await
            .unwrap();
    }
}
