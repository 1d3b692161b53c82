//! Measures Rollcall against a raw client that does only the indispensable work, and what it costs to be
//! at rest. A program, not a test: it prints a table and writes `target/bench/report.json`.
//!
//! `cargo bench --bench rollcall -- [--people N] [--rounds N] [--into TARGET] [WHAT…]`, with WHAT of `storm`,
//! `guard`, `terminations`, `rollover`, `idle`, `growth`, `edit`, `memory`, `inventory` and `plan`; all of them where none is named. Without
//! `--people` a storm is of 2,000, 500 start and 500 end at one instant, an edit among 20,000, memory is measured with 100,000,
//! an inventory is of 50,000, and a plan is for 10,000. Storms are into `stand-in`, `SCIMMY`, `OpenLDAP` and `PostgreSQL`, unless one is named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a program for developers: whatever goes wrong ends it"
)]

mod company;
mod guard;
mod inventory;
mod plan;
mod raw;
mod report;
mod rest;
mod rollover;
mod stand_in;
mod storm;
mod terminations;
mod wire;

#[allow(dead_code, unused_imports, reason = "what only tests need")]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::path::PathBuf;

use company::Kind;
use report::Report;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts what is held. The program that is measured has its own.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

const EVERYTHING: [&str; 10] = [
    "storm",
    "guard",
    "terminations",
    "rollover",
    "idle",
    "growth",
    "edit",
    "memory",
    "inventory",
    "plan",
];

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let (mut people, mut rounds, mut wanted) = (None, 3, Vec::new());
    let mut into = Kind::ALL.to_vec();
    while let Some(argument) = arguments.next() {
        let mut number = || {
            arguments
                .next()
                .and_then(|n| n.parse().ok())
                .expect("a number")
        };
        match argument.as_str() {
            "--people" => people = Some(number()),
            "--rounds" => rounds = number(),
            "--into" => {
                let word = arguments.next().expect("a target");
                into.retain(|kind| kind.word() == word);
                assert!(
                    !into.is_empty(),
                    "unknown: {word}; there are {:?}",
                    Kind::ALL.map(Kind::word)
                );
            }
            word if EVERYTHING.contains(&word) => wanted.push(argument),
            word => panic!(
                "unknown: {word}; there are --people N, --rounds N, --into TARGET, and {EVERYTHING:?}"
            ),
        }
    }
    if wanted.is_empty() {
        wanted = EVERYTHING.map(str::to_owned).to_vec();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure(people, rounds, &into, &wanted));
}

async fn measure(asked: Option<usize>, rounds: usize, into: &[Kind], wanted: &[String]) {
    let mut report = Report::default();
    let people = asked.unwrap_or(2000);
    for what in wanted {
        eprintln!("{what} …");
        match what.as_str() {
            "storm" => {
                for kind in into {
                    storm::storm(&mut report, *kind, people, rounds).await;
                }
            }
            "guard" => guard::guard(&mut report, people, rounds).await,
            "terminations" => terminations::terminations(&mut report, people).await,
            "rollover" => rollover::rollover(&mut report, asked.unwrap_or(500)).await,
            "idle" => rest::idle(&mut report).await,
            "growth" => storm::growth(&mut report, 1000, 10_000).await,
            "inventory" => {
                inventory::inventory(&mut report, asked.unwrap_or(50_000), rounds).await;
            }
            "plan" => plan::plan(&mut report, asked.unwrap_or(10_000), rounds).await,
            "edit" => rest::edit(&mut report, asked.unwrap_or(20_000)).await,
            _ => rest::memory(&mut report, asked.unwrap_or(100_000)).await,
        }
    }
    println!("{}", report.table());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../bench/report.json");
    report.write(&path);
    eprintln!("written: target/bench/report.json");
}
