//! One account, assessed by itself: what should be added, repaired and taken away. When removals may
//! run is decided in [`super::person`], which sees all accounts of the person.

mod adoption;
mod context;
mod course;
mod ending;
mod holdings;
mod limited;
pub mod offboarding;
mod protection;
mod removals;
mod rogue;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use self::context::Context;
use self::removals::{broken_first, join, join_step, parts};
use super::grants;
use super::guard::Loss;
use super::offboarding::{StepPlan, remembered};
use super::parts::{AccountPlan, Goal, GrantPlan, Inputs, Step, VANISHED_GRACE, Withheld};
use crate::domain::desired::DesiredAccount;
use crate::domain::ids::{ConnectorName, EntitlementName};
use crate::domain::preparation::Due;
use crate::domain::problem::Problem;
use crate::domain::record::RecordedAccount;

/// Reason of a removal that waited for additions in vain (invariant 3).
pub const HOLD_EXPIRED: &str = "HoldExpired";

/// One account, assessed.
#[derive(Debug)]
pub(super) struct Assessment {
    pub(super) goal: Goal,
    /// What may be done whatever the state of other accounts.
    pub(super) steps: Vec<Step>,
    /// What takes access away because of a move.
    pub(super) removals: Vec<Step>,
    /// What is taken away by both, also where a direct read has to come first; `None` while that is not known.
    pub(super) taking: Option<BTreeSet<Loss>>,
    /// Since when the account was lost, where it is.
    pub(super) lost_at: Option<Timestamp>,
    /// Since when each entitlement was lost that is removed.
    pub(super) lost: BTreeMap<EntitlementName, Timestamp>,
    /// Entitlements lost that conflict with what is to come: they go first, and wait for no additions.
    pub(super) breaking: BTreeSet<EntitlementName>,
    /// Whether the account itself does.
    pub(super) account_breaks: bool,
    /// Whether something desired is not there yet.
    pub(super) additions_outstanding: bool,
    pub(super) problems: Vec<Problem>,
    pub(super) grants: BTreeMap<EntitlementName, GrantPlan>,
    pub(super) rogue: BTreeSet<EntitlementName>,
    /// What to remember; `None` forgets the account.
    pub(super) record: Option<RecordedAccount>,
    pub(super) wake_at: Option<Timestamp>,
    /// Until when the account is kept, where a time is all that keeps it.
    pub(super) kept_until: Option<Timestamp>,
    /// Where each step of offboarding it stands.
    pub(super) offboarding: Vec<StepPlan>,
}

impl Assessment {
    fn idle(goal: Goal, record: Option<RecordedAccount>) -> Self {
        Self {
            goal,
            steps: Vec::new(),
            removals: Vec::new(),
            taking: Some(BTreeSet::new()),
            lost_at: None,
            lost: BTreeMap::new(),
            breaking: BTreeSet::new(),
            account_breaks: false,
            additions_outstanding: false,
            problems: Vec::new(),
            grants: BTreeMap::new(),
            rogue: BTreeSet::new(),
            record,
            wake_at: None,
            kept_until: None,
            offboarding: Vec::new(),
        }
    }

    /// Notes what is taken away.
    fn takes(&mut self, losses: impl IntoIterator<Item = Loss>) {
        self.taking.get_or_insert_default().extend(losses);
    }

    /// Lets removals run, or withholds them for the person's additions: each at most for the hold time
    /// since it was lost. One that an earlier move left behind does not hurry those of the next.
    pub(super) fn finish(
        self,
        additions_outstanding: bool,
        hold: SignedDuration,
        now: Timestamp,
    ) -> AccountPlan {
        let mut steps = self.steps;
        let mut problems = self.problems;
        let mut withheld: Option<Withheld> = None;
        for removal in self.removals {
            let (first, removal) = broken_first(removal, &self.breaking, self.account_breaks);
            if let Some(first) = first {
                join_step(&mut steps, first);
            }
            let Some(removal) = removal else { continue };
            if !additions_outstanding {
                join_step(&mut steps, removal);
                continue;
            }
            for (part, lost_at) in parts(removal, self.lost_at, &self.lost) {
                let lost_at = lost_at.unwrap_or(now);
                let until = lost_at.checked_add(hold).unwrap_or(Timestamp::MAX);
                if until > now {
                    let waiting = withheld.get_or_insert(Withheld {
                        operations: Vec::new(),
                        until,
                    });
                    waiting.until = waiting.until.min(until);
                    join(&mut waiting.operations, part.operation);
                    continue;
                }
                if problems.iter().all(|p| p.reason != HOLD_EXPIRED) {
                    problems.push(Problem::waiting(
                        HOLD_EXPIRED,
                        "what is new is still not there, and spec.moves.hold of the AppConnector is over: what was lost is taken away all the same",
                    ));
                }
                join_step(&mut steps, part);
            }
        }
        AccountPlan {
            goal: self.goal,
            steps,
            withheld,
            taking: self.taking,
            problems,
            kept_until: self.kept_until,
            offboarding: self.offboarding,
            grants: self.grants,
            rogue: self.rogue,
        }
    }
}

/// Assesses one account.
pub(super) fn assess(inputs: &Inputs<'_>, name: &ConnectorName) -> Assessment {
    let desired = inputs.desired.accounts.get(name);
    let recorded = inputs.record.accounts.get(name);
    let goal = goal(inputs, desired, recorded);
    let Some(connector) = inputs.policy.connector(name) else {
        if goal == Goal::Ended && inputs.desired.lifecycle.stage.may_work() {
            return released(inputs, name, recorded);
        }
        return untouchable(
            inputs,
            desired,
            recorded,
            Problem::waiting(
                "ConnectorMissing",
                format!(
                    "the AppConnector {name} does not exist (yet): create it, or take it out of the RoleTemplates that name it; its accounts stay as they are"
                ),
            ),
        );
    };
    // Whoever must not work is shut out all the same; what roles took away waits like what they give.
    let is_broken = !connector.faults.is_empty();
    let goal = match goal {
        Goal::Prepared if is_broken => Goal::Paused,
        goal => goal,
    };
    if is_broken && (goal == Goal::Live || inputs.desired.lifecycle.stage.may_work()) {
        return untouchable(
            inputs,
            desired,
            recorded,
            Problem::waiting(
                "ConnectorBroken",
                format!(
                    "the AppConnector {name} can't be used until it is mended (see its status); accounts stay as they are"
                ),
            ),
        );
    }
    let Some(observed) = inputs.observations.get(name) else {
        return untouchable(
            inputs,
            desired,
            recorded,
            Problem::waiting(
                "InventoryPending",
                format!(
                    "the accounts of {name} could not be listed yet (see the status of that AppConnector); it goes on by itself once they are"
                ),
            ),
        );
    };
    let context = Context {
        inputs,
        name,
        connector,
        desired,
        recorded,
        observed,
        goal,
    };
    context.assess()
}

/// A connector that is gone releases what no role gives any more, as it is. Not at once: where its object is made anew,
/// what was to be taken away there is taken away all the same.
fn released(
    inputs: &Inputs<'_>,
    name: &ConnectorName,
    recorded: Option<&RecordedAccount>,
) -> Assessment {
    let since = inputs.policy.gone_since(name);
    let until = since.checked_add(VANISHED_GRACE).unwrap_or(Timestamp::MAX);
    // Another connector of the same application may have it by now.
    let is_elsewhere = |record: &&RecordedAccount| {
        let mut all = inputs.record.accounts.iter();
        record.id.is_some() && all.any(|(other, account)| other != name && account.id == record.id)
    };
    let missed = recorded.filter(|record| until > inputs.now && !is_elsewhere(record));
    let Some(record) = missed else {
        return Assessment::idle(Goal::Ended, None);
    };
    Assessment {
        taking: None,
        grants: all_kept(record),
        kept_until: Some(until),
        wake_at: Some(until),
        ..Assessment::idle(Goal::Kept, Some(record.clone()))
    }
}

/// What is to become of the account, by the person's stage and roles.
fn goal(
    inputs: &Inputs<'_>,
    desired: Option<&DesiredAccount>,
    recorded: Option<&RecordedAccount>,
) -> Goal {
    let stage = inputs.desired.lifecycle.stage;
    if stage.ends_access() {
        return Goal::Ended;
    }
    if !stage.may_work() {
        // Before the first day some accounts are made ready; what else there is stays shut.
        return match desired.map(|d| d.due) {
            Some(Due::Disabled) => Goal::Prepared,
            Some(Due::Enabled) => Goal::Live,
            Some(Due::WhileWorking) | None => Goal::Paused,
        };
    }
    if desired.is_some() {
        return Goal::Live;
    }
    let keeps = |roles, lost_at| grants::keeping(inputs, roles, lost_at).holds(inputs.now);
    let kept = grants::is_unexplained(recorded)
        || recorded.is_some_and(|r| {
            keeps(&r.roles, r.lost_at) || r.grants.values().any(|g| keeps(&g.roles, g.lost_at))
        });
    if kept { Goal::Kept } else { Goal::Ended }
}

/// Tells the steps of an offboarding that is under way as they are remembered, where they could not be looked at.
fn remember_steps(out: &mut Assessment, waits_for: Option<Problem>) {
    let known = out.record.as_ref().and_then(|r| r.offboarding.as_deref());
    let Some(offboarding) = known.filter(|_| out.offboarding.is_empty()) else {
        return;
    };
    let waits_for = waits_for.unwrap_or_else(|| {
        Problem::waiting("InProgress", "the account is looked at first".to_owned())
    });
    out.offboarding = remembered(offboarding, &waits_for);
}

/// An account that can't be dealt with now. Everything stays as it is and is remembered as it was.
fn untouchable(
    inputs: &Inputs<'_>,
    desired: Option<&DesiredAccount>,
    recorded: Option<&RecordedAccount>,
    problem: Problem,
) -> Assessment {
    let provides = goal(inputs, desired, recorded).provides();
    let mut record = recorded.cloned();
    if let (Some(record), Some(desired), true) = (&mut record, desired, provides) {
        grants::refresh(inputs, record, desired);
    }
    let mut out = Assessment::idle(Goal::Kept, record);
    out.taking = None;
    out.additions_outstanding = provides;
    if provides || recorded.is_some() {
        out.problems.push(problem);
    }
    let waits_for = out.problems.first().cloned();
    remember_steps(&mut out, waits_for);
    out.grants = out.record.as_ref().map(all_kept).unwrap_or_default();
    out
}

/// Everything that an account is remembered to hold, as it stays.
fn all_kept(record: &RecordedAccount) -> BTreeMap<EntitlementName, GrantPlan> {
    let kept = record.grants.iter();
    kept.map(|(entitlement, grant)| (entitlement.clone(), grants::kept(grant, None)))
        .collect()
}
