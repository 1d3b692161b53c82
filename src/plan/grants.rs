//! Grants: whether one is kept, and what its state is called.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::parts::{GrantPlan, GrantState, Inputs, VANISHED_GRACE};
use crate::domain::desired::DesiredAccount;
use crate::domain::ids::RoleName;
use crate::domain::problem::Problem;
use crate::domain::record::{RecordedAccount, RecordedGrant};
use crate::domain::small_set::SmallSet;

/// How long something stays that roles gave and that none of them gives now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// As long as one of them can't be decided.
    Undecided,
    /// Until then: a template disappeared, or gives a time of grace. It may have passed.
    Until(Timestamp),
}

impl Keeping {
    /// Whether it stays at this instant.
    pub(super) fn holds(self, now: Timestamp) -> bool {
        match self {
            Self::Undecided => true,
            Self::Until(until) => until > now,
        }
    }

    /// When it ends by the passing of time.
    pub(super) fn until(self) -> Option<Timestamp> {
        match self {
            Self::Undecided => None,
            Self::Until(until) => Some(until),
        }
    }
}

/// How long something that these roles gave stays after it was lost.
pub(super) fn keeping(
    inputs: &Inputs<'_>,
    roles: &SmallSet<RoleName>,
    lost_at: Option<Timestamp>,
) -> Keeping {
    if is_undecided(inputs, roles) {
        return Keeping::Undecided;
    }
    let grace = roles.iter().map(|role| grace_of(inputs, role)).max();
    let lost_at = lost_at.unwrap_or(inputs.now);
    let until = lost_at.checked_add(grace.unwrap_or_default());
    Keeping::Until(until.unwrap_or(Timestamp::MAX))
}

/// How long what one role gave stays once the role is lost.
fn grace_of(inputs: &Inputs<'_>, role: &RoleName) -> SignedDuration {
    let roles = &inputs.desired.roles;
    if roles.vanished.contains_key(role) {
        return VANISHED_GRACE;
    }
    // The end of a term was known beforehand, and told.
    let template = inputs.policy.template(role);
    let template = template.filter(|_| !roles.over.contains(role));
    template.map_or(SignedDuration::ZERO, |t| t.spec.grace)
}

/// Whether one of the roles can't be decided now.
pub(super) fn is_undecided(inputs: &Inputs<'_>, roles: &SmallSet<RoleName>) -> bool {
    roles
        .iter()
        .any(|role| inputs.desired.roles.undecided.contains_key(role))
}

/// Whether no role is known to have given an account. It is left alone, and reported: the role that
/// gave it may be on its way back, with the rest of a namespace that is restored.
pub(super) fn is_unexplained(recorded: Option<&RecordedAccount>) -> bool {
    recorded.is_none_or(|r| r.roles.is_empty())
}

/// Remembers what is desired now of an account and of the grants that are remembered already.
pub(super) fn refresh(inputs: &Inputs<'_>, record: &mut RecordedAccount, desired: &DesiredAccount) {
    record.roles = giving(inputs, &desired.roles, &record.roles);
    record.lost_at = None;
    for (name, grant) in &mut record.grants {
        let barred = desired.barred.get(name).map(|barred| &barred.roles);
        if let Some(roles) = desired.entitlements.get(name).or(barred) {
            refresh_grant(inputs, grant, roles);
        }
    }
}

/// Remembers that these roles give a grant now.
pub(super) fn refresh_grant(
    inputs: &Inputs<'_>,
    grant: &mut Arc<RecordedGrant>,
    roles: &BTreeSet<RoleName>,
) {
    let roles = giving(inputs, roles, &grant.roles);
    if grant.roles != roles || grant.lost_at.is_some() {
        let grant = Arc::make_mut(grant);
        grant.roles = roles;
        grant.lost_at = None;
    }
    // Who approved it stays known as long as it is there.
    let approved = &inputs.desired.roles.approved;
    let by = grant.roles.iter().find_map(|role| approved.get(role));
    if by.is_some() && grant.approved_by.as_ref() != by {
        Arc::make_mut(grant).approved_by = by.cloned();
    }
}

/// The roles that give something: those that do now, and those that did and can't be decided, so that
/// it is kept also if the others are lost meanwhile.
fn giving(
    inputs: &Inputs<'_>,
    now: &BTreeSet<RoleName>,
    before: &SmallSet<RoleName>,
) -> SmallSet<RoleName> {
    let undecided = before
        .iter()
        .filter(|role| inputs.desired.roles.undecided.contains_key(*role));
    now.iter().chain(undecided).cloned().collect()
}

/// A grant that is desired.
pub(super) fn desired(
    roles: &SmallSet<RoleName>,
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
        kept_until: None,
    }
}

/// A grant that stays as it is, until then where a time is all that keeps it.
pub(super) fn kept(grant: &RecordedGrant, until: Option<Timestamp>) -> GrantPlan {
    GrantPlan {
        state: GrantState::Kept,
        roles: grant.roles.clone(),
        problem: None,
        kept_until: until,
    }
}

/// A grant that is to be taken away.
pub(super) fn removing(grant: &RecordedGrant) -> GrantPlan {
    GrantPlan {
        state: GrantState::Removing,
        roles: grant.roles.clone(),
        problem: None,
        kept_until: None,
    }
}
