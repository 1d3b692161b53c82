//! How properties are tested.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Runs a property for so many random inputs. They are the same ones in each run, unless `ROLLCALL_SEED` holds any
/// text, and `ROLLCALL_CASES` as many times as many.
pub(crate) fn runner(cases: u32) -> TestRunner {
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    let times: u32 = told("ROLLCALL_CASES").parse().unwrap_or(1);
    let config = Config {
        cases: cases * times,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let seed = told("ROLLCALL_SEED");
    let rng = if seed.is_empty() {
        TestRng::deterministic_rng(RngAlgorithm::ChaCha)
    } else {
        let mut bytes = [0; 32];
        for (n, byte) in seed.bytes().enumerate() {
            bytes[n % 32] ^= byte;
        }
        TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
    };
    TestRunner::new_with_rng(config, rng)
}
