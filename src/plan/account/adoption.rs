//! Accounts that were there before: taken over, and let go of.

use super::super::operation::{Lane, Operation, ReadKey};
use super::super::parts::Goal;
use super::Assessment;
use super::context::Context;
use super::words::step;
use crate::domain::account::ObservedAccount;
use crate::domain::problem::Problem;

/// Reason of an account that is taken over once its owner works.
pub const ADOPTED_ON_FIRST_DAY: &str = "AdoptedOnFirstDay";

impl Context<'_> {
    /// The person's account bears nobody's mark, and may be taken over: it is looked at once more first, as
    /// somebody may have put a mark on it since. Whatever else there is to do comes once it is ours.
    pub(super) fn adopt(&self, out: &mut Assessment, account: &ObservedAccount) {
        if self.goal.provides() {
            out.additions_outstanding = true;
            self.pending_grants(out);
        } else {
            // Nothing is remembered of an account that is not ours yet.
            out.record = None;
        }
        // One of somebody who must be out is taken over all the same: what can be taken from them is.
        if self.goal.provides() && self.refuses_accounts(out) {
            return;
        }
        if self.goal == Goal::Prepared {
            out.problems.push(self.adopted_later(account));
            return;
        }
        let id = account.id.clone();
        // Where the target is only read, a look would only be repeated.
        let (operation, cause) = if self.observed.read_directly || self.inputs.only_read(self.name)
        {
            let mark = self.mark();
            let cause = format!(
                "it is this person's, by spec.matching of AppConnector {} or spec.links",
                self.name
            );
            (Operation::Adopt { id, mark }, cause)
        } else {
            (
                Operation::Read(ReadKey::Id(id)),
                "an account that was there before is looked at before it is taken over".to_owned(),
            )
        };
        out.steps
            .push(step(operation, self.end_or_addition_lane(), cause));
    }

    /// Taken over, it would be shut until the first day, and somebody may be using it.
    fn adopted_later(&self, account: &ObservedAccount) -> Problem {
        Problem::waiting(
            ADOPTED_ON_FIRST_DAY,
            format!(
                "{} was there before in {} and is taken over on the first day: before it, it would be disabled, and somebody may be using it; nothing has to be done",
                account.username, self.name
            ),
        )
    }

    /// Our mark stands on an account that is said to be somebody else's. It is taken off, and nothing else is
    /// done to the account, whatever becomes of the person.
    pub(super) fn disown(&self, out: &mut Assessment, account: &ObservedAccount) {
        if self.goal.provides() {
            out.additions_outstanding = true;
            self.pending_grants(out);
        } else {
            out.record = None;
        }
        out.steps.push(step(
            Operation::Disown {
                id: account.id.clone(),
                mark: self.mark(),
            },
            Lane::Mover,
            "spec.links says that this account is not this person's".to_owned(),
        ));
    }
}
