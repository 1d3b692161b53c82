//! An account that was made and did not keep its mark.

use crate::dispatch::order::{Effect, Outcome};
use crate::domain::ids::AccountId;
use crate::plan::Operation;

/// Reason where an application does not keep the mark of an account that was made.
pub const MARK_NOT_KEPT: &str = "MarkNotKept";

/// What to tell of an application that does not keep our mark.
#[must_use]
pub fn mark_not_kept(account: &AccountId) -> String {
    format!(
        "the account {account}, recorded as one that was made there, does not bear its mark (externalId): no more accounts are made until the application is seen to keep marks. Let it store externalId; then set the mark on that account, or delete it there"
    )
}

/// The account that was made and did not keep its mark, if that is what came of it.
#[must_use]
pub fn made_without_mark(outcome: &Outcome) -> Option<&AccountId> {
    match (&outcome.order.operation, &outcome.result) {
        (Operation::Create(new), Ok(Effect::Created(account))) => {
            let kept = new.mark.is_kept_as(account.mark.as_deref());
            (!kept).then_some(&account.id)
        }
        _ => None,
    }
}
