//! What remains to be done with the accounts of a leaver, and by whom.

use super::model::{AccountReport, PersonReport, Remaining, StepReport};
use crate::api::employee::StepState;

/// Who does something.
enum Who {
    /// It goes on by itself.
    Rollcall,
    /// Somebody within the application.
    Administrator,
    /// Whoever keeps the facts of people.
    People,
    /// Whoever keeps the connector.
    Connector,
    /// Whoever decided that nothing is to be deleted.
    Holder,
    /// Whoever paused it.
    Pauser,
}

impl Who {
    fn is_somebody(&self) -> bool {
        !matches!(self, Self::Rollcall)
    }

    fn told(&self, person: &PersonReport, connector: &str) -> String {
        match self {
            Self::Rollcall => "Rollcall, by itself".to_owned(),
            Self::Administrator => {
                format!("an administrator of the application behind {connector}")
            }
            Self::People => format!("whoever writes Employees in {}", person.namespace),
            Self::Connector => format!("whoever writes the AppConnector {connector}"),
            Self::Holder => "whoever may lift the legal hold".to_owned(),
            Self::Pauser => "whoever paused it".to_owned(),
        }
    }
}

/// What is neither shown to be done nor left to itself, account by account.
pub(super) fn all(person: &PersonReport, accounts: &[AccountReport]) -> Vec<Remaining> {
    let mut all = Vec::new();
    for account in accounts {
        let steps = account.steps.iter();
        let steps: Vec<Remaining> = steps.filter_map(|s| of_step(person, account, s)).collect();
        if steps.is_empty() || account.state == "Conflict" {
            all.extend(of_account(person, account));
        }
        all.extend(steps);
    }
    all
}

fn of_step(person: &PersonReport, account: &AccountReport, step: &StepReport) -> Option<Remaining> {
    let reason = step.reason.as_deref().unwrap_or_default();
    let (who, otherwise) = match step.state {
        StepState::Verified => return None,
        StepState::Requested => (
            Who::Administrator,
            "look there whether it is so: the application accepted it, and shows no more than that",
        ),
        StepState::NotPossible => (Who::Administrator, "do it there by hand"),
        StepState::Waiting => (waits_for(reason), "it waits"),
        StepState::Failed => (mends(reason), "it failed, and is tried again"),
        StepState::Pending => (Who::Rollcall, "to be done, or being done"),
        StepState::Scheduled => (Who::Rollcall, "it comes when its time has come"),
    };
    let what = match (step.state, step.evidence.as_str()) {
        (_, "") => otherwise.to_owned(),
        (StepState::Requested, evidence) => format!("{otherwise} ({evidence})"),
        (StepState::Failed, evidence) => format!("{otherwise}: {evidence}"),
        (_, evidence) => evidence.to_owned(),
    };
    Some(Remaining {
        connector: account.connector.clone(),
        account: account.username.clone(),
        step: Some(step.name.clone()),
        by_hand: who.is_somebody(),
        who: who.told(person, &account.connector),
        what,
        reason: step.reason.clone(),
        due_at: step.due_at,
    })
}

/// Of an account without steps of its own to tell of.
fn of_account(person: &PersonReport, account: &AccountReport) -> Option<Remaining> {
    let is_settled = account.is_shut() && account.state != "Conflict";
    if is_settled {
        return None;
    }
    let reason = account.reason.as_deref().unwrap_or_default();
    let who = match account.state.as_str() {
        "Conflict" => Who::People,
        "Failed" => mends(reason),
        _ => waits_for(reason),
    };
    let what = account.message.clone();
    Some(Remaining {
        connector: account.connector.clone(),
        account: account.username.clone(),
        step: None,
        by_hand: who.is_somebody(),
        who: who.told(person, &account.connector),
        what: what.unwrap_or_else(|| "it was not read back as disabled".to_owned()),
        reason: account.reason.clone(),
        due_at: None,
    })
}

/// Whom something waits for, by its stable reason.
fn waits_for(reason: &str) -> Who {
    match reason {
        "LegalHold" => Who::Holder,
        "NoSuccessor" => Who::People,
        "Paused" | "LeaverHeld" => Who::Pauser,
        "ProtectedAccount" | "ProtectedEntitlement" => Who::Administrator,
        "" | "InProgress" | "InventoryPending" | "Connecting" | "NotStarted" => Who::Rollcall,
        _ => Who::Connector,
    }
}

/// Who must mend something before the next attempt goes better, by the reason of the failure.
fn mends(reason: &str) -> Who {
    match reason {
        "NotApplied" | "Unsupported" => Who::Administrator,
        "Unauthorized" | "Forbidden" | "InvalidValue" => Who::Connector,
        _ => Who::Rollcall,
    }
}
