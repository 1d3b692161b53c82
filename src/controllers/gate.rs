//! Between the guard and what is known: what a plan takes away, and what the guard remembers, from a status
//! and for one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::world::{ConnectorEntry, Person, Realm};
use crate::api::app_connector::{GuardStatus, LastApproval, ReleasedWave};
use crate::domain::desired::Desired;
use crate::domain::ids::ConnectorName;
use crate::domain::lifecycle::{self, Stage};
use crate::domain::policy::Policy;
use crate::plan::PersonPlan;
use crate::plan::guard::{Approval, Cause, Gate, Release, Taking, loss};

/// Losses that a status names, at most. Of more than that only the number of people is remembered over a
/// restart, and whatever was not carried out by then is decided anew.
const MOST_ITEMS: usize = 8192;
/// Waves that a status names, at most.
const MOST_RELEASES: usize = 128;

/// What the plan of a person takes away, by connector; nothing where nothing is written.
#[must_use]
pub fn takings(
    realm: &Realm,
    person: &Person,
    policy: &Policy,
    desired: &Desired,
    plan: &PersonPlan,
    now: Timestamp,
) -> BTreeMap<ConnectorName, Taking> {
    let takes = plan.accounts.iter().filter(|(_, a)| !a.taking.is_empty());
    let mut takes = takes.peekable();
    if takes.peek().is_none() {
        return BTreeMap::new();
    }
    let announced = desired.lifecycle.stage.ends_access() && is_announced(person, now);
    let one = |(name, account): (&ConnectorName, _)| {
        let connector = policy.connector(name)?;
        let entry = realm.connectors.get(name)?;
        let paused = super::pause::Pause::of(realm, person, Some(entry)).is_some();
        if paused || connector.spec.dry_run {
            return None;
        }
        let recorded = person.record.accounts.get(name);
        let taking = loss::taking(policy, connector, desired, account, recorded, announced)?;
        Some((name.clone(), taking))
    };
    takes.filter_map(one).collect()
}

/// Whether the end of the last day had been told before it came.
fn is_announced(person: &Person, now: Timestamp) -> bool {
    let Some(ended) = person
        .facts
        .as_ref()
        .ok()
        .and_then(|f| lifecycle::ends_at(f))
    else {
        return false;
    };
    let told = person.status.newest().next_transition;
    told.is_some_and(|next| {
        let departs = next.stage.as_deref() == Some(Stage::Departed.word());
        departs && next.at.0 == ended && ended <= now
    })
}

/// The gate as an earlier run left it.
#[must_use]
pub fn restored(namespace: &Arc<str>, name: &ConnectorName, told: Option<&GuardStatus>) -> Gate {
    let releases = told.into_iter().flat_map(|told| &told.released);
    let releases = releases.filter_map(|wave| {
        Some(Release {
            until: wave.until.0,
            cause: Cause::named(&wave.cause)?,
            people: usize::try_from(wave.people).unwrap_or_default(),
            privileged: usize::try_from(wave.privileged).unwrap_or_default(),
            items: unpack(&wave.items),
            approval: wave.approved.as_ref().map(|digest| Approval {
                digest: digest.clone(),
                by: wave.approved_by.clone(),
            }),
        })
    });
    let approvals = told.map_or(0, |told| told.approvals);
    Gate::restored(
        Arc::clone(namespace),
        name.clone(),
        releases.collect(),
        approvals,
    )
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
    if gate.releases().is_empty() && gate.approvals() == 0 {
        return None;
    }
    let mut room = MOST_ITEMS;
    // The newest are those that may not be carried out yet.
    let newest = gate.releases().iter().rev().take(MOST_RELEASES);
    let mut released: Vec<ReleasedWave> = newest
        .map(|release| {
            let fits = release.items.len() <= room;
            room -= if fits { release.items.len() } else { 0 };
            ReleasedWave {
                until: Time(release.until),
                cause: release.cause.word().to_owned(),
                people: count(release.people),
                privileged: count(release.privileged),
                approved: release.approval.as_ref().map(|a| a.digest.clone()),
                approved_by: release.approval.as_ref().and_then(|a| a.by.clone()),
                items: if fits {
                    pack(&release.items)
                } else {
                    String::new()
                },
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
        released,
    })
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn pack(items: &BTreeSet<u64>) -> String {
    let bytes: Vec<u8> = items.iter().flat_map(|item| item.to_be_bytes()).collect();
    STANDARD.encode(bytes)
}

/// What can't be read is decided anew.
fn unpack(text: &str) -> BTreeSet<u64> {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    let items = bytes.chunks_exact(8);
    let items = items.filter_map(|eight| Some(u64::from_be_bytes(eight.try_into().ok()?)));
    items.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_back() {
        let items = BTreeSet::from([0, 1, u64::MAX, 1 << 40]);
        assert_eq!(unpack(&pack(&items)), items);
        assert_eq!(unpack("not base64!"), BTreeSet::new());
        assert_eq!(unpack(""), BTreeSet::new());
    }
}
