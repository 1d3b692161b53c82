//! What a plan takes away from one person in one target.

use std::collections::BTreeSet;
use std::fmt;

use jiff::SignedDuration;

use super::super::operation::Operation;
use super::super::parts::AccountPlan;
use crate::domain::credentials::CredentialKind;
use crate::domain::desired::Desired;
use crate::domain::ids::{EntitlementName, RoleName};
use crate::domain::lifecycle::Stage;
use crate::domain::offboarding::Step;
use crate::domain::policy::{Connector, Policy};
use crate::domain::record::RecordedAccount;
use crate::domain::small_set::SmallSet;

/// One thing that is taken away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// The use of the account.
    Use,
    /// An entitlement.
    Entitlement(EntitlementName),
    /// Credentials of a kind.
    Credentials(CredentialKind),
    /// The user name, by which the person signs in.
    Name,
    /// The account itself.
    Account,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Use => f.write_str(Step::Disable.word()),
            Self::Entitlement(name) => write!(f, "{} {name}", Step::RemoveEntitlements.word()),
            Self::Credentials(kind) => f.write_str(Step::Revoke(*kind).word()),
            Self::Name => f.write_str("Rename"),
            Self::Account => f.write_str(Step::Delete.word()),
        }
    }
}

/// What an operation takes away. What somebody owns is handed over, and is no loss of access.
#[must_use]
pub fn of(operation: &Operation) -> BTreeSet<Loss> {
    match operation {
        Operation::Disable(_) => BTreeSet::from([Loss::Use]),
        Operation::Delete(_) => BTreeSet::from([Loss::Account]),
        Operation::Revoke { kind, .. } => BTreeSet::from([Loss::Credentials(*kind)]),
        Operation::RemoveEntitlements { entitlements, .. } => {
            let names = entitlements.keys().cloned();
            names.map(Loss::Entitlement).collect()
        }
        // One that is given back is what the person signs in with.
        Operation::Update {
            changes,
            gives_back: false,
            ..
        } if changes.username.is_some() => BTreeSet::from([Loss::Name]),
        Operation::Create(_)
        | Operation::Read(_)
        | Operation::Update { .. }
        | Operation::Enable(_)
        | Operation::Adopt { .. }
        | Operation::Disown { .. }
        | Operation::AddEntitlements { .. }
        | Operation::TransferOwnership { .. } => BTreeSet::new(),
    }
}

/// Why access is taken away. Each is counted by itself: nobody whose last day has come waits for
/// somebody else's mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Policy, facts or the target changed, or the object is deleted; and whatever deletes accounts.
    Change,
    /// Employment ended, or was suspended, by an edit: at once, or so soon that it was told for less than the window.
    Termination,
    /// The last day came, as it had been announced for as long as the window.
    LastDay,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Change, Self::Termination, Self::LastDay];
    /// Those of people who leave: nothing is gathered before they are decided.
    pub const LEAVERS: [Self; 2] = [Self::Termination, Self::LastDay];

    /// The word used in status and in what is approved.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Change => "Change",
            Self::Termination => "Termination",
            Self::LastDay => "LastDay",
        }
    }

    /// The cause of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }
}

/// What one person is about to lose in one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taking {
    /// Why.
    pub cause: Cause,
    /// What.
    pub losses: BTreeSet<Loss>,
    /// Whether privileged entitlements are among it, or go with the account.
    pub privileged: bool,
    /// Why, in words.
    pub why: String,
}

/// What a plan takes away in one target; `None` where that is nothing. `notice` is for how long it was told
/// that the last day would come, before it was over. `shown` is what the target shows the account to hold.
#[must_use]
pub fn taking(
    policy: &Policy,
    connector: &Connector,
    desired: &Desired,
    plan: &AccountPlan,
    recorded: Option<&RecordedAccount>,
    shown: Option<&SmallSet<EntitlementName>>,
    notice: Option<SignedDuration>,
) -> Option<Taking> {
    let losses = plan.taking.clone().filter(|losses| !losses.is_empty())?;
    let stage = desired.lifecycle.stage;
    // What was told for less than that may be a mistake that nobody could take back in time.
    let announced = notice.is_some_and(|notice| notice >= connector.spec.guard.window);
    let is_change = losses.contains(&Loss::Account) || desired.deleting;
    let cause = match stage {
        _ if is_change || !stage.is_urgent_end() => Cause::Change,
        _ if announced && stage.ends_access() => Cause::LastDay,
        _ => Cause::Termination,
    };
    let covers = |name: &EntitlementName| connector.privileged.covers(name.as_str());
    let with_account = losses.contains(&Loss::Use) || losses.contains(&Loss::Account);
    let held = recorded.into_iter().flat_map(|r| r.grants.keys());
    let held = held.chain(shown.into_iter().flatten());
    let lost = losses.iter().filter_map(|loss| match loss {
        Loss::Entitlement(name) => Some(name),
        Loss::Use | Loss::Credentials(_) | Loss::Name | Loss::Account => None,
    });
    let privileged = lost.chain(held.filter(|_| with_account)).any(covers);
    Some(Taking {
        why: why(policy, desired, plan, recorded, &losses),
        cause,
        losses,
        privileged,
    })
}

fn why(
    policy: &Policy,
    desired: &Desired,
    plan: &AccountPlan,
    recorded: Option<&RecordedAccount>,
    losses: &BTreeSet<Loss>,
) -> String {
    if losses.contains(&Loss::Account) {
        return "the time is over for which accounts of leavers are kept".to_owned();
    }
    if desired.deleting {
        return "the Employee is deleted".to_owned();
    }
    if losses.iter().all(|loss| *loss == Loss::Name) {
        return "the user name is to be another one".to_owned();
    }
    match desired.lifecycle.stage {
        Stage::Departed | Stage::Retired => return "the last day is over".to_owned(),
        Stage::Suspended => return "suspended".to_owned(),
        Stage::OnLeave => return "on leave".to_owned(),
        Stage::Upcoming | Stage::Preboarding => {
            return "the first day has not come".to_owned();
        }
        Stage::Active => {}
    }
    let of_entitlement = |loss: &Loss| match loss {
        Loss::Entitlement(name) => plan.grants.get(name).map(|grant| &grant.roles),
        Loss::Use | Loss::Credentials(_) | Loss::Name | Loss::Account => None,
    };
    let of_account = recorded.filter(|_| losses.contains(&Loss::Use));
    let roles = losses.iter().filter_map(of_entitlement).flatten();
    let roles: BTreeSet<&RoleName> = roles
        .chain(of_account.into_iter().flat_map(|r| &r.roles))
        .collect();
    let told = roles.iter().map(|role| match policy.template(role) {
        None => format!("the RoleTemplate {role} is gone"),
        Some(_) if desired.roles.held.contains_key(*role) => {
            format!("the RoleTemplate {role} gives less")
        }
        Some(_) => format!("the RoleTemplate {role} is not held any more"),
    });
    let told: Vec<String> = told.take(MOST_TOLD).collect();
    if told.is_empty() {
        "no role gives it".to_owned()
    } else {
        told.join("; ")
    }
}

/// Roles that are named in one cause, at most.
const MOST_TOLD: usize = 4;
