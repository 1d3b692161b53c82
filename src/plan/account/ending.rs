//! How access ends.

use super::super::operation::{Operation, ReadKey};
use super::super::person::{earliest, ends_access};
use super::Assessment;
use super::context::Context;
use crate::domain::account::{Activity, ObservedAccount};

impl Context<'_> {
    /// Access ends: for someone gone at once, for someone who moved after their additions.
    pub(super) fn end(&self, out: &mut Assessment, account: &ObservedAccount) {
        let gone = ends_access(self.inputs.desired.lifecycle.stage);
        let mut steps = Assessment::idle(self.goal, None);
        self.disable(&mut steps, account);
        let mut steps = steps.steps;
        let remove = self.lost_grants(out, !gone);
        if !remove.is_empty() {
            let operation = Operation::RemoveEntitlements {
                id: account.id.clone(),
                entitlements: remove,
            };
            steps.push(self.step(operation, self.end_lane(), self.end_cause()));
        }
        if gone {
            out.steps.extend(steps);
        } else {
            out.lost_at = earliest(out.lost_at, out.record.as_ref().and_then(|r| r.lost_at));
            out.removals.extend(steps);
        }
    }

    /// Disables, and then proves by a direct read that it is so.
    pub(super) fn disable(&self, out: &mut Assessment, account: &ObservedAccount) {
        let verified = self.recorded.is_some_and(|r| r.verified_disabled.is_some())
            || self.observed.read_directly;
        let id = account.id.clone();
        let operation = match account.activity {
            Activity::Disabled if verified => return,
            Activity::Disabled => Operation::Read(ReadKey::Id(id)),
            // A destructive step needs a complete listing or a direct read (invariant 2).
            _ if !self.observed.accounts_complete && !self.observed.read_directly => {
                Operation::Read(ReadKey::Id(id))
            }
            Activity::Active | Activity::Unknown => Operation::Disable(id),
        };
        out.steps
            .push(self.step(operation, self.end_lane(), self.end_cause()));
    }
}
