//! Exponential back-off with jitter, pure: the random part is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

/// How long to wait after failure number `attempt`, counted from 0.
///
/// Doubles from `base` to at most `cap`. `jitter`, from 0 to 1, takes away up to half of that, so
/// that many that failed together do not come back together. Values outside that range count as its
/// nearer end.
#[must_use]
pub fn delay(attempt: u32, base: Duration, cap: Duration, jitter: f64) -> Duration {
    let factor = 2_u32.checked_pow(attempt).unwrap_or(u32::MAX);
    let full = base.saturating_mul(factor).min(cap);
    let jitter = if jitter.is_nan() {
        0.0
    } else {
        jitter.clamp(0.0, 1.0)
    };
    full.mul_f64(1.0 - jitter / 2.0).min(full)
}

/// How often each key has failed in a row.
#[derive(Clone, Debug)]
pub struct Backoffs<K> {
    base: Duration,
    cap: Duration,
    failures: BTreeMap<K, u32>,
}

impl<K: Ord + Clone> Backoffs<K> {
    /// No failures yet. Delays double from `base` to at most `cap`.
    #[must_use]
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self {
            base,
            cap,
            failures: BTreeMap::new(),
        }
    }

    /// Records a failure and returns how long to wait; see [`delay`] for `jitter`.
    pub fn failed(&mut self, key: &K, jitter: f64) -> Duration {
        let attempt = self.failures(key);
        self.failures.insert(key.clone(), attempt.saturating_add(1));
        delay(attempt, self.base, self.cap, jitter)
    }

    /// Forgets the failures of a key, after a success or because it is gone.
    pub fn reset(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// How often the key has failed in a row.
    #[must_use]
    pub fn failures(&self, key: &K) -> u32 {
        self.failures.get(key).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: Duration = Duration::from_secs(1);
    const CAP: Duration = Duration::from_mins(5);

    #[test]
    fn doubles_up_to_the_cap() {
        for (attempt, jitter, millis) in [
            (0, 0.0, 1_000),
            (1, 0.0, 2_000),
            (2, 0.0, 4_000),
            (2, 0.5, 3_000),
            (2, 1.0, 2_000),
            (8, 0.0, 256_000),
            (9, 0.0, 300_000),
            (31, 0.0, 300_000),
            (u32::MAX, 0.0, 300_000),
            (0, f64::NAN, 1_000),
            (0, -3.0, 1_000),
            (0, 7.0, 500),
        ] {
            let got = delay(attempt, BASE, CAP, jitter);
            assert_eq!(
                got,
                Duration::from_millis(millis),
                "attempt {attempt}, jitter {jitter}"
            );
        }
    }

    #[test]
    fn keys_are_counted_apart_and_forgotten_on_success() {
        let mut backoffs = Backoffs::new(BASE, CAP);
        assert_eq!(backoffs.failed(&"a", 0.0), BASE);
        assert_eq!(backoffs.failed(&"a", 0.0), BASE * 2);
        assert_eq!(backoffs.failed(&"b", 0.0), BASE);
        assert_eq!((backoffs.failures(&"a"), backoffs.failures(&"b")), (2, 1));
        backoffs.reset(&"a");
        assert_eq!(backoffs.failures(&"a"), 0);
        assert_eq!(backoffs.failed(&"a", 0.0), BASE);
        assert_eq!(backoffs.failed(&"b", 0.0), BASE * 2);
    }

    proptest! {
        #[test]
        fn stays_between_half_and_all(attempt in 0_u32.., base in 1_u64..100_000, cap in 1_u64..10_000_000, jitter in 0.0..=1.0_f64) {
            let (base, cap) = (Duration::from_millis(base), Duration::from_millis(cap));
            let full = delay(attempt, base, cap, 0.0);
            let got = delay(attempt, base, cap, jitter);
            prop_assert!(full <= cap);
            prop_assert!(got <= full);
            prop_assert!(got + Duration::from_nanos(1) >= full / 2);
            prop_assert!(delay(attempt.saturating_add(1), base, cap, 0.0) >= full);
        }
    }
}
