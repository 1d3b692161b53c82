//! What would be done, for a pull request.

use std::fmt::Write;

use super::text::{sign, summary, when};
use super::told::{Person, Preview};
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
    if preview.people.is_empty() {
        return out;
    }
    let _ = writeln!(out, "\n<details><summary>Person by person</summary>\n");
    let _ = writeln!(out, "| Employee | | Connector | What | Why |");
    let _ = writeln!(out, "|---|---|---|---|---|");
    for person in preview.people.iter().take(MOST_PEOPLE) {
        rows(&mut out, person);
    }
    let _ = writeln!(out, "\n</details>");
    if preview.people.len() > MOST_PEOPLE {
        let more = preview.people.len() - MOST_PEOPLE;
        let _ = writeln!(out, "\nAnd {more} more people.");
    }
    out
}

fn rows(out: &mut String, person: &Person) {
    let name = escaped(&person.employee);
    for change in &person.changes {
        let what = format!("{}{}", change.said, when(change));
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
