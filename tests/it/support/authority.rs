//! An authority of a test's own, and a certificate from it.

use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// A certificate, its key, and the authority that it is from.
pub struct Certified {
    /// The authority, PEM.
    pub ca_pem: String,
    /// The certificate, PEM.
    pub pem: String,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Its key.
    pub key: KeyPair,
}

impl Certified {
    /// A certificate for these hosts, from an authority that nobody else has heard of.
    pub fn new(hosts: &[&str]) -> Self {
        let mut ca = CertificateParams::new(vec![]).unwrap();
        ca.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        ca.distinguished_name
            .push(DnType::CommonName, "Test authority");
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let leaf = CertificateParams::new(hosts)
            .unwrap()
            .signed_by(&key, &ca)
            .unwrap();
        Self {
            ca_pem: ca.pem(),
            pem: leaf.pem(),
            der: leaf.der().to_vec(),
            key,
        }
    }
}
