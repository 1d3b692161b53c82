//! What a SCIM connector is made from.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::path::{AttributePath, MANAGER};
use super::ways::Ways;
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::ids::AttributeName;

/// Everything needed to speak to one SCIM 2.0 service provider.
#[derive(Clone, Debug)]
pub struct ScimConfig {
    /// Base URL, to which `/Users` and `/Groups` are added. Absolute, `http` or `https`, without
    /// user, query and fragment.
    pub base_url: Url,
    /// How we prove who we are.
    pub auth: Auth,
    /// Certificates (PEM) of authorities trusted for this server, beside the platform's.
    pub ca_bundle: Option<String>,
    /// Allows link-local addresses, where cloud metadata services live.
    pub allow_link_local: bool,
    /// Time that one request may take, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// Records asked for in one page. At least 1.
    pub page_size: u16,
    /// Attributes that are read and written; all others stay as they are.
    pub managed_attributes: BTreeSet<AttributeName>,
    /// Whether the attribute `manager` is read and written.
    pub manager: bool,
    /// How the server wants things said.
    pub ways: Ways,
}

/// How we prove who we are.
#[derive(Clone, Debug)]
pub enum Auth {
    /// A bearer token (RFC 6750).
    Bearer(SecretString),
    /// User name and password (RFC 7617).
    Basic {
        /// User name, without a colon.
        username: String,
        /// Password.
        password: SecretString,
    },
    /// Access tokens by client credentials (RFC 6749 section 4.4).
    OAuth2(OAuth2),
}

/// Where access tokens come from, and how we prove there who we are.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    /// The token endpoint. Absolute, `http` or `https`, without user and fragment.
    pub token_url: Url,
    /// Name of the client.
    pub client_id: String,
    /// Secret of the client.
    pub client_secret: SecretString,
    /// What the token shall be good for. Nothing is asked for when empty.
    pub scopes: Vec<String>,
    /// Whom the token shall be good with, where the endpoint wants to know.
    pub audience: Option<String>,
    /// Where the client's name and secret stand.
    pub authentication: ClientAuthentication,
}

/// Where a client's name and secret stand in a request for a token (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// In the `Authorization` header.
    #[default]
    Header,
    /// In the body.
    Body,
}

impl ScimConfig {
    /// Parses the managed attributes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a bad name, and for two names of the same data.
    pub(super) fn paths(&self) -> Result<Vec<AttributePath>, ConnectorError> {
        let mut paths: Vec<AttributePath> = Vec::new();
        for name in &self.managed_attributes {
            if self.manager && name.as_str() == MANAGER {
                continue;
            }
            let path = AttributePath::parse(name)?;
            if let Some(other) = paths.iter().find(|other| other.overlaps(&path)) {
                return Err(ConnectorError::new(
                    ErrorKind::Invalid,
                    format!(
                        "attributes `{}` and `{name}` are the same data; keep one of them",
                        other.name
                    ),
                ));
            }
            paths.push(path);
        }
        if self.manager {
            paths.push(AttributePath::manager());
        }
        Ok(paths)
    }
}
