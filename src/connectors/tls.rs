//! Encrypted connections, and who is believed about whom they lead to.

use std::error::Error;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};

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
                "spec.sync.tls.caBundle holds no readable PEM certificate: put one in, or leave it out",
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

/// What to do about a server that did not prove who it is. `None` where something else went wrong. `address` is the field
/// that leads there.
pub(super) fn remedy(error: &(dyn Error + 'static), address: &str) -> Option<String> {
    use CertificateError as C;
    let rustls::Error::InvalidCertificate(certificate) = of_tls(error)? else {
        return Some(format!("let {address} lead to where the server speaks TLS"));
    };
    Some(match certificate {
        // Another authority of the same name is found, and did not sign it.
        C::UnknownIssuer | C::BadSignature => {
            "put the authority that its certificate is from into spec.sync.tls.caBundle".to_owned()
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            format!("call it in {address} as its certificate does, or give it one for that name")
        }
        C::Expired | C::ExpiredContext { .. } => "renew its certificate".to_owned(),
        _ => "give it a certificate that is good".to_owned(),
    })
}

/// What TLS has to say, somewhere behind an error.
fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // What an error of I/O holds is not its source, but itself.
        let held = error.downcast_ref::<std::io::Error>();
        let held = held.and_then(std::io::Error::get_ref);
        next = match held {
            Some(held) => Some(held as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(error: impl Into<Box<dyn Error + Send + Sync>>) -> std::io::Error {
        std::io::Error::other(error)
    }

    #[test]
    fn what_a_certificate_lacks_is_told_wherever_it_stands() {
        let error = |error| io(io(rustls::Error::InvalidCertificate(error)));
        for (certificate, part) in [
            (CertificateError::UnknownIssuer, "spec.sync.tls.caBundle"),
            (CertificateError::BadSignature, "spec.sync.tls.caBundle"),
            (CertificateError::NotValidForName, "call it in spec.x.url"),
            (CertificateError::Expired, "renew"),
            (CertificateError::Revoked, "that is good"),
        ] {
            let told = remedy(&error(certificate), "spec.x.url").unwrap();
            assert!(told.contains(part), "{told}");
        }
        let plain = io(rustls::Error::DecryptError);
        let told = remedy(&plain, "spec.x.url").unwrap();
        assert!(told.contains("spec.x.url"), "{told}");
        assert_eq!(remedy(&io("refused"), "spec.x.url"), None);
    }
}
