//! What the guard holds, held against what it may: what fits goes by itself.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::company::{APPS, LIMIT, PRIVILEGED_MOST};
use crate::findings::Invariant;
use crate::limits::Loss;
use crate::world::World;

/// For so long whatever was let through may count, and a little longer.
const COUNTS: SignedDuration = SignedDuration::from_hours(25);

/// What the status of a connector says is held of one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub app: &'static str,
    pub cause: String,
    pub digest: String,
    pub people: usize,
    pub privileged: usize,
    /// Names of Employees, and user names of accounts that are nobody's.
    pub names: BTreeSet<String>,
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap_or_default().try_into().unwrap()
}

/// What is held in an application, in the order in which it is told.
pub fn held(world: &World, app: &'static str) -> Vec<Held> {
    let object = world.cluster.get("appconnectors", app).unwrap_or_default();
    let told = object["status"]["held"].as_array().cloned();
    let told = told.unwrap_or_default().into_iter();
    let held = told.map(|held| Held {
        app,
        cause: held["cause"].as_str().unwrap_or_default().to_owned(),
        digest: held["digest"].as_str().unwrap_or_default().to_owned(),
        people: number(&held["people"]),
        privileged: number(&held["privileged"]),
        names: {
            let names = held["employees"].as_array().into_iter().flatten();
            let names = names.filter_map(|name| name.as_str().map(str::to_owned));
            names.collect()
        },
    });
    held.collect()
}

/// Whether a last day that was told for long enough is held by its own limit.
pub fn last_day_is_held(world: &World, app: &'static str, who: u32) -> bool {
    let mut held = held(world, app).into_iter();
    held.any(|h| h.cause == "LastDay" && h.names.contains(&who.to_string()))
}

/// What was held then and still is, is more than may be lost.
pub fn evening(world: &World, before: &[Held], then: Timestamp, now: Timestamp) {
    let lost = world.judge.lost_since(then - COUNTS);
    for held in before {
        let still = self::held(world, held.app);
        if still.contains(held) && fits(world, held, &lost, now) {
            let told = format!("{held:?} since {then}, and would fit by now");
            world.findings.report(Invariant::Guard, told);
        }
    }
}

fn fits(world: &World, held: &Held, lost: &[Loss], now: Timestamp) -> bool {
    let (everybody, overall) = {
        let company = world.judge.company();
        (company.not_left(now), company.overall)
    };
    let usable = {
        let state = world.places[held.app].state();
        let ours = |mark: &String| mark.starts_with("acme/people/");
        let all = state.accounts.values();
        all.filter(|a| a.active && a.mark.as_ref().is_some_and(ours))
            .count()
    };
    let and_held = |lost: &mut dyn Iterator<Item = &Loss>| {
        let lost: BTreeSet<&str> = lost.map(|l| l.person.as_str()).collect();
        let others = |name: &&str| !held.names.contains(*name);
        held.people + lost.into_iter().filter(others).count()
    };
    // What is held of a change in the other application is part of the same, as far as the whole operator is concerned.
    let elsewhere: BTreeSet<String> = APPS
        .into_iter()
        .filter(|app| *app != held.app && held.cause == "Change")
        .flat_map(|app| self::held(world, app))
        .filter(|other| other.cause == "Change")
        .flat_map(|other| other.names)
        .filter(|name| !held.names.contains(name))
        .filter(|name| !lost.iter().any(|l| l.person == *name))
        .collect();
    let here = || lost.iter().filter(|l| l.app == held.app);
    let privileged: BTreeSet<&str> = here()
        .filter(|l| l.privileged)
        .map(|l| l.person.as_str())
        .collect();
    let fits_privileged =
        held.privileged == 0 || held.privileged + privileged.len() <= PRIVILEGED_MOST;
    and_held(&mut here()) <= LIMIT.allows(usable)
        && and_held(&mut lost.iter()) + elsewhere.len() <= overall.allows(everybody)
        && fits_privileged
}
