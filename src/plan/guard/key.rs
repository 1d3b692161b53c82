//! People and losses as numbers, for what has to be remembered of many of them.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::loss::Loss;
use crate::domain::ids::EmployeeId;

/// A person, and one loss of theirs: the person in the upper half.
pub(super) type Item = u128;

/// A person, in the whole cluster.
pub(super) fn person(namespace: &str, employee: &EmployeeId) -> u64 {
    half(&[namespace, employee.as_str()])
}

pub(super) fn item(person: u64, loss: &Loss) -> Item {
    (u128::from(person) << 64) | u128::from(half(&[&loss.to_string()]))
}

/// Whose loss it is.
pub(super) fn person_of(item: Item) -> u64 {
    u64::try_from(item >> 64).unwrap_or_default()
}

/// What of these is a person's.
pub(super) fn of(items: &BTreeSet<Item>, person: u64) -> impl Iterator<Item = Item> {
    let first = u128::from(person) << 64;
    let all = items.range(first..=first | u128::from(u64::MAX));
    all.copied()
}

/// Whether something of a person's is among these.
pub(super) fn some_of(items: &BTreeSet<Item>, person: u64) -> bool {
    of(items, person).next().is_some()
}

fn half(parts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let bytes = hash.finalize();
    let first = bytes.iter().take(8);
    first.fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
