//! A credential goes only where its owner meant it to.
//!
//! Only Secrets labelled for Rollcall are read, and each names, in an annotation, the hosts that it
//! may be sent to. Otherwise whoever may write an `AppConnector` could read every Secret by pointing at
//! a server of their own. Pure: no Secret is fetched here, and none is ever shown.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use url::{Host, Url};

use crate::api::{SECRET_HOSTS_ANNOTATION, SECRET_LABEL};

/// As much of a Secret as matters here. Its contents are wiped from memory when it goes.
#[derive(Debug, Default)]
pub struct SecretView {
    labelled: bool,
    hosts: String,
    // Empty unless labelled: what is not meant for us is not kept.
    data: BTreeMap<String, SecretSlice<u8>>,
}

impl From<Secret> for SecretView {
    fn from(secret: Secret) -> Self {
        let labels = secret.metadata.labels.unwrap_or_default();
        let annotations = secret.metadata.annotations.unwrap_or_default();
        let labelled = labels
            .get(SECRET_LABEL)
            .is_some_and(|value| value == "true");
        let data = secret
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, SecretSlice::from(value.0)))
            .filter(|_| labelled)
            .collect();
        Self {
            labelled,
            hosts: annotations
                .get(SECRET_HOSTS_ANNOTATION)
                .cloned()
                .unwrap_or_default(),
            data,
        }
    }
}

/// Why a credential can't be had. Each can be cured by a change of the Secret, without an edit of the
/// connector, so each is something to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretProblem {
    /// There is no such Secret.
    Missing,
    /// The Secret does not bear the label.
    NotLabelled,
    /// The Secret's annotation does not name the host.
    HostNotAllowed {
        /// The host, with its port where it was given.
        host: String,
    },
    /// The Secret lacks the key.
    KeyMissing {
        /// The key.
        key: String,
    },
    /// The value is empty, not UTF-8, or holds control characters.
    NotText {
        /// The key.
        key: String,
    },
}

impl SecretProblem {
    /// Stable reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "SecretMissing",
            Self::NotLabelled => "SecretNotLabelled",
            Self::HostNotAllowed { .. } => "SecretHostNotAllowed",
            Self::KeyMissing { .. } => "SecretKeyMissing",
            Self::NotText { .. } => "SecretNotText",
        }
    }

    /// Whether it may pass without an edit of the connector, so that the connector is waiting rather
    /// than stalled.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Missing
            | Self::NotLabelled
            | Self::HostNotAllowed { .. }
            | Self::KeyMissing { .. }
            | Self::NotText { .. } => true,
        }
    }

    /// What is the matter and what to do, for a person; `secret` is the Secret's name.
    #[must_use]
    pub fn message(&self, secret: &str) -> String {
        match self {
            Self::Missing => format!(
                "Secret {secret} does not exist in this namespace, or does not bear the label {SECRET_LABEL}: \"true\", without which it is not read: create it with that label and the annotation {SECRET_HOSTS_ANNOTATION}"
            ),
            Self::NotLabelled => format!(
                "Secret {secret} is not meant for Rollcall and was not read: add the label {SECRET_LABEL}: \"true\" to it"
            ),
            Self::HostNotAllowed { host } => format!(
                "Secret {secret} must not be sent to {host}: if it may be, add {host} to the comma separated list in its annotation {SECRET_HOSTS_ANNOTATION}"
            ),
            Self::KeyMissing { key } => {
                format!("Secret {secret} has no key {key}: add it, or name another key")
            }
            Self::NotText { key } => format!(
                "key {key} of Secret {secret} can't be used as a credential: it must be text, not empty, and in one line"
            ),
        }
    }
}

/// `host:port` of a URL, for [`credential_for`], with the scheme's own port where the URL names none.
/// `None` where it has no host or its scheme no port.
#[must_use]
pub fn host_of(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host()?, url.port_or_known_default()?))
}

/// The credential under `key`, if it may be sent to `host`, a `host` or `host:port`.
///
/// The annotation is a comma separated list. `directory.example.com` allows every port of that host,
/// `directory.example.com:8443` that port alone, `*.example.com` every host below `example.com`, at any
/// depth, but not `example.com` itself. What follows the `*.` must have two labels or more, and never
/// covers an IP address. Names compare without case and in their ASCII form (RFC 5890). An entry that
/// makes no sense allows nothing.
///
/// One line break at the end of the value is dropped, as files have one and credentials have none.
///
/// # Errors
///
/// A [`SecretProblem`]. Whether a key exists is told only to those whose host is allowed.
pub fn credential_for(
    secret: Option<&SecretView>,
    key: &str,
    host: &str,
) -> Result<SecretString, SecretProblem> {
    let secret = secret.ok_or(SecretProblem::Missing)?;
    if !secret.labelled {
        return Err(SecretProblem::NotLabelled);
    }
    let target = Endpoint::parse(host);
    let allowed = target.is_some_and(|target| {
        secret
            .hosts
            .split(',')
            .any(|entry| allows(entry.trim(), &target))
    });
    if !allowed {
        return Err(SecretProblem::HostNotAllowed {
            host: host.to_owned(),
        });
    }
    let value = secret
        .data
        .get(key)
        .ok_or_else(|| SecretProblem::KeyMissing {
            key: key.to_owned(),
        })?;
    text(value.expose_secret())
        .map(SecretString::from)
        .ok_or_else(|| SecretProblem::NotText {
            key: key.to_owned(),
        })
}

fn text(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
}

/// A host, and a port where one is given.
struct Endpoint {
    host: Host,
    port: Option<u16>,
}

impl Endpoint {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = split_port(text)?;
        let host = host.strip_suffix('.').unwrap_or(host);
        Some(Self {
            host: Host::parse(host).ok()?,
            port,
        })
    }
}

/// Splits `host:port`; an IPv6 address stands in brackets (RFC 3986 section 3.2.2).
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => Some((host, Some(port.parse().ok()?))),
        _ => Some((text, None)),
    }
}

fn allows(entry: &str, target: &Endpoint) -> bool {
    let (entry, wildcard) = match entry.strip_prefix("*.") {
        Some(rest) => (rest, true),
        None => (entry, false),
    };
    let Some(allowed) = Endpoint::parse(entry) else {
        return false;
    };
    if allowed.port.is_some() && allowed.port != target.port {
        return false;
    }
    if !wildcard {
        return allowed.host == target.host;
    }
    match (&allowed.host, &target.host) {
        (Host::Domain(parent), Host::Domain(host)) => {
            parent.contains('.')
                && host
                    .strip_suffix(parent.as_str())
                    .and_then(|labels| labels.strip_suffix('.'))
                    .is_some_and(|labels| !labels.is_empty())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use proptest::prelude::*;

    use super::*;

    fn secret(label: Option<&str>, hosts: Option<&str>, value: &[u8]) -> SecretView {
        let mut secret = Secret::default();
        let one = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        secret.metadata.labels = label.map(|value| one(SECRET_LABEL, value));
        secret.metadata.annotations = hosts.map(|value| one(SECRET_HOSTS_ANNOTATION, value));
        secret.data = Some(BTreeMap::from([(
            "token".to_owned(),
            ByteString(value.to_vec()),
        )]));
        SecretView::from(secret)
    }

    fn reason(view: Option<&SecretView>, key: &str, host: &str) -> &'static str {
        credential_for(view, key, host).map_or_else(|problem| problem.reason(), |_| "allowed")
    }

    #[test]
    fn hosts_are_matched_as_documented() {
        for (hosts, host, allowed) in [
            ("directory.example.com", "directory.example.com:443", true),
            ("directory.example.com", "directory.example.com", true),
            ("Directory.EXAMPLE.com", "directory.example.COM:8443", true),
            (
                "other.test, directory.example.com ,",
                "directory.example.com:443",
                true,
            ),
            ("directory.example.com.", "directory.example.com:443", true),
            ("directory.example.com", "directory.example.com.:443", true),
            (
                "directory.example.com:8443",
                "directory.example.com:8443",
                true,
            ),
            (
                "directory.example.com:8443",
                "directory.example.com:443",
                false,
            ),
            ("directory.example.com:8443", "directory.example.com", false),
            ("directory.example.com:x", "directory.example.com", false),
            ("", "directory.example.com:443", false),
            ("directory.example.com", "evil.test:443", false),
            ("example.com", "directory.example.com:443", false),
            ("directory.example.com", "example.com:443", false),
            ("example.com", "notexample.com:443", false),
            (
                "https://directory.example.com",
                "directory.example.com:443",
                false,
            ),
            ("*.example.com", "directory.example.com:443", true),
            ("*.example.com", "a.b.example.com:443", true),
            ("*.example.com:443", "a.example.com:443", true),
            ("*.example.com:443", "a.example.com:80", false),
            ("*.example.com", "example.com:443", false),
            ("*.example.com", "notexample.com:443", false),
            ("*.example.com", "example.com.evil.test:443", false),
            ("*.com", "example.com:443", false),
            ("*", "example.com:443", false),
            ("*.*.example.com", "a.b.example.com:443", false),
            ("a*.example.com", "ab.example.com:443", false),
            ("10.0.0.1", "10.0.0.1:443", true),
            ("*.0.0.1", "10.0.0.1:443", false),
            ("10.0.0.1", "010.0.0.1:443", false),
            ("[::1]:8443", "[0:0:0:0:0:0:0:1]:8443", true),
            ("[::1]", "[::1]:8443", true),
            ("[::1]:443", "[::1]:8443", false),
            ("::1", "[::1]:8443", false),
            ("bücher.example", "xn--bcher-kva.example:443", true),
            ("directory.example.com", "", false),
            (
                "directory.example.com",
                "directory.example.com:99999",
                false,
            ),
        ] {
            let view = secret(Some("true"), Some(hosts), b"s3cret");
            let expected = if allowed {
                "allowed"
            } else {
                "SecretHostNotAllowed"
            };
            assert_eq!(
                reason(Some(&view), "token", host),
                expected,
                "{hosts:?} for {host:?}"
            );
        }
    }

    #[test]
    fn each_problem_says_what_to_do() {
        let host = "directory.example.com:443";
        let hosts = Some("directory.example.com");
        let cases = [
            (
                None,
                "token",
                "SecretMissing",
                "rollcall.dev/credential: \"true\"",
            ),
            (
                Some(secret(None, hosts, b"v")),
                "token",
                "SecretNotLabelled",
                "rollcall.dev/credential: \"true\"",
            ),
            (
                Some(secret(Some("yes"), hosts, b"v")),
                "token",
                "SecretNotLabelled",
                "add the label",
            ),
            (
                Some(secret(Some("true"), None, b"v")),
                "token",
                "SecretHostNotAllowed",
                "add directory.example.com:443 to",
            ),
            (
                Some(secret(Some("true"), Some("x.test"), b"v")),
                "nokey",
                "SecretHostNotAllowed",
                "rollcall.dev/hosts",
            ),
            (
                Some(secret(Some("true"), hosts, b"v")),
                "nokey",
                "SecretKeyMissing",
                "no key nokey",
            ),
            (
                Some(secret(Some("true"), hosts, b"\xff\xfe")),
                "token",
                "SecretNotText",
                "key token",
            ),
            (
                Some(secret(Some("true"), hosts, b"")),
                "token",
                "SecretNotText",
                "not empty",
            ),
            (
                Some(secret(Some("true"), hosts, b"\n")),
                "token",
                "SecretNotText",
                "not empty",
            ),
            (
                Some(secret(Some("true"), hosts, b"a\r\nHost: b")),
                "token",
                "SecretNotText",
                "one line",
            ),
        ];
        for (view, key, reason, part) in cases {
            let problem = credential_for(view.as_ref(), key, host).unwrap_err();
            assert_eq!(problem.reason(), reason);
            assert!(problem.may_pass());
            let message = problem.message("directory");
            assert!(
                message.contains(part) && message.contains("Secret directory"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_line_break_at_the_end_is_dropped() {
        for value in ["s3 cret", "s3 cret\n", "s3 cret\r\n"] {
            let view = secret(Some("true"), Some("x.example"), value.as_bytes());
            let got = credential_for(Some(&view), "token", "x.example:1").unwrap();
            assert_eq!(got.expose_secret(), "s3 cret");
        }
    }

    #[test]
    fn nothing_prints_the_value() {
        let view = secret(Some("true"), Some("x.example"), b"s3cret");
        assert!(!format!("{view:?}").contains("s3cret"));
        assert!(!format!("{view:?}").contains("115"), "nor its bytes");
        let got = credential_for(Some(&view), "token", "x.example").unwrap();
        assert!(!format!("{got:?}").contains("s3cret"));
        assert!(
            secret(None, None, b"s3cret").data.is_empty(),
            "what is not ours is not kept"
        );
    }

    #[test]
    fn a_url_gives_its_host_with_the_port_in_use() {
        for (url, host) in [
            (
                "https://Directory.example.com/scim/v2",
                Some("directory.example.com:443"),
            ),
            (
                "http://directory.example.com",
                Some("directory.example.com:80"),
            ),
            ("https://[::1]:8443/", Some("[::1]:8443")),
            ("data:text/plain,x", None),
        ] {
            assert_eq!(host_of(&url.parse().unwrap()).as_deref(), host);
        }
    }

    proptest! {
        #[test]
        fn a_foreign_host_is_never_allowed(label in "[a-z][a-z0-9]{0,8}", port in 1_u16.., hosts in "[a-z*.:,0-9\\[\\] -]{0,40}") {
            let view = secret(Some("true"), Some(&hosts), b"s3cret");
            // A top-level domain that the generated annotation can't hold.
            let host = format!("{label}.evil_host:{port}");
            prop_assert!(Endpoint::parse(&host).is_some());
            prop_assert_eq!(reason(Some(&view), "token", &host), "SecretHostNotAllowed");
        }

        #[test]
        fn what_is_named_is_allowed(label in "[a-z][a-z0-9]{0,8}", port in 1_u16..) {
            let view = secret(Some("true"), Some(&format!("a.test,{label}.example:{port}")), b"s3cret");
            let host = format!("{}.EXAMPLE:{port}", label.to_uppercase());
            prop_assert_eq!(reason(Some(&view), "token", &host), "allowed");
        }
    }
}
