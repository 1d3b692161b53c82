//! Between the guard and what is known: what a plan takes away.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

pub use super::remembered::{last_approval, restored, told};
use super::world::{Person, Realm};
use crate::api::EmployeeStatus;
use crate::api::employee::{Departure, LastDayStatus};
use crate::domain::desired::Desired;
use crate::domain::facts::Facts;
use crate::domain::ids::{ConnectorName, EmployeeName};
use crate::domain::lifecycle::{self, Stage};
use crate::plan::guard::{Asked, Cause, Loss, Taking, loss};
use crate::plan::{AccountPlan, Goal, PersonPlan};

/// What the plan of a person takes away, by connector. What the status does not tell of the last day is told then.
#[must_use]
pub fn takings(
    realm: &Realm,
    person: &Person,
    desired: &Desired,
    plan: &PersonPlan,
    told: Timestamp,
) -> BTreeMap<ConnectorName, Taking> {
    let policy = &realm.policy;
    let takes = |account: &AccountPlan| account.taking.as_ref().is_some_and(|t| !t.is_empty());
    let takes = plan.accounts.iter().filter(|(_, account)| takes(account));
    let mut takes = takes.peekable();
    if takes.peek().is_none() {
        return BTreeMap::new();
    }
    let facts = person.facts.as_deref().ok();
    let ended = desired.lifecycle.stage.ends_access();
    let notice = ended.then(|| notice(&person.status.newest(), facts, told));
    let notice = notice.flatten();
    let one = |(name, account): (&ConnectorName, _)| {
        let connector = policy.connector(name)?;
        let recorded = person.record.accounts.get(name);
        let found = plan.record.accounts.get(name).or(recorded);
        let found = found.and_then(|r| r.id.as_ref());
        let inventory = realm.connectors.get(name).map(|entry| &entry.inventory);
        let shown = inventory.zip(found).and_then(|(all, id)| all.held(id));
        let taking = loss::taking(policy, connector, desired, account, recorded, shown, notice)?;
        Some((name.clone(), taking))
    };
    takes.filter_map(one).collect()
}

/// Asks the gate of each connector about what the plan of a person takes away, and tells what is asked and answered.
/// Where nothing is written now nothing is asked and nothing held, and what can't be told now stays as it was told before.
pub fn ask(
    realm: &mut Realm,
    name: &EmployeeName,
    look: Asking<'_>,
    now: Timestamp,
) -> Vec<(ConnectorName, Cause, Asked)> {
    let Some(person) = realm.people.get(name) else {
        return Vec::new();
    };
    let policy = &realm.policy;
    let mut takings = takings(realm, person, look.desired, look.plan, now);
    let id = &person.employee_id;
    let mut asked = Vec::new();
    for (connector, entry) in &mut realm.connectors {
        let compiled = policy.connector(connector);
        let dry_run = compiled.is_none_or(|c| c.spec.dry_run);
        let planned = look.plan.accounts.get(connector);
        let taking = takings.remove(connector);
        let put_off = if dry_run || look.held.contains(connector) {
            Some(entry.gate.set_aside(id))
        } else if planned.is_some_and(|account| account.taking.is_none()) {
            // Where nothing can be told of anybody, what was told before the start stands.
            let is_sound = compiled.is_some_and(|c| c.faults.is_empty());
            Some(is_sound && entry.inventory.is_readable() && entry.gate.put_off(id))
        } else {
            None
        };
        if let Some(held_changed) = put_off {
            if held_changed {
                let undecided = false;
                let answer = Asked {
                    undecided,
                    held_changed,
                };
                asked.push((connector.clone(), Cause::Change, answer));
            }
            continue;
        }
        if taking.is_none() && !entry.gate.knows(id) {
            continue;
        }
        let cause = taking.as_ref().map_or(Cause::Change, |taking| taking.cause);
        // Who is let in again has lost nothing, proven or not.
        let shuts = planned.is_some_and(|account| account.goal != Goal::Live);
        let accepted = &person.unsettled.disable_accepted;
        let accepted: &[Loss] = if shuts && accepted.contains(connector) {
            &[Loss::Use]
        } else {
            &[]
        };
        let answer = entry.gate.ask_before_proof(id, taking, accepted, now);
        asked.push((connector.clone(), cause, answer));
    }
    asked
}

/// What the gates are asked about: a look at a person.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// What the person should have.
    pub desired: &'a Desired,
    /// What is planned.
    pub plan: &'a PersonPlan,
    /// Connectors through which nothing is written for this person now.
    pub held: &'a BTreeSet<ConnectorName>,
}

/// The last day that the facts say, and since when it is told: since now, unless the newest status tells of the same.
#[must_use]
pub fn last_day(
    newest: &EmployeeStatus,
    facts: Option<&Facts>,
    now: Timestamp,
) -> Option<LastDayStatus> {
    let ends = facts.and_then(lifecycle::ends_at)?;
    let known = newest.last_day.as_ref();
    let known = known.filter(|told| told.ends_at.0 == ends);
    // Nothing is told in times to come: then the clock was ahead.
    let told = known.map_or(now, |told| told.told_at.0.min(now));
    Some(LastDayStatus {
        ends_at: Time(ends),
        told_at: Time(told),
    })
}

/// For how long the status told of the last day before it was over; `None` where it did not. Between two instants that are
/// written down it is the same whatever the clock does in between.
fn notice(
    newest: &EmployeeStatus,
    facts: Option<&Facts>,
    now: Timestamp,
) -> Option<SignedDuration> {
    if newest.last_day.is_none() && told_by_earlier_version(newest, facts) {
        return Some(SignedDuration::MAX);
    }
    let day = last_day(newest, facts, now)?;
    let notice = day.ends_at.0.duration_since(day.told_at.0);
    notice.is_positive().then_some(notice)
}

/// An earlier version told of the end, and not since when.
fn told_by_earlier_version(newest: &EmployeeStatus, facts: Option<&Facts>) -> bool {
    let ends = facts.and_then(lifecycle::ends_at);
    let next = newest.next_transition.as_ref();
    let tells = next.is_some_and(|next| {
        next.stage.as_deref() == Some(Stage::Departed.word()) && Some(next.at.0) == ends
    });
    tells || newest.departure == Some(Departure::Announced)
}

/// How employment ended, of somebody whose last day is over: whether that had been told before it came.
#[must_use]
pub fn departure(newest: &EmployeeStatus, facts: Option<&Facts>, now: Timestamp) -> Departure {
    let told = newest.departure.unwrap_or(Departure::AtOnce);
    match notice(newest, facts, now) {
        Some(_) => Departure::Announced,
        None if newest.last_day.is_none() => told,
        None => Departure::AtOnce,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{at, person};

    fn facts(end: &str) -> Facts {
        Facts {
            end: Some(end.parse().unwrap()),
            zone: jiff::tz::TimeZone::UTC,
            ..person("1")
        }
    }

    fn told(facts: &Facts, before: &EmployeeStatus, now: &str) -> EmployeeStatus {
        EmployeeStatus {
            last_day: last_day(before, Some(facts), at(now)),
            ..EmployeeStatus::default()
        }
    }

    fn hours(status: &EmployeeStatus, facts: &Facts, now: &str) -> Option<i64> {
        notice(status, Some(facts), at(now)).map(|notice| notice.as_hours())
    }

    #[test]
    fn an_end_is_told_since_it_is_that_end() {
        let nothing = EmployeeStatus::default();
        let (june, july) = (facts("2027-06-30"), facts("2027-07-01"));
        let then = "2027-07-02T00:00:00Z";
        let hired = told(&june, &nothing, "2026-12-01T12:00:00Z");
        assert_eq!(hours(&hired, &june, then), Some(24 * 211 + 12));
        // It is written down, and no later look moves it; nor does a clock that is ahead for a while.
        let later = told(&june, &hired, "2027-03-01T00:00:00Z");
        assert_eq!(later, hired);
        // Moved, also to a later day, and back: it is told anew.
        let moved = told(&july, &later, "2027-06-30T22:00:00Z");
        assert_eq!(hours(&moved, &july, then), Some(26));
        let back = told(&june, &moved, "2027-06-30T23:00:00Z");
        assert_eq!(hours(&back, &june, then), Some(1));
        // Told while the clock was ahead: since it is right again.
        let ahead = told(&june, &nothing, "2027-06-30T20:00:00Z");
        let right = told(&june, &ahead, "2027-06-30T10:00:00Z");
        assert_eq!(hours(&right, &june, then), Some(14));
        // Not told before it was over.
        assert_eq!(hours(&nothing, &june, then), None);
        let late = told(&june, &nothing, "2027-07-01T00:00:00Z");
        assert_eq!(hours(&late, &june, then), None);
        assert_eq!(departure(&late, Some(&june), at(then)), Departure::AtOnce);
        assert_eq!(
            departure(&hired, Some(&june), at(then)),
            Departure::Announced
        );
        // As an earlier version told it.
        let earlier = EmployeeStatus {
            departure: Some(Departure::Announced),
            ..EmployeeStatus::default()
        };
        assert!(notice(&earlier, Some(&june), at(then)).is_some());
    }
}
