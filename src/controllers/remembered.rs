//! What the guard remembers, from a status and for one. A status may hold only so much, and a wave may be of ten thousand
//! people: most of them lose the same, and so each set of losses is written once, with those whose it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::world::ConnectorEntry;
use crate::api::app_connector::{GuardStatus, HeldPeople, LastApproval, ReleasedWave};
use crate::domain::ids::ConnectorName;
use crate::plan::guard::{Approval, Cause, Gate, Release, Restored};

/// Characters of a status for all that was let through, at most.
const MOST_RELEASED: usize = 144 * 1024;
/// The same for that and for those who are held, together.
const MOST: usize = 200 * 1024;
/// Waves that a status names, at most.
const MOST_RELEASES: usize = 128;
/// Characters of base64 for each number of a person.
const EACH: usize = 11;

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
        let who = unpack(&wave.who);
        Some(Release {
            until: wave.until.0,
            cause: Cause::named(&wave.cause)?,
            people: usize::try_from(wave.people).unwrap_or_default(),
            privileged: unpack(&wave.privileged),
            items: unpack_items(&who, &wave.items),
            who,
            approval: wave.approved.as_ref().map(|digest| Approval {
                digest: digest.clone(),
                by: wave.approved_by.clone(),
            }),
            over_since: None,
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
///
/// Where there is more than a status may hold, the items of the oldest waves are left out first: what of those was not
/// carried out is decided anew after a restart, and nobody of them is counted twice. Then those who were let through,
/// of whom the number is left; and of those who are held some, which holds the others as well.
#[must_use]
pub fn told(entry: &ConnectorEntry) -> Option<GuardStatus> {
    let gate = &entry.gate;
    let released = released(gate.releases());
    let size = |wave: &ReleasedWave| wave.who.len() + wave.privileged.len() + wave.items.len();
    let mut room = MOST.saturating_sub(released.iter().map(size).sum());
    let mut held = Vec::new();
    for cause in Cause::ALL {
        let who = gate.held_keys(cause);
        let some: BTreeSet<u64> = who.into_iter().take(room / EACH).collect();
        room -= some.len() * EACH;
        if !some.is_empty() {
            held.push(HeldPeople {
                cause: cause.word().to_owned(),
                who: pack(&some),
            });
        }
    }
    if released.is_empty() && gate.approvals() == 0 && held.is_empty() {
        return None;
    }
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

fn released(releases: &[Release]) -> Vec<ReleasedWave> {
    let mut room = MOST_RELEASED;
    let mut fitting = |text: String| {
        let fits = text.len() <= room;
        room -= if fits { text.len() } else { 0 };
        if fits { text } else { String::new() }
    };
    // What may still run comes first, and the newest of it, which may not be carried out yet.
    let mut newest: Vec<&Release> = releases.iter().rev().collect();
    newest.sort_by_key(|release| release.items.is_empty());
    newest.truncate(MOST_RELEASES);
    let mut told: Vec<(ReleasedWave, &Release)> = newest
        .into_iter()
        .map(|release| {
            let wave = ReleasedWave {
                until: Time(release.until),
                cause: release.cause.word().to_owned(),
                people: count(release.people),
                privileged: fitting(pack(&privileged(release))),
                approved: release.approval.as_ref().map(|a| a.digest.clone()),
                approved_by: release.approval.as_ref().and_then(|a| a.by.clone()),
                who: String::new(),
                items: String::new(),
            };
            (wave, release)
        })
        .collect();
    for (wave, release) in &mut told {
        wave.who = fitting(pack(&who(release)));
    }
    for (wave, release) in &mut told {
        let who = who(release);
        if !wave.who.is_empty() && !release.items.is_empty() {
            wave.items = fitting(pack_items(&who, &release.items));
        }
    }
    let mut told: Vec<ReleasedWave> = told.into_iter().map(|(wave, _)| wave).collect();
    told.reverse();
    told
}

/// Who is counted; of an approved wave, which is not, those who are still to lose something.
fn who(release: &Release) -> BTreeSet<u64> {
    let open = release.items.iter().copied().map(person_of);
    let counted = release.who.iter().copied();
    match release.approval {
        None => open.chain(counted).collect(),
        Some(_) => open.collect(),
    }
}

fn privileged(release: &Release) -> BTreeSet<u64> {
    match release.approval {
        None => release.privileged.clone(),
        Some(_) => BTreeSet::new(),
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn pack(numbers: &BTreeSet<u64>) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
    STANDARD.encode(bytes)
}

/// What can't be read is decided anew.
fn unpack(text: &str) -> BTreeSet<u64> {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    let chunks = bytes.chunks_exact(8).map(<[u8; 8]>::try_from);
    chunks.flatten().map(u64::from_be_bytes).collect()
}

fn person_of(item: u128) -> u64 {
    u64::try_from(item >> 64).unwrap_or_default()
}

fn loss_of(item: u128) -> u64 {
    u64::try_from(item & u128::from(u64::MAX)).unwrap_or_default()
}

/// Before items in the form that follows: every loss, then each set of them, as places in that list, with those whose it
/// is, as places among the people. Places are written as distances from the one before.
const FORM: &str = "2.";

fn pack_items(who: &BTreeSet<u64>, items: &BTreeSet<u128>) -> String {
    let losses: BTreeSet<u64> = items.iter().copied().map(loss_of).collect();
    let places = |of: &BTreeSet<u64>| -> BTreeMap<u64, usize> {
        let all = of.iter().copied().enumerate();
        all.map(|(place, number)| (number, place)).collect()
    };
    let (places_of_losses, people) = (places(&losses), places(who));
    let mut by_person: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for item in items {
        let place = people.get(&person_of(*item));
        let loss = places_of_losses.get(&loss_of(*item));
        if let (Some(place), Some(loss)) = (place, loss) {
            by_person.entry(*place).or_default().push(*loss);
        }
    }
    let mut sets: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for (person, set) in by_person {
        sets.entry(set).or_default().push(person);
    }
    let mut out = Vec::new();
    write_number(&mut out, losses.len());
    for loss in losses {
        out.extend(loss.to_be_bytes());
    }
    for (set, people) in sets {
        write_places(&mut out, &set);
        write_places(&mut out, &people);
    }
    format!("{FORM}{}", STANDARD.encode(out))
}

/// What can't be read is decided anew.
fn unpack_items(who: &BTreeSet<u64>, text: &str) -> BTreeSet<u128> {
    let Some(text) = text.strip_prefix(FORM) else {
        // As earlier versions wrote it: each whole.
        let bytes = STANDARD.decode(text).unwrap_or_default();
        let chunks = bytes.chunks_exact(16).map(<[u8; 16]>::try_from);
        return chunks.flatten().map(u128::from_be_bytes).collect();
    };
    let bytes = STANDARD.decode(text).unwrap_or_default();
    let who: Vec<u64> = who.iter().copied().collect();
    read_items(&who, &bytes).unwrap_or_default()
}

fn read_items(who: &[u64], bytes: &[u8]) -> Option<BTreeSet<u128>> {
    let mut rest = bytes;
    let number = read_number(&mut rest)?;
    let (losses, mut rest) = rest.split_at_checked(number.checked_mul(8)?)?;
    let losses = losses.chunks_exact(8).map(<[u8; 8]>::try_from);
    let losses: Vec<u64> = losses.flatten().map(u64::from_be_bytes).collect();
    let mut items = BTreeSet::new();
    while !rest.is_empty() {
        let set = read_places(&mut rest)?;
        for person in read_places(&mut rest)? {
            let person = u128::from(*who.get(person)?) << 64;
            for loss in &set {
                items.insert(person | u128::from(*losses.get(*loss)?));
            }
        }
    }
    Some(items)
}

/// Seven bits a byte, the least first.
fn write_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(0x80 | u8::try_from(number & 0x7f).unwrap_or_default());
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

fn read_number(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= usize::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// In ascending order.
fn write_places(out: &mut Vec<u8>, places: &[usize]) {
    write_number(out, places.len());
    let mut before = 0;
    for place in places {
        write_number(out, place - before);
        before = *place;
    }
}

fn read_places(bytes: &mut &[u8]) -> Option<Vec<usize>> {
    let mut before = 0_usize;
    let number = read_number(bytes)?;
    let mut places = Vec::new();
    for _ in 0..number {
        before = before.checked_add(read_number(bytes)?)?;
        places.push(before);
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::AppConnectorStatus;
    use crate::controllers::world::Meta;
    use crate::domain::guard::{GuardPolicy, Limits};
    use crate::domain::ids::EmployeeId;
    use crate::domain::mark::Scope;
    use crate::plan::Operation;
    use crate::plan::guard::{Bounds, Loss, Overall, Taking};

    const MANY: usize = 10_000;
    const LARGEST: usize = 256 * 1024;

    fn entry(gate: Gate) -> ConnectorEntry {
        let scope = Scope::new("acme", "people");
        ConnectorEntry::new(Meta::default(), scope, gate, &AppConnectorStatus::default())
    }

    fn gate(told: Option<&GuardStatus>) -> Gate {
        restored(&"people".into(), &"directory".into(), "uid", told)
    }

    fn asked(gate: &mut Gate, people: usize, now: Timestamp) {
        for n in 0..people {
            let named = |name: String| Loss::Entitlement(name.as_str().into());
            let department = named(format!("department-{}", n % 200));
            let taking = Taking {
                cause: Cause::Change,
                losses: [Loss::Use, named("staff".to_owned()), department].into(),
                privileged: n % 1000 == 0,
                why: "a reason".to_owned(),
            };
            gate.ask(&EmployeeId::new(n.to_string()), Some(taking), now);
        }
    }

    fn decided(gate: &mut Gate, policy: &GuardPolicy, approve: bool, now: Timestamp) {
        let approval = gate.digest(Cause::Change).filter(|_| approve);
        let approval = approval.map(|digest| Approval { digest, by: None });
        gate.decide(
            &Cause::ALL,
            &Bounds {
                policy,
                accounts: MANY,
                overall: &Overall::open(),
                reconsider: true,
                approval: approval.as_ref(),
                now,
            },
        );
        let unsaved = gate.unsaved().clone();
        gate.save(&unsaved);
    }

    fn policy(limits: Limits) -> GuardPolicy {
        GuardPolicy {
            changes: limits,
            privileged_most: 50,
            ..GuardPolicy::open()
        }
    }

    /// A wave of ten thousand, let through as it fits or as it was approved, goes on after a restart; and nobody is counted
    /// twice.
    #[test]
    fn a_large_wave_is_remembered() {
        let now = "2026-06-15T12:00:00Z".parse().unwrap();
        let few = Limits {
            most: Some(20),
            percent: 100,
            always: 0,
        };
        for (limits, approve) in [(Limits::NONE, false), (few, true)] {
            let mut gate = gate(None);
            asked(&mut gate, MANY, now);
            decided(&mut gate, &policy(limits), false, now);
            decided(&mut gate, &policy(limits), approve, now);
            let told = told(&entry(gate)).unwrap();
            let size = serde_json::to_vec(&told).unwrap().len();
            assert!(size < LARGEST, "{size}");
            let mut gate = self::gate(Some(&told));
            asked(&mut gate, MANY, now);
            assert!(!gate.is_undecided() && gate.held_people() == 0, "{approve}");
            let disable = Operation::Disable("a".into());
            let who = EmployeeId::new("7");
            assert!(gate.permit(&who, disable.clone()).is_some());
            assert_eq!(gate.approval_of(&who, &disable).is_some(), approve);
            // Ten more, of another company: they are all that is new.
            let limit = if approve { 10 } else { MANY + 10 };
            let limits = Limits {
                most: Some(limit.try_into().unwrap()),
                ..few
            };
            for n in 0..10 {
                let taking = Taking {
                    cause: Cause::Change,
                    losses: [Loss::Use].into(),
                    privileged: false,
                    why: String::new(),
                };
                gate.ask(&EmployeeId::new(format!("new-{n}")), Some(taking), now);
            }
            decided(&mut gate, &policy(limits), false, now);
            assert_eq!(gate.held_people(), 0, "{approve}");
        }
    }

    /// Who lost something privileged is remembered, however many lose something beside.
    #[test]
    fn the_privileged_are_remembered_in_a_large_wave() {
        let now = "2026-06-15T12:00:00Z".parse().unwrap();
        let mut gate = gate(None);
        asked(&mut gate, 40_000, now);
        decided(&mut gate, &policy(Limits::NONE), false, now);
        let told = told(&entry(gate)).unwrap();
        let size = serde_json::to_vec(&told).unwrap().len();
        assert!(size < LARGEST, "{size}");
        let gate = self::gate(Some(&told));
        assert_eq!(gate.releases()[0].privileged.len(), 40);
        assert_eq!(gate.releases()[0].people, 40_000);
    }

    #[test]
    fn what_is_remembered_is_read_back() {
        let items: BTreeSet<u128> = [
            (1 << 64) | 5,
            (1 << 64) | 6,
            (2 << 64) | 5,
            (2 << 64) | 6,
            (700 << 64) | 6,
            u128::MAX,
        ]
        .into();
        let who: BTreeSet<u64> = (0..1000).chain([u64::MAX]).collect();
        let packed = pack_items(&who, &items);
        assert_eq!(unpack_items(&who, &packed), items);
        assert_eq!(unpack(&pack(&who)), who);
        // As an earlier version wrote it.
        let bytes: Vec<u8> = items.iter().flat_map(|item| item.to_be_bytes()).collect();
        assert_eq!(unpack_items(&who, &STANDARD.encode(bytes)), items);
        for text in ["not base64!", ""] {
            assert_eq!(unpack(text), BTreeSet::new());
            assert_eq!(unpack_items(&who, text), BTreeSet::new());
        }
        // Whatever is cut off or goes too far is no reason to fall over.
        let bytes = STANDARD.decode(packed.strip_prefix(FORM).unwrap()).unwrap();
        for end in 0..bytes.len() {
            let _ = unpack_items(&who, &format!("{FORM}{}", STANDARD.encode(&bytes[..end])));
            let mut broken = bytes.clone();
            broken[end] = 0xff;
            let _ = unpack_items(&who, &format!("{FORM}{}", STANDARD.encode(broken)));
        }
    }
}
