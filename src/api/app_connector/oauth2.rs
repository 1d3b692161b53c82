//! OAuth 2 client credentials.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::references::SecretKeyRef;
use crate::api::rules;

/// Access tokens by OAuth 2 client credentials (RFC 6749 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OAuth2Auth {
    /// The token endpoint, such as `https://login.example.com/oauth2/token`.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new(rules::BASE_URL).message(rules::TOKEN_URL_MESSAGE))]
    #[x_kube(validation = Rule::new(rules::TOKEN_URL).message(rules::TOKEN_URL_PLAIN_MESSAGE))]
    pub token_url: String,
    /// Name of the client.
    #[schemars(length(min = 1, max = 256))]
    pub client_id: String,
    /// Where the client's secret is. The Secret must allow the host of `tokenUrl` and that of `baseUrl`.
    pub client_secret_key_ref: SecretKeyRef,
    /// What the token shall be good for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 256)))]
    #[x_kube(validation = Rule::new(rules::SCOPES).message(rules::SCOPES_MESSAGE))]
    pub scopes: Vec<String>,
    /// Whom the token shall be good with, where the endpoint asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub audience: Option<String>,
    /// Where the client's name and secret stand in the request for a token.
    #[serde(default)]
    pub auth_style: TokenAuthStyle,
}

/// Where a client's name and secret stand in the request for a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum TokenAuthStyle {
    /// In the `Authorization` header, which every endpoint must understand (RFC 6749 section 2.3.1).
    #[default]
    Header,
    /// In the body.
    Body,
}
