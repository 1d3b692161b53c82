//! What would be done, for a terminal.

use std::fmt::Write;

use super::told::{Change, Preview, Verdict, When};
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
    for person in preview.people.iter().take(MOST_PEOPLE) {
        let deleted = if person.deleted { ", deleted" } else { "" };
        let stage = person.stage.as_deref().unwrap_or("not looked at");
        let head = format!(
            "{} (employeeId {}, {stage}{deleted})",
            person.employee, person.employee_id
        );
        let _ = writeln!(out, "\n{}", line(&head));
        for change in &person.changes {
            let said = format!(
                "{} {}: {}{}; {}",
                sign(change),
                change.connector,
                change.said,
                when(change),
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
    if preview.people.len() > MOST_PEOPLE {
        let more = preview.people.len() - MOST_PEOPLE;
        let _ = writeln!(
            out,
            "\nand {more} more people (all of them with --output json)"
        );
    }
    let _ = writeln!(out, "\n{}", summary(preview));
    out
}

pub(super) fn sign(change: &Change) -> &'static str {
    match (change.when, change.verb.as_str()) {
        (When::Held, _) => "!",
        (_, "Create" | "Enable" | "AddEntitlements" | "Adopt") => "+",
        (_, "Update" | "TransferOwnership") => "~",
        _ => "-",
    }
}

pub(super) fn when(change: &Change) -> String {
    match change.when {
        When::Now => String::new(),
        When::At(at) => format!(" at {at}"),
        When::Held => " once somebody approves it".to_owned(),
        When::Never => " (not done)".to_owned(),
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
    match preview.verdict {
        Verdict::Nothing => "Nothing would be done.".to_owned(),
        Verdict::Changes => format!("For {people}: {did}."),
        Verdict::Held => format!(
            "For {people}: {did}. Held until somebody approves it: something of {} people.",
            totals.held
        ),
        Verdict::Broken => format!("Something is broken. For {people}: {did}."),
    }
}
