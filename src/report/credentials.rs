//! Which credentials of a leaver are left, or may be.

use super::model::{AccountReport, Certainty, CredentialLeft, NotAsked, Progress, StepReport};
use crate::api::employee::{EmployeeStatus, StepState};

/// Steps that take away a kind of credential begin so.
const REVOKE: &str = "Revoke";
/// Kinds of credentials that a connector can be asked to take away.
const KINDS: [&str; 4] = ["Sessions", "Tokens", "Keys", "Passwords"];
/// Kind of a credential that is the account itself.
const ACCOUNT: &str = "Account";

/// Everything of which it is not shown that it is gone. Nothing is left out because it was only accepted.
pub(super) fn left(
    status: &EmployeeStatus,
    accounts: &[AccountReport],
    progress: &Progress,
) -> Vec<CredentialLeft> {
    let seen = status
        .orphaned_credentials
        .iter()
        .map(|credential| CredentialLeft {
            connector: credential.connector.clone(),
            kind: credential.kind.clone(),
            name: credential.name.clone(),
            certainty: Certainty::Active,
            why: format!("seen since {}", credential.since.0),
        });
    let mut left: Vec<CredentialLeft> = seen.collect();
    for account in accounts {
        let is_told = left
            .iter()
            .any(|l| l.kind == ACCOUNT && l.connector == account.connector);
        if !account.is_shut() && !is_told {
            left.push(open_account(account));
        }
        if !account.is_deleted() {
            left.extend(account.steps.iter().filter_map(|s| not_revoked(account, s)));
        }
    }
    if left.is_empty() && progress.access_revoked_at.is_none() {
        left.push(CredentialLeft {
            connector: String::new(),
            kind: ACCOUNT.to_owned(),
            name: String::new(),
            certainty: Certainty::NotProven,
            why: progress.note.clone().unwrap_or_default(),
        });
    }
    left
}

fn open_account(account: &AccountReport) -> CredentialLeft {
    let step = account.step("Disable");
    let (certainty, why) = match step.map(|step| (step.state, step)) {
        Some((StepState::Requested, _)) => (
            Certainty::NotProven,
            "the application accepted that it is disabled, and was not seen to have done it"
                .to_owned(),
        ),
        Some((_, step)) if !step.evidence.is_empty() => {
            (Certainty::NotRevoked, step.evidence.clone())
        }
        _ => {
            let why = account.message.clone();
            let why = why.unwrap_or_else(|| "it was not read back as disabled".to_owned());
            (Certainty::NotRevoked, why)
        }
    };
    CredentialLeft {
        connector: account.connector.clone(),
        kind: ACCOUNT.to_owned(),
        name: account.username.clone(),
        certainty,
        why,
    }
}

fn not_revoked(account: &AccountReport, step: &StepReport) -> Option<CredentialLeft> {
    let kind = step.name.strip_prefix(REVOKE)?;
    let told = |otherwise: &str| match step.evidence.as_str() {
        "" => otherwise.to_owned(),
        evidence => evidence.to_owned(),
    };
    let (certainty, why) = match step.state {
        StepState::Verified => return None,
        StepState::Requested => (
            Certainty::NotProven,
            told("the application accepted it, and shows no more than that"),
        ),
        StepState::NotPossible => (Certainty::NotRevoked, told("the application can't do it")),
        StepState::Failed => (Certainty::NotRevoked, told("it failed, and is tried again")),
        StepState::Pending | StepState::Scheduled | StepState::Waiting => {
            (Certainty::NotRevoked, told("it is still to be done"))
        }
    };
    Some(CredentialLeft {
        connector: account.connector.clone(),
        kind: kind.to_owned(),
        name: account.username.clone(),
        certainty,
        why,
    })
}

/// What no connector was asked for. Of an account that is gone nothing is left that could be used.
pub(super) fn not_asked(accounts: &[AccountReport]) -> Vec<NotAsked> {
    let open = accounts.iter().filter(|account| !account.is_deleted());
    open.filter_map(|account| {
        let is_asked = |kind: &str| account.step(&format!("{REVOKE}{kind}")).is_some();
        let kinds = KINDS.into_iter().filter(|kind| !is_asked(kind));
        let kinds: Vec<String> = kinds.map(str::to_owned).collect();
        (!kinds.is_empty()).then(|| NotAsked {
            connector: account.connector.clone(),
            kinds,
        })
    })
    .collect()
}
