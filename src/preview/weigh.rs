//! What it all comes to: how much of it is because of the manifests, and how many of what that is.

use std::collections::{BTreeMap, BTreeSet};

use super::tell_orphans;
use super::told::{Change, Person, Preview, Totals, Verdict, When};

/// Marks what is done without the manifests as well, and drops what is the matter anyway; counts the rest.
/// `without` is what would be told if nothing were applied.
pub(super) fn weigh(preview: &mut Preview, without: Option<&Preview>) {
    let known: BTreeMap<&str, &Person> = without
        .into_iter()
        .flat_map(|without| &without.people)
        .map(|person| (person.employee.as_str(), person))
        .collect();
    for person in &mut preview.people {
        if let Some(known) = known.get(person.employee.as_str()) {
            let done: BTreeSet<_> = known.changes.iter().map(what).collect();
            for change in &mut person.changes {
                change.already = done.contains(&what(change));
            }
            person
                .problems
                .retain(|told| !known.problems.contains(told));
        }
    }
    for of_connector in without.into_iter().flat_map(|without| &without.connectors) {
        let is_new = holds_anew(preview, &of_connector.name);
        let same = preview.connectors.iter_mut();
        let same = same.filter(|c| (&c.name, &c.held) == (&of_connector.name, &of_connector.held));
        same.for_each(|connector| connector.already |= !is_new);
    }
    let is_told = |person: &Person| !person.changes.is_empty() || !person.problems.is_empty();
    preview.people.retain(is_told);
    preview.totals = totals(preview);
    preview.verdict = verdict(preview);
}

/// Whether something would be held there that is not held without the manifests.
fn holds_anew(preview: &Preview, connector: &str) -> bool {
    let people = preview.people.iter().flat_map(|person| &person.changes);
    let mut people = people.filter(|change| change.connector == connector);
    let orphans = preview.orphans.iter();
    let orphans = orphans.filter(|orphan| orphan.connector == connector);
    let mut orphans = orphans.flat_map(|orphan| &orphan.changes);
    people.any(|change| change.when == When::Held && !change.already)
        || orphans.any(|change| change.held && !change.already)
}

/// What tells one change from another.
fn what(change: &Change) -> (&str, &str, &[String], Option<&str>, When) {
    let Change {
        connector,
        verb,
        names,
        username,
        when,
        ..
    } = change;
    (connector, verb, names, username.as_deref(), *when)
}

fn totals(preview: &Preview) -> Totals {
    let mut totals = Totals::default();
    for person in &preview.people {
        let new = || person.changes.iter().filter(|change| !change.already);
        totals.people += usize::from(new().any(|change| change.when != When::Never));
        totals.held += usize::from(new().any(|change| change.when == When::Held));
        for change in new().filter(|change| change.when == When::Now) {
            match change.verb.as_str() {
                "Create" => totals.create += 1,
                "Update" => totals.update += 1,
                "Enable" => totals.enable += 1,
                "Disable" => totals.disable += 1,
                "Delete" => totals.delete += 1,
                "Release" => totals.release += 1,
                "AddEntitlements" => totals.add_entitlements += change.names.len(),
                "RemoveEntitlements" => totals.remove_entitlements += change.names.len(),
                _ => {}
            }
        }
    }
    tell_orphans::count(&mut totals, &preview.orphans);
    totals
}

fn verdict(preview: &Preview) -> Verdict {
    let totals = &preview.totals;
    let held_anew = preview
        .connectors
        .iter()
        .any(|connector| !connector.already);
    let troubled = preview
        .people
        .iter()
        .any(|person| !person.problems.is_empty());
    match () {
        () if preview.problems.iter().any(|problem| problem.broken) => Verdict::Broken,
        () if held_anew || totals.held > 0 => Verdict::Held,
        () if totals.people > 0 || troubled => Verdict::Changes,
        () if totals.disable_orphans + totals.delete_orphans > 0 => Verdict::Changes,
        () => Verdict::Nothing,
    }
}
