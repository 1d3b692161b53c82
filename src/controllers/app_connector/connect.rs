//! Starts, and starts anew, the dispatch of a connector. A changed address, credential or pace starts
//! another run; everything else leaves the running one alone.

use sha2::{Digest, Sha256};

use crate::api::AppConnectorSpec;
use crate::api::app_connector::InitialPassword;
use crate::api::duration;
use crate::api::references::SecretKeyRef;
use crate::connectors::SharedConnector;
use crate::connectors::registry::{self, Opener};
use crate::dispatch::{PasswordPolicy, Settings};
use crate::domain::problem::Problem;
use crate::runtime::secrets::{self, Destination, SecretView};
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A connector ready to be run.
pub struct Ready {
    /// The protocol client.
    pub connector: SharedConnector,
    /// How dispatch shall treat the target.
    pub settings: Settings,
    /// Tells whether a running dispatch was started from the same.
    pub fingerprint: [u8; 32],
}

/// Opens a connector with its credential.
///
/// Every Secret that is asked for, found or not, is put into `asked`.
///
/// # Errors
/// A [`Problem`]: a fault of the spec, or a Secret that is missing, not labelled, or not meant for
/// the host (invariant 11). Nothing was sent anywhere.
pub fn open(
    opener: &dyn Opener,
    spec: &AppConnectorSpec,
    secrets: &BTreeMap<String, SecretView>,
    asked: &mut BTreeSet<String>,
) -> Result<Ready, Problem> {
    let mut hash = Sha256::new();
    let parts = (
        registry::type_word(spec),
        registry::block(spec),
        &spec.sync,
        &spec.observed_attributes(),
        &spec.account.manager,
        &spec.account.initial_password,
    );
    hash.update(serde_json::to_vec(&parts).unwrap_or_default());
    let connector = opener.open(spec, &mut |reference: &SecretKeyRef, to: &Destination| {
        asked.insert(reference.name.clone());
        let credential = credential(secrets, reference, to)?;
        hash.update(credential.expose_secret().as_bytes());
        Ok(credential)
    })?;
    Ok(Ready {
        connector,
        settings: settings(spec),
        fingerprint: hash.finalize().into(),
    })
}

/// The credential that a spec refers to, if it may be sent there.
///
/// # Errors
/// Why not, as something to wait for.
pub fn credential(
    secrets: &BTreeMap<String, SecretView>,
    reference: &SecretKeyRef,
    to: &Destination,
) -> Result<SecretString, Problem> {
    secrets::credential_for(secrets.get(&reference.name), &reference.key, to)
        .map_err(|problem| Problem::waiting(problem.reason(), problem.message(&reference.name)))
}

fn settings(spec: &AppConnectorSpec) -> Settings {
    let sync = &spec.sync;
    let timeout = duration::parse(&sync.timeout).unwrap_or(Duration::from_secs(30));
    Settings {
        concurrency: sync.concurrency,
        requests_per_second: sync.requests_per_second,
        membership_batch: registry::membership_limit(spec).map_or(sync.membership_batch, |limit| {
            sync.membership_batch.min(limit)
        }),
        interval: duration::parse(&sync.interval).unwrap_or(Duration::from_mins(10)),
        call_timeout: timeout.saturating_mul(4),
        passwords: spec.account.initial_password.as_ref().map(passwords),
        ..Settings::default()
    }
}

/// What the initial passwords of a connector are like.
#[must_use]
pub fn passwords(wanted: &InitialPassword) -> PasswordPolicy {
    PasswordPolicy {
        length: wanted.length,
        punctuation: wanted.punctuation.clone(),
        must_change: wanted.must_change,
        keep_for: duration::parse(&wanted.keep_for).unwrap_or(Duration::from_hours(7 * 24)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(profile: &str, wanted: u16) -> u16 {
        let spec = serde_json::from_value(serde_json::json!({
            "scim": {
                "baseUrl": "https://directory.example.com/", "profile": profile,
                "auth": {"bearer": {"secretKeyRef": {"name": "a", "key": "token"}}},
            },
            "account": {"username": ["employee.employeeId"]},
            "sync": {"membershipBatch": wanted},
        }));
        settings(&spec.unwrap()).membership_batch
    }

    #[test]
    fn a_kind_of_server_that_takes_few_members_gets_few() {
        assert_eq!(batch("AwsIdentityCenter", 1000), 100);
        assert_eq!(batch("AwsIdentityCenter", 20), 20);
        assert_eq!(batch("Standard", 1000), 1000);
    }
}
