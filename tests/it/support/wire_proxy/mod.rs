//! A proxy before a directory or a database. It forwards whole messages, and misbehaves where the test says so:
//! it loses requests, and answers to requests that the server has carried out, and refuses in the server's
//! place.

mod ldap;
mod mysql;
mod postgres;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::authority::Certified;
use super::directory::encrypted;

/// What is spoken.
#[derive(Clone, Copy)]
pub enum Language {
    /// LDAP (RFC 4511).
    Ldap,
    /// The protocol of PostgreSQL.
    Postgres,
    /// The protocol of MySQL and MariaDB.
    MySql,
}

/// Reads one connection, in both directions.
trait Reader: Send {
    /// The first message of the client in some bytes, where it is whole.
    fn request(&mut self, bytes: &[u8]) -> Option<Request>;

    /// The first message of the server in some bytes, where it is whole: its length, and the number of the
    /// request that has its answer with it.
    fn answer(&mut self, bytes: &[u8]) -> Option<(usize, Option<u64>)>;

    /// What a server answers that refuses a request.
    fn refusal(&mut self, request: &[u8], code: &str, why: &str) -> Vec<u8>;
}

/// A message of the client.
struct Request {
    length: usize,
    /// By which its answer is known.
    number: u64,
    /// What it asks for, where it asks for something by itself.
    what: Option<String>,
}

/// What becomes of a request.
pub enum Fate {
    /// It is forwarded, and its answer passed on.
    Pass,
    /// The connection ends before the request reaches the server.
    Refuse,
    /// The server carries it out, and the answer is lost with the connection.
    Lose,
    /// As `Lose`; this is done before the connection ends.
    LoseAfter(Box<dyn FnOnce() + Send>),
    /// The proxy refuses in the server's place, with a code of the protocol and these words.
    Deny(&'static str, String),
}

/// A request that the test may judge.
pub struct Asked {
    /// What is asked for: `Add uid=ada,ou=people,dc=example,dc=org`, or a statement. The statements of a
    /// transaction are judged as one, when it is committed.
    pub what: String,
    /// The whole message, as text.
    pub text: String,
}

type Judge = dyn Fn(&Asked) -> Fate + Send + Sync;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The proxy. Ends when dropped.
pub struct WireProxy {
    port: u16,
    ca_pem: String,
    task: AbortHandle,
}

impl WireProxy {
    /// Before a server that listens on a port of loopback, without TLS.
    pub async fn before(
        language: Language,
        port: u16,
        judge: impl Fn(&Asked) -> Fate + Send + Sync + 'static,
    ) -> Self {
        Self::start(language, port, None, Arc::new(judge)).await
    }

    /// Before one that speaks TLS alone, with a certificate from this authority. So does the proxy, with a
    /// certificate of its own.
    pub async fn before_tls(
        language: Language,
        port: u16,
        ca_pem: &str,
        judge: impl Fn(&Asked) -> Fate + Send + Sync + 'static,
    ) -> Self {
        Self::start(language, port, Some(ca_pem.to_owned()), Arc::new(judge)).await
    }

    async fn start(language: Language, to: u16, theirs: Option<String>, judge: Arc<Judge>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let certified = Certified::new(&["127.0.0.1", "localhost"]);
        let acceptor = acceptor(&certified);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (judge, theirs, acceptor) =
                    (Arc::clone(&judge), theirs.clone(), acceptor.clone());
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else {
                        return;
                    };
                    let (client, server): (Box<dyn Stream>, Box<dyn Stream>) = match theirs {
                        None => (Box::new(client), Box::new(server)),
                        Some(pem) => {
                            let Ok(client) = acceptor.accept(client).await else {
                                return;
                            };
                            (Box::new(client), Box::new(encrypted(server, &pem).await))
                        }
                    };
                    pass(client, server, language.reader(), &*judge).await;
                });
            }
        });
        Self {
            port,
            ca_pem: certified.ca_pem,
            task: task.abort_handle(),
        }
    }

    /// The port of loopback where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens, also for the annotation of a Secret.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The authority that its own certificate is from, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }
}

impl Drop for WireProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Language {
    fn reader(self) -> Box<dyn Reader> {
        match self {
            Self::Ldap => Box::new(ldap::Ldap),
            Self::Postgres => Box::<postgres::Postgres>::default(),
            Self::MySql => Box::new(mysql::MySql),
        }
    }
}

fn acceptor(certified: &Certified) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certified.der.clone().into()],
            PrivateKeyDer::Pkcs8(certified.key.serialize_der().into()),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Carries messages both ways until either side, or the test, ends it.
async fn pass(
    client: Box<dyn Stream>,
    server: Box<dyn Stream>,
    mut reader: Box<dyn Reader>,
    judge: &Judge,
) {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = split(server);
    let (mut asked, mut told) = (Vec::new(), Vec::new());
    let mut lost: Option<(u64, Box<dyn FnOnce() + Send>)> = None;
    loop {
        tokio::select! {
            read = from_client.read_buf(&mut asked) => {
                if !matches!(read, Ok(1..)) {
                    return;
                }
                while let Some(request) = reader.request(&asked) {
                    let bytes: Vec<u8> = asked.drain(..request.length).collect();
                    let fate = match request.what {
                        // One answer at a time is lost on a connection.
                        Some(what) if lost.is_none() => {
                            let text = String::from_utf8_lossy(&bytes).into_owned();
                            judge(&Asked { what, text })
                        }
                        _ => Fate::Pass,
                    };
                    let then: Box<dyn FnOnce() + Send> = match fate {
                        Fate::Pass => {
                            if to_server.write_all(&bytes).await.is_err() {
                                return;
                            }
                            continue;
                        }
                        Fate::Refuse => return,
                        Fate::Deny(code, why) => {
                            let refusal = reader.refusal(&bytes, code, &why);
                            if to_client.write_all(&refusal).await.is_err() {
                                return;
                            }
                            continue;
                        }
                        Fate::Lose => Box::new(|| {}),
                        Fate::LoseAfter(then) => then,
                    };
                    lost = Some((request.number, then));
                    if to_server.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                // What is encrypted is kept back until it is told to go.
                if to_server.flush().await.is_err() {
                    return;
                }
            }
            read = from_server.read_buf(&mut told) => {
                if !matches!(read, Ok(1..)) {
                    return;
                }
                while let Some((length, number)) = reader.answer(&told) {
                    let bytes: Vec<u8> = told.drain(..length).collect();
                    // The server has done it; nobody hears of that.
                    let ends = lost.take_if(|(of, _)| number == Some(*of));
                    if let Some((_, then)) = ends {
                        then();
                        return;
                    }
                    if to_client.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                if to_client.flush().await.is_err() {
                    return;
                }
            }
        }
    }
}
