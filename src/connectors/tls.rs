//! Encrypted connections: what of the manifest says who is believed, and what to do where one does not come about.

use std::error::Error;

use rustls::{CertificateError, ClientConfig};

use super::{ConnectorError, ErrorKind};
use crate::runtime::trust::{self, TrustError};

/// The authorities of the system, and those of a bundle, PEM: each DER, for a client that builds its own configuration.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a bundle that holds no certificate.
pub(super) fn authorities(ca_bundle: Option<&str>) -> Result<Vec<Vec<u8>>, ConnectorError> {
    let roots = trust::roots(ca_bundle).map_err(|error| invalid(&error))?;
    Ok(roots.iter().map(|root| root.to_vec()).collect())
}

/// Trusts the authorities of the system, and those of a bundle, PEM.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a bundle that holds no certificate.
pub(super) fn client(ca_bundle: Option<&str>) -> Result<ClientConfig, ConnectorError> {
    trust::client(ca_bundle).map_err(|error| invalid(&error))
}

fn invalid(error: &TrustError) -> ConnectorError {
    let told = match error {
        TrustError::NoCertificate => format!("spec.sync.tls.caBundle {error}"),
        TrustError::NoTls(_) => error.to_string(),
    };
    ConnectorError::new(ErrorKind::Invalid, told)
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
