//! The plan of one person: additions everywhere first, then removals (invariant 3).

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::account::{self, Assessment};
use super::parts::{Inputs, PersonPlan, earliest};
use crate::domain::ids::{ConnectorName, RoleName};
use crate::domain::record::Record;
use crate::domain::roles::Why;

/// Plans one person. The answer depends on nothing but the arguments.
#[must_use]
pub fn plan(inputs: &Inputs<'_>) -> PersonPlan {
    let connectors: BTreeSet<&ConnectorName> = inputs
        .desired
        .accounts
        .keys()
        .chain(inputs.record.accounts.keys())
        .chain(inputs.observations.keys())
        .collect();
    let assessed: BTreeMap<ConnectorName, Assessment> = connectors
        .into_iter()
        .map(|name| (name.clone(), account::assess(inputs, name)))
        .collect();
    // Where a target is only read, additions never come, and nobody waits for them.
    let additions_outstanding = assessed.iter().any(|(name, a)| {
        a.additions_outstanding
            && !inputs
                .policy
                .connector(name)
                .is_some_and(|c| c.spec.dry_run)
    });
    let mut record = Record::default();
    let mut wake_at = inputs.desired.lifecycle.next.as_ref().map(|next| next.at);
    let mut accounts = BTreeMap::new();
    for (name, assessment) in assessed {
        let hold = inputs
            .policy
            .connector(&name)
            .map_or(SignedDuration::ZERO, |c| c.spec.hold);
        if let Some(remembered) = &assessment.record {
            record.accounts.insert(name.clone(), remembered.clone());
        }
        wake_at = earliest(wake_at, assessment.wake_at);
        let plan = assessment.finish(additions_outstanding, hold, inputs.now);
        wake_at = earliest(wake_at, plan.withheld.as_ref().map(|w| w.until));
        accounts.insert(name, plan);
    }
    record.roles = remembered_roles(inputs, &record);
    PersonPlan {
        accounts,
        record,
        wake_at: wake_at.filter(|at| *at > inputs.now),
    }
}

/// Roles held now, and those that only a template's absence or fault took away.
fn remembered_roles(inputs: &Inputs<'_>, record: &Record) -> BTreeMap<RoleName, Why> {
    let roles = &inputs.desired.roles;
    let kept = inputs.record.roles.iter().filter(|(name, _)| {
        roles.undecided.contains_key(*name) || roles.vanished.contains_key(*name)
    });
    let still_needed = |name: &RoleName| {
        record.accounts.values().any(|account| {
            // Of an account that is proven to be disabled, no role keeps anything but its grants.
            let keeps_account = account.roles.contains(name) && account.verified_disabled.is_none();
            keeps_account || account.grants.values().any(|g| g.roles.contains(name))
        })
    };
    kept.filter(|(name, _)| roles.undecided.contains_key(*name) || still_needed(name))
        .chain(&roles.held)
        .map(|(name, why)| (name.clone(), why.clone()))
        .collect()
}
