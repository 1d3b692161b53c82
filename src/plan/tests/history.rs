//! Random histories of a small company: whatever happens, plans end, and hold what they promise.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::checks::Checks;
use super::company::{
    DEPARTMENTS, GROUPS, PEOPLE, ROLES, TARGETS, by_display_name, company, role, spec_of,
};
use super::target::{Fate, Target};
use super::town::Town;
use crate::domain::account::{Activity, AttributeValue};
use crate::domain::facts::{Employment, Link};
use crate::domain::fixtures::person;
use crate::domain::ids::{ConnectorName, EmployeeId, Username};
use crate::domain::policy::Adopt;
use crate::domain::record::Record;
use crate::properties::runner;

#[derive(Clone, Debug)]
pub(super) enum Event {
    Start(usize),
    Move(usize, usize),
    Leave(usize),
    Return(usize),
    Employ(usize, u8),
    Explicit(usize, usize),
    Retitle(usize),
    Edit(usize, u8),
    Delete(usize),
    Mode(usize, u8),
    Disconnect(usize),
    Account(usize, usize, u8),
    Member(usize, usize, usize),
    Group(usize, usize),
    Stranger(usize, u8),
    Listing(usize, u8),
    Doubt(usize, bool),
    LoseStatus(usize),
    Found(usize, usize),
    Say(usize, usize, u8),
    Pass(i64),
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let (p, t) = (0..PEOPLE.len(), 0..TARGETS.len());
    let (r, g) = (0..ROLES.len(), 0..GROUPS.len());
    prop_oneof![
        4 => p.clone().prop_map(Event::Start),
        3 => (p.clone(), 0..DEPARTMENTS.len()).prop_map(|(p, d)| Event::Move(p, d)),
        2 => p.clone().prop_map(Event::Leave),
        2 => p.clone().prop_map(Event::Return),
        1 => (p.clone(), 0..3_u8).prop_map(|(p, e)| Event::Employ(p, e)),
        2 => (p.clone(), r.clone()).prop_map(|(p, r)| Event::Explicit(p, r)),
        1 => p.clone().prop_map(Event::Retitle),
        4 => (r.clone(), 0..6_u8).prop_map(|(r, k)| Event::Edit(r, k)),
        2 => r.prop_map(Event::Delete),
        4 => (t.clone(), 0..9_u8).prop_map(|(t, m)| Event::Mode(t, m)),
        1 => t.clone().prop_map(Event::Disconnect),
        4 => (p.clone(), t.clone(), 0..6_u8).prop_map(|(p, t, k)| Event::Account(p, t, k)),
        2 => (p.clone(), t.clone(), g.clone()).prop_map(|(p, t, g)| Event::Member(p, t, g)),
        1 => (t.clone(), g).prop_map(|(t, g)| Event::Group(t, g)),
        2 => (t.clone(), 0..4_u8).prop_map(|(t, k)| Event::Stranger(t, k)),
        3 => (t.clone(), 0..8_u8).prop_map(|(t, k)| Event::Listing(t, k)),
        2 => (t.clone(), any::<bool>()).prop_map(|(t, b)| Event::Doubt(t, b)),
        1 => p.clone().prop_map(Event::LoseStatus),
        9 => (p.clone(), t.clone()).prop_map(|(p, t)| Event::Found(p, t)),
        2 => (p, t.clone(), 0..4_u8).prop_map(|(p, t, k)| Event::Say(p, t, k)),
        4 => prop_oneof![Just(1), Just(2), Just(25)].prop_map(Event::Pass),
    ]
}

/// Lets something happen.
pub(super) fn happen(town: &mut Town, event: &Event) {
    match *event {
        Event::Move(p, d) => town.person(PEOPLE[p]).department = DEPARTMENTS[d].into(),
        Event::Start(p) => town.person(PEOPLE[p]).start = jiff::civil::date(2020, 1, 1),
        Event::Leave(p) => {
            let today = town.now.to_zoned(jiff::tz::TimeZone::UTC).date();
            town.person(PEOPLE[p]).end = today.yesterday().ok();
        }
        Event::Return(p) => town.person(PEOPLE[p]).end = None,
        Event::Employ(p, e) => {
            town.person(PEOPLE[p]).employment = [
                Employment::Active,
                Employment::OnLeave,
                Employment::Suspended,
            ][usize::from(e)];
        }
        Event::Explicit(p, r) => {
            let person = town.person(PEOPLE[p]);
            let mut roles = person.roles.to_vec();
            match roles.iter().position(|name| name.as_str() == ROLES[r]) {
                Some(at) => drop(roles.remove(at)),
                None => roles.push(ROLES[r].into()),
            }
            person.roles = roles.into();
        }
        Event::Retitle(p) => {
            let title = &mut town.person(PEOPLE[p]).job_title;
            *title = format!("{title}!").into();
        }
        Event::Edit(r, kind) => town.teach(role(ROLES[r], kind)),
        Event::Delete(r) => town.forget_template(ROLES[r]),
        Event::Mode(t, mode) => {
            let mut spec = spec_of(TARGETS[t]);
            spec.dry_run = mode == 1;
            if mode > 4 {
                let adopt = if mode == 5 {
                    Adopt::Never
                } else {
                    Adopt::WhenUnique
                };
                spec.matching = by_display_name(adopt);
            }
            if mode == 2 {
                spec.attributes
                    .insert("title".into(), "employee.".to_owned());
            }
            town.connect(spec);
            if mode == 3 {
                town.held.insert(TARGETS[t].into());
            } else {
                town.held.remove(TARGETS[t]);
            }
        }
        Event::Disconnect(t) => town.disconnect(TARGETS[t]),
        Event::Account(p, t, kind) => tamper(town, PEOPLE[p], TARGETS[t], kind),
        Event::Member(p, t, g) => {
            if let Some(id) = town.account(TARGETS[t], PEOPLE[p]).map(|a| a.id.clone())
                && let Some(group) = town.target(TARGETS[t]).groups.get_mut(GROUPS[g])
                && !group.holders.remove(&id)
            {
                group.holders.insert(id);
            }
        }
        Event::Group(t, g) => {
            if let Some(group) = town.target(TARGETS[t]).groups.get_mut(GROUPS[g]) {
                group.ambiguous = !group.ambiguous;
            }
        }
        Event::Stranger(t, kind) => stranger(town, TARGETS[t], kind),
        Event::Listing(t, kind) => listing(town.target(TARGETS[t]), kind),
        Event::Doubt(t, arrives) => {
            town.target(TARGETS[t]).next_write = if arrives {
                Fate::AnswerLost
            } else {
                Fate::RequestLost
            };
        }
        Event::LoseStatus(p) => drop(town.records.insert(PEOPLE[p].into(), Record::default())),
        Event::Found(p, t) => found(town, PEOPLE[p], TARGETS[t]),
        Event::Say(p, t, kind) => say(town, PEOPLE[p], TARGETS[t], kind),
        Event::Pass(hours) => town.pass(hours),
    }
    town.list();
}

/// What listings leave out from now on.
fn listing(target: &mut Target, kind: u8) {
    target.unreadable = kind == 1;
    target.holders_partial = kind == 2;
    target.partial = kind > 3;
    target.hidden = target
        .accounts
        .keys()
        .enumerate()
        .filter(|(n, _)| n.is_multiple_of(usize::from(kind.max(2) - 1)))
        .map(|(_, id)| id.clone())
        .collect();
}

/// Somebody's account turns up that was there before.
fn found(town: &mut Town, who: &str, target: &str) {
    let display = town.person(who).display.to_uppercase();
    let target = town.target(target);
    let id = target.put(&format!("old{}.{who}", target.accounts.len()), None);
    let account = target.accounts.get_mut(&id).unwrap();
    let display = AttributeValue::Text(display);
    account.attributes.insert("displayName".into(), display);
}

/// Somebody says by hand whose an account is.
fn say(town: &mut Town, who: &str, target: &str, kind: u8) {
    let own = town.account(target, who).map(|a| a.id.to_string());
    let accounts = town.targets[target].accounts.values();
    let mut nobodys = accounts
        .filter(|a| a.mark.is_none())
        .map(|a| a.username.to_string());
    let (account, not) = match kind {
        0 => (None, Vec::new()),
        1 => (None, own.into_iter().collect()),
        2 => (nobodys.next(), Vec::new()),
        _ => (nobodys.next_back(), own.into_iter().collect()),
    };
    town.person(who).links = [Link {
        connector: target.into(),
        account: account.map(String::into_boxed_str),
        not: not.into_iter().map(String::into_boxed_str).collect(),
    }]
    .into();
}

/// Somebody meddles with a person's account.
fn tamper(town: &mut Town, who: &str, target: &str, kind: u8) {
    let Some(id) = town.account(target, who).map(|a| a.id.clone()) else {
        return;
    };
    let target = town.target(target);
    let account = target.accounts.get_mut(&id).unwrap();
    match kind {
        0 => {
            target.accounts.remove(&id);
            for group in target.groups.values_mut() {
                group.holders.remove(&id);
            }
        }
        1 => account.activity = Activity::Disabled,
        2 => account.activity = Activity::Active,
        3 => target.scribble(&id),
        4 => account.username = Username::new(format!("renamed-{who}")),
        _ => account.mark = None,
    }
}

/// An account appears that is not ours, or wears a mark that it should not.
fn stranger(town: &mut Town, target: &str, kind: u8) {
    let other = format!("other/people/{kind}");
    let stolen = town.scope.mark(&PEOPLE[usize::from(kind) % 5].into());
    let target = town.target(target);
    let name = ["ada.lovelace", "zoe.lovelace2", "xiaoming.lovelace", "x"][usize::from(kind)];
    let is_taken = target
        .accounts
        .values()
        .any(|a| a.username == Username::new(name));
    if is_taken {
        return;
    }
    let mark = match kind {
        0 => None,
        1 => Some(other.as_str()),
        2 => Some("some-external-id"),
        _ => Some(stolen.as_str()),
    };
    let id = target.put(name, mark);
    for group in target.groups.values_mut() {
        group.holders.insert(id.clone());
    }
    if kind.is_multiple_of(2) {
        target.unlisted.insert(id);
    }
}

/// Everybody is looked at, in the given order, until nothing is left to do.
pub(super) fn settle(town: &mut Town, checks: &mut Checks, from: usize) {
    for round in 0..60 {
        let mut idle = true;
        for n in 0..PEOPLE.len() {
            let id = EmployeeId::new(PEOPLE[(n + from) % PEOPLE.len()]);
            let look = town.look(id.as_str());
            checks.plan(town, &id, &look, round == 0);
            let steps = town.next_steps(&id, &look.plan);
            town.records.insert(id.clone(), look.plan.record);
            for (name, step) in steps {
                idle = false;
                checks.step(town, &id, &name, &step);
                let end = town.carry_out(&id, &name, &step);
                checks.ended(end);
            }
        }
        if idle {
            for id in PEOPLE {
                let id = EmployeeId::new(id);
                let look = town.look(id.as_str());
                super::checks::settled(town, &id, &look);
            }
            return;
        }
    }
    panic!("plans never end");
}

#[test]
fn whatever_happens_plans_end_and_keep_their_promises() {
    let counts = RefCell::new(BTreeMap::new());
    let histories = (
        prop::collection::vec(0..3_u8, PEOPLE.len()),
        prop::collection::vec((event(), 0..PEOPLE.len()), 1..24),
    );
    runner(128)
        .run(&histories, |(names, events)| {
            let mut town = company(&names);
            let mut checks = Checks::default();
            settle(&mut town, &mut checks, 0);
            for (event, from) in &events {
                happen(&mut town, event);
                settle(&mut town, &mut checks, *from);
            }
            for (what, n) in checks.counts {
                *counts.borrow_mut().entry(what).or_insert(0) += n;
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    let counts: BTreeMap<&str, usize> = counts.into_inner();
    println!("how often the interesting cases arose: {counts:#?}");
    for what in super::checks::INTERESTING {
        assert!(counts.contains_key(what), "{what} never arose");
    }
}

#[test]
fn the_order_of_inputs_never_changes_the_result() {
    let histories = (
        prop::collection::vec(0..3_u8, PEOPLE.len()),
        prop::collection::vec(event(), 1..16),
    );
    let counts = RefCell::new(Checks::default());
    runner(64)
        .run(&histories, |(names, events)| {
            let (mut one, mut other) = (company(&names), company(&names));
            other.backwards = true;
            for event in &events {
                happen(&mut one, event);
                happen(&mut other, event);
                for id in PEOPLE {
                    for facts in other.people.values_mut() {
                        facts.roles.reverse();
                    }
                    let (a, b) = (one.look(id), other.look(id));
                    prop_assert_eq!(&a.plan, &b.plan);
                    prop_assert_eq!(&a.desired, &b.desired);
                    for (name, account) in &a.plan.accounts {
                        counts.borrow_mut().count(&one, name, &a, account);
                    }
                    one.settle(id);
                    other.settle(id);
                }
            }
            for account in one.records.values().flat_map(|r| r.accounts.values()) {
                let name = account.username.as_ref().map(Username::as_str);
                let collided =
                    name.is_some_and(|name| name.ends_with(|c: char| c.is_ascii_digit()));
                counts.borrow_mut().saw("name with a number", collided);
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    let counts = counts.into_inner().counts;
    println!("how often the interesting cases arose: {counts:#?}");
    for what in [
        "conflict",
        "grant kept, role undecided",
        "grant kept, template vanished",
        "listing partial",
        "name with a number",
    ] {
        assert!(counts.contains_key(what), "{what} never arose");
    }
}

#[test]
fn a_newcomer_never_changes_a_name() {
    let hires = prop::collection::vec((0..3_u8, 1..40_u16), 2..12);
    let collisions = RefCell::new(0);
    runner(64)
        .run(&hires, |hires| {
            let mut town = company(&[0, 0, 0, 0, 0]);
            let mut names: BTreeMap<(EmployeeId, ConnectorName), Username> = BTreeMap::new();
            for (given, id) in hires {
                let id = format!("9{id:02}");
                if !town.people.contains_key(id.as_str()) {
                    let mut facts = person(&id);
                    facts.given = ["Ada", "Ádá", "Grace"][usize::from(given)].into();
                    town.hire(facts);
                }
                let everyone: Vec<EmployeeId> = town.people.keys().cloned().collect();
                for who in everyone {
                    town.settle(who.as_str());
                }
                for (who, record) in &town.records {
                    for (connector, account) in &record.accounts {
                        let name = account.username.clone().unwrap();
                        *collisions.borrow_mut() += usize::from(name.as_str().ends_with('2'));
                        let key = (who.clone(), connector.clone());
                        let before = names.entry(key).or_insert_with(|| name.clone());
                        prop_assert_eq!(&*before, &name);
                    }
                }
            }
            let distinct: std::collections::BTreeSet<_> =
                names.iter().map(|((_, c), n)| (c, n)).collect();
            prop_assert_eq!(distinct.len(), names.len(), "a name was given twice");
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    let collisions = collisions.into_inner();
    println!("names that collided: {collisions}");
    assert!(collisions > 0, "no names collided");
}
