//! Accounts that no plan may change.

use std::collections::BTreeSet;

use super::super::offboarding::Stand;
use super::super::parts::Step;
use super::Assessment;
use super::context::Context;
use crate::domain::account::ObservedAccount;
use crate::domain::ids::Username;
use crate::domain::problem::Problem;

impl Context<'_> {
    /// Takes out what would be written to a protected account, and says so where there is something. What
    /// is never done holds up neither removals elsewhere nor a deletion.
    pub(super) fn protect(&self, out: &mut Assessment, account: &ObservedAccount) {
        // By the name that we gave it as well: a rename in the target sets nothing free.
        let linked = self.recorded.filter(|r| r.id.is_some());
        let given = linked.and_then(|r| r.username.as_ref());
        if !self.covers(&account.username) && !given.is_some_and(|name| self.covers(name)) {
            return;
        }
        let deleting = self.inputs.desired.deleting;
        let writes = |step: &Step| step.operation.is_write();
        let wanted = out.steps.iter().chain(&out.removals).any(writes);
        for step in out.offboarding.iter_mut().filter(|s| s.stand == Stand::Due) {
            step.stand = Stand::NotPossible(self.protected(&account.username).message);
        }
        out.steps.retain(|step| !writes(step) && !deleting);
        out.removals.retain(|step| !writes(step) && !deleting);
        out.taking = Some(BTreeSet::new());
        out.additions_outstanding = false;
        if wanted && !deleting {
            out.problems.push(self.protected(&account.username));
        }
    }

    pub(super) fn covers(&self, username: &Username) -> bool {
        self.connector.protected_accounts.covers(username.as_str())
    }

    pub(super) fn protected(&self, username: &Username) -> Problem {
        Problem::waiting(
            "ProtectedAccount",
            format!(
                "{username} is protected in {}, and would have to be made or changed: do it there by hand, or take it out of spec.protected.accounts of the AppConnector",
                self.name
            ),
        )
    }
}
