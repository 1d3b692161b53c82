//! User names where the state has words in their place: what can be told of them all the same.

use std::collections::{BTreeMap, BTreeSet};

use super::company::{Company, Inputs};
use super::pseudonyms::{Pseudonyms, base};
use crate::controllers::names::TargetKey;
use crate::controllers::world::{ConnectorEntry, Person};
use crate::domain::desired::{DesiredAccount, desire};
use crate::domain::ids::{ConnectorName, EmployeeName, Username};
use crate::domain::patterns::Patterns;
use crate::domain::policy::Connector;
use crate::domain::usernames::{self, Renaming};

/// What is told of it.
const NOTE: &str = "the file is redacted: renames are told of those people alone who are among the manifests, and a new user name may get a number where an account has it that statuses do not name";

/// Names of one person that are compared, at most: each costs a hash, and a higher number is hardly ever given.
const MOST_COMPARED: usize = 1000;

/// Words for the names that accounts have, by application.
type Known = BTreeMap<TargetKey, BTreeSet<String>>;

/// Says which names stay, and which can't be had. Facts of people among the manifests are known, and a name that they
/// give is known again by its word; of the others it can't be told what their names were made of.
pub(super) fn settle(company: &mut Company, inputs: &Inputs<'_>) {
    if !inputs.state.redacted {
        return;
    }
    company.notes.push(NOTE.to_owned());
    let words = inputs.state.pseudonyms();
    let known = known(company);
    let names: Vec<EmployeeName> = company.realm.people.keys().cloned().collect();
    for name in names {
        if inputs.manifests.people.contains_key(name.as_str()) {
            compare(company, inputs, &words, &known, &name);
        } else {
            keep(company, &name);
        }
    }
}

fn known(company: &Company) -> Known {
    let mut out = Known::new();
    for entry in company.realm.connectors.values() {
        let Some(target) = &entry.target else {
            continue;
        };
        let reserved = company.names.get(target);
        let reserved = reserved
            .into_iter()
            .flat_map(|names| names.allocated.keys());
        let seen = entry.inventory.accounts().map(|account| &account.username);
        let words = reserved
            .chain(seen)
            .map(|name| base(name.as_str()).to_owned());
        out.entry(target.clone()).or_default().extend(words);
    }
    out
}

fn recorded<'a>(person: &'a Person, connector: &ConnectorName) -> Option<&'a Username> {
    person.record.accounts.get(connector)?.username.as_ref()
}

/// The names of a person stay.
fn keep(company: &mut Company, name: &EmployeeName) {
    let Company { realm, names, .. } = company;
    let Some(person) = realm.people.get(name) else {
        return;
    };
    for (connector, entry) in &realm.connectors {
        if let (Some(word), Some(target)) = (recorded(person, connector), &entry.target) {
            let table = names.entry(target.clone()).or_default();
            table.settled.insert(word.clone());
        }
    }
}

/// A name stays where the facts give it still. Where one is needed, those of others are taken.
fn compare(
    company: &mut Company,
    inputs: &Inputs<'_>,
    words: &Pseudonyms,
    known: &Known,
    name: &EmployeeName,
) {
    let Company { realm, names, .. } = company;
    let Some(person) = realm.people.get(name) else {
        return;
    };
    let Ok(facts) = &person.facts else { return };
    let desired = desire(&realm.policy, facts, &person.record, inputs.now);
    for (connector, wanted) in &desired.accounts {
        let Some(entry) = realm.connectors.get(connector) else {
            continue;
        };
        let (Some(compiled), Some(target)) = (&entry.compiled, &entry.target) else {
            continue;
        };
        let table = names.entry(target.clone()).or_default();
        if let Some(recorded) = recorded(person, connector)
            && stays(words, wanted, compiled, recorded)
        {
            table.settled.insert(recorded.clone());
            continue;
        }
        let own = own(person, connector, entry);
        let known = known.get(target);
        let written = inputs.written.connectors.get(connector.as_str());
        let protected = written.map_or(&[][..], |object| &object.spec.protected.accounts);
        let protected = Patterns::new(protected.iter().map(String::as_str), []);
        let given = usernames::given(&wanted.usernames, &compiled.spec.rules);
        let taken = given.take_while(|name| {
            let word = words.user(name.as_str());
            let has = known.is_some_and(|known| known.contains(&word));
            (has && !own.contains(word.as_str())) || protected.covers(name.as_str())
        });
        table.refused.extend(taken);
    }
}

fn stays(
    words: &Pseudonyms,
    wanted: &DesiredAccount,
    compiled: &Connector,
    recorded: &Username,
) -> bool {
    let given = usernames::given(&wanted.usernames, &compiled.spec.rules);
    let mut given = given.take(MOST_COMPARED);
    let word = base(recorded.as_str());
    compiled.spec.renaming == Renaming::Never || given.any(|name| words.user(name.as_str()) == word)
}

/// Words for the names that a person has, or had, in one application.
fn own<'a>(
    person: &'a Person,
    connector: &ConnectorName,
    entry: &'a ConnectorEntry,
) -> BTreeSet<&'a str> {
    let account = person.record.accounts.get(connector);
    let recorded = account.into_iter();
    let recorded = recorded.flat_map(|a| a.username.iter().chain(&a.former));
    let marked = entry.inventory.by_mark(&person.employee_id).into_iter();
    let all = recorded.chain(marked.map(|account| &account.username));
    all.map(|name| base(name.as_str())).collect()
}
