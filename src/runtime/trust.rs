//! Who is believed about whom an encrypted connection leads to.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Nobody can be believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Of a bundle, whose name comes before it.
    #[error("holds no readable PEM certificate: put one in, or leave it out")]
    NoCertificate,
    /// There is no way to speak TLS at all.
    #[error("TLS can't be set up: {0}")]
    NoTls(#[from] rustls::Error),
}

/// The authorities of the system, and those of a bundle, PEM.
///
/// # Errors
/// [`TrustError::NoCertificate`] for a bundle without any.
pub fn roots(ca_bundle: Option<&str>) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    // Where the system has none, the bundle is what there is.
    let mut roots = rustls_native_certs::load_native_certs().certs;
    roots.retain(is_usable);
    if let Some(pem) = ca_bundle {
        roots.extend(bundled(pem)?);
    }
    Ok(roots)
}

/// Trusts those, and speaks TLS 1.2 and newer.
///
/// # Errors
/// A [`TrustError`].
pub fn client(ca_bundle: Option<&str>) -> Result<ClientConfig, TrustError> {
    let mut trusted = RootCertStore::empty();
    trusted.add_parsable_certificates(roots(ca_bundle)?);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder
        .with_root_certificates(trusted)
        .with_no_client_auth())
}

fn bundled(pem: &str) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let read = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
    let bundle: Vec<_> = read.filter(is_usable).collect();
    if bundle.is_empty() {
        return Err(TrustError::NoCertificate);
    }
    Ok(bundle)
}

fn is_usable(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_without_a_certificate_is_not_taken_for_one() {
        let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
        for pem in ["", "no PEM", empty] {
            let error = roots(Some(pem)).unwrap_err();
            assert!(matches!(error, TrustError::NoCertificate), "{error}");
            assert!(client(Some(pem)).is_err());
        }
        assert!(roots(None).is_ok() && client(None).is_ok());
    }
}
