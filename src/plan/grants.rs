//! Grants: whether one is kept, and what its state is called.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::person::{GrantPlan, GrantState, Inputs, VANISHED_GRACE};
use crate::domain::ids::RoleName;
use crate::domain::problem::Problem;
use crate::domain::record::RecordedGrant;

/// Whether something that these roles gave stays although none of them gives it now: one can't be
/// decided, or its template disappeared less than the grace time ago.
pub(super) fn is_kept(
    inputs: &Inputs<'_>,
    roles: &BTreeSet<RoleName>,
    lost_at: Option<Timestamp>,
) -> bool {
    let vanished = roles
        .iter()
        .any(|role| inputs.desired.roles.vanished.contains_key(role));
    let in_grace = lost_at
        .unwrap_or(inputs.now)
        .checked_add(VANISHED_GRACE)
        .is_ok_and(|until| until > inputs.now);
    is_undecided(inputs, roles) || (vanished && in_grace)
}

/// Whether one of the roles can't be decided now.
pub(super) fn is_undecided(inputs: &Inputs<'_>, roles: &BTreeSet<RoleName>) -> bool {
    roles
        .iter()
        .any(|role| inputs.desired.roles.undecided.contains_key(role))
}

/// A grant that is desired.
pub(super) fn desired(
    roles: &BTreeSet<RoleName>,
    held: bool,
    problem: Option<Problem>,
) -> GrantPlan {
    GrantPlan {
        state: if held {
            GrantState::Held
        } else {
            GrantState::Pending
        },
        roles: roles.clone(),
        problem,
    }
}

/// A grant that stays as it is.
pub(super) fn kept(grant: &RecordedGrant) -> GrantPlan {
    GrantPlan {
        state: GrantState::Kept,
        roles: grant.roles.clone(),
        problem: None,
    }
}

/// A grant that is to be taken away.
pub(super) fn removing(grant: &RecordedGrant) -> GrantPlan {
    GrantPlan {
        state: GrantState::Removing,
        roles: grant.roles.clone(),
        problem: None,
    }
}
