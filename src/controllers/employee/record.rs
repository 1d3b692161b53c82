//! Between status and record: the part of a status that later decisions rest on.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use litemap::LiteMap;

use crate::api::EmployeeStatus;
use crate::api::employee::AccountStatus;
use crate::domain::ids::{AccountId, ConnectorName, EntitlementName, RoleName, Username};
use crate::domain::record::{Record, RecordedAccount, RecordedGrant};
use crate::domain::roles::Why;

/// Reads what an earlier operator remembered.
#[must_use]
pub fn from_status(status: &EmployeeStatus) -> Record {
    Record {
        roles: status
            .roles
            .iter()
            .filter_map(|role| Some((RoleName::new(&role.name), Why::parse(&role.why)?)))
            .collect(),
        accounts: status
            .accounts
            .iter()
            .map(|account| (ConnectorName::new(&account.connector), one(account)))
            .collect(),
    }
}

fn one(account: &AccountStatus) -> RecordedAccount {
    let at = |time: &Option<Time>| time.as_ref().map(|t| t.0);
    let grants: LiteMap<EntitlementName, RecordedGrant> = account
        .entitlements
        .iter()
        .map(|grant| {
            let recorded = RecordedGrant {
                roles: grant.roles.iter().map(RoleName::new).collect(),
                since: at(&grant.since),
                approved_by: grant.approved_by.as_deref().map(Box::from),
                lost_at: at(&grant.lost_at),
            };
            (EntitlementName::new(&grant.name), recorded)
        })
        .collect();
    RecordedAccount {
        id: account.account_id.as_ref().map(AccountId::new),
        username: account.username.as_ref().map(Username::new),
        roles: account.roles.iter().map(RoleName::new).collect(),
        lost_at: at(&account.lost_at),
        verified_disabled: at(&account.last_verified),
        grants,
    }
}
