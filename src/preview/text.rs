//! What would be done, for a terminal.

use std::fmt::Write;

use super::told::{Change, Orphan, OrphanChange, Person, Preview, Totals, Verdict, When};
use crate::report::clean::line;

/// People that are told of one by one, at most.
pub(super) const MOST_PEOPLE: usize = 500;

/// What would be done, as text.
#[must_use]
pub fn text(preview: &Preview) -> String {
    let mut out = String::new();
    // Writing to a String never fails.
    for problem in &preview.problems {
        let head = format!(
            "! {} {}: {} ({})",
            problem.kind, problem.name, problem.message, problem.reason
        );
        let _ = writeln!(out, "{}", line(&head));
    }
    for connector in &preview.connectors {
        let head = format!("! held in {}: {}", connector.name, connector.held.said);
        let _ = writeln!(out, "{}", line(&head));
    }
    for note in &preview.notes {
        let _ = writeln!(out, "? {}", line(note));
    }
    people(&mut out, preview);
    orphans(&mut out, preview);
    let _ = writeln!(out, "\n{}", summary(preview));
    out
}

/// Person by person. What is done without the manifests as well is only counted.
fn people(out: &mut String, preview: &Preview) {
    let (new, others): (Vec<&Person>, Vec<&Person>) =
        preview.people.iter().partition(|person| concerns(person));
    for person in new.iter().take(MOST_PEOPLE) {
        let deleted = if person.deleted { ", deleted" } else { "" };
        let stage = person.stage.as_deref().unwrap_or("not looked at");
        let head = format!(
            "{} (employeeId {}, {stage}{deleted})",
            person.employee, person.employee_id
        );
        let _ = writeln!(out, "\n{}", line(&head));
        for change in person.changes.iter().filter(|change| !change.already) {
            let said = format!(
                "{} {}: {}{}; {}",
                sign(change),
                change.connector,
                change.said,
                change.when.told(),
                change.why
            );
            let _ = writeln!(out, "  {}", line(&said));
        }
        for problem in &person.problems {
            let at = problem.connector.as_deref();
            let at = at
                .map(|connector| format!("{connector}: "))
                .unwrap_or_default();
            let said = format!("! {at}{} ({})", problem.message, problem.reason);
            let _ = writeln!(out, "  {}", line(&said));
        }
    }
    if new.len() > MOST_PEOPLE {
        let more = new.len() - MOST_PEOPLE;
        let _ = writeln!(
            out,
            "\nand {more} more people (all of them with --output json)"
        );
    }
    if !others.is_empty() {
        let _ = writeln!(out, "\n{}", people_without_manifests(others.len()));
    }
}

/// Whether something is done for or is the matter with a person that would not be without the manifests.
pub(super) fn concerns(person: &Person) -> bool {
    !person.problems.is_empty() || person.changes.iter().any(|change| !change.already)
}

/// For how many something is done whatever becomes of the manifests.
pub(super) fn people_without_manifests(people: usize) -> String {
    match people {
        1 => "For 1 more person what is done is done without the manifests as well.".to_owned(),
        n => format!("For {n} more people what is done is done without the manifests as well."),
    }
}

/// Accounts that are nobody's, by connector. What is done without the manifests as well is only counted.
fn orphans(out: &mut String, preview: &Preview) {
    let mut told = 0;
    for of_connector in preview.orphans.chunk_by(|a, b| a.connector == b.connector) {
        let Some(first) = of_connector.first() else {
            continue;
        };
        let _ = writeln!(
            out,
            "\n{}: accounts that are nobody's",
            line(&first.connector)
        );
        for orphan in of_connector.iter().filter(|orphan| has_new(orphan)) {
            told += 1;
            if told > MOST_PEOPLE {
                continue;
            }
            let head = called(orphan);
            for change in orphan.changes.iter().filter(|change| !change.already) {
                let said = format!(
                    "{} {head}: {}{}; {}",
                    orphan_sign(change),
                    change.said,
                    orphan_when(change),
                    change.why
                );
                let _ = writeln!(out, "  {}", line(&said));
            }
        }
        let others = of_connector
            .iter()
            .filter(|orphan| !has_new(orphan))
            .count();
        if others > 0 {
            let _ = writeln!(out, "  {}", without_manifests(others));
        }
    }
    if told > MOST_PEOPLE {
        let more = told - MOST_PEOPLE;
        let _ = writeln!(
            out,
            "\nand {more} more accounts (all of them with --output json)"
        );
    }
}

/// Whether something would be done with it that is not done without the manifests.
pub(super) fn has_new(orphan: &Orphan) -> bool {
    orphan.changes.iter().any(|change| !change.already)
}

/// How many are dealt with whatever becomes of the manifests.
pub(super) fn without_manifests(accounts: usize) -> String {
    match accounts {
        1 => "1 account is dealt with without the manifests as well".to_owned(),
        n => format!("{n} accounts are dealt with without the manifests as well"),
    }
}

/// User name, and whose it was.
pub(super) fn called(orphan: &Orphan) -> String {
    match &orphan.employee_id {
        Some(of) => format!("{} (of employeeId {of})", orphan.username),
        None => format!("{} ({})", orphan.username, orphan.kind),
    }
}

pub(super) fn orphan_sign(change: &OrphanChange) -> &'static str {
    if change.held { "!" } else { "-" }
}

pub(super) fn orphan_when(change: &OrphanChange) -> String {
    let held = if change.held {
        When::Held.told()
    } else {
        String::new()
    };
    format!("{}{held}", change.when.told())
}

pub(super) fn sign(change: &Change) -> &'static str {
    match (change.when, change.verb.as_str()) {
        (When::Held, _) => "!",
        (_, "Create" | "Enable" | "AddEntitlements" | "Adopt") => "+",
        (_, "Update" | "TransferOwnership" | "Release") => "~",
        _ => "-",
    }
}

impl When {
    /// After what would be done.
    pub(super) fn told(self) -> String {
        match self {
            Self::Now => String::new(),
            Self::At(at) => format!(" at {at}"),
            Self::Held => " once somebody approves it".to_owned(),
            Self::Never => " (not done)".to_owned(),
        }
    }
}

/// All of it in one sentence.
pub(super) fn summary(preview: &Preview) -> String {
    let totals = &preview.totals;
    let parts = [
        (totals.create, "to create"),
        (totals.update, "to change"),
        (totals.enable, "to enable"),
        (totals.disable, "to disable"),
        (totals.delete, "to delete"),
        (totals.add_entitlements, "entitlements to give"),
        (totals.remove_entitlements, "entitlements to take"),
        (totals.release, "to leave to nobody"),
    ];
    let parts = parts.into_iter().filter(|(n, _)| *n > 0);
    let parts: Vec<String> = parts.map(|(n, what)| format!("{n} {what}")).collect();
    let did = if parts.is_empty() {
        "nothing at once".to_owned()
    } else {
        parts.join(", ")
    };
    let people = match totals.people {
        1 => "1 person".to_owned(),
        n => format!("{n} people"),
    };
    let orphans = of_orphans(totals);
    let of_people = if totals.people == 0 && orphans.is_some() {
        None
    } else {
        Some(format!("For {people}: {did}."))
    };
    let broken = (preview.verdict == Verdict::Broken).then(|| "Something is broken.".to_owned());
    let held = (totals.held > 0 && preview.verdict == Verdict::Held).then(|| {
        let held = totals.held;
        format!("Held until somebody approves it: something of {held} people.")
    });
    if preview.verdict == Verdict::Nothing {
        return "Nothing would be done.".to_owned();
    }
    let parts = [broken, of_people, held, orphans].into_iter().flatten();
    parts.collect::<Vec<_>>().join(" ")
}

fn of_orphans(totals: &Totals) -> Option<String> {
    let parts = [
        (totals.disable_orphans, "to disable"),
        (totals.delete_orphans, "to delete"),
        (totals.held_orphans, "held until somebody approves it"),
    ];
    let parts = parts.into_iter().filter(|(n, _)| *n > 0);
    let parts: Vec<String> = parts.map(|(n, what)| format!("{n} {what}")).collect();
    let some = !parts.is_empty();
    some.then(|| format!("Of accounts that are nobody's: {}.", parts.join(", ")))
}
