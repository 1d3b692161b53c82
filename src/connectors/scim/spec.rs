//! From the `scim` block of an `AppConnector` to a connector. The only file of this folder that sees
//! the API.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::config::{Auth, ClientAuthentication, OAuth2, ScimConfig};
use super::ways::{Deactivation, ManagerForm, OperationCase, Update, Ways};
use super::{ScimConnector, path};
use crate::api::AppConnectorSpec;
use crate::api::app_connector::{
    DeactivationForm, Manager, ManagerSpelling, OAuth2Auth, OperationSpelling, Profile, Scim,
    TokenAuthStyle, UpdateForm,
};
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
    block: |spec| serde_json::to_value(&spec.scim).unwrap_or_default(),
    target: |spec| {
        let url = url(spec.scim.as_ref()?).ok()?;
        Some(format!("scim {}", url.as_str().trim_end_matches('/')))
    },
    manager_attribute: path::MANAGER,
    membership_limit: |spec| match spec.scim.as_ref()?.profile {
        Profile::AwsIdentityCenter => Some(100),
        Profile::Standard | Profile::Entra | Profile::Okta => None,
    },
    own_account: |spec| {
        let basic = spec.scim.as_ref()?.auth.basic.as_ref()?;
        Some(basic.username.clone())
    },
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
    if spec
        .account
        .initial_password
        .as_ref()
        .is_some_and(|p| p.must_change)
    {
        return Err(Problem::edit(
            "Unsupported",
            "spec.account.initialPassword.mustChange: SCIM has no way to ask for that: set it to false, and let the application's own policy see to it",
        ));
    }
    let base_url = url(scim)?;
    let to = Destination::of(&base_url).ok_or_else(|| {
        Problem::edit(
            "BadUrl",
            "spec.scim.baseUrl names no host: write it as https://example.com/scim/v2",
        )
    })?;
    let placeholder = SecretString::from("placeholder");
    // What only an edit cures is told first, whether or not the credential is there yet.
    let first = match &scim.auth.oauth2 {
        Some(oauth2) => Auth::OAuth2(token_source(oauth2, token_url(oauth2)?, placeholder)),
        None => Auth::Bearer(placeholder),
    };
    connector(spec, scim, base_url.clone(), first)?;
    let auth = match (&scim.auth.bearer, &scim.auth.basic, &scim.auth.oauth2) {
        (Some(bearer), None, None) => Auth::Bearer(credentials(&bearer.secret_key_ref, &to)?),
        (None, Some(basic), None) => Auth::Basic {
            username: basic.username.clone(),
            password: credentials(&basic.password_secret_key_ref, &to)?,
        },
        (None, None, Some(oauth2)) => {
            let url = token_url(oauth2)?;
            let endpoint = Destination::of(&url).ok_or_else(bad_token_url)?;
            let reference = &oauth2.client_secret_key_ref;
            // What it is exchanged for goes to the application, so both must be meant.
            credentials(reference, &to)?;
            Auth::OAuth2(token_source(
                oauth2,
                url,
                credentials(reference, &endpoint)?,
            ))
        }
        _ => {
            return Err(Problem::edit(
                "NoAuthentication",
                "exactly one of spec.scim.auth.bearer, spec.scim.auth.basic and spec.scim.auth.oauth2 is needed",
            ));
        }
    };
    Ok(Arc::new(connector(spec, scim, base_url, auth)?))
}

/// What the profile has, and what is said to be otherwise.
fn ways(scim: &Scim) -> Ways {
    let standard = Ways::default();
    let mut ways = match scim.profile {
        Profile::Standard => standard,
        Profile::Entra => Ways {
            deactivation: Deactivation::StringFalse,
            operation_case: OperationCase::Capital,
            manager: ManagerForm::BareId,
            ..standard
        },
        Profile::Okta => Ways {
            deactivation: Deactivation::NoPath,
            update: Update::Put,
            ..standard
        },
        Profile::AwsIdentityCenter => Ways {
            multi_valued: false,
            max_page: 50,
            ..standard
        },
    };
    let Some(dialect) = &scim.dialect else {
        return ways;
    };
    match dialect.deactivation {
        Some(DeactivationForm::Path) => ways.deactivation = Deactivation::Path,
        Some(DeactivationForm::NoPath) => ways.deactivation = Deactivation::NoPath,
        Some(DeactivationForm::StringFalse) => ways.deactivation = Deactivation::StringFalse,
        Some(DeactivationForm::Put) => ways.deactivation = Deactivation::Put,
        None => {}
    }
    match dialect.operation_case {
        Some(OperationSpelling::Lower) => ways.operation_case = OperationCase::Lower,
        Some(OperationSpelling::Capital) => ways.operation_case = OperationCase::Capital,
        None => {}
    }
    match dialect.manager {
        Some(ManagerSpelling::Object) => ways.manager = ManagerForm::Object,
        Some(ManagerSpelling::BareId) => ways.manager = ManagerForm::BareId,
        None => {}
    }
    match dialect.update {
        Some(UpdateForm::Patch) => ways.update = Update::Patch,
        Some(UpdateForm::Put) => ways.update = Update::Put,
        None => {}
    }
    ways.multi_valued = dialect.multi_valued.unwrap_or(ways.multi_valued);
    ways
}

fn token_url(oauth2: &OAuth2Auth) -> Result<Url, Problem> {
    let url = Url::parse(&oauth2.token_url).map_err(|_| bad_token_url())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none();
    plain.then_some(url).ok_or_else(bad_token_url)
}

fn bad_token_url() -> Problem {
    Problem::edit(
        "BadUrl",
        "spec.scim.auth.oauth2.tokenUrl is no usable URL: write it as https://login.example.com/oauth2/token",
    )
}

fn token_source(oauth2: &OAuth2Auth, token_url: Url, client_secret: SecretString) -> OAuth2 {
    OAuth2 {
        token_url,
        client_id: oauth2.client_id.clone(),
        client_secret,
        scopes: oauth2.scopes.clone(),
        audience: oauth2.audience.clone(),
        authentication: match oauth2.auth_style {
            TokenAuthStyle::Header => ClientAuthentication::Header,
            TokenAuthStyle::Body => ClientAuthentication::Body,
        },
    }
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
        ca_bundle: spec
            .sync
            .tls
            .as_ref()
            .or(scim.tls.as_ref())
            .map(|tls| tls.ca_bundle.clone()),
        allow_link_local: scim.allow_link_local || spec.sync.allow_link_local,
        timeout: duration::parse(&spec.sync.timeout).unwrap_or(Duration::from_secs(30)),
        page_size: spec.sync.page_size,
        managed_attributes: spec
            .observed_attributes()
            .iter()
            .map(AttributeName::new)
            .collect(),
        manager: spec.account.manager == Manager::FromManagerRef,
        ways: ways(scim),
    };
    ScimConnector::new(config).map_err(|error: ConnectorError| {
        Problem::edit(error.kind.reason(), format!("spec.scim: {error}"))
    })
}
