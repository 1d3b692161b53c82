//! A real OpenLDAP, each test its own, on loopback.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ldap3::{LdapConnAsync, SearchEntry};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::audit_log;
use super::authority::Certified;
use super::directory::Looker;
use super::process::{Tied, exercised, free_port, repository};
use super::targets::installed;
use super::wait::eventually;

static ROOT: OnceCell<PathBuf> = OnceCell::const_new();

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let into = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &into);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), into).unwrap();
        }
    }
}

/// Everything in it is below this entry.
pub const SUFFIX: &str = "dc=example,dc=org";
/// Whom Rollcall is there.
pub const BIND_DN: &str = "cn=rollcall,dc=example,dc=org";

/// A running slapd, started by `hack/targets/openldap/start.sh`.
pub struct OpenLdap {
    port: u16,
    tls_port: u16,
    password: String,
    certified: Certified,
    folder: TempDir,
    options: Vec<(String, String)>,
    process: Option<Tied>,
}

impl OpenLdap {
    /// One with the usual overlays.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// One with options of the script that starts it, such as `REFINT=0`.
    pub async fn with(options: &[(&str, &str)]) -> Self {
        let letters = std::iter::repeat_with(fastrand::alphanumeric);
        let mut server = Self {
            port: free_port(),
            tls_port: free_port(),
            password: letters.take(24).collect(),
            certified: Certified::new(&["127.0.0.1", "localhost"]),
            folder: TempDir::new().unwrap(),
            options: options
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            process: None,
        };
        let file = |name: &str| server.folder.path().join(name);
        std::fs::write(file("cert.pem"), &server.certified.pem).unwrap();
        std::fs::write(file("key.pem"), server.certified.key.serialize_pem()).unwrap();
        server.run().await;
        server
    }

    /// Stops it. What it holds is there when it is started again.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Copies what it holds to another place, as a backup would. It is stopped for that.
    pub async fn back_up(&mut self) -> TempDir {
        self.stop();
        let backup = TempDir::new().unwrap();
        copy(&self.folder.path().join("slapd"), backup.path());
        self.run().await;
        backup
    }

    /// Holds what a backup holds, and nothing else.
    pub async fn restore(&mut self, backup: &TempDir) {
        self.stop();
        let data = self.folder.path().join("slapd");
        std::fs::remove_dir_all(&data).unwrap();
        copy(backup.path(), &data);
        self.run().await;
    }

    /// Starts it on its address.
    pub async fn run(&mut self) {
        let root = installed(&ROOT, "openldap").await;
        let folder = self.folder.path();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let own = [
            ("SLAPD_ROOT", text(root.clone())),
            ("DIR", text(folder.join("slapd"))),
            ("PORT", self.port.to_string()),
            ("TLS_PORT", self.tls_port.to_string()),
            ("TLS_CERT", text(folder.join("cert.pem"))),
            ("TLS_KEY", text(folder.join("key.pem"))),
            ("PASSWORD", self.password.clone()),
        ];
        let own = own.iter().map(|(k, v)| (*k, v.as_str()));
        let more = self.options.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let environment: Vec<(&str, &str)> = own.chain(more).collect();
        let script = repository("hack/targets/openldap/start.sh");
        let nothing: [&str; 0] = [];
        let log = folder.join("output.log");
        let mut process = Tied::start(&script, nothing, &environment, &log);
        eventually("slapd answers", async || {
            assert!(process.ended().is_none(), "it ended:\n{}", process.output());
            LdapConnAsync::new(&self.url())
                .await
                .map(drop)
                .map_err(|error| format!("{error}: {}", process.output()))
        })
        .await;
        exercised("OpenLDAP 2.5");
        self.process = Some(process);
    }

    /// Its port for LDAP.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its port for LDAPS.
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// Where it listens for LDAP, with StartTLS or without.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Where it listens for LDAPS.
    pub fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// Both, for the annotation of a Secret.
    pub fn hosts(&self) -> String {
        format!("127.0.0.1:{}, 127.0.0.1:{}", self.port, self.tls_port)
    }

    /// The password of [`BIND_DN`].
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The authority that its certificate is from, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.certified.ca_pem
    }

    /// For `spec.ldap`: people, and groups of names.
    pub fn block(&self) -> Value {
        json!({
            "servers": [self.url()],
            "startTLS": true,
            "bind": {"dn": BIND_DN, "passwordSecretKeyRef": {"name": "directory", "key": "token"}},
            "dialect": "OpenLDAP",
            "accounts": {
                "base": format!("ou=people,{SUFFIX}"), "markAttribute": "employeeNumber",
            },
            "groups": {"base": format!("ou=groups,{SUFFIX}"), "kind": "GroupOfNames"},
        })
    }

    /// Every single change that [`BIND_DN`] has made so far, as the directory itself has noted it: with the option
    /// `AUDIT=1`.
    pub fn changes(&self) -> Vec<String> {
        let path = self.folder.path().join("slapd/changes.ldif");
        audit_log::changes(&std::fs::read_to_string(path).unwrap(), BIND_DN)
    }

    /// One who may do anything.
    pub async fn looker(&self) -> Looker {
        let admin = format!("cn=admin,{SUFFIX}");
        let signed_in = Looker::sign_in(self.port, None, &admin, &self.password).await;
        signed_in.unwrap()
    }

    /// Entries right below one, by name, with what they hold.
    pub async fn below(&self, base: &str) -> BTreeMap<String, SearchEntry> {
        self.looker().await.below(base).await
    }
}
