//! What is made ready before the first day: from when, and how it is until then.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};

use super::desired::DesiredAccount;
use super::facts::{Employment, Facts};
use super::ids::{ConnectorName, EntitlementName, RoleName};
use super::lifecycle::first_instant;
use super::policy::Policy;

/// How accounts that are made before the first day are until then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UntilStart {
    /// Disabled, with all that roles bring along.
    #[default]
    Disabled,
    /// Usable, with what those roles give that say how early they give it.
    Enabled,
}

/// When a connector's accounts are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preboarding {
    /// Days before the first one; none where they come on that day.
    pub days: u16,
    /// How they are until then.
    pub accounts: UntilStart,
    /// Whether the target is known not to be able to disable an account: one that is to be disabled
    /// until the first day can't be made before it there.
    pub cannot_disable: bool,
}

/// What of an account is called for at one instant, beside what the person's stage says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Due {
    /// Whatever the stage says: all of it while the person works, nothing new otherwise.
    #[default]
    WhileWorking,
    /// It is there before the first day, and can't be used yet.
    Disabled,
    /// It is there before the first day, or while the person is on leave, and can be used.
    Enabled,
}

impl Due {
    /// Whether it is there although the person does not work now.
    #[must_use]
    pub fn is_early(self) -> bool {
        self != Self::WhileWorking
    }
}

/// The first day, and what comes before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstDay {
    /// The day, in the person's zone.
    pub date: Date,
    /// When it begins.
    pub begins: Option<Timestamp>,
    /// When the first account is made, where that is earlier.
    pub prepared_from: Option<Timestamp>,
    /// The next instant, after this one, at which more becomes due before the first day.
    pub next: Option<Timestamp>,
}

/// When one account is made, and when each of its entitlements is given, in days before the first one.
struct Lead {
    account: u16,
    entitlements: BTreeMap<EntitlementName, u16>,
}

/// Works out what is due before the first day, and says so on each account: what is not due yet is taken
/// out of its entitlements, and kept beside them.
pub(super) fn prepare(
    policy: &Policy,
    facts: &Facts,
    accounts: &mut BTreeMap<ConnectorName, DesiredAccount>,
    now: Timestamp,
) -> FirstDay {
    let begins = first_instant(&facts.zone, facts.start);
    let mut day = FirstDay {
        date: facts.start,
        begins,
        prepared_from: None,
        next: None,
    };
    // Whoever begins on leave, or is suspended, is promised nothing for that day.
    let prepares = facts.employment == Employment::Active;
    if !prepares || begins.is_none_or(|begins| begins <= now) {
        return day;
    }
    for (name, account) in accounts {
        let Some(lead) = lead(policy, name, account) else {
            continue;
        };
        let Some(from) = before(facts, lead.account) else {
            continue;
        };
        let is_first = day.prepared_from.is_none_or(|first| from < first);
        if is_first {
            day.prepared_from = Some(from);
        }
        let mut next = |at: Timestamp| {
            if at > now && day.next.is_none_or(|next| at < next) {
                day.next = Some(at);
            }
        };
        next(from);
        if from > now {
            continue;
        }
        let until_start = policy
            .connector(name)
            .map_or(UntilStart::Disabled, |c| c.spec.preboarding.accounts);
        account.due = match until_start {
            UntilStart::Disabled => Due::Disabled,
            UntilStart::Enabled => Due::Enabled,
        };
        for (entitlement, days) in lead.entitlements {
            let given_from = before(facts, days).filter(|_| days > 0);
            let given_from = given_from.or(begins).unwrap_or(Timestamp::MAX);
            if given_from <= now {
                continue;
            }
            next(given_from);
            if let Some(roles) = account.entitlements.remove(&entitlement) {
                account.later.insert(entitlement, roles);
            }
        }
    }
    day
}

/// The leads of one account; `None` where all of it comes on the first day.
fn lead(policy: &Policy, name: &ConnectorName, account: &DesiredAccount) -> Option<Lead> {
    let preboarding = policy.connector(name)?.spec.preboarding;
    if preboarding.cannot_disable && preboarding.accounts == UntilStart::Disabled {
        return None;
    }
    let said = |role: &RoleName| policy.template(role)?.spec.days_before_start;
    let earliest = account.roles.iter().filter_map(said).max();
    let all = preboarding.days.max(earliest.unwrap_or(0));
    if all == 0 {
        return None;
    }
    // What can't be used yet may be there; what can be used is given as early as is said, and no earlier.
    let unsaid = match preboarding.accounts {
        UntilStart::Disabled => all,
        UntilStart::Enabled => 0,
    };
    let entitlements = account.entitlements.iter();
    let entitlements = entitlements.map(|(entitlement, roles)| {
        let days = roles.iter().map(|role| said(role).unwrap_or(unsaid)).max();
        (entitlement.clone(), days.unwrap_or(unsaid).min(all))
    });
    Some(Lead {
        account: all,
        entitlements: entitlements.collect(),
    })
}

/// The first instant of the day that is so many days before the first one.
fn before(facts: &Facts, days: u16) -> Option<Timestamp> {
    let day = facts
        .start
        .checked_sub(Span::new().days(i64::from(days)))
        .ok()?;
    first_instant(&facts.zone, day)
}

#[cfg(test)]
mod tests;
