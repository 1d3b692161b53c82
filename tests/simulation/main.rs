//! A simulated company: the whole operator, as it is built, on a clock of its own, with an API server and applications
//! in memory that fail in every way they can. See `docs/simulation.md`.

#![cfg(test)]

mod api;
mod application;
mod checks;
mod clock;
mod cluster;
mod company;
mod connector;
mod dice;
mod findings;
mod generate;
mod held;
mod history;
mod judge;
mod limits;
mod logs;
mod mistakes;
mod nobody;
mod operator;
mod run;
mod shrink;
mod trouble;
mod world;

use std::time::{Duration, Instant};

/// People there are in the beginning.
const PEOPLE: u32 = 30;
/// Seeds that CI tries, and for how many days.
const SEEDS: u64 = 3;
const DAYS: u64 = 40;
/// So long a history that fails is made shorter.
const PATIENCE: u64 = 120;

fn told(name: &str, otherwise: u64) -> u64 {
    let told = std::env::var(name).ok();
    told.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Whether all that happens is shown, to read what became of one seed.
fn talkative() -> bool {
    std::env::var_os("TALK").is_some()
}

/// Where histories are kept that once failed.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/simulation/histories");

/// Lives a history. One that fails is told, with the shortest one that was found, which stays as a test.
fn live(history: &history::History) -> run::Outcome {
    let outcome = run::run(history);
    if let Some(finding) = &outcome.finding {
        println!("seed {}, day {}: {finding:?}", history.seed, outcome.days);
        let patience = Duration::from_secs(told("PATIENCE", PATIENCE));
        if let Some((shortest, finding)) = shrink::shrink(history, &outcome, patience) {
            let file = format!("{KEPT}/{:?}-{}.json", finding.invariant, history.seed);
            let is_kept = std::env::var_os("KEEP").is_some();
            let told = if is_kept {
                std::fs::write(&file, shortest.to_string()).unwrap();
                format!("It is kept as a test in {file}.")
            } else {
                format!("Saved as {file} it is a test; KEEP=1 in the environment saves it.")
            };
            panic!("{finding:?}\nThe shortest history found:\n{shortest}{told}");
        }
    }
    outcome
}

/// With `SEEDS`, `DAYS` and `SEED` in the environment: more of them, for longer, and from which one on.
#[test]
fn a_simulated_company_keeps_every_invariant() {
    let (from, seeds) = (told("SEED", 1), told("SEEDS", SEEDS));
    let days = usize::try_from(told("DAYS", DAYS)).unwrap();
    let began = Instant::now();
    let mut lived = 0;
    for seed in from..from + seeds {
        let outcome = live(&generate::history(seed, PEOPLE, days));
        lived += outcome.person_days;
        #[allow(clippy::cast_precision_loss, reason = "a rate to be read by people")]
        let rate = lived as f64 / 365.0 / began.elapsed().as_secs_f64();
        println!(
            "seed {seed}: {} days, {rate:.2} person-years a second",
            outcome.days
        );
    }
}

/// Each that failed once is lived again.
#[test]
fn histories_that_failed_once_keep_every_invariant() {
    let mut files: Vec<_> = std::fs::read_dir(KEPT).unwrap().collect();
    files.sort_by_key(|file| file.as_ref().unwrap().path());
    assert!(!files.is_empty());
    for file in files {
        let path = file.unwrap().path();
        println!("{}", path.display());
        let kept = std::fs::read_to_string(&path).unwrap();
        live(&serde_json::from_str(&kept).unwrap());
    }
}

/// Where an application lies about leavers, they are locked out once it does not any more.
#[test]
fn leavers_are_locked_out_after_lies() {
    for seed in 1..=told("LIES", 6) {
        live(&generate::lies(seed));
    }
}

/// Otherwise no seed would say anything.
#[test]
fn one_seed_is_one_story() {
    let history = generate::history(2, PEOPLE, 12);
    let [once, again] = [run::run(&history), run::run(&history)];
    assert_eq!(once.finding, again.finding);
    assert_eq!(once.trace, again.trace);
}
