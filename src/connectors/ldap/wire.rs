//! The way to one server: TCP, encryption, and a look at each message before it is decoded.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, StdStream};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use url::Url;

use super::frames::Frames;
use super::locked;
use crate::connectors::address::dial;
use crate::connectors::tls;

/// Why a connection was ended by us, once it was.
pub type Ended = Arc<Mutex<Option<String>>>;

/// StartTLS (RFC 4511 section 4.14.1): an extended request with the message id 1.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// What to do where a server does not encrypt when it is asked to.
const NO_START_TLS: &str = "let the server offer StartTLS, or write ldaps:// in spec.ldap.servers";

/// How a server is to be connected to.
pub struct Way<'a> {
    /// The server.
    pub server: &'a Url,
    /// Whether it is to be encrypted before anything else is said.
    pub start_tls: bool,
    /// Whom it must be.
    pub tls: &'a Arc<ClientConfig>,
    /// Whether link-local addresses may be connected to.
    pub allow_link_local: bool,
    /// The address that was used last, which is preferred: replicas may differ.
    pub preferred: Option<SocketAddr>,
}

/// Why there is no connection, and what to do about it.
pub struct Unopened {
    /// The cause.
    pub why: String,
    /// What to do, where it is more than seeing to the network.
    pub remedy: Option<String>,
}

impl From<String> for Unopened {
    fn from(why: String) -> Self {
        Self { why, remedy: None }
    }
}

impl From<std::io::Error> for Unopened {
    fn from(error: std::io::Error) -> Self {
        Self {
            why: error.to_string(),
            remedy: tls::remedy(&error, "spec.ldap.servers"),
        }
    }
}

/// A connection that nobody has signed in on, and the address that it leads to.
///
/// # Errors
/// Why there is none.
pub async fn open(way: &Way<'_>, ended: Ended) -> Result<(Ldap, SocketAddr), Unopened> {
    let server = way.server;
    let host = server.host_str().unwrap_or_default();
    let is_tls = server.scheme() == "ldaps";
    let port = server.port().unwrap_or(if is_tls { 636 } else { 389 });
    let mut stream = dial(host, port, way.allow_link_local, way.preferred).await?;
    let address = stream.peer_addr()?;
    let (ours, theirs) = UnixStream::pair()?;
    if is_tls || way.start_tls {
        if !is_tls {
            start_tls(&mut stream).await.map_err(|why| Unopened {
                why,
                remedy: Some(NO_START_TLS.to_owned()),
            })?;
        }
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from(Arc::clone(way.tls));
        let stream = connector.connect(name, stream).await?;
        tokio::spawn(pump(stream, theirs, ended));
    } else {
        tokio::spawn(pump(stream, theirs, ended));
    }
    let ours = ours.into_std()?;
    let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(ours));
    let opened = LdapConnAsync::with_settings(settings, "ldapi:///").await;
    let (connection, ldap) = opened.map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        if let Err(error) = connection.drive().await {
            tracing::debug!(%error, "a connection to a directory ended");
        }
    });
    Ok((ldap, address))
}

/// Asks for encryption. Nothing that was sent in clear is looked at afterwards.
async fn start_tls(stream: &mut TcpStream) -> Result<(), String> {
    stream
        .write_all(START_TLS)
        .await
        .map_err(|error| error.to_string())?;
    let mut frames = Frames::default();
    loop {
        let mut byte = [0];
        let read = stream.read(&mut byte).await;
        if read.map_err(|error| error.to_string())? == 0 {
            return Err("it hangs up when asked for StartTLS".to_owned());
        }
        frames.push(&byte);
        if let Some(answer) = frames.next()? {
            return match result_code(&answer) {
                Some(0) => Ok(()),
                Some(code) => Err(format!("it refuses StartTLS ({code})")),
                None => Err("it answers StartTLS with something else".to_owned()),
            };
        }
    }
}

/// The result code of an extended response to the first message.
fn result_code(answer: &[u8]) -> Option<u8> {
    // Lengths of a short answer are one byte each, or more where there is a long text.
    let at = answer
        .windows(3)
        .position(|three| three == [0x02, 0x01, 0x01])?;
    let rest = answer.get(at + 3..)?;
    let (tag, rest) = rest.split_first()?;
    if *tag != 0x78 {
        return None;
    }
    let (length, rest) = rest.split_first()?;
    let skip = if *length < 0x80 {
        0
    } else {
        usize::from(length & 0x7f)
    };
    match rest.get(skip..skip + 3)? {
        [0x0a, 0x01, code] => Some(*code),
        _ => None,
    }
}

/// Carries bytes both ways; what the server sends is looked at.
async fn pump<S>(server: S, client: UnixStream, ended: Ended)
where
    S: AsyncRead + AsyncWrite + Send,
{
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (mut from_client, mut to_client) = client.into_split();
    let inward = async {
        let mut frames = Frames::default();
        let mut bytes = vec![0; 32 * 1024];
        loop {
            match from_server.read(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(read) => frames.push(&bytes[..read]),
            }
            loop {
                match frames.next() {
                    Ok(None) => break,
                    Ok(Some(message)) => {
                        if to_client.write_all(&message).await.is_err() {
                            return;
                        }
                    }
                    Err(why) => {
                        *locked(&ended) = Some(why);
                        return;
                    }
                }
            }
        }
    };
    let outward = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    };
    // Whoever ends first ends the other.
    tokio::select! {
        () = inward => {}
        () = outward => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_start_tls_is_read() {
        let ok = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
        let refused = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00";
        let long = b"\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00";
        assert_eq!(result_code(ok), Some(0));
        assert_eq!(result_code(refused), Some(2));
        assert_eq!(result_code(long), Some(0));
        assert_eq!(result_code(b"\x30\x05\x02\x01\x01\x61\x00"), None);
        assert_eq!(result_code(b""), None);
    }
}
