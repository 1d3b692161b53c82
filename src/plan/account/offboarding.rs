//! What is done with the account of somebody whose last day is over, beyond shutting and emptying it.

use jiff::{SignedDuration, Timestamp};

use super::super::offboarding::{Stand, StepPlan};
use super::super::operation::{Lane, Operation, ReadKey};
use super::super::parts::{Goal, earliest};
use super::Assessment;
use super::context::Context;
use super::words::step;
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::AccountId;
use crate::domain::offboarding::{LeaverPolicy, Offboarding, Reached, Step};
use crate::domain::problem::Problem;
use crate::domain::record::RecordedAccount;

/// Reason of what a target can't do.
pub const NOT_POSSIBLE: &str = "NotPossible";
/// Reason of an account that a legal hold keeps.
pub const LEGAL_HOLD: &str = "LegalHold";
/// Reason of what comes by itself where the application is only read now.
pub const NOT_WRITTEN_TO: &str = "NotWrittenTo";
/// Reason of what waits for somebody to hand it to.
pub const NO_SUCCESSOR: &str = "NoSuccessor";

/// How often it is looked for somebody who gets what is left behind, beside each change of the direct manager: it
/// may be somebody further up.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(10);

impl Context<'_> {
    /// Begins to remember what is done from the end of the last day on.
    pub(super) fn begin_offboarding(&self, record: &mut RecordedAccount) {
        if record.offboarding.is_none() {
            let held = record.grants.keys().cloned().collect();
            let begun = Offboarding::begin(self.inputs.now, held);
            record.offboarding = Some(Box::new(begun));
        }
    }

    /// Whether it is the end of employment, rather than of a role or of the object alone.
    pub(super) fn is_offboarded(&self) -> bool {
        let desired = self.inputs.desired;
        desired.lifecycle.stage.ends_access() && !desired.deleting
    }

    /// Takes credentials away, hands over what is owned, and deletes the account once its time has come.
    pub(super) fn offboard(&self, out: &mut Assessment, account: &ObservedAccount) {
        let wanted = self.wanted(out, &account.id);
        let deletes = may_be_deleted(out, account);
        let (deleting, wanted): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .partition(|operation| matches!(operation, Operation::Delete(_)));
        let look = || Operation::Read(ReadKey::Id(account.id.clone()));
        for operation in wanted {
            let operation = if self.may_destroy() {
                operation
            } else {
                look()
            };
            self.push(out, operation, self.end_lane());
        }
        // What a deletion takes away can't be given back: it rests on a look of its own.
        for operation in deleting.into_iter().filter(|_| deletes) {
            let operation = if self.observed.read_directly {
                operation
            } else {
                look()
            };
            self.push(out, operation, Lane::Drift);
        }
    }

    fn push(&self, out: &mut Assessment, operation: Operation, lane: Lane) {
        if out.steps.iter().all(|step| step.operation != operation) {
            out.steps.push(step(operation, lane, self.end_cause()));
        }
    }

    /// What there is to do by itself, beside shutting and emptying the account.
    fn wanted(&self, out: &Assessment, id: &AccountId) -> Vec<Operation> {
        let open = out.offboarding.iter().filter(|s| s.stand == Stand::Due);
        let operation = |step: &StepPlan| match step.step {
            Step::Revoke(kind) => Some(Operation::Revoke {
                id: id.clone(),
                kind,
            }),
            Step::TransferOwnership => {
                let to = self.observed.successor.as_ref()?.as_ref().ok()?;
                Some(Operation::TransferOwnership {
                    id: id.clone(),
                    to: to.account.clone(),
                    name: to.username.clone(),
                })
            }
            Step::Delete => Some(Operation::Delete(id.clone())),
            Step::Disable | Step::RemoveEntitlements | Step::Retain => None,
        };
        open.filter_map(operation).collect()
    }

    /// Where every step stands. What is seen to be done is remembered as done.
    pub(super) fn note_offboarding(&self, out: &mut Assessment, account: Option<&ObservedAccount>) {
        let now = self.inputs.now;
        let is_emptied = out.grants.is_empty();
        let stuck = out.grants.values().find_map(|grant| grant.problem.clone());
        let Some(record) = out.record.as_mut() else {
            return;
        };
        let shut = record.verified_disabled;
        let recorded = record.grants.is_empty();
        let Some(offboarding) = record.offboarding.as_deref_mut() else {
            return;
        };
        if account.is_none() {
            // Nothing is left that could be used, or own anything.
            offboarding.took(
                Step::Delete,
                true,
                now,
                "the application does not show it any more",
            );
        }
        // Somebody may open it again, or give it something back: what is so now is what counts.
        offboarding.step(Step::Disable).reached = shut.map(|at| Reached {
            verified: true,
            at,
            evidence: "read back as disabled".into(),
        });
        if is_emptied && recorded {
            let evidence = taken(offboarding);
            offboarding.took(Step::RemoveEntitlements, true, now, &evidence);
        } else {
            offboarding.step(Step::RemoveEntitlements).reached = None;
        }
        let policy = &self.connector.spec.leaver;
        let kept_from = retained_from(offboarding, policy, now);
        let until = kept_from
            .checked_add(policy.retain)
            .unwrap_or(Timestamp::MAX);
        let mut steps = self.steps(offboarding, policy, until);
        if policy.delete && self.inputs.only_read(self.name) {
            // The time begins when the application is written to: it would be over else, all at once.
            offboarding.step(Step::Retain).reached = None;
            stop(&mut steps);
        }
        for step in &mut steps {
            if let (Step::RemoveEntitlements, Stand::Due, Some(problem)) =
                (step.step, &step.stand, &stuck)
            {
                step.stand = Stand::Waiting(problem.clone());
            }
        }
        if steps.iter().any(|s| matches!(s.stand, Stand::Until(_))) {
            out.wake_at = earliest(out.wake_at, Some(until));
        }
        let waits = |step: &StepPlan| match &step.stand {
            Stand::Waiting(problem) if problem.reason == NO_SUCCESSOR => Some(problem.clone()),
            _ => None,
        };
        let alone: Vec<Problem> = steps.iter().filter_map(waits).collect();
        if !alone.is_empty() {
            let again = now.checked_add(LOOK_AGAIN).ok();
            out.wake_at = earliest(out.wake_at, again);
        }
        out.problems.extend(alone);
        out.offboarding = steps;
    }

    fn steps(
        &self,
        offboarding: &Offboarding,
        policy: &LeaverPolicy,
        until: Timestamp,
    ) -> Vec<StepPlan> {
        let gone = offboarding.reached(Step::Delete).filter(|r| r.verified);
        let at = |step: Step, stand: Stand| StepPlan::of(offboarding, step, stand);
        let mut steps = Vec::new();
        let shut = match offboarding.reached(Step::Disable) {
            Some(reached) => Stand::Reached(reached.clone()),
            None if gone.is_some() => Stand::Reached(gone.cloned().unwrap_or_default()),
            None if self.connector.spec.preboarding.cannot_disable => Stand::NotPossible(
                "the application can't disable accounts: close it there by hand".into(),
            ),
            None => Stand::Due,
        };
        steps.push(at(Step::Disable, shut));
        for kind in &policy.revoke {
            let stand = self.revocation(offboarding, policy, *kind, gone);
            steps.push(at(Step::Revoke(*kind), stand));
        }
        if policy.transfer {
            let stand = self.transfer(offboarding, policy, gone);
            steps.push(at(Step::TransferOwnership, stand));
        }
        let emptied = offboarding.reached(Step::RemoveEntitlements).or(gone);
        let emptied = emptied.map_or(Stand::Due, |r| Stand::Reached(r.clone()));
        steps.push(at(Step::RemoveEntitlements, emptied));
        let hold = self.inputs.desired.legal_hold.as_deref();
        if !policy.retain.is_zero() {
            let stand = match gone {
                Some(gone) => Stand::Reached(gone.clone()),
                None if until > self.inputs.now => Stand::Until(until),
                None => Stand::Reached(Reached {
                    verified: true,
                    at: until,
                    evidence: "kept for as long as spec.leaver.retain says".into(),
                }),
            };
            steps.push(at(Step::Retain, stand));
        }
        if policy.delete || gone.is_some() {
            let stand = match (gone, hold) {
                (Some(gone), _) => Stand::Reached(gone.clone()),
                (None, Some(why)) => Stand::Waiting(Problem::waiting(
                    LEGAL_HOLD,
                    format!("spec.legalHold of the Employee keeps it: {why}"),
                )),
                (None, None) => match &policy.able {
                    Some(able) if !able.delete => Stand::NotPossible(
                        "the application can't delete accounts, or nothing says how: delete it there by hand".into(),
                    ),
                    Some(_) if until <= self.inputs.now => Stand::Due,
                    Some(_) => Stand::Until(until),
                    None => unknown(),
                },
            };
            steps.push(at(Step::Delete, stand));
        }
        steps
    }

    fn revocation(
        &self,
        offboarding: &Offboarding,
        policy: &LeaverPolicy,
        kind: CredentialKind,
        gone: Option<&Reached>,
    ) -> Stand {
        if let Some(reached) = offboarding.reached(Step::Revoke(kind)).or(gone) {
            return Stand::Reached(reached.clone());
        }
        match &policy.able {
            None => unknown(),
            Some(able) if able.revokes.contains(&kind) => Stand::Due,
            Some(_) => Stand::NotPossible(format!(
                "{} knows no {} that it could revoke, or nothing says how: see to it there by hand",
                self.name,
                kind.within_a_sentence()
            )),
        }
    }

    fn transfer(
        &self,
        offboarding: &Offboarding,
        policy: &LeaverPolicy,
        gone: Option<&Reached>,
    ) -> Stand {
        if let Some(reached) = offboarding.reached(Step::TransferOwnership).or(gone) {
            return Stand::Reached(reached.clone());
        }
        match (&policy.able, &self.observed.successor) {
            (None, _) | (Some(_), None) => unknown(),
            (Some(able), _) if !able.ownership => Stand::NotPossible(format!(
                "{} does not say what accounts own, or can't hand it over: see to it there by hand",
                self.name
            )),
            (Some(_), Some(Ok(_))) => Stand::Due,
            (Some(_), Some(Err(problem))) => Stand::Waiting(problem.clone()),
        }
    }

    /// Of an account that is gone, what was done with it stays known.
    pub(super) fn stays_known(&self, out: &mut Assessment) -> bool {
        let known = out.record.as_ref().is_some_and(|r| r.offboarding.is_some());
        if !(self.goal == Goal::Ended && known && self.is_offboarded()) {
            return false;
        }
        if let Some(record) = &mut out.record {
            record.id = None;
            record.grants.clear();
        }
        self.note_offboarding(out, None);
        true
    }
}

/// Nothing is deleted that can be used, or that still holds what it is to hand over.
fn may_be_deleted(out: &Assessment, account: &ObservedAccount) -> bool {
    let is_proven = out
        .record
        .as_ref()
        .is_some_and(|record| record.verified_disabled.is_some());
    let before = out.offboarding.iter().filter(|s| s.step < Step::Retain);
    let is_ready = before.clone().all(|step| match step.step {
        Step::TransferOwnership => step.stand.is_final(),
        _ => true,
    });
    account.activity == Activity::Disabled && is_proven && is_ready
}

/// What comes by itself comes once the application is written to.
fn stop(steps: &mut [StepPlan]) {
    for step in steps.iter_mut().filter(|s| s.step >= Step::Retain) {
        let is_gone = step.step == Step::Delete && matches!(step.stand, Stand::Reached(_));
        if !is_gone && !matches!(step.stand, Stand::NotPossible(_)) {
            step.stand = Stand::Waiting(Problem::waiting(
                NOT_WRITTEN_TO,
                "nothing is written to the application now: the time for which the account is kept begins anew after that",
            ));
        }
    }
}

fn unknown() -> Stand {
    Stand::Waiting(Problem::waiting(
        "InventoryPending",
        "what the application can do is not known yet",
    ))
}

fn taken(offboarding: &Offboarding) -> String {
    match offboarding.held.len() {
        0 => "no role had given any".to_owned(),
        1 => "the one that roles had given is taken away".to_owned(),
        n => format!("all {n} that roles had given are taken away"),
    }
}

/// Since when an account is kept that is deleted afterwards: no earlier than that became the policy, and was to be
/// carried out. An edit never deletes at once what left long ago.
fn retained_from(
    offboarding: &mut Offboarding,
    policy: &LeaverPolicy,
    now: Timestamp,
) -> Timestamp {
    let since = offboarding.since;
    let time = format!("{}h", policy.retain.as_hours());
    let begun = offboarding.step(Step::Retain).reached.take();
    if !policy.delete {
        return since;
    }
    let begun = begun.filter(|begun| *begun.evidence == *time);
    let begun = begun.unwrap_or_else(|| Reached {
        verified: false,
        at: now,
        evidence: time.as_str().into(),
    });
    let at = begun.at;
    offboarding.step(Step::Retain).reached = Some(begun);
    at
}
