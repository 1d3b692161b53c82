//! Real SCIM servers, each test its own, in memory, on loopback.

use std::ops::Deref;
use std::path::PathBuf;

use serde::Deserialize;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use url::Url;

use super::process::{Tied, exercised, free_port, run_script};
use super::scim_client::{ScimClient, TESTER};
use super::wait::eventually;

/// The two programs, each installed when it is first wanted.
static SCIM2_SERVER: OnceCell<PathBuf> = OnceCell::const_new();
static SCIMMY: OnceCell<PathBuf> = OnceCell::const_new();

/// A running SCIM server. Everything of [`ScimClient`] can be called on it, to look at the target and
/// to tamper with it behind the operator's back.
pub struct ScimServer {
    client: ScimClient,
    product: Product,
    host: String,
    token: String,
    options: Vec<(String, String)>,
    process: Option<Tied>,
    folder: TempDir,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Product {
    Scim2Server,
    Scimmy,
}

/// One request, from the target's own log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LoggedRequest {
    /// Method, such as `PATCH`.
    pub method: String,
    /// Path and query, as sent.
    pub path: String,
    /// Status of the answer.
    pub status: u16,
    /// What was asked, in short, where the target says: `add members [3]`.
    #[serde(default)]
    pub summary: Option<String>,
}

impl LoggedRequest {
    /// Whether the request could change the target.
    pub fn is_write(&self) -> bool {
        self.method != "GET" && !self.path.contains("/.search")
    }
}

impl ScimServer {
    /// scim2-server, a strict reference: PATCH answers 204, duplicates 409, ETags are enforced.
    pub async fn scim2_server() -> Self {
        let server = Self::prepare(Product::Scim2Server, &[]);
        server.started().await
    }

    /// SCIMMY: PATCH answers 200 or 204, filters mind case, pages past the end come back full.
    pub async fn scimmy() -> Self {
        Self::scimmy_with(&[]).await
    }

    /// SCIMMY with options of `hack/targets/scimmy/server.mjs`, such as `IGNORE_FILTER=1`.
    pub async fn scimmy_with(options: &[(&str, &str)]) -> Self {
        let server = Self::prepare(Product::Scimmy, options);
        server.started().await
    }

    /// A scim2-server with its address and token, which is down until `start` is called.
    pub fn scim2_server_down() -> Self {
        Self::prepare(Product::Scim2Server, &[])
    }

    fn prepare(product: Product, options: &[(&str, &str)]) -> Self {
        let token = std::iter::repeat_with(fastrand::alphanumeric)
            .take(32)
            .collect::<String>();
        let host = format!("127.0.0.1:{}", free_port());
        let path = match product {
            Product::Scim2Server => "v2",
            Product::Scimmy => "scim/v2",
        };
        let base = Url::parse(&format!("http://{host}/{path}")).unwrap();
        Self {
            client: ScimClient::new(base, &token),
            product,
            host,
            token,
            options: options
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            process: None,
            folder: TempDir::new().unwrap(),
        }
    }

    async fn started(mut self) -> Self {
        self.start().await;
        self
    }

    /// Starts the server, empty, on its address, and waits until it answers.
    pub async fn start(&mut self) {
        let port = self.host.rsplit(':').next().unwrap().to_owned();
        let program = program(self.product).await;
        let log = self.folder.path().join("output.log");
        let mut process = match self.product {
            Product::Scim2Server => {
                let arguments = ["--port", &port, "--bearer-token", &self.token];
                Tied::start(program, arguments, &[], &log)
            }
            Product::Scimmy => {
                let requests = self.folder.path().join("requests.jsonl");
                let mut environment = vec![
                    ("PORT", port.as_str()),
                    ("TOKEN", &self.token),
                    ("REQUEST_LOG", requests.to_str().unwrap()),
                ];
                environment.extend(self.options.iter().map(|(k, v)| (k.as_str(), v.as_str())));
                Tied::start("node".as_ref(), [program], &environment, &log)
            }
        };
        eventually("the SCIM server answers", async || {
            assert!(process.ended().is_none(), "it ended:\n{}", process.output());
            self.client.answers().await
        })
        .await;
        exercised(match self.product {
            Product::Scim2Server => "scim2-server 0.8.3",
            Product::Scimmy => "SCIMMY 1.3.5",
        });
        self.process = Some(process);
    }

    /// Stops the server. Its address stays its own for `start`; what it held is gone.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Base URL for `spec.scim.baseUrl`.
    pub fn base_url(&self) -> Url {
        self.client.base_url().clone()
    }

    /// The bearer token that the server asks for.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// `127.0.0.1:PORT`, for the annotation of a Secret.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Every request so far in the target's own log, oldest first, apart from the test's own.
    pub async fn requests(&self) -> Vec<LoggedRequest> {
        // A server may log after it has answered: a request of ours is sent, and its line waited for.
        let flush = format!("flush-{}", fastrand::u64(..));
        self.client.look(&flush).await;
        eventually("the request log is written", async || {
            let lines = self.log_lines();
            if lines.iter().any(|line| line.contains(&flush)) {
                Ok(lines
                    .iter()
                    .filter_map(|line| self.parse(line))
                    .filter(|request| !request.path.contains(TESTER))
                    .collect())
            } else {
                Err(lines)
            }
        })
        .await
    }

    fn log_lines(&self) -> Vec<String> {
        let file = match self.product {
            Product::Scim2Server => "output.log",
            Product::Scimmy => "requests.jsonl",
        };
        let text = std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn parse(&self, line: &str) -> Option<LoggedRequest> {
        match self.product {
            Product::Scimmy => serde_json::from_str(line).ok(),
            // 127.0.0.1 - - [23/Nov/2026 07:07:37] "GET /v2/Users HTTP/1.1" 200 139
            Product::Scim2Server => {
                let (_, rest) = line.split_once("] \"")?;
                let (request, rest) = rest.split_once("\" ")?;
                let mut words = request.split(' ');
                Some(LoggedRequest {
                    method: words.next()?.to_owned(),
                    path: words.next()?.to_owned(),
                    status: rest.split(' ').next()?.parse().ok()?,
                    summary: None,
                })
            }
        }
    }
}

impl Deref for ScimServer {
    type Target = ScimClient;

    fn deref(&self) -> &ScimClient {
        &self.client
    }
}

async fn program(product: Product) -> &'static PathBuf {
    match product {
        Product::Scim2Server => installed(&SCIM2_SERVER, "scim2-server").await,
        Product::Scimmy => installed(&SCIMMY, "scimmy").await,
    }
}

/// Where a program is, installed when it is first wanted.
pub(super) async fn installed(
    cell: &'static OnceCell<PathBuf>,
    name: &'static str,
) -> &'static PathBuf {
    cell.get_or_init(async || {
        tokio::task::spawn_blocking(move || {
            let installed = run_script("hack/targets/install.sh", &[name]);
            PathBuf::from(&installed.iter().find(|(n, _)| n == name).unwrap().1)
        })
        .await
        .unwrap()
    })
    .await
}
