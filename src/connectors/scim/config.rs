//! What a SCIM connector is made from.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::path::{AttributePath, MANAGER};
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
