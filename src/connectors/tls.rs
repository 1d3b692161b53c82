//! Encrypted connections, and who is believed about whom they lead to.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::{ConnectorError, ErrorKind};

/// The authorities of the system, and those of a bundle, PEM.
fn roots(ca_bundle: Option<&str>) -> Result<Vec<CertificateDer<'static>>, ConnectorError> {
    // Where the system has none, the bundle is what there is.
    let mut all = rustls_native_certs::load_native_certs().certs;
    if let Some(pem) = ca_bundle {
        let read = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
        let bundle: Vec<CertificateDer<'static>> = read.filter(is_usable).collect();
        if bundle.is_empty() {
            return Err(ConnectorError::new(
                ErrorKind::Invalid,
                "caBundle holds no readable PEM certificate",
            ));
        }
        all.extend(bundle);
    }
    Ok(all)
}

fn is_usable(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

/// The same, DER, for a client that builds its own configuration.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a bundle that holds no certificate.
pub(super) fn authorities(ca_bundle: Option<&str>) -> Result<Vec<Vec<u8>>, ConnectorError> {
    let usable = roots(ca_bundle)?.into_iter().filter(is_usable);
    Ok(usable.map(|certificate| certificate.to_vec()).collect())
}

/// Trusts the authorities of the system, and those of a bundle, PEM.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a bundle that holds no certificate.
pub(super) fn client(ca_bundle: Option<&str>) -> Result<ClientConfig, ConnectorError> {
    let mut trusted = RootCertStore::empty();
    trusted.add_parsable_certificates(roots(ca_bundle)?);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| {
        ConnectorError::new(ErrorKind::Invalid, format!("TLS can't be set up: {error}"))
    })?;
    Ok(builder
        .with_root_certificates(trusted)
        .with_no_client_auth())
}
