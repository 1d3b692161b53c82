//! A proxy that a test stands before a server. It forwards, and misbehaves where the test says so: it
//! loses requests, and answers to requests that the server has carried out.

use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures::{StreamExt, TryStreamExt};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::controlplane::{ControlPlane, control_plane};

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Broken>;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(String);

fn broken(why: impl std::fmt::Display) -> Broken {
    Broken(why.to_string())
}

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method, such as `PATCH`.
    pub method: String,
    /// Path and query, as sent.
    pub path: String,
    /// The bearer token, where there is one.
    pub token: Option<String>,
    /// The body, where it is JSON.
    pub body: Value,
}

impl Asked {
    fn of(parts: &Parts, body: &[u8]) -> Self {
        let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
        let token = parts
            .headers
            .get("authorization")
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        Self {
            method: parts.method.to_string(),
            path: path.to_owned(),
            token: token.map(str::to_owned),
            body: serde_json::from_slice(body).unwrap_or(Value::Null),
        }
    }

    /// Whether it could change anything.
    pub fn is_write(&self) -> bool {
        self.method != "GET" && !self.path.contains("/.search")
    }
}

/// What becomes of a request.
pub enum Verdict {
    /// It is forwarded, and its answer passed on.
    Pass,
    /// As `Pass`, with this bearer token in place of the one that was sent.
    PassWith(String),
    /// As `Pass`, after this has been done.
    After(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// The connection ends before the request reaches the server.
    Refuse,
    /// The server carries it out, and the answer is lost with the connection.
    Lose,
    /// As `Lose`; this is done, with the status of the answer, before the connection ends.
    LoseAfter(Box<dyn FnOnce(u16) + Send>),
    /// The server carries it out, and its JSON answer is passed on as this makes it.
    Edit(Box<dyn FnOnce(Value) -> Value + Send>),
    /// The proxy answers in the server's place.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The proxy answers in the server's place, with 200, JSON, and a body that comes in pieces.
    Pieces(Pin<Box<dyn futures::Stream<Item = Bytes> + Send>>),
}

type Judge = dyn Fn(&Asked) -> Verdict + Send + Sync;

/// A request that was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Method, such as `PATCH`.
    pub method: String,
    /// Path and query, as sent.
    pub path: String,
    /// Status of the server's answer; `None` where the server was not asked, or didn't answer.
    pub status: Option<u16>,
    /// Whether whoever asked got that answer.
    pub told: bool,
}

/// Stands before a server until it is dropped.
pub struct Proxy {
    address: std::net::SocketAddr,
    path: String,
    seen: Arc<Mutex<Vec<Forwarded>>>,
    cut: Arc<Mutex<CancellationToken>>,
    task: AbortHandle,
    folder: TempDir,
}

#[derive(Clone)]
struct Way {
    cut: Arc<Mutex<CancellationToken>>,
    http: reqwest::Client,
    origin: Url,
    judge: Arc<Judge>,
    seen: Arc<Mutex<Vec<Forwarded>>>,
}

impl Proxy {
    /// Before a SCIM server; its base URL keeps its path.
    pub async fn before(
        base: &Url,
        judge: impl Fn(&Asked) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self::start(http, base, Arc::new(judge)).await
    }

    /// Before the API server, with all rights for whoever comes.
    pub async fn before_api_server(
        judge: impl Fn(&Asked) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let (origin, http) = control_plane().await.direct();
        Self::start(http, &origin, Arc::new(judge)).await
    }

    /// Before the API server, with the rights that each caller's own token gives.
    pub async fn before_api_server_as_caller(
        control_plane: &ControlPlane,
        judge: impl Fn(&Asked) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let (origin, http) = control_plane.direct_as_caller();
        Self::start(http, &origin, Arc::new(judge)).await
    }

    async fn start(http: reqwest::Client, base: &Url, judge: Arc<Judge>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Forwarded>>> = Arc::default();
        let cut: Arc<Mutex<CancellationToken>> = Arc::default();
        let way = Way {
            cut: Arc::clone(&cut),
            http,
            origin: base.join("/").unwrap(),
            judge,
            seen: Arc::clone(&seen),
        };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, way.clone()));
            }
        });
        Self {
            address,
            path: base.path().trim_end_matches('/').to_owned(),
            seen,
            cut,
            task: task.abort_handle(),
            folder: TempDir::new().unwrap(),
        }
    }

    /// The way to the server through this proxy.
    pub fn base_url(&self) -> Url {
        let url = format!("http://{}{}", self.address, self.path);
        url.parse().unwrap()
    }

    /// `127.0.0.1:PORT`, for the annotation of a Secret.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// A file for `--kubeconfig` that leads through this proxy.
    pub fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig_of(&serde_json::json!({}))
    }

    /// As `kubeconfig`, with a token to be sent along.
    pub fn kubeconfig_with(&self, token: &str) -> PathBuf {
        self.kubeconfig_of(&serde_json::json!({"token": token}))
    }

    fn kubeconfig_of(&self, user: &Value) -> PathBuf {
        let path = self.folder.path().join("kubeconfig");
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
            "clusters": [{"name": "proxy", "cluster": {"server": self.base_url().as_str()}}],
            "users": [{"name": "proxy", "user": user}],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// Ends every answer that is still being passed on, such as a watch.
    #[allow(dead_code, reason = "for benchmarks")]
    pub fn cut(&self) {
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
    }

    /// Every request that was judged, in the order of their answers.
    pub fn seen(&self) -> Vec<Forwarded> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A success in JSON, piece by piece.
fn in_pieces(
    pieces: Pin<Box<dyn futures::Stream<Item = Bytes> + Send>>,
) -> Result<Response<Body>, Broken> {
    let answer = Response::builder().header("content-type", "application/scim+json");
    let pieces = StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece))));
    answer.body(pieces.boxed_unsync()).map_err(broken)
}

/// An answer that is whole at once.
fn whole(answer: hyper::http::response::Builder, bytes: Vec<u8>) -> Result<Response<Body>, Broken> {
    let body = Full::new(Bytes::from(bytes));
    let body = body.map_err(|e: Infallible| match e {}).boxed_unsync();
    answer.body(body).map_err(broken)
}

async fn serve(stream: TcpStream, way: Way) {
    let service = service_fn(move |request| {
        let way = way.clone();
        // Its own task: a request that has reached us is carried out, whoever hangs up meanwhile.
        async move {
            tokio::spawn(way.handle(request))
                .await
                .unwrap_or_else(|e| Err(broken(e)))
        }
    });
    // A connection that ends in the middle is what this proxy is for.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Way {
    async fn handle(self, request: Request<Incoming>) -> Result<Response<Body>, Broken> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(broken)?.to_bytes();
        let asked = Asked::of(&parts, &body);
        let mut log = Forwarded {
            method: asked.method.clone(),
            path: asked.path.clone(),
            status: None,
            told: false,
        };
        let mut token = None;
        let mut edit = None;
        let after = match (self.judge)(&asked) {
            Verdict::Pass => None,
            Verdict::PassWith(other) => {
                token = Some(other);
                None
            }
            Verdict::After(first) => {
                first.await;
                None
            }
            Verdict::Edit(how) => {
                edit = Some(how);
                None
            }
            Verdict::Refuse => {
                self.note(log);
                return Err(broken("refused by the test"));
            }
            Verdict::Lose => Some(Box::new(|_| {}) as Box<dyn FnOnce(u16) + Send>),
            Verdict::LoseAfter(then) => Some(then),
            Verdict::Answer(status, headers, bytes) => {
                log.told = true;
                self.note(log);
                let mut answer = Response::builder().status(status);
                for (name, value) in headers {
                    answer = answer.header(name, value);
                }
                return whole(answer, bytes);
            }
            Verdict::Pieces(pieces) => {
                log.told = true;
                self.note(log);
                return in_pieces(pieces);
            }
        };
        let sent = self.forwarded(parts, &asked.path, token)?;
        let answer = match sent.body(body).send().await {
            Ok(answer) => answer,
            Err(error) => {
                self.note(log);
                return Err(broken(error));
            }
        };
        let status = answer.status();
        log.status = Some(status.as_u16());
        if let Some(then) = after {
            // Read to its end: then the server is done with it.
            let _ = answer.bytes().await;
            self.note(log);
            then(status.as_u16());
            return Err(broken("lost by the test"));
        }
        log.told = true;
        self.note(log);
        let mut passed = Response::builder().status(status);
        let left_out: &[&str] = match edit {
            Some(_) => &["connection", "transfer-encoding", "content-length"],
            None => &["connection", "transfer-encoding"],
        };
        for (name, value) in answer.headers() {
            if !left_out.contains(&name.as_str()) {
                passed = passed.header(name, value);
            }
        }
        if let Some(edit) = edit {
            let said = answer.bytes().await.map_err(broken)?;
            let edited = edit(serde_json::from_slice(&said).unwrap_or(Value::Null));
            return whole(passed, edited.to_string().into_bytes());
        }
        let cut = self.cut.lock().unwrap().clone();
        let stream = answer.bytes_stream().map_ok(Frame::data).map_err(broken);
        let stream = stream.take_until(cut.cancelled_owned());
        let stream: Pin<Box<dyn futures::Stream<Item = _> + Send>> = Box::pin(stream);
        passed
            .body(StreamBody::new(stream).boxed_unsync())
            .map_err(broken)
    }

    /// The request as the server gets it, perhaps with another token.
    fn forwarded(
        &self,
        parts: Parts,
        path: &str,
        token: Option<String>,
    ) -> Result<reqwest::RequestBuilder, Broken> {
        let path = path.trim_start_matches('/');
        let url = self.origin.join(path).map_err(broken)?;
        let mut headers = parts.headers;
        for name in ["host", "connection", "transfer-encoding"] {
            headers.remove(name);
        }
        if let Some(token) = token {
            headers.remove("authorization");
            let value = format!("Bearer {token}").parse().map_err(broken)?;
            headers.insert("authorization", value);
        }
        Ok(self.http.request(parts.method, url).headers(headers))
    }

    fn note(&self, log: Forwarded) {
        self.seen.lock().unwrap().push(log);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU16, Ordering};

    use super::*;
    use crate::support::targets::ScimServer;

    #[tokio::test]
    async fn passes_on_refuses_and_loses() {
        let server = ScimServer::scimmy().await;
        let status = Arc::new(AtomicU16::new(0));
        let told = Arc::clone(&status);
        let proxy = Proxy::before(
            &server.base_url(),
            move |asked| match asked.body["userName"].as_str() {
                Some("refused") => Verdict::Refuse,
                Some("lost") => {
                    let told = Arc::clone(&told);
                    Verdict::LoseAfter(Box::new(move |s| told.store(s, Ordering::SeqCst)))
                }
                Some("answered") => Verdict::Answer(429, vec![("retry-after", "3".into())], vec![]),
                _ => Verdict::Pass,
            },
        )
        .await;
        let url = format!("{}/Users", proxy.base_url());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let make = async |name: &str| {
            let schema = "urn:ietf:params:scim:schemas:core:2.0:User";
            let user = serde_json::json!({"schemas": [schema], "userName": name});
            let request = http.post(&url).bearer_auth(server.token());
            let request = request.header("Content-Type", "application/scim+json");
            request.body(user.to_string()).send().await
        };
        assert_eq!(make("ada").await.unwrap().status(), 201);
        assert!(make("refused").await.is_err());
        assert!(make("lost").await.is_err());
        assert_eq!(
            make("answered").await.unwrap().headers()["retry-after"],
            "3"
        );
        assert_eq!(status.load(Ordering::SeqCst), 201);
        let mut names: Vec<_> = server.users().await;
        names.sort_by_key(|u| u["userName"].to_string());
        let names: Vec<_> = names
            .iter()
            .map(|u| u["userName"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["ada", "lost"]);
        let seen: Vec<_> = proxy.seen().iter().map(|s| (s.status, s.told)).collect();
        let expected = [
            (Some(201), true),
            (None, false),
            (Some(201), false),
            (None, true),
        ];
        assert_eq!(seen, expected);
    }

    #[tokio::test]
    async fn leads_an_operator_to_the_api_server() {
        let namespace = crate::support::namespace::Namespace::new("proxy").await;
        let proxy = Proxy::before_api_server(|_| Verdict::Pass).await;
        let operator = crate::support::operator::Operator::start_through(&namespace, &proxy).await;
        let watched = proxy.seen();
        assert!(
            watched.iter().any(|s| s.path.contains("/employees")),
            "{watched:?}"
        );
        operator.stop().await.unwrap();
    }
}
