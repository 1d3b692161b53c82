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
use crate::plan::guard::{Approval, Cause, Gate, Release, Taking, loss};
use crate::plan::{AccountPlan, PersonPlan};

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
    let takes = |account: &AccountPlan| account.taking.as_ref().is_some_and(|t| !t.is_empty());
    let takes = plan.accounts.iter().filter(|(_, account)| takes(account));
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
            who: unpack(&wave.who),
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
            let size = release.items.len() + release.who.len();
            let fits = size <= room;
            room -= if fits { size } else { 0 };
            let packed = |fits: bool, text: String| Some(text).filter(|_| fits).unwrap_or_default();
            ReleasedWave {
                until: Time(release.until),
                cause: release.cause.word().to_owned(),
                people: count(release.people),
                privileged: count(release.privileged),
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

impl Number for u32 {
    const BYTES: usize = 4;

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
        let items: BTreeSet<u64> = BTreeSet::from([0, 1, u64::MAX, 1 << 40]);
        assert_eq!(unpack(&pack(&items)), items);
        let who: BTreeSet<u32> = BTreeSet::from([7, u32::MAX]);
        assert_eq!(unpack(&pack(&who)), who);
        for text in ["not base64!", ""] {
            assert_eq!(unpack::<u64>(text), BTreeSet::new());
        }
    }
}
