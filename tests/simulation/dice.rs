//! Chance that does not depend on who asks first: tokio wakes those who wait for one thing in any order.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher as _;

/// Dice for one occasion.
pub fn dice(occasion: impl std::hash::Hash) -> fastrand::Rng {
    let mut hash = DefaultHasher::new();
    occasion.hash(&mut hash);
    fastrand::Rng::with_seed(hash.finish())
}
