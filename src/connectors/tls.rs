//! Encrypted connections, and who is believed about whom they lead to.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::{ConnectorError, ErrorKind};

/// Trusts the authorities of the system, and those of a bundle, PEM.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a bundle that holds no certificate.
pub(super) fn client(ca_bundle: Option<&str>) -> Result<ClientConfig, ConnectorError> {
    let mut roots = RootCertStore::empty();
    // Where the system has none, the bundle is what there is.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = ca_bundle {
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(pem.as_bytes())
                .filter_map(Result::ok)
                .collect();
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(ConnectorError::new(
                ErrorKind::Invalid,
                "caBundle holds no readable PEM certificate",
            ));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| {
        ConnectorError::new(ErrorKind::Invalid, format!("TLS can't be set up: {error}"))
    })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
