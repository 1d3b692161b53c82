//! Between status and record: the part of a status that later decisions rest on.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use litemap::LiteMap;

use crate::api::EmployeeStatus;
use crate::api::employee::AccountStatus;
use crate::controllers::words::Words;
use crate::domain::ids::{AccountId, EntitlementName, Username};
use crate::domain::record::{Record, RecordedAccount, RecordedFirstDay, RecordedGrant};
use crate::domain::roles::Why;

/// Reads what an earlier operator remembered. Names are shared with everybody else's.
#[must_use]
pub fn from_status(status: &EmployeeStatus, words: &mut Words) -> Record {
    let mut record = Record {
        roles: status
            .roles
            .iter()
            .filter_map(|role| Some((words.share(&role.name), Why::parse(&role.why)?)))
            .collect(),
        accounts: status
            .accounts
            .iter()
            .map(|account| (words.share(&account.connector), one(account, words)))
            .collect(),
        first_day: status.first_day.as_ref().and_then(|day| {
            Some(RecordedFirstDay {
                date: day.date.parse().ok()?,
                ready_at: day.ready_at.0,
            })
        }),
    };
    record.share();
    record
}

fn one(account: &AccountStatus, words: &mut Words) -> RecordedAccount {
    let at = |time: &Option<Time>| time.as_ref().map(|t| t.0);
    let grants: LiteMap<EntitlementName, Arc<RecordedGrant>> = account
        .entitlements
        .iter()
        .map(|grant| {
            let recorded = RecordedGrant {
                roles: grant.roles.iter().map(|role| words.share(role)).collect(),
                since: at(&grant.since),
                approved_by: grant.approved_by.as_deref().map(Box::from),
                lost_at: at(&grant.lost_at),
            };
            (words.share(&grant.name), Arc::new(recorded))
        })
        .collect();
    RecordedAccount {
        id: account.account_id.as_ref().map(AccountId::new),
        username: account.username.as_ref().map(Username::new),
        roles: account.roles.iter().map(|role| words.share(role)).collect(),
        lost_at: at(&account.lost_at),
        verified_disabled: at(&account.last_verified),
        grants,
    }
}
