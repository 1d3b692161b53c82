//! How access ends.

use super::super::grants::{self, Keeping};
use super::super::guard::Loss;
use super::super::operation::{Operation, ReadKey};
use super::super::parts::{Step, earliest};
use super::Assessment;
use super::context::Context;
use super::words::step;
use crate::domain::account::{Activity, ObservedAccount};

impl Context<'_> {
    /// Access ends: for someone gone at once, for someone who moved after their additions.
    pub(super) fn end(&self, out: &mut Assessment, account: &ObservedAccount) {
        let gone = self.inputs.desired.lifecycle.stage.ends_access();
        note_shutting(out, account);
        let mut steps: Vec<Step> = self.disabling(account).into_iter().collect();
        let remove = self.lost_grants(out, !gone);
        if self.is_offboarded() {
            self.note_offboarding(out, Some(account));
        }
        let removal = self.removal(out, account, remove, self.end_lane(), self.end_cause());
        // Where a direct read has to come first, one is enough.
        steps.extend(removal.filter(|r| !steps.iter().any(|s| s.operation == r.operation)));
        if gone {
            out.steps.extend(steps);
            if self.is_offboarded() {
                self.offboard(out, account);
            }
        } else {
            let lost = out.record.as_ref().map(|r| (&r.roles, r.lost_at));
            let kept = lost.map(|(roles, lost_at)| grants::keeping(self.inputs, roles, lost_at));
            out.lost_at = kept.and_then(Keeping::until);
            let breaking = &self.inputs.desired.roles.breaking;
            let mut roles = out.record.iter().flat_map(|record| &record.roles);
            out.account_breaks = roles.any(|role| breaking.contains(role));
            out.removals.extend(steps);
        }
    }

    /// What is kept although no role gives it, for a time where that is all that keeps it.
    pub(super) fn keep(&self, out: &mut Assessment) {
        let record = out.record.as_ref();
        let lost = record.filter(|r| !r.roles.is_empty());
        let kept = lost.map(|r| grants::keeping(self.inputs, &r.roles, r.lost_at));
        out.kept_until = kept
            .and_then(Keeping::until)
            .filter(|at| *at > self.inputs.now);
        out.wake_at = earliest(out.wake_at, out.kept_until);
    }

    /// Stops the account from being used.
    pub(super) fn disable(&self, out: &mut Assessment, account: &ObservedAccount) {
        note_shutting(out, account);
        out.steps.extend(self.disabling(account));
    }

    /// Disables, and then proves by a direct read that it is so.
    pub(super) fn disabling(&self, account: &ObservedAccount) -> Option<Step> {
        let verified = self.recorded.is_some_and(|r| r.verified_disabled.is_some())
            || self.observed.read_directly;
        let id = account.id.clone();
        let operation = match account.activity {
            Activity::Disabled if verified => return None,
            Activity::Active | Activity::Unknown if self.may_destroy() => Operation::Disable(id),
            Activity::Disabled | Activity::Active | Activity::Unknown => {
                Operation::Read(ReadKey::Id(id))
            }
        };
        Some(step(operation, self.end_lane(), self.end_cause()))
    }

    /// A destructive step needs a complete listing or a direct read (invariant 2).
    pub(super) fn may_destroy(&self) -> bool {
        self.observed.accounts_complete || self.observed.read_directly
    }
}

/// Notes that an account that can be used can't be any more.
pub(super) fn note_shutting(out: &mut Assessment, account: &ObservedAccount) {
    if account.activity != Activity::Disabled {
        out.takes([Loss::Use]);
    }
}
