//! The report for a terminal.

use std::fmt::Write;

use super::LeaverReport;
use super::clean;
use super::sentences::{self, HEADINGS};

/// Width of what stands before the text.
const MARGIN: usize = 15;
/// What separates two columns.
const GAP: &str = "  ";

/// The report as text.
#[must_use]
pub fn table(report: &LeaverReport) -> String {
    let mut out = String::new();
    // Writing to a String never fails.
    for point in sentences::points(report) {
        let label = point.label.to_uppercase();
        let _ = writeln!(out, "{label:MARGIN$}{}", clean::line(&point.said));
        for item in &point.items {
            let _ = writeln!(out, "{:MARGIN$}- {}", "", clean::line(item));
        }
    }
    for account in &report.accounts {
        let told = format!("{}: {}", account.connector, sentences::account(account));
        let _ = writeln!(out, "\nACCOUNT {}", clean::line(&told));
        for note in sentences::notes(account) {
            let _ = writeln!(out, "{}", clean::line(&note));
        }
        let rows = account.steps.iter().map(sentences::cells);
        let rows: Vec<[String; 5]> = rows.map(|row| row.map(|c| clean::line(&c))).collect();
        if rows.is_empty() {
            let _ = writeln!(out, "no step was begun");
        } else {
            columns(&mut out, &rows);
        }
    }
    out
}

fn columns(out: &mut String, rows: &[[String; 5]]) {
    let headings = HEADINGS.map(str::to_uppercase);
    let all: Vec<&[String; 5]> = std::iter::once(&headings).chain(rows).collect();
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|n| all.iter().map(|row| row[n].chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    for row in all {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells.map(|(cell, w)| format!("{cell:w$}")).collect();
        let _ = writeln!(out, "{}", cells.join(GAP).trim_end());
    }
}
