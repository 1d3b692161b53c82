//! TLS in front of a real SCIM server: whom the connector trusts.

use std::sync::Arc;
use std::time::Duration;

use rollcall::connectors::scim::{Auth, ScimConfig, ScimConnector};
use rollcall::connectors::{Connector, ErrorKind};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::support::authority::Certified;
use crate::support::targets::ScimServer;

/// Takes TLS off and passes everything on. Ends when dropped.
pub struct TlsFront {
    /// Its port, on the address that the server listens on.
    pub port: u16,
    /// The authority that its certificate is from.
    pub ca_pem: String,
    task: AbortHandle,
}

impl TlsFront {
    /// Before the server at `host`, with a certificate for `name` from an authority of its own.
    pub async fn before(host: String, name: &str) -> Self {
        let certified = Certified::new(&[name]);
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
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, host) = (acceptor.clone(), host.clone());
                tokio::spawn(async move {
                    // A client that does not trust us hangs up in the handshake.
                    let Ok(mut outer) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut inner = TcpStream::connect(host).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
        Self {
            port,
            ca_pem: certified.ca_pem,
            task: task.abort_handle(),
        }
    }

    fn connector(&self, server: &ScimServer, ca_bundle: Option<String>) -> ScimConnector {
        let base_url = format!(
            "https://localhost:{}{}",
            self.port,
            server.base_url().path()
        );
        ScimConnector::new(ScimConfig {
            base_url: base_url.parse().unwrap(),
            auth: Auth::Bearer(server.token().into()),
            ca_bundle,
            allow_link_local: false,
            timeout: Duration::from_secs(20),
            page_size: 100,
            managed_attributes: [].into(),
            manager: false,
            ways: rollcall::connectors::scim::Ways::default(),
        })
        .unwrap()
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn trusts_the_ca_bundle_and_nobody_else() {
    let server = ScimServer::scim2_server().await;
    let front = TlsFront::before(server.host().to_owned(), "localhost").await;
    let stranger = TlsFront::before(server.host().to_owned(), "localhost").await;
    let misnamed = TlsFront::before(server.host().to_owned(), "elsewhere.example.com").await;

    let two = format!("{}\n{}", stranger.ca_pem, front.ca_pem);
    for bundle in [front.ca_pem.clone(), two] {
        front
            .connector(&server, Some(bundle))
            .probe()
            .await
            .unwrap();
    }
    for (front, bundle) in [
        (&front, None),
        (&front, Some(stranger.ca_pem.clone())),
        (&misnamed, Some(misnamed.ca_pem.clone())),
    ] {
        let before = server.requests().await.len();
        let error = front.connector(&server, bundle).probe().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
        assert!(error.message.contains("certificate"), "{error}");
        assert_eq!(server.requests().await.len(), before, "nothing is sent");
    }
}
