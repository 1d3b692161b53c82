//! From the `scim` block of an `AppConnector` to a connector. The only file of this folder that sees
//! the API.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::config::{Auth, ScimConfig};
use super::{ScimConnector, path};
use crate::api::AppConnectorSpec;
use crate::api::app_connector::{Manager, Scim};
use crate::api::duration;
use crate::connectors::registry::{Credentials, Protocol};
use crate::connectors::{ConnectorError, SharedConnector};
use crate::domain::ids::AttributeName;
use crate::domain::problem::Problem;
use crate::runtime::secrets::Destination;

/// SCIM, as the registry knows it.
pub const PROTOCOL: Protocol = Protocol {
    word: "SCIM",
    is_used: |spec| spec.scim.is_some(),
    target: |spec| {
        let url = url(spec.scim.as_ref()?).ok()?;
        Some(format!("scim {}", url.as_str().trim_end_matches('/')))
    },
    manager_attribute: path::MANAGER,
    open,
};

fn url(scim: &Scim) -> Result<Url, Problem> {
    Url::parse(&scim.base_url).map_err(|error| {
        Problem::edit(
            "BadUrl",
            format!(
                "spec.scim.baseUrl is not a URL ({error}): write it as https://example.com/scim/v2"
            ),
        )
    })
}

fn open(
    spec: &AppConnectorSpec,
    credentials: &mut Credentials<'_>,
) -> Result<SharedConnector, Problem> {
    let Some(scim) = &spec.scim else {
        return Err(Problem::edit("NoProtocol", "spec.scim is missing"));
    };
    let base_url = url(scim)?;
    let to = Destination::of(&base_url).ok_or_else(|| {
        Problem::edit(
            "BadUrl",
            "spec.scim.baseUrl names no host: write it as https://example.com/scim/v2",
        )
    })?;
    // What only an edit cures is told first, whether or not the credential is there yet.
    let placeholder = Auth::Bearer(SecretString::from("placeholder"));
    connector(spec, scim, base_url.clone(), placeholder)?;
    let auth = match (&scim.auth.bearer, &scim.auth.basic) {
        (Some(bearer), None) => Auth::Bearer(credentials(&bearer.secret_key_ref, &to)?),
        (None, Some(basic)) => Auth::Basic {
            username: basic.username.clone(),
            password: credentials(&basic.password_secret_key_ref, &to)?,
        },
        _ => {
            return Err(Problem::edit(
                "NoAuthentication",
                "exactly one of spec.scim.auth.bearer and spec.scim.auth.basic is needed",
            ));
        }
    };
    Ok(Arc::new(connector(spec, scim, base_url, auth)?))
}

fn connector(
    spec: &AppConnectorSpec,
    scim: &Scim,
    base_url: Url,
    auth: Auth,
) -> Result<ScimConnector, Problem> {
    let config = ScimConfig {
        base_url,
        auth,
        ca_bundle: scim.tls.as_ref().map(|tls| tls.ca_bundle.clone()),
        allow_link_local: scim.allow_link_local,
        timeout: duration::parse(&spec.sync.timeout).unwrap_or(Duration::from_secs(30)),
        page_size: spec.sync.page_size,
        managed_attributes: spec
            .account
            .attributes
            .keys()
            .map(AttributeName::new)
            .collect(),
        manager: spec.account.manager == Manager::FromManagerRef,
    };
    ScimConnector::new(config).map_err(|error: ConnectorError| {
        Problem::edit(error.kind.reason(), format!("spec.scim: {error}"))
    })
}
