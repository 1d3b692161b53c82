//! A real PostgreSQL, each test its own, on loopback.

use std::ops::Deref;
use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, Config, NoTls};

use super::database::Database;
use super::process::exercised;

static ROOT: OnceCell<PathBuf> = OnceCell::const_new();

/// A running server, started by `hack/targets/postgres/start.sh`.
pub struct Postgres(Database);

impl Deref for Postgres {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.0
    }
}

impl Postgres {
    /// An empty one, with the databases `app`, which is Rollcall's, and `other`, which is not.
    pub async fn start() -> Self {
        let mut database = Database::start("postgres", &ROOT).await;
        let admin =
            async |port, password: &str| connected(port, "postgres", password, "postgres").await;
        database.lets_in(admin).await;
        exercised("PostgreSQL 15");
        Self(database)
    }

    /// A connection as somebody. `None` where that is refused.
    pub async fn sign_in(&self, role: &str, password: &str, database: &str) -> Option<Client> {
        connected(self.port(), role, password, database).await
    }

    /// A connection as the superuser.
    pub async fn admin(&self, database: &str) -> Client {
        let signed_in = self.sign_in("postgres", self.password(), database).await;
        signed_in.unwrap()
    }

    /// The first column of a query, as the superuser.
    pub async fn column(&self, database: &str, query: &str) -> Vec<String> {
        let rows = self.admin(database).await.query(query, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// For `spec.sql`: the server's own roles.
    pub fn users(&self) -> Value {
        self.users_at("postgres", "postgres")
    }

    /// For `spec.sql`: the tables of an application, made by [`Self::app`].
    pub fn tables(&self) -> Value {
        let own = json!({
            "revokeSessions": "DELETE FROM sessions WHERE person = :id",
            "listSessions": "SELECT person AS account FROM sessions",
            "revokeTokens": "UPDATE tokens SET ended = true WHERE person = :id",
            "revokePasswords": "UPDATE people SET password = NULL WHERE id = :id",
            "listPasswords": "SELECT id AS account FROM people WHERE password IS NOT NULL",
            "listOwned": "SELECT owner AS account, 'document ' || title AS thing FROM documents",
        });
        self.tables_at("postgres", own)
    }

    /// Makes the tables of an application.
    pub async fn app(&self) {
        let owner = self
            .sign_in("rollcall", self.password(), "app")
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

async fn connected(port: u16, role: &str, password: &str, database: &str) -> Option<Client> {
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(port)
        .user(role)
        .password(password)
        .dbname(database);
    let (client, connection) = config.connect(NoTls).await.ok()?;
    tokio::spawn(connection);
    Some(client)
}
