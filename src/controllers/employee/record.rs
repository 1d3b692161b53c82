//! Between status and record: the part of a status that later decisions rest on.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use litemap::LiteMap;

use crate::api::EmployeeStatus;
use crate::api::employee::{AccountStatus, OffboardingStep, StepState};
use crate::controllers::words::Words;
use crate::domain::ids::{AccountId, EntitlementName, Username};
use crate::domain::offboarding::{Done, Offboarding, Reached, Step};
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
        let name = Step::parse(&step.name)?;
        let at = step.at.as_ref().map(|at| at.0);
        // Of a time that runs it is told until when; since when it runs is what counts.
        let is_done = matches!(step.state, StepState::Requested | StepState::Verified);
        let reached = at.filter(|_| is_done).map(|at| Reached {
            verified: step.state == StepState::Verified,
            at,
            evidence: step.message.as_deref().unwrap_or_default().into(),
        });
        let attempts = step.attempts;
        Some((name, Done { attempts, reached }))
    };
    let mut steps: LiteMap<Step, Done> = told.steps.iter().filter_map(done).collect();
    steps.remove(&Step::Retain);
    if let Some(since) = &told.retained_since {
        let begun = Reached {
            at: since.0,
            verified: false,
            evidence: told.retained_for.as_deref().unwrap_or_default().into(),
        };
        steps.entry(Step::Retain).or_default().reached = Some(begun);
    }
    Some(Box::new(Offboarding {
        since: told.since.0,
        held: told.held.iter().map(|name| words.share(name)).collect(),
        steps,
    }))
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
