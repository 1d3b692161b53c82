//! People and losses as numbers, for what has to be remembered of many of them.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::loss::Loss;
use crate::domain::ids::EmployeeId;

/// A person, and one loss of theirs: the person in the upper half.
pub(super) type Item = u64;

/// A person, in the whole cluster. Two people are the same number once in four thousand million.
pub(super) fn person(namespace: &str, employee: &EmployeeId) -> u32 {
    half(&[namespace, employee.as_str()])
}

pub(super) fn item(person: u32, loss: &Loss) -> Item {
    (u64::from(person) << 32) | u64::from(half(&[&loss.to_string()]))
}

/// Whose loss it is.
pub(super) fn person_of(item: Item) -> u32 {
    u32::try_from(item >> 32).unwrap_or_default()
}

/// Whether something of a person's is among these.
pub(super) fn some_of(items: &BTreeSet<Item>, person: u32) -> bool {
    let first = u64::from(person) << 32;
    items
        .range(first..=first | u64::from(u32::MAX))
        .next()
        .is_some()
}

fn half(parts: &[&str]) -> u32 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
    u32::from_be_bytes([a, b, c, d])
}
