//! Accounts of a leaver: what the status says of each, put together.

use super::model::{AccountReport, PassedOn, StepReport};
use crate::api::employee::{
    AccountOffboarding, AccountStatus, EmployeeStatus, OffboardingStep, StepState,
};

/// The step by which what an account owned passes to somebody else.
const TRANSFER: &str = "TransferOwnership";

/// Every account that the status tells of, whether or not its offboarding began.
pub(super) fn all(status: &EmployeeStatus) -> Vec<AccountReport> {
    let begun: &[AccountOffboarding] = status
        .offboarding
        .as_ref()
        .map_or(&[], |offboarding| &offboarding.accounts);
    let told = status.accounts.iter().map(|account| {
        let offboarding = begun.iter().find(|o| o.connector == account.connector);
        one(&account.connector, Some(account), offboarding)
    });
    let is_told = |name: &str| status.accounts.iter().any(|a| a.connector == name);
    let others = begun.iter().filter(|o| !is_told(&o.connector));
    let others = others.map(|o| one(&o.connector, None, Some(o)));
    let mut all: Vec<AccountReport> = told.chain(others).collect();
    all.sort_by(|a, b| a.connector.cmp(&b.connector));
    all
}

fn one(
    connector: &str,
    account: Option<&AccountStatus>,
    offboarding: Option<&AccountOffboarding>,
) -> AccountReport {
    let text = |get: fn(&AccountStatus) -> Option<&String>| account.and_then(get).cloned();
    AccountReport {
        connector: connector.to_owned(),
        username: text(|a| a.username.as_ref()).unwrap_or_default(),
        account_id: text(|a| a.account_id.as_ref()).unwrap_or_default(),
        state: account.map_or_else(|| "Unknown".to_owned(), |a| format!("{:?}", a.state)),
        reason: text(|a| a.reason.as_ref()),
        message: text(|a| a.message.as_ref()),
        read_back_disabled_at: account
            .and_then(|a| a.last_verified.as_ref())
            .map(|at| at.0),
        held: offboarding.map_or_else(Vec::new, |o| o.held.clone()),
        steps: offboarding.map_or_else(Vec::new, |o| o.steps.iter().map(step).collect()),
    }
}

fn step(step: &OffboardingStep) -> StepReport {
    let at = |state: StepState| {
        let at = step.at.as_ref().filter(|_| step.state == state);
        at.map(|at| at.0)
    };
    StepReport {
        name: step.name.clone(),
        state: step.state,
        verified_at: at(StepState::Verified),
        requested_at: at(StepState::Requested),
        due_at: at(StepState::Scheduled),
        attempts: step.attempts,
        reason: step.reason.clone(),
        evidence: step.message.clone().unwrap_or_default(),
    }
}

impl AccountReport {
    /// The step of a name, where it is one of the account's.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&StepReport> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// Whether the application showed that it is gone.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        let deleted = self.step("Delete");
        self.state == "Deleted" || deleted.is_some_and(|step| step.state == StepState::Verified)
    }

    /// Whether the application showed that it can't be used.
    #[must_use]
    pub fn is_shut(&self) -> bool {
        match self.step("Disable") {
            _ if self.is_deleted() => true,
            Some(step) => step.state == StepState::Verified,
            None => self.state == "Disabled" && self.read_back_disabled_at.is_some(),
        }
    }
}

/// What became of what the account owned, where that was to be handed over.
pub(super) fn passed_on(account: &AccountReport) -> Option<PassedOn> {
    let step = account.step(TRANSFER)?;
    Some(PassedOn {
        connector: account.connector.clone(),
        state: step.state,
        what: step.evidence.clone(),
        at: step.verified_at.or(step.requested_at),
    })
}
