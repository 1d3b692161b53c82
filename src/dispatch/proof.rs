//! Whether the target keeps our marks, as far as one run has seen. Some drop them silently, and an
//! account without its mark is one that nobody finds again: so the first create goes alone, and the
//! others follow once its answer has shown the mark.

use super::order::{Effect, Order};
use crate::connectors::ConnectorError;
use crate::plan::operation::Operation;

/// What is known of the target's keeping of marks.
#[derive(Debug, Default)]
pub(super) struct Proof {
    given: bool,
    /// Whether a create is on its way that may give the proof.
    under_way: bool,
    /// Number of the last outcome that showed an account without its mark. Who still wants a create
    /// must know of it.
    dropped_at: u64,
}

impl Proof {
    /// Whether this create may begin.
    pub(super) fn lets(&self, order: &Order) -> bool {
        self.given || (!self.under_way && order.knows >= self.dropped_at)
    }

    /// A create begins.
    pub(super) fn begins(&mut self) {
        self.under_way = true;
    }

    /// A create has ended; `number` is that of its outcome, where there is one.
    pub(super) fn ended(
        &mut self,
        order: &Order,
        result: &Result<Effect, ConnectorError>,
        number: u64,
    ) {
        self.under_way = false;
        if let (Operation::Create(new), Ok(Effect::Created(account))) = (&order.operation, result) {
            self.given = new.mark.is_kept_as(account.mark.as_deref());
            if !self.given {
                self.dropped_at = number;
            }
        }
    }
}
