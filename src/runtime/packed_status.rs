//! A status, packed. What the API server has of each object is remembered, and in a storm a status of
//! everyone waits to be written: as JSON values these would be most of the memory that is used.

use std::fmt;
use std::sync::Arc;

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What most statuses have in common, for packing. What stands here decides how small they become, and
/// nothing else.
const USUAL: &[u8] = concat!(
    r#"{"observedGeneration":1,"stage":"Active","conditions":[{"lastTransitionTime":"2026-01-01T00:00:00Z","#,
    r#""message":"all 2 accounts are as desired","observedGeneration":1,"reason":"AsDesired","status":"True","type":"Ready"},"#,
    r#"{"lastTransitionTime":"2026-01-01T00:00:00Z","message":"everything for the first day, 2026-01-01, was in place (status.firstDay)","#,
    r#""observedGeneration":1,"reason":"InPlace","status":"True","type":"DayOneReady"}],"#,
    r#""summary":{"accounts":"1/1","next":"Departed 1 Dec","orphanedCredentials":0},"#,
    r#""nextTransition":{"at":"2026-01-01T00:00:00Z","stage":"Departed"},"firstDay":{"date":"2026-01-01","readyAt":"2026-01-01T00:00:00Z"},"roles":[{"name":"everyone","why":"Match"}],"#,
    r#""accounts":[{"connector":"directory","accountId":"","username":"","state":"Active","roles":["everyone"],"#,
    r#""entitlements":[{"name":"","state":"Held","roles":["everyone"],"since":"2026-01-01T00:00:00Z"}]}]}"#,
)
.as_bytes();

/// Compressed JSON. Equal statuses are packed alike, as the order of the JSON is that of the type. Cheap to
/// clone.
#[derive(Clone, PartialEq, Eq)]
pub struct PackedStatus(Arc<[u8]>);

impl PackedStatus {
    /// Packs a status. One that can't become JSON can't have been read from it either, and is packed as
    /// nothing, which no request can be made of.
    #[must_use]
    pub fn new(status: &impl Serialize) -> Self {
        let json = serde_json::to_vec(status).unwrap_or_default();
        Self(compress_prepend_size_with_dict(&json, USUAL).into())
    }

    /// The status as JSON text.
    #[must_use]
    pub fn json(&self) -> String {
        let json = decompress_size_prepended_with_dict(&self.0, USUAL).unwrap_or_default();
        String::from_utf8(json).unwrap_or_default()
    }

    /// The status; a new one where it can't be read.
    #[must_use]
    pub fn unpack<S: DeserializeOwned + Default>(&self) -> S {
        serde_json::from_str(&self.json()).unwrap_or_default()
    }
}

impl fmt::Debug for PackedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.json())
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::api::EmployeeStatus;
    use crate::api::employee::{AccountState, AccountStatus, GrantState, GrantStatus};

    fn status(entitlements: usize) -> EmployeeStatus {
        let since = Some(Time("2027-03-04T05:06:07Z".parse().unwrap()));
        let grant = |n| GrantStatus {
            name: format!("group-{n}"),
            state: GrantState::Held,
            roles: vec!["engineer".to_owned()],
            since: since.clone(),
            approved_by: None,
            lost_at: None,
            kept_until: None,
            reason: None,
        };
        EmployeeStatus {
            observed_generation: 7,
            stage: Some("Active".to_owned()),
            accounts: vec![AccountStatus {
                connector: "chat".to_owned(),
                account_id: Some("d9b2d63d-a233-4123-847a".to_owned()),
                username: Some("ada.\u{e9}\u{1f600}".to_owned()),
                state: AccountState::Active,
                roles: vec!["engineer".to_owned()],
                entitlements: (0..entitlements).map(grant).collect(),
                ..AccountStatus::default()
            }],
            ..EmployeeStatus::default()
        }
    }

    #[test]
    fn what_was_packed_is_there_again_and_takes_a_quarter_of_the_room() {
        for entitlements in [0, 1, 10, 1000] {
            let status = status(entitlements);
            let packed = PackedStatus::new(&status);
            assert_eq!(packed.unpack::<EmployeeStatus>(), status);
            assert_eq!(packed, PackedStatus::new(&status));
            let (whole, small) = (packed.json().len(), packed.0.len());
            assert!(small * 4 < whole || entitlements < 10, "{small} of {whole}");
        }
        assert_ne!(PackedStatus::new(&status(1)), PackedStatus::new(&status(2)));
    }
}
