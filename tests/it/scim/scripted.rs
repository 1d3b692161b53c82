//! A SCIM server whose answers a test writes down, for what no real server shows.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use url::Url;

/// A request, as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// Path and query, decoded.
    pub path: String,
    pub headers: String,
    pub body: Value,
}

impl Seen {
    /// `PATCH /Users/1`, without the query.
    pub fn line(&self) -> String {
        let path = self.path.split('?').next().unwrap();
        format!("{} {path}", self.method)
    }
}

/// What is answered.
pub enum Reply {
    /// An answer with status, extra headers and body.
    Raw(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The connection dies after the request was taken in.
    Die,
    /// The answer breaks off in the middle of its body.
    Torn,
    /// There is never an answer.
    Silence,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        let kind = ("Content-Type", "application/scim+json".to_owned());
        Self::Raw(status, vec![kind], body.to_string().into_bytes())
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self::Raw(status, vec![], vec![])
    }

    /// A SCIM error (RFC 7644 section 3.12).
    pub fn error(status: u16, scim_type: &str, detail: &str) -> Self {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": status.to_string(), "scimType": scim_type, "detail": detail,
        });
        Self::json(status, &body)
    }

    /// A whole list in one page.
    pub fn list(records: &[Value]) -> Self {
        Self::json(
            200,
            &json!({"totalResults": records.len(), "startIndex": 1, "Resources": records}),
        )
    }

    /// The same with one more header.
    pub fn with(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Raw(status, mut headers, body) => {
                headers.push((name, value.to_owned()));
                Self::Raw(status, headers, body)
            }
            other => other,
        }
    }
}

type Script = dyn Fn(&Seen) -> Reply + Send + Sync;

/// Answers each request as the script says. Ends when dropped.
pub struct ScriptedServer {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: AbortHandle,
}

impl ScriptedServer {
    pub async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (log, script): (_, Arc<Script>) = (Arc::clone(&seen), Arc::new(script));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self {
            address,
            seen,
            task: task.abort_handle(),
        }
    }

    /// Base URL.
    pub fn base_url(&self) -> Url {
        format!("http://{}/scim", self.address).parse().unwrap()
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The lines of all requests that could change something.
    pub fn writes(&self) -> Vec<String> {
        self.seen()
            .iter()
            .filter(|seen| seen.method != "GET")
            .map(Seen::line)
            .collect()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request on one connection; then it is closed.
async fn serve(mut stream: TcpStream, script: Arc<Script>, log: Arc<Mutex<Vec<Seen>>>) {
    let Some(request) = receive(&mut stream).await else {
        return;
    };
    log.lock().unwrap().push(request.clone());
    let (status, headers, body, torn) = match script(&request) {
        Reply::Raw(status, headers, body) => (status, headers, body, false),
        Reply::Torn => (201, vec![], br#"{"id": "#.to_vec(), true),
        Reply::Die => return,
        Reply::Silence => return std::future::pending().await,
    };
    let length = body.len() + usize::from(torn) * 100;
    let mut head =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    // A client that has read enough hangs up; that is its right.
    if stream.write_all(head.as_bytes()).await.is_ok() {
        let _ = stream.write_all(&body).await;
    }
    let _ = stream.shutdown().await;
}

async fn receive(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let headers = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let length = headers
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length:")
                .map(str::trim)
                .map(str::to_owned)
        })
        .map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let mut words = headers.split(' ');
    let method = words.next()?.to_owned();
    let target = words.next()?.strip_prefix("/scim")?;
    let decoded = url::form_urlencoded::parse(
        target
            .replace('+', "%2B")
            .replace('&', "%26")
            .replace('=', "%3D")
            .as_bytes(),
    )
    .next()
    .map(|(text, _)| text.into_owned())
    .unwrap_or_default();
    let body = serde_json::from_slice(&bytes[head_end..]).unwrap_or(Value::Null);
    Some(Seen {
        method,
        path: decoded,
        headers,
        body,
    })
}
