//! What must be by the evening, where everything was well for long enough.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rollcall::runtime::clock::Clock as _;

use crate::company::{APART, APPS, CLUB, LAX, Notice, Person, SEAT, SEATS, STRICT, Standing};
use crate::findings::Invariant;
use crate::held;
use crate::nobody;
use crate::world::World;

/// So long it may take, once everything is well: attempts come further and further apart.
const SETTLES: SignedDuration = SignedDuration::from_hours(5);
/// Removals wait for their additions for a day at most.
const HOLD: SignedDuration = SignedDuration::from_hours(26);

pub fn ended(world: &World) {
    world
        .findings
        .report(Invariant::Alive, "the operator ended by itself");
}

/// From here on nothing is to be written, but for those of whom something is held: it goes once there is room for it.
/// What is lost elsewhere by those whose account another installation took waits for what they don't get.
pub fn begin_quiet(world: &mut World) {
    let everybody: Vec<u32> = world.judge.company().people.keys().copied().collect();
    let waits = |who: &u32| {
        let is_robbed = world.claimed.iter().any(|(_, id)| id == who);
        is_robbed || held(world, *who) || may_hear(world, *who)
    };
    world.waiting = everybody.into_iter().filter(waits).collect();
    let now = world.wall.now();
    let is_well = |app: &'static str| now.duration_since(world.well[app].max(world.up)) > SETTLES;
    let held = APPS.into_iter().filter(|app| is_well(app));
    let held = held.flat_map(|app| held::held(world, app)).collect();
    world.held = Some((now, held));
    world.judge.take_writes();
    world.cluster.state().writes.clear();
}

/// Whether something may happen to a person as it does to somebody else: a place is free, or the account is deleted of
/// whoever had their name before. Who was not told that an attribute was written as it should be is told by the next operator.
fn may_hear(world: &World, who: u32) -> bool {
    let company = world.judge.company();
    let Some(person) = company.people.get(&who) else {
        return false;
    };
    let due = company.due(person, LAX).unwrap_or_default();
    let seat = || {
        let state = world.places[LAX].state();
        let account = state.marked(&format!("acme/people/{who}"));
        let held = account.first().map(|id| state.held_by(id));
        held.is_some_and(|held| held.contains(SEAT))
    };
    has_namesake(world, &who.to_string())
        || (due.contains(SEAT) && !seat())
        || world.judge.was_misled(who)
}

/// Whether a person is told to be called as somebody was who is gone. Where that one had another name by then, it is told by
/// the next operator, or when something else happens.
fn has_namesake(world: &World, name: &str) -> bool {
    let object = world.cluster.get("employees", name);
    let status = object.unwrap_or_default()["status"].to_string();
    status.contains("LikelyRehire")
}

pub fn evening(world: &mut World, calm: bool) {
    nobody::look(world);
    let world: &World = world;
    let now = world.wall.now();
    let lax = world.well[LAX].max(world.up);
    nobody::evening(world, &world.gone, lax, now);
    for app in APPS {
        let well = world.well[app].max(world.up);
        if now.duration_since(well) > SETTLES {
            application(world, app, now, well);
        }
    }
    if calm {
        if let Some((then, held)) = &world.held {
            held::evening(world, held, *then, now);
        }
        silence(world, now);
    }
}

fn report(world: &World, invariant: Invariant, told: String) {
    world.findings.report(invariant, told);
}

/// Whether the guard holds something of a person.
fn held(world: &World, who: u32) -> bool {
    let object = world.cluster.get("employees", &who.to_string());
    let told = object.unwrap_or_default()["status"].to_string();
    told.contains("DeprovisioningHeld")
}

/// Whether the guard may hold what somebody who left still has. Whom others wait for is not among them.
fn may_be_held(world: &World, app: &'static str, who: u32, person: &Person) -> bool {
    match person.notice() {
        Notice::Long => held::last_day_is_held(world, app, who),
        Notice::Short | Notice::Unsure => held(world, who),
    }
}

/// What a person is told to hold that we did not give, such as in an application that was put back.
fn rogue(world: &World, who: u32, app: &str) -> BTreeSet<String> {
    let object = world.cluster.get("employees", &who.to_string());
    let status = object.unwrap_or_default()["status"].clone();
    let told = status["orphanedCredentials"].as_array().cloned();
    let told = told.unwrap_or_default().into_iter();
    let here = told.filter(|told| told["connector"] == app);
    here.filter_map(|told| told["name"].as_str().map(str::to_owned))
        .collect()
}

fn application(world: &World, app: &'static str, now: Timestamp, well: Timestamp) {
    let company = world.judge.company();
    let state = world.places[app].state();
    let ours = |who: &u32| !world.claimed.contains(&(app, *who));
    let there = company.people.iter().filter(|(_, p)| p.there);
    for (who, person) in there.filter(|(who, _)| ours(who)) {
        let since = well.max(company.settled_since(person, now));
        let settled = now.duration_since(since);
        if settled <= SETTLES {
            continue;
        }
        let accounts = state.marked(&format!("acme/people/{who}"));
        let account = accounts.first().map(|id| (*id, &state.accounts[*id]));
        let active = account.is_some_and(|(_, a)| a.active);
        let due = company.due(person, app);
        match person.standing(now) {
            Standing::Over if active && !may_be_held(world, app, *who, person) => {
                let told = format!("{app}: {who} is active, and left on {:?}", person.end);
                report(world, Invariant::Left, told);
            }
            Standing::Working => {
                let holds = account.map(|(id, _)| state.held_by(id)).unwrap_or_default();
                let Some(due) = due else {
                    continue;
                };
                // What is kept apart comes once the other is gone, which the guard may hold.
                let apart = |g: &str| {
                    let holds_other = APART.iter().any(|other| holds.contains(*other));
                    let waits = settled <= HOLD || held(world, *who);
                    APART.contains(&g) && holds_other && waits
                };
                let none_free = state.groups[SEAT].len() >= SEATS;
                let waits = |g: &str| apart(g) || (g == SEAT && none_free);
                let lacks: Vec<&String> = due.difference(&holds).filter(|g| !waits(g)).collect();
                if !active || !lacks.is_empty() {
                    let told = format!("{app}: {who} is active: {active}, and lacks {lacks:?}");
                    report(world, Invariant::Served, told);
                }
                let told = rogue(world, *who, app);
                let mut keeps = company.keeps(person, app, now).unwrap_or_default();
                let undecided = company.undecided(app);
                let by_hand = world.by_hand.get(&(app, *who));
                let is_new = by_hand.is_some_and(|at| now.duration_since(*at) <= SETTLES);
                let roles_alone =
                    |g: &str| app == STRICT && g == CLUB && !is_new && undecided.is_empty();
                keeps.extend(undecided.iter().cloned());
                let stays = |g: &String| (g == CLUB || told.contains(g)) && !roles_alone(g);
                let more = holds.iter().filter(|g| !keeps.contains(*g) && !stays(g));
                let more: Vec<&String> = more.collect();
                if settled > HOLD && !more.is_empty() && !held(world, *who) {
                    let told = format!("{app}: {who} holds {more:?}, which nothing gives");
                    report(world, Invariant::Clean, told);
                }
            }
            // On leave an account is shut too, unless its connector says otherwise.
            Standing::Away if active && !held(world, *who) => {
                let told = format!("{app}: {who} is active, and is {}", person.employment);
                report(world, Invariant::Left, told);
            }
            _ => {}
        }
    }
}

/// People whom nothing happens to tonight: nobody of whom a time runs.
fn is_at_rest(person: &Person, now: Timestamp, since: Timestamp) -> bool {
    let standing = person.standing(now);
    person.there
        && matches!(standing, Standing::Working | Standing::Before)
        && now.duration_since(person.unchanged_since(now).max(since)) > HOLD
}

fn silence(world: &World, now: Timestamp) {
    let well = world
        .well
        .values()
        .copied()
        .max()
        .unwrap_or(now)
        .max(world.up);
    let since = well.max(world.judge.company().policy_edited);
    if now.duration_since(since) <= HOLD {
        return;
    }
    let company = world.judge.company();
    let rests = |id: &str| {
        let person = id.parse().ok().and_then(|id: u32| company.people.get(&id));
        let waited = id.parse().is_ok_and(|id: u32| world.waiting.contains(&id));
        !waited && person.is_some_and(|person| is_at_rest(person, now, since))
    };
    for (at, told) in world.judge.take_writes() {
        let who = told.rsplit('/').next().unwrap_or_default();
        if rests(who) {
            report(
                world,
                Invariant::Silence,
                format!("{at}: {told}, though nothing happens"),
            );
        }
    }
    let writes = std::mem::take(&mut world.cluster.state().writes);
    for (kind, name) in writes {
        if kind == "employees" && rests(&name) && !has_namesake(world, &name) {
            let told = format!("the status of {kind} {name} is written, though nothing happens");
            report(world, Invariant::Silence, told);
        }
    }
}
