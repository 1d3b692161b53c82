//! Whether a person is ready, and if not, whether that is being worked on.

use super::status::{LEAVER_HELD, PAUSED, is_right};
use crate::api::PAUSED_ANNOTATION;
use crate::api::conditions::{self, Wanted};
use crate::api::employee::{AccountState, AccountStatus};
use crate::controllers::text;
use crate::controllers::world::Person;
use crate::domain::desired::Desired;
use crate::domain::lifecycle::Stage;
use crate::domain::problem::{Cure, Problem};

/// An account as it is told, and its reason.
type Told = (AccountStatus, Option<&'static str>);

/// Ready, and Reconciling or Stalled beside it. What a pause keeps back is not ready, and nobody works on it.
pub(super) fn readiness(
    person: &Person,
    desired: &Desired,
    accounts: &[Told],
    waiting: &[&Problem],
) -> Vec<Wanted> {
    let open: Vec<&Told> = accounts.iter().filter(|(a, _)| !is_right(a)).collect();
    if open.is_empty() && waiting.is_empty() {
        let (reason, mut message) = all_is_well(desired.lifecycle.stage, accounts.len());
        let beside = accounts.iter().filter(|(a, _)| a.message.is_some());
        for (account, _) in beside {
            let what = account.message.as_deref().unwrap_or_default();
            message = format!("{message}; {}: {what}", account.connector);
        }
        if person.meta.paused {
            message = format!("{message}; paused by the annotation {PAUSED_ANNOTATION}");
        }
        let message = text::bounded(&message);
        return vec![Wanted::new(conditions::READY, true, reason, message)];
    }
    let (reason, message) = told(&open, accounts.len(), waiting);
    let mut wanted = vec![Wanted::new(conditions::READY, false, reason, message)];
    let is_paused = |told: &&Told| matches!(told.1, Some(PAUSED | LEAVER_HELD));
    let worked_on: Vec<&Told> = open.into_iter().filter(|a| !is_paused(a)).collect();
    let stalls = waiting
        .iter()
        .find(|problem| problem.cure == Cure::EditThis);
    if let Some(problem) = stalls {
        let message = text::bounded(&problem.message);
        wanted.push(Wanted::new(
            conditions::STALLED,
            true,
            problem.reason,
            message,
        ));
    }
    if !worked_on.is_empty() || (!waiting.is_empty() && stalls.is_none()) {
        let (reason, message) = told(&worked_on, accounts.len(), waiting);
        wanted.push(Wanted::new(conditions::RECONCILING, true, reason, message));
    }
    wanted
}

fn all_is_well(stage: Stage, accounts: usize) -> (&'static str, String) {
    match (accounts, stage) {
        (0, Stage::Upcoming) => ("NotDue", "nothing is due before the first day".to_owned()),
        (0, stage) if stage.is_paused() => (
            "NotDue",
            "there is no account, and none is made while the person does not work".to_owned(),
        ),
        (0, _) => (
            "NothingGranted",
            "no role gives an account, and none is left".to_owned(),
        ),
        (1, _) => ("AsDesired", "the account is as desired".to_owned()),
        (n, _) => ("AsDesired", format!("all {n} accounts are as desired")),
    }
}

/// Reason and message of what is open: that of the account that says most.
fn told(open: &[&Told], accounts: usize, waiting: &[&Problem]) -> (&'static str, String) {
    let first = open
        .iter()
        .find(|(_, reason)| *reason == Some(LEAVER_HELD))
        .or_else(|| open.iter().find(|(a, _)| a.state != AccountState::Pending))
        .or_else(|| {
            // What others wait for says more than that they wait.
            let waits =
                |reason: Option<&str>| matches!(reason, Some("WaitingForAdditions" | "InProgress"));
            open.iter().find(|(_, reason)| !waits(*reason))
        })
        .or(open.first());
    let mut parts = Vec::new();
    if let Some((account, _)) = first {
        let message = account.message.as_deref().unwrap_or_default();
        parts.push(format!("{}: {message}", account.connector));
    }
    parts.extend(waiting.iter().map(|problem| problem.message.clone()));
    let mut message = parts.join("; ");
    if open.len() > 1 {
        message = format!(
            "{} of {accounts} accounts are not as desired; {message}",
            open.len()
        );
    }
    let reason = match (first, waiting.first()) {
        (Some((_, reason)), _) => reason.unwrap_or("InProgress"),
        (None, Some(problem)) => problem.reason,
        (None, None) => "InProgress",
    };
    (reason, text::bounded(&message))
}
