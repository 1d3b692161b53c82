//! Every protocol there is, by its block in an `AppConnector`: one line each.

use secrecy::SecretString;

use super::SharedConnector;
use super::{ldap, scim, sql};
use crate::api::AppConnectorSpec;
use crate::api::references::SecretKeyRef;
use crate::domain::ids::AttributeName;
use crate::domain::problem::Problem;
use crate::runtime::secrets::Destination;

/// Finds a credential that may be sent to a place.
pub type Credentials<'a> =
    dyn FnMut(&SecretKeyRef, &Destination) -> Result<SecretString, Problem> + 'a;

/// What every protocol folder says of itself, in its `spec.rs`.
pub struct Protocol {
    /// The word in status, such as `SCIM`.
    pub word: &'static str,
    /// Whether this is the block that a spec has.
    pub is_used: fn(&AppConnectorSpec) -> bool,
    /// The block itself, for telling whether it changed.
    pub block: fn(&AppConnectorSpec) -> serde_json::Value,
    /// Which application a spec speaks to: the same text for the same application.
    pub target: fn(&AppConnectorSpec) -> Option<String>,
    /// The attribute that can name a manager's account.
    pub manager_attribute: &'static str,
    /// Memberships that one request may change, at most, where the kind of server is known for a limit.
    pub membership_limit: fn(&AppConnectorSpec) -> Option<u16>,
    /// User name of the account that the connector itself is known by, where the spec tells.
    pub own_account: fn(&AppConnectorSpec) -> Option<String>,
    /// Makes the client. Nothing is sent.
    pub open: fn(&AppConnectorSpec, &mut Credentials<'_>) -> Result<SharedConnector, Problem>,
}

/// The protocols.
static PROTOCOLS: [Protocol; 3] = [scim::PROTOCOL, ldap::PROTOCOL, sql::PROTOCOL];

fn protocol(spec: &AppConnectorSpec) -> Option<&'static Protocol> {
    PROTOCOLS.iter().find(|protocol| (protocol.is_used)(spec))
}

/// The word for a spec's protocol.
#[must_use]
pub fn type_word(spec: &AppConnectorSpec) -> Option<&'static str> {
    protocol(spec).map(|protocol| protocol.word)
}

/// Which application a spec speaks to: the same text for the same application.
#[must_use]
pub fn target(spec: &AppConnectorSpec) -> Option<String> {
    protocol(spec).and_then(|protocol| (protocol.target)(spec))
}

/// The protocol block of a spec, for telling whether it changed.
#[must_use]
pub fn block(spec: &AppConnectorSpec) -> serde_json::Value {
    protocol(spec).map_or(serde_json::Value::Null, |protocol| (protocol.block)(spec))
}

/// The attribute that can name a manager's account.
#[must_use]
pub fn manager_attribute(spec: &AppConnectorSpec) -> Option<AttributeName> {
    protocol(spec).map(|protocol| AttributeName::new(protocol.manager_attribute))
}

/// Memberships that one request may change, at most, where the kind of server is known for a limit.
#[must_use]
pub fn membership_limit(spec: &AppConnectorSpec) -> Option<u16> {
    protocol(spec).and_then(|protocol| (protocol.membership_limit)(spec))
}

/// User name of the account that the connector itself is known by, where the spec tells.
#[must_use]
pub fn own_account(spec: &AppConnectorSpec) -> Option<String> {
    protocol(spec).and_then(|protocol| (protocol.own_account)(spec))
}

/// Makes the clients of applications: [`Protocols`], where no test brings applications of its own.
pub trait Opener: Send + Sync {
    /// Makes the client of a spec's application. Nothing is sent.
    ///
    /// # Errors
    /// A [`Problem`]: a fault of the spec that only an edit cures, or a credential to wait for.
    fn open(
        &self,
        spec: &AppConnectorSpec,
        credentials: &mut Credentials<'_>,
    ) -> Result<SharedConnector, Problem>;
}

/// Every protocol there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Protocols;

impl Opener for Protocols {
    fn open(
        &self,
        spec: &AppConnectorSpec,
        credentials: &mut Credentials<'_>,
    ) -> Result<SharedConnector, Problem> {
        open(spec, credentials)
    }
}

/// Makes the client of a spec's protocol. Nothing is sent.
///
/// # Errors
/// A [`Problem`]: a fault of the spec that only an edit cures, or a credential to wait for.
pub fn open(
    spec: &AppConnectorSpec,
    credentials: &mut Credentials<'_>,
) -> Result<SharedConnector, Problem> {
    match protocol(spec) {
        Some(protocol) => (protocol.open)(spec, credentials),
        None => Err(Problem::edit(
            "NoProtocol",
            "exactly one protocol block is needed: spec.scim, spec.ldap or spec.sql",
        )),
    }
}
