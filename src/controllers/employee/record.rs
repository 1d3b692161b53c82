//! Between status and record: the part of a status that later decisions rest on.

use std::sync::Arc;

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use litemap::LiteMap;

use crate::api::employee::{AccountOffboarding, AccountStatus, OffboardingStep, StepState};
use crate::api::{EmployeeStatus, duration};
use crate::controllers::words::Words;
use crate::domain::ids::{AccountId, EntitlementName, Username};
use crate::domain::offboarding::{Done, Kept, Offboarding, Reached, Step};
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
            .map(|account| {
                let offboarding = offboarding(status, &account.connector, words);
                let recorded = one(account, offboarding, words);
                (words.share(&account.connector), recorded)
            })
            .collect(),
        offboarded_at: status
            .offboarding
            .as_ref()
            .and_then(|offboarding| offboarding.completed_at.as_ref())
            .map(|at| at.0),
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

/// What was done with an account since its owner's last day is over.
fn offboarding(
    status: &EmployeeStatus,
    connector: &str,
    words: &mut Words,
) -> Option<Box<Offboarding>> {
    let accounts = &status.offboarding.as_ref()?.accounts;
    let told = accounts.iter().find(|told| told.connector == connector)?;
    let done = |step: &OffboardingStep| {
        let name = Step::parse(&step.name).filter(|step| *step != Step::Retain)?;
        let at = step.at.as_ref().map(|at| at.0);
        let is_done = matches!(step.state, StepState::Requested | StepState::Verified);
        let reached = at.filter(|_| is_done).map(|at| Reached {
            verified: step.state == StepState::Verified,
            at,
            evidence: step.message.as_deref().unwrap_or_default().into(),
        });
        let attempts = step.attempts;
        Some((name, Done { attempts, reached }))
    };
    Some(Box::new(Offboarding {
        since: told.since.0,
        held: told.held.iter().map(|name| words.share(name)).collect(),
        steps: told.steps.iter().filter_map(done).collect(),
        kept: kept(told),
    }))
}

/// Of a time that runs it is told until when; since when it runs is what counts.
fn kept(told: &AccountOffboarding) -> Option<Kept> {
    let time = duration::parse(told.retained_for.as_deref()?).ok()?;
    Some(Kept {
        since: told.retained_since.as_ref()?.0,
        time: SignedDuration::try_from(time).ok()?,
    })
}

fn one(
    account: &AccountStatus,
    offboarding: Option<Box<Offboarding>>,
    words: &mut Words,
) -> RecordedAccount {
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
        former: account.former_usernames.iter().map(Username::new).collect(),
        roles: account.roles.iter().map(|role| words.share(role)).collect(),
        lost_at: at(&account.lost_at),
        verified_disabled: at(&account.last_verified),
        offboarding,
        grants,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(account: &serde_json::Value) -> Offboarding {
        let mut told = json!({"connector": "dir", "since": "2026-06-15T00:00:00Z"});
        told.as_object_mut()
            .unwrap()
            .extend(account.as_object().unwrap().clone());
        let status = serde_json::from_value(json!({
            "accounts": [{"connector": "dir", "state": "Disabled"}], "offboarding": {"accounts": [told]},
        }));
        let record = from_status(&status.unwrap(), &mut Words::default());
        let account = &record.accounts[&"dir".into()];
        *account.offboarding.clone().unwrap()
    }

    #[test]
    fn the_time_for_which_an_account_is_kept_goes_on_after_a_restart() {
        let since = "2026-06-16T00:00:00Z";
        let kept = |time: &str| read(&json!({"retainedSince": since, "retainedFor": time})).kept;
        let month = Kept {
            since: since.parse().unwrap(),
            time: SignedDuration::from_hours(720),
        };
        assert_eq!(kept("720h"), Some(month));
        assert_eq!(kept("a while"), None);
        assert_eq!(read(&json!({"retainedFor": "720h"})).kept, None);
    }

    #[test]
    fn what_is_only_waited_for_is_no_step_that_was_taken() {
        let at = "2026-07-16T00:00:00Z";
        let step = |name: &str| json!({"name": name, "state": "Verified", "at": at, "attempts": 0});
        let steps = read(&json!({"steps": [step("Disable"), step("Retain")]})).steps;
        assert_eq!(steps.keys().copied().collect::<Vec<_>>(), [Step::Disable]);
    }
}
