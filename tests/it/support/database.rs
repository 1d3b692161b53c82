//! A database server of `hack/targets/`, each test its own, on loopback.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::authority::Certified;
use super::process::{Tied, free_port, repository};
use super::targets::installed;
use super::wait::eventually;

/// One that runs.
pub struct Database {
    port: u16,
    password: String,
    certified: Certified,
    _folder: TempDir,
    process: Tied,
}

impl Database {
    /// Starts one by its `start.sh`. `word` is what it is called as a target of `hack/targets/install.sh`, and as a
    /// folder.
    pub async fn start(word: &'static str, root: &'static OnceCell<PathBuf>) -> Self {
        let letters = std::iter::repeat_with(fastrand::alphanumeric);
        let password: String = letters.take(24).collect();
        let certified = Certified::new(&["127.0.0.1", "localhost"]);
        let folder = TempDir::new().unwrap();
        // One that does not run as root must look into its folder.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("cert.pem"), &certified.pem).unwrap();
        std::fs::write(file("key.pem"), certified.key.serialize_pem()).unwrap();
        let root = installed(root, word).await;
        let port = free_port();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let root_variable = format!("{}_ROOT", word.to_uppercase());
        let own = [
            (&*root_variable, text(root.clone())),
            ("DIR", text(file(word))),
            ("PORT", port.to_string()),
            ("TLS_CERT", text(file("cert.pem"))),
            ("TLS_KEY", text(file("key.pem"))),
            ("PASSWORD", password.clone()),
        ];
        let environment: Vec<(&str, &str)> = own.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let script = repository(&format!("hack/targets/{word}/start.sh"));
        let nothing: [&str; 0] = [];
        let process = Tied::start(&script, nothing, &environment, &file("output.log"));
        Self {
            port,
            password,
            certified,
            _folder: folder,
            process,
        }
    }

    /// Waits until it lets somebody in.
    pub async fn lets_in<C>(&mut self, sign_in: impl AsyncFn(u16, &str) -> Option<C>) {
        eventually("the database lets us in", async || {
            let ended = self.process.ended();
            assert!(ended.is_none(), "it ended:\n{}", self.process.output());
            let signed_in = sign_in(self.port, &self.password).await;
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

    /// The password of the user `rollcall`, and of the administrator.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The authority that its certificate is from, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.certified.ca_pem
    }

    /// For `spec.sql`: the server's own users.
    pub fn users_at(&self, scheme: &str, database: &str) -> Value {
        let mut block = self.at(scheme, database);
        block["users"] = json!({});
        block
    }

    /// For `spec.sql`: the tables of an application in the database `app`, with these statements beside those that are
    /// the same everywhere.
    pub fn tables_at(&self, scheme: &str, own: Value) -> Value {
        let mut tables = json!({
            "list": "SELECT id, login AS username, rollcall AS mark, enabled AS active, full_name, title FROM people",
            "create": "INSERT INTO people (login, rollcall, enabled, full_name, title) VALUES (:username, :mark, :active, :full_name, :title)",
            "update": "UPDATE people SET login = :username, full_name = :full_name, title = :title WHERE id = :id",
            "disable": "UPDATE people SET enabled = false WHERE id = :id",
            "enable": "UPDATE people SET enabled = true WHERE id = :id",
            "mark": "UPDATE people SET rollcall = :mark WHERE id = :id",
            "delete": "DELETE FROM people WHERE id = :id",
            "transferOwnership": "UPDATE documents SET owner = :to WHERE owner = :from",
            "entitlements": {
                "list": "SELECT id, name FROM teams",
                "holders": "SELECT team AS entitlement, person AS account FROM team_people",
                "grant": "INSERT INTO team_people (team, person) VALUES (:entitlement, :account)",
                "revoke": "DELETE FROM team_people WHERE team = :entitlement AND person = :account",
                "create": "INSERT INTO teams (name) VALUES (:name)",
                "delete": "DELETE FROM teams WHERE id = :id",
            },
        });
        let Value::Object(own) = own else {
            panic!("no statements: {own}")
        };
        tables.as_object_mut().unwrap().extend(own);
        let mut block = self.at(scheme, "app");
        block["tables"] = tables;
        block
    }

    fn at(&self, scheme: &str, database: &str) -> Value {
        json!({
            "url": format!("{scheme}://{}/{database}", self.host()),
            "auth": {
                "username": "rollcall",
                "passwordSecretKeyRef": {"name": "directory", "key": "token"},
            },
        })
    }
}
