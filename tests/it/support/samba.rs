//! A real Active Directory, each test its own: Samba as a domain controller.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::OnceCell;
use tokio::task::AbortHandle;

use super::authority::Certified;
use super::directory::Looker;
use super::process::{Tied, exercised, repository};
use super::targets::installed;
use super::wait::eventually;

static ROOT: OnceCell<PathBuf> = OnceCell::const_new();

/// Everything in it is below this entry.
pub const SUFFIX: &str = "DC=example,DC=test";
/// Whom Rollcall is there.
pub const BIND_DN: &str = "CN=rollcall,CN=Users,DC=example,DC=test";

/// A running domain controller, started by `hack/targets/samba/start.sh`.
pub struct Samba {
    port: u16,
    password: String,
    certified: Certified,
    folder: TempDir,
    process: Tied,
    forwarding: AbortHandle,
}

/// Whether one can be started here: only root can.
pub fn is_possible() -> bool {
    static IS_ROOT: OnceLock<bool> = OnceLock::new();
    *IS_ROOT.get_or_init(|| {
        let answer = std::process::Command::new("id").arg("-u").output();
        let is_root = answer.is_ok_and(|answer| answer.stdout == b"0\n");
        if !is_root {
            assert!(
                std::env::var_os("CI").is_none(),
                "CI must be root for Samba"
            );
            println!("NOT TESTED: Active Directory, as Samba must be started by root");
        }
        is_root
    })
}

impl Samba {
    /// A new domain.
    pub async fn start() -> Self {
        let letters = std::iter::repeat_with(fastrand::alphanumeric);
        // Of every kind that the domain's policy asks for.
        let password = format!("Aa1-{}", letters.take(20).collect::<String>());
        let certified = Certified::new(&["127.0.0.1", "localhost"]);
        let folder = TempDir::new().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("cert.pem"), &certified.pem).unwrap();
        std::fs::write(file("key.pem"), certified.key.serialize_pem()).unwrap();
        let root = installed(&ROOT, "samba").await;
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let own = [
            ("SAMBA_ROOT", text(root.clone())),
            ("DIR", text(file("samba"))),
            ("TLS_CERT", text(file("cert.pem"))),
            ("TLS_KEY", text(file("key.pem"))),
            ("PASSWORD", password.clone()),
        ];
        let environment: Vec<(&str, &str)> = own.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let script = repository("hack/targets/samba/start.sh");
        let nothing: [&str; 0] = [];
        let process = Tied::start(&script, nothing, &environment, &file("output.log"));
        let (port, forwarding) = forward(file("samba/ldaps.sock")).await;
        let mut server = Self {
            port,
            password,
            certified,
            folder,
            process,
            forwarding,
        };
        server.answers().await;
        exercised("Samba Active Directory 4.17");
        server
    }

    async fn answers(&mut self) {
        let socket = self.folder.path().join("samba/ldaps.sock");
        eventually("the domain controller answers", async || {
            let process = &mut self.process;
            assert!(process.ended().is_none(), "it ended:\n{}", process.output());
            let stream = UnixStream::connect(&socket).await;
            let stream = stream.map_err(|e| format!("{e}: {}", process.output()))?;
            // The socket is there before what is behind it: then it hangs up.
            let wait = std::time::Duration::from_millis(200);
            match tokio::time::timeout(wait, stream.readable()).await {
                Ok(_) => Err("it hangs up".to_owned()),
                Err(_) => Ok(()),
            }
        })
        .await;
    }

    /// The port of loopback where it is reached for LDAPS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is reached for LDAPS.
    pub fn url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.port)
    }

    /// For the annotation of a Secret.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The password of [`BIND_DN`].
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The authority that its certificate is from, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.certified.ca_pem
    }

    /// One who may do what Rollcall may.
    pub async fn looker(&self) -> Looker {
        self.sign_in(BIND_DN, &self.password).await.unwrap()
    }

    /// Signs in as somebody. `None` where that is refused.
    pub async fn sign_in(&self, dn: &str, password: &str) -> Option<Looker> {
        Looker::sign_in(self.port, Some(self.ca_pem()), dn, password).await
    }

    /// Gives [`BIND_DN`] another password.
    pub async fn change_password(&self, new: &str) {
        let administrator = format!("CN=Administrator,CN=Users,{SUFFIX}");
        let mut looker = self.sign_in(&administrator, &self.password).await.unwrap();
        let quoted = format!("\"{new}\"");
        let bytes: Vec<u8> = quoted.encode_utf16().flat_map(u16::to_le_bytes).collect();
        looker.set_bytes(BIND_DN, "unicodePwd", bytes).await;
    }

    /// For `spec.ldap`: people and their teams.
    pub fn block(&self) -> Value {
        json!({
            "servers": [self.url()],
            "bind": {"dn": BIND_DN, "passwordSecretKeyRef": {"name": "directory", "key": "token"}},
            "dialect": "ActiveDirectory",
            "accounts": {"base": format!("OU=People,{SUFFIX}"), "markAttribute": "employeeNumber"},
            "groups": {"base": format!("OU=Teams,{SUFFIX}"), "kind": "ActiveDirectory"},
        })
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        self.forwarding.abort();
    }
}

/// Takes connections on a port of loopback to a socket.
async fn forward(socket: PathBuf) -> (u16, AbortHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((mut outer, _)) = listener.accept().await {
            let socket = socket.clone();
            tokio::spawn(async move {
                if let Ok(mut inner) = UnixStream::connect(socket).await {
                    let _ =
                        tokio::io::copy_bidirectional::<TcpStream, _>(&mut outer, &mut inner).await;
                }
            });
        }
    });
    (port, task.abort_handle())
}
