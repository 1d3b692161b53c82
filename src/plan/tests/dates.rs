//! Dates and zones are edited at any time, forward and back, also of somebody who is gone already, while clocks are set
//! where people are: everybody has at any instant what the calendar on their wall says.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::checks::Checks;
use super::company::{PEOPLE, TARGETS, company};
use super::history::settle;
use super::town::Town;
use crate::domain::account::Activity;
use crate::domain::fixtures::{AWKWARD, days_from, reached};
use crate::domain::lifecycle::Stage;
use crate::properties::runner;

/// Where they are, beside a place in which something is the matter with the calendar.
const ELSEWHERE: [&str; 2] = ["UTC", "Pacific/Auckland"];

#[derive(Clone, Debug)]
enum Event {
    Start(usize, i32),
    End(usize, Option<i32>),
    Travel(usize, usize),
    Pass(i64),
    /// To the next change of somebody's stage, or to a second before it.
    Until(usize, bool),
}

fn event() -> impl Strategy<Value = Event> {
    let p = 0..PEOPLE.len();
    prop_oneof![
        3 => (p.clone(), -12..=12_i32).prop_map(|(p, days)| Event::Start(p, days)),
        4 => (p.clone(), prop::option::weighted(0.8, -12..=12_i32))
            .prop_map(|(p, days)| Event::End(p, days)),
        1 => (p.clone(), 0..=ELSEWHERE.len()).prop_map(|(p, zone)| Event::Travel(p, zone)),
        2 => (1..=72 * 60_i64).prop_map(Event::Pass),
        5 => (p, any::<bool>()).prop_map(|(p, before)| Event::Until(p, before)),
    ]
}

fn travel(town: &mut Town, who: &str, zone: &str) {
    let person = town.person(who);
    person.zone = TimeZone::get(zone).unwrap();
    person.zone_name = zone.into();
}

fn happen(town: &mut Town, event: &Event, place: &str, day: Date) {
    match *event {
        Event::Start(p, days) => town.person(PEOPLE[p]).start = days_from(day, days),
        Event::End(p, days) => {
            town.person(PEOPLE[p]).end = days.map(|days| days_from(day, days));
        }
        Event::Travel(p, zone) => {
            travel(
                town,
                PEOPLE[p],
                ELSEWHERE.get(zone).copied().unwrap_or(place),
            );
        }
        Event::Pass(minutes) => town.now += SignedDuration::from_mins(minutes),
        Event::Until(p, before) => {
            let next = town.desired(&PEOPLE[p].into()).lifecycle.next;
            let second = SignedDuration::from_secs(i64::from(before));
            if let Some(next) = next {
                town.now = (next.at - second).max(town.now);
            }
        }
    }
    town.list();
}

/// Whether somebody has come, and has gone, by the calendar on the wall.
fn on_the_wall(town: &Town, who: &str) -> (bool, bool) {
    let facts = &town.people[who];
    let today = reached(&facts.zone, town.now);
    let is_gone = facts.end.is_some_and(|end| today > end);
    (today >= facts.start, is_gone)
}

/// What everybody has, once nothing is left to do.
fn is_right(town: &mut Town, who: &str) {
    let (has_come, is_gone) = on_the_wall(town, who);
    let look = town.look(who);
    let stage = look.desired.lifecycle.stage;
    assert_eq!(stage == Stage::Departed, is_gone, "{who} is {stage:?}");
    let works = has_come && !is_gone;
    assert_eq!(stage == Stage::Active, works, "{who} is {stage:?}");
    for name in TARGETS {
        let account = town.account(name, who);
        let is_open = account.is_some_and(|a| a.activity == Activity::Active);
        let is_given = look.desired.accounts.contains_key(name);
        assert_eq!(is_open, works && is_given, "{who} is {stage:?} in {name}");
        let holds = account.map(|a| town.targets[name].held(&a.id));
        let holds_nothing = holds.is_none_or(|held| held.is_empty());
        assert!(!is_gone || holds_nothing, "{who} is gone and in {name}");
        let record = town.record(who).accounts.get(name);
        let is_proven = record.is_none_or(|r| r.id.is_none() || r.verified_disabled.is_some());
        assert!(
            !is_gone || is_proven,
            "{who} is not shown to be out of {name}"
        );
    }
    // Nobody has to look again and again: somebody is told when to.
    if let Some(next) = &look.desired.lifecycle.next {
        let wakes: Option<Timestamp> = look.plan.wake_at;
        assert!(wakes.is_some_and(|at| at <= next.at), "{who}: {wakes:?}");
    }
}

/// What became of somebody between two looks.
fn turn(before: (Stage, bool), after: (Stage, bool)) -> Option<&'static str> {
    match (before, after) {
        ((Stage::Departed, true), (Stage::Active, _)) => Some("back after a deletion"),
        ((Stage::Departed, false), (Stage::Active, _)) => Some("back to what was kept"),
        ((Stage::Departed, _), (Stage::Upcoming | Stage::Preboarding, _)) => {
            Some("gone, and yet to come")
        }
        ((Stage::Active, _), (Stage::Upcoming | Stage::Preboarding, _)) => {
            Some("there, and yet to come")
        }
        ((Stage::Upcoming | Stage::Preboarding, _), (Stage::Departed, _)) => {
            Some("gone without having come")
        }
        ((Stage::Upcoming | Stage::Preboarding, _), (Stage::Active, _)) => Some("come"),
        ((Stage::Active, _), (Stage::Departed, _)) => Some("gone"),
        _ => None,
    }
}

const TURNS: [&str; 7] = [
    "back after a deletion",
    "back to what was kept",
    "come",
    "gone",
    "gone without having come",
    "gone, and yet to come",
    "there, and yet to come",
];

/// Where somebody stands, and whether an account of theirs was deleted.
fn standing(town: &mut Town, who: &str) -> (Stage, bool) {
    let stage = town.desired(&who.into()).lifecycle.stage;
    let record = town.record(who).accounts.get("git");
    let is_deleted = record.is_some_and(|r| r.id.is_none() && r.offboarding.is_some());
    (stage, is_deleted)
}

#[test]
fn whatever_dates_are_changed_to_everybody_has_what_the_calendar_on_their_wall_says() {
    let histories = (
        0..AWKWARD.len(),
        prop::collection::vec((event(), 0..PEOPLE.len()), 1..24),
    );
    let turns = RefCell::new(BTreeMap::<&str, usize>::new());
    runner(128)
        .run(&histories, |(which, events)| {
            let (place, day) = AWKWARD[which];
            let mut town = company(&[0, 1, 2, 0, 1]);
            town.now = days_from(day, -6)
                .to_zoned(TimeZone::UTC)
                .unwrap()
                .timestamp();
            for (n, who) in PEOPLE.into_iter().enumerate() {
                let zone = if n < 3 { place } else { ELSEWHERE[n - 3] };
                travel(&mut town, who, zone);
                let days = 2 * i32::try_from(n).unwrap() - 8;
                town.person(who).start = days_from(day, days);
                // Everybody has an account in `git`, where it is deleted a day after the last one.
                town.person(who).department = "Dev".into();
            }
            let mut checks = Checks::default();
            settle(&mut town, &mut checks, 0);
            for (event, from) in &events {
                let before = PEOPLE.map(|who| standing(&mut town, who));
                happen(&mut town, event, place, day);
                settle(&mut town, &mut checks, *from);
                for (who, before) in PEOPLE.into_iter().zip(before) {
                    is_right(&mut town, who);
                    let after = standing(&mut town, who);
                    if let Some(turn) = turn(before, after) {
                        *turns.borrow_mut().entry(turn).or_default() += 1;
                    }
                }
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    let turns = turns.into_inner();
    println!("how often people turned: {turns:#?}");
    assert_eq!(turns.keys().copied().collect::<Vec<_>>(), TURNS);
}
