//! Where each step of an offboarding stands: one rule a step.

use jiff::Timestamp;

use super::super::offboarding::{Stand, StepPlan};
use super::context::Context;
use super::offboarding::{LEGAL_HOLD, NOT_WRITTEN_TO};
use crate::domain::credentials::CredentialKind;
use crate::domain::offboarding::{LeaverPolicy, Offboarding, Reached, Step};
use crate::domain::problem::Problem;

/// The offboarding of one account, and what its rules rest on beside that.
pub(super) struct Course<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) offboarding: &'a Offboarding,
    /// Until when the account is kept; `None` while that time does not run.
    pub(super) kept_until: Option<Timestamp>,
    /// Why what roles gave can't be taken away now.
    pub(super) stuck: Option<&'a Problem>,
}

impl Course<'_> {
    /// Every step that is asked for, in its order.
    pub(super) fn steps(&self) -> Vec<StepPlan> {
        let policy = self.policy();
        let mut steps = vec![Step::Disable];
        steps.extend(policy.revoke.iter().copied().map(Step::Revoke));
        steps.extend(policy.transfer.then_some(Step::TransferOwnership));
        steps.push(Step::RemoveEntitlements);
        steps.extend((!policy.retain.is_zero()).then_some(Step::Retain));
        let is_told = policy.delete || self.gone().is_some();
        steps.extend(is_told.then_some(Step::Delete));
        let plan = |step| StepPlan::of(self.offboarding, step, self.of(step));
        steps.into_iter().map(plan).collect()
    }

    fn of(&self, step: Step) -> Stand {
        let reached = match step {
            // It counts once the account is seen to be gone.
            Step::Delete => None,
            step => self.offboarding.reached(step),
        };
        // Nothing is left then that could be used, or own anything.
        if let Some(reached) = reached.or(self.gone()) {
            return Stand::Reached(reached.clone());
        }
        match step {
            Step::Disable => self.shutting(),
            Step::Revoke(kind) => self.revoking(kind),
            Step::TransferOwnership => self.handing_over(),
            Step::RemoveEntitlements => self.emptying(),
            Step::Retain => self.keeping(),
            Step::Delete => self.deleting(),
        }
    }

    fn shutting(&self) -> Stand {
        if self.context.connector.spec.preboarding.cannot_disable {
            return Stand::NotPossible(
                "the application can't disable accounts: close it there by hand".to_owned(),
            );
        }
        Stand::Due
    }

    fn revoking(&self, kind: CredentialKind) -> Stand {
        match &self.policy().able {
            None => unknown(),
            Some(able) if able.revokes.contains(&kind) => Stand::Due,
            Some(_) => Stand::NotPossible(format!(
                "{} knows no {} that it could revoke, or nothing says how: see to it there by hand",
                self.context.name,
                kind.within_a_sentence()
            )),
        }
    }

    fn handing_over(&self) -> Stand {
        match (&self.policy().able, &self.context.observed.successor) {
            (None, _) | (Some(_), None) => unknown(),
            (Some(able), _) if !able.ownership => Stand::NotPossible(format!(
                "{} does not say what accounts own, or can't hand it over: see to it there by hand",
                self.context.name
            )),
            (Some(_), Some(Ok(_))) => Stand::Due,
            (Some(_), Some(Err(problem))) => Stand::Waiting(problem.clone()),
        }
    }

    fn emptying(&self) -> Stand {
        self.stuck.cloned().map_or(Stand::Due, Stand::Waiting)
    }

    fn keeping(&self) -> Stand {
        match self.kept_until {
            None => not_written_to(),
            Some(until) if until > self.now() => Stand::Until(until),
            Some(until) => Stand::Reached(Reached {
                verified: true,
                at: until,
                evidence: "kept for as long as spec.leaver.retain says".into(),
            }),
        }
    }

    fn deleting(&self) -> Stand {
        let hold = self.context.inputs.desired.legal_hold.as_deref();
        let deletes = self.policy().able.as_ref().map(|able| able.delete);
        match (hold, deletes, self.kept_until) {
            (None, Some(false), _) => Stand::NotPossible(
                "the application can't delete accounts, or nothing says how: delete it there by hand"
                    .to_owned(),
            ),
            (_, _, None) => not_written_to(),
            (Some(why), ..) => Stand::Waiting(Problem::waiting(
                LEGAL_HOLD,
                format!("spec.legalHold of the Employee keeps it: {why}"),
            )),
            (None, None, _) => unknown(),
            (None, Some(true), Some(until)) if until > self.now() => Stand::Until(until),
            (None, Some(true), Some(_)) => Stand::Due,
        }
    }

    /// That the account was seen to be gone.
    fn gone(&self) -> Option<&Reached> {
        let deleted = self.offboarding.reached(Step::Delete);
        deleted.filter(|reached| reached.verified)
    }

    fn policy(&self) -> &LeaverPolicy {
        &self.context.connector.spec.leaver
    }

    fn now(&self) -> Timestamp {
        self.context.inputs.now
    }
}

fn unknown() -> Stand {
    Stand::Waiting(Problem::waiting(
        "InventoryPending",
        "what the application can do is not known yet",
    ))
}

/// What comes by itself comes once the application is written to.
fn not_written_to() -> Stand {
    Stand::Waiting(Problem::waiting(
        NOT_WRITTEN_TO,
        "nothing is written to the application now: the time for which the account is kept begins anew after that",
    ))
}
