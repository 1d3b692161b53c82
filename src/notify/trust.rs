//! Who is believed about whom an encrypted connection leads to.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// The authorities of the system, and those of a bundle, PEM.
pub(super) fn roots(ca_bundle: Option<&str>) -> Result<Vec<CertificateDer<'static>>, String> {
    let is_usable = |c: &CertificateDer<'static>| RootCertStore::empty().add(c.clone()).is_ok();
    let mut own = Vec::new();
    if let Some(pem) = ca_bundle {
        let read = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
        own.extend(read.filter(is_usable));
        if own.is_empty() {
            return Err(
                "it holds no readable PEM certificate: put one in, or leave it out".to_owned(),
            );
        }
    }
    // Where the system has none, the bundle is what there is.
    let system = rustls_native_certs::load_native_certs().certs;
    own.extend(system.into_iter().filter(is_usable));
    Ok(own)
}

/// Trusts those, and speaks TLS 1.2 and newer.
pub(super) fn client(ca_bundle: Option<&str>) -> Result<ClientConfig, String> {
    let mut trusted = RootCertStore::empty();
    trusted.add_parsable_certificates(roots(ca_bundle)?);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| format!("TLS can't be set up: {error}"))?;
    Ok(builder
        .with_root_certificates(trusted)
        .with_no_client_auth())
}
