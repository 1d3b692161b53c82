//! A proxy before a directory that speaks without TLS, which loses answers on demand.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What an LDAP message asks for, by its tag (RFC 4511 appendix B).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Add,
    Modify,
    Rename,
    Delete,
}

impl Verb {
    /// The verb of the first message in some bytes.
    fn of(bytes: &[u8]) -> Option<Self> {
        let (_, inner) = value(bytes, 0x30)?;
        let (id, _) = value(inner, 0x02)?;
        match inner.get(id) {
            Some(0x68) => Some(Self::Add),
            Some(0x66) => Some(Self::Modify),
            Some(0x6c) => Some(Self::Rename),
            Some(0x4a) => Some(Self::Delete),
            _ => None,
        }
    }
}

/// A value of BER: how long it is in all, and what is in it.
fn value(bytes: &[u8], tag: u8) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (size, header) = if length < 0x80 {
        (usize::from(length), 2)
    } else {
        let more = usize::from(length & 0x7f);
        let size = rest.get(..more)?.iter();
        (
            size.fold(0, |size, byte| size << 8 | usize::from(*byte)),
            2 + more,
        )
    };
    let end = (header + size).min(bytes.len());
    (first == tag).then(|| (header + size, &bytes[header..end]))
}

/// The proxy. Ends when dropped.
pub struct LdapProxy {
    port: u16,
    lost: Arc<Mutex<Vec<Verb>>>,
    task: AbortHandle,
}

impl LdapProxy {
    /// Before a server that listens on a port of loopback. `loses` decides, for each write, whether it is
    /// carried out and its answer lost with the connection.
    pub async fn before(port: u16, loses: impl Fn(Verb) -> bool + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let lost = Arc::new(Mutex::new(Vec::new()));
        let (noted, loses) = (Arc::clone(&lost), Arc::new(loses));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (noted, loses) = (Arc::clone(&noted), Arc::clone(&loses));
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
                        return;
                    };
                    pass(client, server, &|verb| {
                        let is_lost = loses(verb);
                        if is_lost {
                            noted.lock().unwrap().push(verb);
                        }
                        is_lost
                    })
                    .await;
                });
            }
        });
        Self {
            port: own,
            lost,
            task: task.abort_handle(),
        }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// For the annotation of a Secret.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What it has lost so far.
    pub fn lost(&self) -> Vec<Verb> {
        self.lost.lock().unwrap().clone()
    }
}

impl Drop for LdapProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, loses: &(dyn Fn(Verb) -> bool + Sync)) {
    let (mut asked, mut told) = (vec![0; 65536], vec![0; 65536]);
    let mut losing = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(n) if n > 0 => {
                    losing |= Verb::of(&asked[..n]).is_some_and(loses);
                    if server.write_all(&asked[..n]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            read = server.read(&mut told) => match read {
                // The server has done it; nobody hears of that.
                Ok(n) if n > 0 && !losing => {
                    if client.write_all(&told[..n]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}
