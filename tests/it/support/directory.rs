//! Looking into a directory, and changing it behind the operator's back, with a client of the test's own.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use std::sync::Arc;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry, StdStream};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connection, signed in.
pub struct Looker(Ldap);

impl From<Looker> for Ldap {
    fn from(looker: Looker) -> Self {
        looker.0
    }
}

impl Looker {
    /// Signs in at a port of loopback: encrypted, where the authority that the server is from is given.
    /// `None` where it is refused.
    pub async fn sign_in(
        port: u16,
        ca_pem: Option<&str>,
        dn: &str,
        password: &str,
    ) -> Option<Self> {
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        match ca_pem {
            Some(pem) => carry(encrypted(tcp, pem).await, theirs),
            None => carry(tcp, theirs),
        }
        let stream = StdStream::Unix(ours.into_std().unwrap());
        let settings = LdapConnSettings::new().set_std_stream(stream);
        let opened = LdapConnAsync::with_settings(settings, "ldapi:///").await;
        let (connection, mut ldap) = opened.unwrap();
        ldap3::drive!(connection);
        let answer = ldap.simple_bind(dn, password).await.unwrap();
        (answer.rc == 0).then_some(Self(ldap))
    }

    /// Entries right below one, by name, with what they hold.
    pub async fn below(&mut self, base: &str) -> BTreeMap<String, SearchEntry> {
        let everything = vec!["*", "+"];
        let found = self
            .0
            .search(base, Scope::OneLevel, "(objectClass=*)", everything)
            .await
            .unwrap();
        let (entries, _) = found.success().unwrap();
        let entries = entries.into_iter().map(SearchEntry::construct);
        entries.map(|entry| (entry.dn.clone(), entry)).collect()
    }

    /// Values of an attribute of an entry; none where there is no such entry.
    pub async fn values(&mut self, dn: &str, attribute: &str) -> BTreeSet<String> {
        let found = self
            .0
            .search(dn, Scope::Base, "(objectClass=*)", vec![attribute])
            .await
            .unwrap();
        if found.1.rc == 32 {
            return BTreeSet::new();
        }
        let (entries, _) = found.success().unwrap();
        let mut entries = entries.into_iter().map(SearchEntry::construct);
        let values = entries.next().and_then(|mut entry| {
            let key = entry
                .attrs
                .keys()
                .find(|key| key.eq_ignore_ascii_case(attribute));
            let key = key.cloned()?;
            entry.attrs.remove(&key)
        });
        values.unwrap_or_default().into_iter().collect()
    }

    /// Makes an entry.
    pub async fn add(&mut self, dn: &str, attributes: &[(&str, &[&str])]) {
        let attributes = attributes.iter().map(|(name, values)| {
            let values: HashSet<&str> = values.iter().copied().collect();
            (*name, values)
        });
        let answer = self.0.add(dn, attributes.collect()).await;
        answer.unwrap().success().unwrap();
    }

    /// Deletes an entry.
    pub async fn delete(&mut self, dn: &str) {
        self.0.delete(dn).await.unwrap().success().unwrap();
    }

    /// Sets an attribute; without values it is cleared.
    pub async fn set(&mut self, dn: &str, attribute: &str, values: &[&str]) {
        let change = Mod::Replace(attribute, values.iter().copied().collect());
        let answer = self.0.modify(dn, vec![change]).await;
        answer.unwrap().success().unwrap();
    }

    /// Sets an attribute to a value that is no text.
    pub async fn set_bytes(&mut self, dn: &str, attribute: &str, value: Vec<u8>) {
        let change = Mod::Replace(attribute.as_bytes().to_vec(), HashSet::from([value]));
        let answer = self.0.modify(dn, vec![change]).await;
        answer.unwrap().success().unwrap();
    }

    /// Moves an entry below another.
    pub async fn relocate(&mut self, dn: &str, name: &str, parent: &str) {
        let answer = self.0.modifydn(dn, name, true, Some(parent)).await;
        answer.unwrap().success().unwrap();
    }

    /// Renames an entry.
    pub async fn rename(&mut self, dn: &str, name: &str) {
        let answer = self.0.modifydn(dn, name, true, None).await;
        answer.unwrap().success().unwrap();
    }
}

/// A connection that is encrypted, to a server with a certificate from this authority.
pub async fn encrypted(tcp: TcpStream, ca_pem: &str) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, tcp).await.unwrap()
}

fn carry(mut outer: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, mut inner: UnixStream) {
    tokio::spawn(async move {
        let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
    });
}
