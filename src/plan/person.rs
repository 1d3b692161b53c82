//! The plan of one person: additions everywhere first, then removals (invariant 3).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;
use litemap::LiteMap;

use super::account::{self, Assessment};
use super::parts::{Goal, Inputs, PersonPlan, earliest};
use super::{first_day, offboarding};
use crate::domain::ids::{ConnectorName, RoleName};
use crate::domain::record::{Record, RecordedAccount};
use crate::domain::roles::Why;

/// Plans one person. The answer depends on nothing but the arguments.
#[must_use]
pub fn plan(inputs: &Inputs<'_>) -> PersonPlan {
    let remembered = clocks_stopped(inputs);
    let inputs = &Inputs {
        record: &remembered,
        ..*inputs
    };
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
    let additions_outstanding = assessed
        .iter()
        .any(|(name, a)| a.additions_outstanding && !inputs.only_read(name));
    let first_day = first_day::readiness(inputs.desired, &assessed);
    let mut record = Record {
        first_day: first_day::remembered(inputs, first_day.as_ref(), inputs.record),
        ..Record::default()
    };
    let steps = || assessed.values().flat_map(|a| &a.offboarding);
    let has_left = inputs.desired.lifecycle.stage.ends_access() && steps().next().is_some();
    let settles = |a: &Assessment| a.problems.is_empty() && a.goal == Goal::Ended;
    let all_ended = assessed.values().all(settles);
    let retired = has_left && all_ended && offboarding::is_over(steps());
    let complete = all_ended && offboarding::is_complete(steps());
    let offboarded_at = inputs
        .record
        .offboarded_at
        .or(complete.then_some(inputs.now));
    record.offboarded_at = offboarded_at.filter(|_| has_left);
    let mut wake_at = inputs.desired.lifecycle.next.as_ref().map(|next| next.at);
    for end in &inputs.desired.role_ends {
        for at in [end.told_from(), end.at] {
            wake_at = earliest(wake_at, Some(at).filter(|at| *at > inputs.now));
        }
    }
    wake_at = earliest(wake_at, inputs.desired.roles.changes_at);
    let due = inputs.desired.first_day.as_ref();
    wake_at = earliest(wake_at, due.and_then(|day| day.next));
    let mut accounts = BTreeMap::new();
    for (name, assessment) in assessed {
        let hold = inputs
            .policy
            .connector(&name)
            .map_or(SignedDuration::ZERO, |c| c.spec.hold);
        if let Some(remembered) = &assessment.record {
            let mut remembered = remembered.clone();
            if inputs.only_read(&name) {
                stop_clocks(&mut remembered);
            }
            record.accounts.insert(name.clone(), remembered);
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
        first_day,
        retired,
        wake_at: wake_at.filter(|at| *at > inputs.now),
    }
}

/// The record, without the times since when something is lost where a target is only read: hold and
/// grace begin when it is written to again. They would be over else, and removals would not wait for
/// additions that were kept back as long.
fn clocks_stopped<'a>(inputs: &Inputs<'a>) -> Cow<'a, Record> {
    let mut record = Cow::Borrowed(inputs.record);
    for name in inputs.record.accounts.keys() {
        if inputs.only_read(name)
            && let Some(account) = record.to_mut().accounts.get_mut(name)
        {
            stop_clocks(account);
        }
    }
    record
}

fn stop_clocks(account: &mut RecordedAccount) {
    account.lost_at = None;
    for (_, grant) in &mut account.grants {
        if grant.lost_at.is_some() {
            Arc::make_mut(grant).lost_at = None;
        }
    }
}

/// Roles held now, and those that only a template's absence or fault took away.
fn remembered_roles(inputs: &Inputs<'_>, record: &Record) -> LiteMap<RoleName, Why> {
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
