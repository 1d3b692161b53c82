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
mod history;
mod judge;
mod operator;
mod run;
mod shrink;
mod world;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn talkative() -> bool {
    std::env::var_os("TALK").is_some()
}

fn remembers() -> bool {
    std::env::var_os("REMEMBER").is_some()
}

#[test]
fn every_seed_keeps_every_invariant() {
    let from = number("SEED").unwrap_or(1);
    let seeds = number("SEEDS").unwrap_or(4);
    let days = number("DAYS").unwrap_or(60);
    let people = number("PEOPLE").unwrap_or(30);
    let began = std::time::Instant::now();
    let mut person_days = 0;
    for seed in from..from + seeds {
        let history = generate::history(seed, people as u32, days as usize);
        let outcome = run::run(&history);
        person_days += outcome.person_days;
        println!("seed {seed}: {} days, trace {:x}", outcome.days, outcome.trace);
        if let Some(finding) = outcome.finding {
            println!("seed {seed} on day {}: {finding:?}", outcome.days);
            let patience = std::time::Duration::from_secs(number("PATIENCE").unwrap_or(120));
            let (shortest, finding) = shrink::shrink(&history, &finding, patience);
            panic!("seed {seed} on day {}: {finding:?}\nThe shortest history found: {shortest}", outcome.days);
        }
    }
    let years = person_days as f64 / 365.0;
    let took = began.elapsed().as_secs_f64();
    println!("{years:.1} person-years in {took:.1} s: {:.2} a second", years / took);
}
