//! What would be done, for a pull request.

use std::fmt::Write;

use super::text::{
    called, concerns, has_new, orphan_sign, orphan_when, people_without_manifests, sign, summary,
    without_manifests,
};
use super::told::{Orphan, Person, Preview};
use crate::report::clean::markdown as escaped;

/// People that are told of one by one, at most: what a forge takes for a comment is bounded.
const MOST_PEOPLE: usize = 200;

/// What would be done, as Markdown. Texts of others are escaped, so that they read as what they are.
#[must_use]
pub fn markdown(preview: &Preview) -> String {
    let mut out = format!("### Rollcall plan for {}\n\n", escaped(&preview.namespace));
    // Writing to a String never fails.
    let _ = writeln!(out, "{}", escaped(&summary(preview)));
    let alarms = preview
        .problems
        .iter()
        .map(|p| format!("{} {}: {} ({})", p.kind, p.name, p.message, p.reason));
    let held = preview.connectors.iter();
    let held = held.map(|c| format!("Held in {}: {}", c.name, c.held.said));
    let alarms: Vec<String> = alarms.chain(held).collect();
    if !alarms.is_empty() {
        let _ = writeln!(out, "\n> [!WARNING]");
        for alarm in alarms {
            let _ = writeln!(out, "> - {}", escaped(&alarm));
        }
    }
    if !preview.notes.is_empty() {
        let _ = writeln!(out, "\n> [!NOTE]");
        for note in &preview.notes {
            let _ = writeln!(out, "> - {}", escaped(note));
        }
    }
    people(&mut out, preview);
    orphans(&mut out, preview);
    out
}

/// What is done without the manifests as well is only counted.
fn people(out: &mut String, preview: &Preview) {
    let (new, others): (Vec<&Person>, Vec<&Person>) =
        preview.people.iter().partition(|person| concerns(person));
    if !new.is_empty() {
        let _ = writeln!(out, "\n<details><summary>Person by person</summary>\n");
        let _ = writeln!(out, "| Employee | | Connector | What | Why |");
        let _ = writeln!(out, "|---|---|---|---|---|");
        for person in new.iter().take(MOST_PEOPLE) {
            rows(out, person);
        }
        let _ = writeln!(out, "\n</details>");
    }
    if new.len() > MOST_PEOPLE {
        let more = new.len() - MOST_PEOPLE;
        let _ = writeln!(out, "\nAnd {more} more people.");
    }
    if !others.is_empty() {
        let _ = writeln!(out, "\n{}", people_without_manifests(others.len()));
    }
}

/// What is done without the manifests as well is only counted.
fn orphans(out: &mut String, preview: &Preview) {
    let (new, others): (Vec<&Orphan>, Vec<&Orphan>) =
        preview.orphans.iter().partition(|orphan| has_new(orphan));
    if !new.is_empty() {
        let _ = writeln!(
            out,
            "\n<details><summary>Accounts that are nobody's</summary>\n"
        );
        let _ = writeln!(out, "| Account | | Connector | What | Why |");
        let _ = writeln!(out, "|---|---|---|---|---|");
    }
    for orphan in new.iter().take(MOST_PEOPLE) {
        for change in orphan.changes.iter().filter(|change| !change.already) {
            let what = format!("{}{}", change.said, orphan_when(change));
            let _ = writeln!(
                out,
                "| {} | `{}` | {} | {} | {} |",
                escaped(&called(orphan)),
                orphan_sign(change),
                escaped(&orphan.connector),
                escaped(&what),
                escaped(&change.why)
            );
        }
    }
    if !new.is_empty() {
        let _ = writeln!(out, "\n</details>");
    }
    if new.len() > MOST_PEOPLE {
        let more = new.len() - MOST_PEOPLE;
        let _ = writeln!(out, "\nAnd {more} more accounts that are nobody's.");
    }
    if !others.is_empty() {
        let said = without_manifests(others.len());
        let _ = writeln!(out, "\nNobody's: {said}.");
    }
}

fn rows(out: &mut String, person: &Person) {
    let name = escaped(&person.employee);
    for change in person.changes.iter().filter(|change| !change.already) {
        let what = format!("{}{}", change.said, change.when.told());
        let _ = writeln!(
            out,
            "| {name} | `{}` | {} | {} | {} |",
            sign(change),
            escaped(&change.connector),
            escaped(&what),
            escaped(&change.why)
        );
    }
    for problem in &person.problems {
        let said = format!("{} ({})", problem.message, problem.reason);
        let at = problem.connector.as_deref().unwrap_or_default();
        let _ = writeln!(
            out,
            "| {name} | `?` | {} | {} | |",
            escaped(at),
            escaped(&said)
        );
    }
}
