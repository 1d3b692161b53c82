//! How to reach an application that speaks SCIM 2.0.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{DialectSpec, OAuth2Auth, Profile, Tls};
use crate::api::references::SecretKeyRef;
use crate::api::rules;

/// How to reach a SCIM 2.0 service provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scim {
    /// Base URL, to which `/Users` and `/Groups` are added, such as `https://example.com/scim/v2`.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new(rules::BASE_URL).message(rules::BASE_URL_MESSAGE))]
    #[x_kube(validation = Rule::new(rules::PLAIN_URL).message(rules::PLAIN_URL_MESSAGE))]
    pub base_url: String,
    /// How we prove who we are.
    pub auth: ScimAuth,
    /// How the server proves who it is. The same as `spec.sync.tls`, which goes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Allows link-local addresses. The same as `spec.sync.allowLinkLocal`.
    #[serde(default)]
    pub allow_link_local: bool,
    /// What kind of server it is, where it is a kind that differs from the standard.
    #[serde(default)]
    pub profile: Profile,
    /// What is otherwise than the profile has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<DialectSpec>,
}

/// Exactly one way of authenticating.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("[has(self.bearer), has(self.basic), has(self.oauth2)].filter(x, x).size() == 1").message("exactly one of auth.bearer, auth.basic and auth.oauth2 is needed"))]
#[serde(rename_all = "camelCase")]
pub struct ScimAuth {
    /// A bearer token (RFC 6750).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<BearerAuth>,
    /// User name and password (RFC 7617).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<BasicAuth>,
    /// Access tokens by OAuth 2 client credentials (RFC 6749 section 4.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<OAuth2Auth>,
}

/// A bearer token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BearerAuth {
    /// Where the token is.
    pub secret_key_ref: SecretKeyRef,
}

/// User name and password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BasicAuth {
    /// User name; it must not hold a colon (RFC 7617 section 2).
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new(rules::BASIC_USERNAME).message(rules::BASIC_USERNAME_MESSAGE))]
    pub username: String,
    /// Where the password is.
    pub password_secret_key_ref: SecretKeyRef,
}
