//! The report for tickets and wikis.

use std::fmt::Write;

use super::LeaverReport;
use super::clean::markdown as escaped;
use super::sentences::{self, HEADINGS};

/// The report as Markdown. Texts of others are escaped, so that they read as what they are.
#[must_use]
pub fn markdown(report: &LeaverReport) -> String {
    let mut out = String::from("# Leaver report\n\n");
    // Writing to a String never fails.
    for point in sentences::points(report) {
        let _ = writeln!(out, "- **{}:** {}", point.label, escaped(&point.said));
        for item in &point.items {
            let _ = writeln!(out, "  - {}", escaped(item));
        }
    }
    for account in &report.accounts {
        let _ = writeln!(out, "\n## Account in {}\n", escaped(&account.connector));
        let _ = writeln!(out, "{}", escaped(&sentences::account(account)));
        for note in sentences::notes(account) {
            let _ = writeln!(out, "\n> {}", escaped(&note));
        }
        if account.steps.is_empty() {
            let _ = writeln!(out, "\nNo step was begun.");
            continue;
        }
        let _ = writeln!(out, "\n| {} |", HEADINGS.join(" | "));
        let _ = writeln!(out, "|{}", "---|".repeat(HEADINGS.len()));
        for step in &account.steps {
            let cells = sentences::cells(step).map(|cell| escaped(&cell));
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
    }
    out
}
