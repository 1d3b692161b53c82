//! What is told of the accounts of somebody whose last day is over, step by step.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::employee::{
    AccountOffboarding, MAX_GRANTS, MAX_LISTED, OffboardingStatus, OffboardingStep, StepState,
};
use crate::controllers::text;
use crate::controllers::world::{FailureKey, Person};
use crate::domain::ids::ConnectorName;
use crate::domain::offboarding::Offboarding;
use crate::plan::offboarding::{Stand, StepPlan};
use crate::plan::{AccountPlan, NOT_POSSIBLE, PersonPlan};

/// `None` of somebody whose last day is not over, and of whoever had no account.
pub(super) fn told(
    person: &Person,
    plan: &PersonPlan,
    now: Timestamp,
) -> Option<OffboardingStatus> {
    let accounts = plan.record.accounts.iter().filter_map(|(name, recorded)| {
        let offboarding = recorded.offboarding.as_deref()?;
        let account = plan.accounts.get(name)?;
        Some(one(person, name, offboarding, account, now))
    });
    let accounts: Vec<AccountOffboarding> = accounts.take(MAX_LISTED).collect();
    (!accounts.is_empty()).then(|| OffboardingStatus {
        completed_at: plan.record.offboarded_at.map(Time),
        accounts,
    })
}

fn one(
    person: &Person,
    name: &ConnectorName,
    offboarding: &Offboarding,
    account: &AccountPlan,
    now: Timestamp,
) -> AccountOffboarding {
    let kept = offboarding.kept;
    AccountOffboarding {
        connector: name.to_string(),
        since: Time(offboarding.since),
        retained_since: kept.map(|kept| Time(kept.since)),
        retained_for: kept.map(|kept| format!("{}h", kept.time.as_hours())),
        held: offboarding
            .held
            .iter()
            .take(MAX_GRANTS)
            .map(ToString::to_string)
            .collect(),
        steps: account
            .offboarding
            .iter()
            .map(|step| step_of(person, name, step, now))
            .collect(),
    }
}

fn step_of(
    person: &Person,
    connector: &ConnectorName,
    plan: &StepPlan,
    now: Timestamp,
) -> OffboardingStep {
    let mut step = OffboardingStep {
        name: plan.step.word().to_owned(),
        state: StepState::Pending,
        at: None,
        attempts: plan.attempts,
        reason: None,
        message: None,
    };
    match &plan.stand {
        Stand::Due => {
            let key = FailureKey {
                connector: connector.clone(),
                verb: plan.step.word(),
                entitlement: None,
            };
            let failures = &person.unsettled.failures;
            let failure = failures.get(&key).filter(|failure| failure.retry_at > now);
            if let Some(failure) = failure {
                step.state = StepState::Failed;
                step.reason = Some(failure.reason.to_owned());
                step.message = Some(text::bounded(&failure.message));
            }
        }
        Stand::Until(at) => {
            step.state = StepState::Scheduled;
            step.at = Some(Time(*at));
        }
        Stand::Waiting(problem) => {
            step.state = StepState::Waiting;
            step.reason = Some(problem.reason.to_owned());
            step.message = Some(text::bounded(&problem.message));
        }
        Stand::Reached(reached) => {
            step.state = if reached.verified {
                StepState::Verified
            } else {
                StepState::Requested
            };
            step.at = Some(Time(reached.at));
            step.message = Some(reached.evidence.to_string());
        }
        Stand::NotPossible(message) => {
            step.state = StepState::NotPossible;
            step.reason = Some(NOT_POSSIBLE.to_owned());
            step.message = Some(text::bounded(message));
        }
    }
    step
}
