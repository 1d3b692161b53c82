//! What is taken away at an instant to come is a wave of its own then.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::company::Company;
use super::run::{Ending, Endings, Later, decide};
use crate::controllers::employee::look;
use crate::controllers::gate;
use crate::domain::guard::Limits;
use crate::domain::ids::{ConnectorName, EmployeeName};
use crate::plan::guard::{Cause, Loss, Taking};
use crate::plan::parts::GrantState;

type Wave = Vec<(EmployeeName, ConnectorName, Taking)>;

/// Notes what is taken away when a time of grace is over, and when the last day of those who are concerned is; and
/// whether it would be held.
pub(super) fn note(
    company: &mut Company,
    endings: &mut Endings,
    limits: Limits,
    concerned: &BTreeSet<EmployeeName>,
    now: Timestamp,
) {
    let mut waves: BTreeMap<Timestamp, Wave> = BTreeMap::new();
    for (name, ending) in endings.iter() {
        let mut takings = kept(company, ending);
        if concerned.contains(name) {
            takings.extend(last_day(company, name, ending, now));
        }
        for (at, connector, taking) in takings {
            let wave = waves.entry(at).or_default();
            wave.push((name.clone(), connector, taking));
        }
    }
    for (at, wave) in waves {
        try_wave(company, endings, limits, at, wave);
    }
}

/// Decides a wave, and leaves everything as it was.
fn try_wave(
    company: &mut Company,
    endings: &mut Endings,
    limits: Limits,
    at: Timestamp,
    wave: Wave,
) {
    let before = company.gates();
    for (name, connector, taking) in &wave {
        let person = company.realm.people.get(name);
        let id = person.map(|person| person.employee_id.clone());
        let entry = company.realm.connectors.get_mut(connector);
        if let (Some(entry), Some(id)) = (entry, id) {
            entry.gate.ask(&id, Some(taking.clone()), at);
        }
    }
    decide(company, limits, at);
    for (name, connector, taking) in wave {
        let person = company.realm.people.get(&name);
        let entry = company.realm.connectors.get(&connector);
        let both = entry.zip(person);
        let held = both.is_some_and(|(entry, person)| entry.gate.holds(&person.employee_id));
        let later = Later {
            at,
            losses: taking.losses,
            why: taking.why,
            held,
        };
        if let Some(ending) = endings.get_mut(&name) {
            ending.later.insert((connector, at), later);
        }
    }
    company.restore(before);
}

/// What a person loses when the time is over for which it is kept.
fn kept(company: &Company, ending: &Ending) -> Vec<(Timestamp, ConnectorName, Taking)> {
    let accounts = ending.look.iter().flat_map(|look| &look.plan.accounts);
    let mut out = Vec::new();
    for (connector, account) in accounts {
        let mut by_time: BTreeMap<Timestamp, BTreeSet<Loss>> = BTreeMap::new();
        for (entitlement, grant) in &account.grants {
            if let (GrantState::Kept, Some(until)) = (grant.state, grant.kept_until) {
                let losses = by_time.entry(until).or_default();
                losses.insert(Loss::Entitlement(entitlement.clone()));
            }
        }
        if let Some(until) = account.kept_until {
            by_time.entry(until).or_default().insert(Loss::Use);
        }
        let compiled = company.realm.policy.connector(connector);
        let covers = |loss: &Loss| match (loss, compiled) {
            (Loss::Entitlement(name), Some(c)) => c.privileged.covers(name.as_str()),
            _ => false,
        };
        out.extend(by_time.into_iter().map(|(at, losses)| {
            let taking = Taking {
                cause: Cause::Change,
                privileged: losses.iter().any(covers),
                losses,
                why: "no role gives it any more, and its time of grace is over then".to_owned(),
            };
            (at, connector.clone(), taking)
        }));
    }
    out
}

/// What a person loses when the last day is over, where that is to come.
fn last_day(
    company: &mut Company,
    name: &EmployeeName,
    ending: &Ending,
    now: Timestamp,
) -> Vec<(Timestamp, ConnectorName, Taking)> {
    let look = ending.look.as_ref();
    let next = look.and_then(|look| look.desired.lifecycle.next.as_ref());
    let departs = next.filter(|next| next.stage.ends_access() && next.at > now);
    let Some(at) = departs.map(|next| next.at) else {
        return Vec::new();
    };
    let Company { realm, names, .. } = company;
    let Some(person) = realm.people.get(name) else {
        return Vec::new();
    };
    let Ok(facts) = look::usable(realm, person, name) else {
        return Vec::new();
    };
    let then = look::at(realm, names, person, &facts, at);
    // It is told from now on, where it was not told before.
    let takings = gate::takings(realm, person, &then.desired, &then.plan, now);
    let takings = takings.into_iter();
    takings
        .map(|(connector, taking)| (at, connector, taking))
        .collect()
}
