//! Between the guard and what is known: what a plan takes away, and what the guard remembers, from a status
//! and for one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::world::{ConnectorEntry, Person, Realm};
use crate::api::EmployeeStatus;
use crate::api::app_connector::{GuardStatus, HeldPeople, LastApproval, ReleasedWave};
use crate::api::employee::Departure;
use crate::domain::desired::Desired;
use crate::domain::facts::Facts;
use crate::domain::ids::{ConnectorName, EmployeeName};
use crate::domain::lifecycle::{self, Stage};
use crate::domain::policy::Policy;
use crate::plan::guard::{Approval, Asked, Cause, Gate, Release, Restored, Taking, loss};
use crate::plan::{AccountPlan, PersonPlan};

/// Losses that a status names, at most. Of more than that only the number of people is remembered over a
/// restart, and whatever was not carried out by then is decided anew.
const MOST_ITEMS: usize = 4096;
/// People whose number a status keeps who are held, at most. Where there are more they are decided anew after a restart.
const MOST_HELD: usize = 8192;
/// Waves that a status names, at most.
const MOST_RELEASES: usize = 128;

/// What the plan of a person takes away, by connector.
#[must_use]
pub fn takings(
    policy: &Policy,
    person: &Person,
    desired: &Desired,
    plan: &PersonPlan,
    now: Timestamp,
) -> BTreeMap<ConnectorName, Taking> {
    let takes = |account: &AccountPlan| account.taking.as_ref().is_some_and(|t| !t.is_empty());
    let takes = plan.accounts.iter().filter(|(_, account)| takes(account));
    let mut takes = takes.peekable();
    if takes.peek().is_none() {
        return BTreeMap::new();
    }
    let facts = person.facts.as_deref().ok();
    let announced = desired.lifecycle.stage.ends_access()
        && departure(&person.status.newest(), facts, now) == Departure::Announced;
    let one = |(name, account): (&ConnectorName, _)| {
        let connector = policy.connector(name)?;
        let recorded = person.record.accounts.get(name);
        let taking = loss::taking(policy, connector, desired, account, recorded, announced)?;
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
    let mut takings = takings(policy, person, look.desired, look.plan, now);
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
        let answer = entry.gate.ask(id, taking, now);
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

/// How employment ended, of somebody whose last day is over: whether that had been told before it came.
#[must_use]
pub fn departure(newest: &EmployeeStatus, facts: Option<&Facts>, now: Timestamp) -> Departure {
    if let Some(told) = newest.departure {
        return told;
    }
    let ended = facts.and_then(lifecycle::ends_at);
    let told = newest.next_transition.as_ref().is_some_and(|next| {
        let departs = next.stage.as_deref() == Some(Stage::Departed.word());
        departs && Some(next.at.0) == ended && next.at.0 <= now
    });
    if told {
        Departure::Announced
    } else {
        Departure::AtOnce
    }
}

/// The gate as an earlier run left it.
#[must_use]
pub fn restored(
    namespace: &Arc<str>,
    name: &ConnectorName,
    uid: &str,
    told: Option<&GuardStatus>,
) -> Gate {
    let releases = told.into_iter().flat_map(|told| &told.released);
    let releases = releases.filter_map(|wave| {
        Some(Release {
            until: wave.until.0,
            cause: Cause::named(&wave.cause)?,
            people: usize::try_from(wave.people).unwrap_or_default(),
            who: unpack(&wave.who),
            privileged: unpack(&wave.privileged),
            items: unpack(&wave.items),
            approval: wave.approved.as_ref().map(|digest| Approval {
                digest: digest.clone(),
                by: wave.approved_by.clone(),
            }),
        })
    });
    let held = told.into_iter().flat_map(|told| &told.held);
    let held = held.filter_map(|held| Some((Cause::named(&held.cause)?, unpack(&held.who))));
    let restored = Restored {
        releases: releases.collect(),
        held: held.collect(),
        approvals: told.map_or(0, |told| told.approvals),
    };
    Gate::restored(Arc::clone(namespace), name.clone(), uid, restored)
}

/// The approval that was used last, as an earlier run left it.
#[must_use]
pub fn last_approval(told: Option<&GuardStatus>) -> Option<(Approval, Timestamp, usize)> {
    let last = told?.last_approval.as_ref()?;
    let approval = Approval {
        digest: last.digest.clone(),
        by: last.by.clone(),
    };
    let people = usize::try_from(last.people).unwrap_or_default();
    Some((approval, last.at.0, people))
}

/// What is to be remembered; nothing where there is nothing.
#[must_use]
pub fn told(entry: &ConnectorEntry) -> Option<GuardStatus> {
    let gate = &entry.gate;
    let held = Cause::ALL
        .into_iter()
        .map(|cause| (cause, gate.held_keys(cause)));
    let held: Vec<HeldPeople> = held
        .filter(|(_, who)| !who.is_empty() && who.len() <= MOST_HELD)
        .map(|(cause, who)| HeldPeople {
            cause: cause.word().to_owned(),
            who: pack(&who),
        })
        .collect();
    if gate.releases().is_empty() && gate.approvals() == 0 && held.is_empty() {
        return None;
    }
    let mut room = MOST_ITEMS;
    // The newest are those that may not be carried out yet.
    let newest = gate.releases().iter().rev().take(MOST_RELEASES);
    let mut released: Vec<ReleasedWave> = newest
        .map(|release| {
            let size = release.items.len() + release.who.len();
            let fits = size <= room;
            room -= if fits { size } else { 0 };
            let packed = |fits: bool, text: String| Some(text).filter(|_| fits).unwrap_or_default();
            ReleasedWave {
                until: Time(release.until),
                cause: release.cause.word().to_owned(),
                people: count(release.people),
                privileged: packed(fits, pack(&release.privileged)),
                approved: release.approval.as_ref().map(|a| a.digest.clone()),
                approved_by: release.approval.as_ref().and_then(|a| a.by.clone()),
                who: packed(fits, pack(&release.who)),
                items: packed(fits, pack(&release.items)),
            }
        })
        .collect();
    released.reverse();
    let last = entry.approved_last.as_ref();
    Some(GuardStatus {
        approvals: gate.approvals(),
        last_approval: last.map(|(approval, at, people)| LastApproval {
            digest: approval.digest.clone(),
            by: approval.by.clone(),
            at: Time(*at),
            people: count(*people),
        }),
        held,
        released,
    })
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A number of so many bytes.
trait Number: Copy + Ord {
    const BYTES: usize;
    fn bytes(self) -> Vec<u8>;
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Number for u64 {
    const BYTES: usize = 8;

    fn bytes(self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
}

impl Number for u128 {
    const BYTES: usize = 16;

    fn bytes(self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
}

fn pack<N: Number>(numbers: &BTreeSet<N>) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.bytes()).collect();
    STANDARD.encode(bytes)
}

/// What can't be read is decided anew.
fn unpack<N: Number>(text: &str) -> BTreeSet<N> {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    bytes.chunks_exact(N::BYTES).filter_map(N::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_back() {
        let items: BTreeSet<u128> = BTreeSet::from([0, 1, u128::MAX, 1 << 70]);
        assert_eq!(unpack(&pack(&items)), items);
        let who: BTreeSet<u64> = BTreeSet::from([7, u64::MAX]);
        assert_eq!(unpack(&pack(&who)), who);
        for text in ["not base64!", ""] {
            assert_eq!(unpack::<u64>(text), BTreeSet::new());
        }
    }
}
