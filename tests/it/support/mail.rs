//! A real mail server, each test its own, on loopback.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::authority::Certified;
use super::process::{Tied, exercised, free_port, repository};
use super::targets::installed;
use super::wait::eventually;

static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();

/// Who may send.
pub const USERNAME: &str = "rollcall";
/// And with what.
pub const PASSWORD: &str = "s3cr3t+/=&%";

/// How the way to the server is protected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Not, and nobody signs in.
    Plain,
    /// TLS from the first byte, and one must sign in.
    Tls,
    /// TLS from `STARTTLS` on, and one must sign in.
    StartTls,
}

/// A running aiosmtpd.
pub struct MailServer {
    protection: Protection,
    port: u16,
    folder: TempDir,
    ca_pem: String,
    _process: Tied,
}

impl MailServer {
    /// One that takes everything.
    pub async fn start(protection: Protection) -> Self {
        let python = installed(&PROGRAM, "aiosmtpd").await;
        exercised("aiosmtpd 1.4.6");
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let certified = Certified::new(&["localhost"]);
        let chain = format!("{}{}", certified.pem, certified.ca_pem);
        std::fs::write(at("cert.pem"), chain).unwrap();
        std::fs::write(at("key.pem"), certified.key.serialize_pem()).unwrap();
        std::fs::write(at("username"), USERNAME).unwrap();
        std::fs::write(at("password"), format!("{PASSWORD}\n")).unwrap();
        let port = free_port();
        let (cert, key, port_text) = (at("cert.pem"), at("key.pem"), port.to_string());
        let place = folder.path().to_str().unwrap();
        let mut environment = vec![("PORT", port_text.as_str()), ("FOLDER", place)];
        if protection != Protection::Plain {
            environment.extend([("CERT", cert.as_str()), ("KEY", &key)]);
            environment.extend([("USERNAME", USERNAME), ("PASSWORD", PASSWORD)]);
        }
        if protection == Protection::StartTls {
            environment.push(("START_TLS", "1"));
        }
        let server = repository("hack/targets/aiosmtpd/server.py");
        let log = folder.path().join("output.log");
        let mut process = Tied::start(python, [server], &environment, &log);
        eventually("the mail server listens", async || {
            assert!(process.ended().is_none(), "it ended:\n{}", process.output());
            let said = process.output();
            if said.contains("LISTENING") {
                Ok(())
            } else {
                Err(said)
            }
        })
        .await;
        Self {
            protection,
            port,
            folder,
            ca_pem: certified.ca_pem,
            _process: process,
        }
    }

    /// A file for `--notifications` that leads here, with more lines.
    pub fn config(&self, more: &str) -> PathBuf {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let encryption = match self.protection {
            Protection::Plain => "encryption: None".to_owned(),
            Protection::Tls | Protection::StartTls => format!(
                "encryption: {}\n    usernameFile: {}\n    passwordFile: {}\n    caBundle: |\n{}",
                if self.protection == Protection::Tls {
                    "TLS"
                } else {
                    "StartTLS"
                },
                at("username"),
                at("password"),
                self.ca_pem
                    .lines()
                    .map(|line| ["      ", line, "\n"].concat())
                    .collect::<String>(),
            ),
        };
        let text = format!(
            "email:\n  smtp:\n    host: localhost\n    port: {}\n    {encryption}\n  from: Rollcall <rollcall@example.com>\n  to: [it@example.com, nobody@example.com]\n{more}\n",
            self.port
        );
        let file = self.folder.path().join("notifications.yaml");
        std::fs::write(&file, text).unwrap();
        file
    }

    /// From now on every mail is refused with this answer; `None` takes them again.
    pub fn refuse(&self, answer: Option<&str>) {
        let file = self.folder.path().join("refuse");
        match answer {
            Some(answer) => std::fs::write(file, answer).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
    }

    /// With what one signs in from now on, for the clients.
    pub fn write_password(&self, password: &str) {
        std::fs::write(self.folder.path().join("password"), password).unwrap();
    }

    /// How many mails were refused.
    pub fn refused(&self) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("refused.log"));
        log.unwrap_or_default().lines().count()
    }

    /// Every mail that was taken.
    pub fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let is_mail = |path: &PathBuf| path.extension().is_some_and(|e| e == "eml");
        files.filter(is_mail).map(|file| read(&file)).collect()
    }

    /// Waits until there are so many mails, and returns them.
    pub async fn receives(&self, count: usize) -> Vec<String> {
        eventually("the mail is there", async || {
            let mails = self.mails();
            if mails.len() >= count {
                Ok(mails)
            } else {
                Err((mails, self.refused()))
            }
        })
        .await
    }
}

/// The events that mails tell of, sorted.
pub fn events(mails: &[String]) -> Vec<&str> {
    let lines = mails.iter().flat_map(|mail| mail.lines());
    let told = lines.filter_map(|line| line.strip_prefix("X-Rollcall-Event: "));
    let mut told: Vec<&str> = told.map(str::trim).collect();
    told.sort_unstable();
    told
}

fn read(file: &Path) -> String {
    String::from_utf8(std::fs::read(file).unwrap()).unwrap()
}
