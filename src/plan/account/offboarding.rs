//! What is done with the account of somebody whose last day is over, beyond shutting and emptying it.

use jiff::{SignedDuration, Timestamp};

use super::super::guard::Loss;
use super::super::offboarding::{Stand, StepPlan};
use super::super::operation::{Lane, Operation, ReadKey};
use super::super::parts::{Goal, earliest};
use super::Assessment;
use super::context::Context;
use super::course::Course;
use super::words;
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::ids::AccountId;
use crate::domain::offboarding::{Offboarding, Reached, Step};
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
        let may_be_deleted = may_be_deleted(out, account);
        note_losses(out, may_be_deleted);
        let due = out.offboarding.iter().filter(|s| s.stand == Stand::Due);
        let due: Vec<Step> = due.map(|due| due.step).collect();
        for step in due {
            let (is_sure, lane) = match step {
                Step::Delete if !may_be_deleted => continue,
                // What it takes away can't be given back: it rests on a look of its own.
                Step::Delete => (self.observed.read_directly, Lane::Drift),
                _ => (self.may_destroy(), self.end_lane()),
            };
            let Some(mut operation) = self.operation(step, &account.id) else {
                continue;
            };
            if !is_sure {
                operation = Operation::Read(ReadKey::Id(account.id.clone()));
            }
            if out.steps.iter().all(|step| step.operation != operation) {
                let step = words::step(operation, lane, self.end_cause());
                out.steps.push(step);
            }
        }
    }

    /// What takes a step; `None` for what is taken without that, or by nobody.
    fn operation(&self, step: Step, id: &AccountId) -> Option<Operation> {
        let id = id.clone();
        match step {
            Step::Revoke(kind) => Some(Operation::Revoke { id, kind }),
            Step::TransferOwnership => {
                let to = self.observed.successor.as_ref()?.as_ref().ok()?;
                Some(Operation::TransferOwnership {
                    id,
                    to: to.account.clone(),
                    name: to.username.clone(),
                })
            }
            Step::Delete => Some(Operation::Delete(id)),
            Step::Disable | Step::RemoveEntitlements | Step::Retain => None,
        }
    }

    /// Where every step stands. What is seen to be done is remembered as done.
    pub(super) fn note_offboarding(&self, out: &mut Assessment, account: Option<&ObservedAccount>) {
        let now = self.inputs.now;
        let stuck = out.grants.values().find_map(|grant| grant.problem.as_ref());
        let Some(record) = out.record.as_mut() else {
            return;
        };
        let shut_at = record.verified_disabled;
        let is_emptied = out.grants.is_empty() && record.grants.is_empty();
        let Some(offboarding) = record.offboarding.as_deref_mut() else {
            return;
        };
        if account.is_none() {
            let gone = "the application does not show it any more";
            offboarding.took(Step::Delete, true, now, gone);
        }
        // Somebody may open it again, or give it something back: what is so now is what counts.
        offboarding.step(Step::Disable).reached = shut_at.map(|at| Reached {
            verified: true,
            at,
            evidence: "read back as disabled".into(),
        });
        if is_emptied {
            let evidence = taken(offboarding);
            offboarding.took(Step::RemoveEntitlements, true, now, &evidence);
        } else {
            offboarding.step(Step::RemoveEntitlements).reached = None;
        }
        let course = Course {
            kept_until: self.keep_account(offboarding),
            context: self,
            offboarding,
            stuck,
        };
        out.offboarding = course.steps();
        self.wait(out);
    }

    /// Until when an account is kept; `None` while that time does not run. One that is deleted afterwards is kept from
    /// no earlier than that became the policy, and was to be carried out: an edit never deletes at once what left long
    /// ago.
    fn keep_account(&self, offboarding: &mut Offboarding) -> Option<Timestamp> {
        let policy = &self.connector.spec.leaver;
        let since = if !policy.delete {
            offboarding.kept = None;
            offboarding.since
        } else if self.inputs.only_read(self.name) {
            // It begins when the application is written to: it would be over else, all at once.
            offboarding.kept = None;
            return None;
        } else {
            offboarding.keep(policy.retain, self.inputs.now)
        };
        Some(since.checked_add(policy.retain).unwrap_or(Timestamp::MAX))
    }

    /// When to look again at what waits: for its time, or for somebody who gets what is left behind.
    fn wait(&self, out: &mut Assessment) {
        for step in &out.offboarding {
            match &step.stand {
                Stand::Until(at) => out.wake_at = earliest(out.wake_at, Some(*at)),
                Stand::Waiting(problem) if problem.reason == NO_SUCCESSOR => {
                    let again = self.inputs.now.checked_add(LOOK_AGAIN).ok();
                    out.wake_at = earliest(out.wake_at, again);
                    out.problems.push(problem.clone());
                }
                _ => {}
            }
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

/// Notes all credentials that are taken before the account is kept for its time, whenever their turn comes:
/// that is one decision. That it is deleted then is another.
fn note_losses(out: &mut Assessment, may_be_deleted: bool) {
    let open = out.offboarding.iter().filter(|step| !step.stand.is_final());
    let losses = open.filter_map(|step| match step.step {
        Step::Revoke(kind) => Some(Loss::Credentials(kind)),
        Step::Delete if may_be_deleted && step.stand == Stand::Due => Some(Loss::Account),
        _ => None,
    });
    let losses: Vec<Loss> = losses.collect();
    out.takes(losses);
}

/// Nothing is deleted that can be used, or that still holds what it is to hand over.
fn may_be_deleted(out: &Assessment, account: &ObservedAccount) -> bool {
    let record = out.record.as_ref();
    let is_proven = record.is_some_and(|record| record.verified_disabled.is_some());
    let is_handed_over = |s: &StepPlan| s.step != Step::TransferOwnership || s.stand.is_final();
    account.activity == Activity::Disabled
        && is_proven
        && out.offboarding.iter().all(is_handed_over)
}

fn taken(offboarding: &Offboarding) -> String {
    match offboarding.held.len() {
        0 => "no role had given any".to_owned(),
        1 => "the one that roles had given is taken away".to_owned(),
        n => format!("all {n} that roles had given are taken away"),
    }
}
