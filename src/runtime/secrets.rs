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

/// Where a credential is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// `host:port`.
    pub host: String,
    /// Whether it travels encrypted.
    pub encrypted: bool,
}

impl Destination {
    /// Where requests to a URL go, at the scheme's own port where the URL names none. `None` where it
    /// has no host or its scheme no port.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        Some(Self {
            host: format!("{}:{}", url.host()?, url.port_or_known_default()?),
            encrypted: url.scheme() == "https",
        })
    }
}

/// The credential under `key`, if it may be sent there.
///
/// The annotation is a comma separated list. `directory.example.com` allows every port of that host as
/// long as the connection is encrypted, `directory.example.com:8443` that port alone, encrypted or not, `*.example.com` every host below `example.com`, at any
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
    to: &Destination,
) -> Result<SecretString, SecretProblem> {
    let secret = secret.ok_or(SecretProblem::Missing)?;
    if !secret.labelled {
        return Err(SecretProblem::NotLabelled);
    }
    let target = Endpoint::parse(&to.host);
    let allowed = target.is_some_and(|target| {
        secret
            .hosts
            .split(',')
            .any(|entry| allows(entry.trim(), &target, to.encrypted))
    });
    if !allowed {
        return Err(SecretProblem::HostNotAllowed {
            host: to.host.clone(),
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

fn allows(entry: &str, target: &Endpoint, encrypted: bool) -> bool {
    let (entry, wildcard) = match entry.strip_prefix("*.") {
        Some(rest) => (rest, true),
        None => (entry, false),
    };
    let Some(allowed) = Endpoint::parse(entry) else {
        return false;
    };
    // Without encryption, whoever owns the Secret must have meant that very port.
    let port_fits = match allowed.port {
        Some(port) => Some(port) == target.port,
        None => encrypted,
    };
    if !port_fits {
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
mod tests;
