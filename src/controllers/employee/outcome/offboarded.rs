//! What came of a step of offboarding.

use super::Context;
use crate::connectors::{ConnectorError, ErrorKind, Transfer};
use crate::controllers::text;
use crate::dispatch::order::Order;
use crate::domain::ids::Username;
use crate::domain::offboarding::{Offboarding, Step};

impl Context<'_> {
    /// What is remembered of the offboarding of this account, where it is under way.
    pub(super) fn offboarding(&mut self) -> Option<&mut Offboarding> {
        let account = self.person.record.accounts.get_mut(self.connector)?;
        account.offboarding.as_deref_mut()
    }

    /// The target took a step.
    pub(super) fn took(&mut self, step: Step, verified: bool, evidence: &str) {
        let now = self.now;
        if let Some(offboarding) = self.offboarding() {
            offboarding.took(step, verified, now, &text::bounded(evidence));
        }
    }

    /// What the account owned was handed over. What it owns all the same is told, and tried again.
    pub(super) fn transferred(&mut self, transfer: &Transfer, name: &Username, order: &Order) {
        if transfer.left.is_empty() {
            let evidence = match transfer.moved.total {
                0 => "it owns nothing".to_owned(),
                total => format!(
                    "{total} passed to {name}: {}",
                    text::listed(transfer.moved.things.iter().cloned())
                ),
            };
            self.took(Step::TransferOwnership, true, &evidence);
            self.succeeded(order);
            return;
        }
        let message = format!(
            "the account still owns {} of what was to pass to {name}: {}",
            transfer.left.total,
            text::listed(transfer.left.things.iter().cloned())
        );
        let error = ConnectorError::new(ErrorKind::Ignored, message);
        self.note_failure(order.operation.verb(), None, &error);
    }
}
