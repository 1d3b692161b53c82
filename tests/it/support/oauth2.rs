//! A real OAuth 2 token endpoint, each test its own, on loopback.

use std::path::PathBuf;

use serde::Deserialize;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use url::Url;

use super::process::{Tied, exercised, free_port};
use super::targets::installed;
use super::wait::eventually;

static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();

/// The client that the endpoint knows.
pub const CLIENT_ID: &str = "rollcall: people";

/// A running oauth2-mock-server.
pub struct TokenServer {
    address: String,
    secret: String,
    folder: TempDir,
    _process: Tied,
}

/// One answer, from the endpoint's own log.
#[derive(Clone, Debug, Deserialize)]
pub struct Issued {
    /// Where the client's name and secret stood: `Header` or `Body`.
    pub style: String,
    /// The scopes asked for.
    pub scope: Option<String>,
    /// The audience asked for.
    pub audience: Option<String>,
    /// The token, unless the client was refused.
    pub token: Option<String>,
}

impl TokenServer {
    /// An endpoint whose tokens are announced to live for some seconds.
    pub async fn start(expires_in: u32) -> Self {
        let letters = std::iter::repeat_with(fastrand::alphanumeric);
        // What must be encoded on the way: to a word without it, a secret might look right by chance.
        let secret = format!(
            "s3cr3t+/{}=&%:\"\\end",
            letters.take(20).collect::<String>()
        );
        let program = installed(&PROGRAM, "oauth2-mock-server").await;
        exercised("oauth2-mock-server 8.2.0");
        let folder = TempDir::new().unwrap();
        let (port, life) = (free_port().to_string(), expires_in.to_string());
        let tokens = folder.path().join("tokens.jsonl");
        let environment = [
            ("PORT", port.as_str()),
            ("CLIENT_ID", CLIENT_ID),
            ("CLIENT_SECRET", &secret),
            ("EXPIRES_IN", &life),
            ("TOKEN_LOG", tokens.to_str().unwrap()),
        ];
        let log = folder.path().join("output.log");
        let mut process = Tied::start("node".as_ref(), [program], &environment, &log);
        eventually("the token endpoint listens", async || {
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
            address: format!("127.0.0.1:{port}"),
            secret,
            folder,
            _process: process,
        }
    }

    /// For `spec.scim.auth.oauth2.tokenUrl`.
    pub fn token_url(&self) -> Url {
        format!("http://{}/token", self.address).parse().unwrap()
    }

    /// `127.0.0.1:PORT`, for the annotation of a Secret.
    pub fn host(&self) -> &str {
        &self.address
    }

    /// The secret of the client.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Every answer so far, oldest first.
    pub fn issued(&self) -> Vec<Issued> {
        self.issuer().issued()
    }

    /// Something that knows the tokens, and can be given away.
    pub fn issuer(&self) -> Issuer {
        Issuer(self.folder.path().join("tokens.jsonl"))
    }
}

/// Knows which tokens were issued.
pub struct Issuer(PathBuf);

impl Issuer {
    /// Every answer so far, oldest first.
    pub fn issued(&self) -> Vec<Issued> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }
}
