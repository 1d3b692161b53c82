//! How long to stay away after a failure.

use std::time::Duration;

/// Longest time between two attempts, unless the target itself asks for more.
pub(super) const LONGEST: Duration = Duration::from_mins(5);

/// Longest time a target may keep us away with `Retry-After`. Longer wishes are cut, so that an
/// absurd value can't switch a connector off for good.
pub(super) const LONGEST_WISH: Duration = Duration::from_hours(1);

/// Doubles from `first` with each level up to [`LONGEST`], and adds up to a fifth at random, so that
/// many who failed together do not come back together.
pub(super) fn delay(first: Duration, level: u32, rng: &mut fastrand::Rng) -> Duration {
    let doubled = first
        .saturating_mul(2_u32.saturating_pow(level))
        .min(LONGEST);
    doubled.mul_f64(1.0 + rng.f64() / 5.0).min(LONGEST)
}

/// The longer of our own delay and what the target asked for.
pub(super) fn with_wish(own: Duration, wish: Option<Duration>) -> Duration {
    own.max(wish.unwrap_or_default().min(LONGEST_WISH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn doubles_with_jitter_up_to_the_longest(level in 0_u32..200, seed: u64) {
            let first = Duration::from_secs(1);
            let plain = first.saturating_mul(2_u32.saturating_pow(level)).min(LONGEST);
            let got = delay(first, level, &mut fastrand::Rng::with_seed(seed));
            prop_assert!(got >= plain && got <= plain.mul_f64(1.2).min(LONGEST));
        }
    }

    #[test]
    fn the_targets_wish_counts_when_longer_and_is_cut_when_absurd() {
        let own = Duration::from_secs(4);
        for (wish, expected) in [
            (None, 4),
            (Some(2), 4),
            (Some(90), 90),
            (Some(1_000_000), 3600),
        ] {
            assert_eq!(
                with_wish(own, wish.map(Duration::from_secs)),
                Duration::from_secs(expected)
            );
        }
    }
}
