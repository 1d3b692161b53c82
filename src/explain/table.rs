//! The explanation for a terminal.

use std::fmt::Write;

use super::Explanation;
use crate::report::clean;

/// The explanation as text.
#[must_use]
pub fn table(told: &Explanation) -> String {
    let mut out = String::new();
    // Writing to a String never fails.
    let _ = writeln!(
        out,
        "{} (employeeId {}, Employee {}): {}",
        clean::line(&told.name),
        clean::line(&told.employee_id),
        clean::line(&told.employee),
        told.stage
    );
    if !told.observed {
        let _ = writeln!(
            out,
            "The operator has not looked at the object as it is now: accounts are as they were told before."
        );
    }
    for problem in &told.problems {
        let _ = writeln!(out, "! {}", clean::line(problem));
    }
    let _ = writeln!(out, "\nROLES");
    let roles = told.roles.iter().map(|role| {
        let held = if role.held { "held" } else { "not held" };
        [role.name.clone(), held.to_owned(), role.why.clone()]
    });
    columns(&mut out, "", &roles.collect::<Vec<_>>());
    let _ = writeln!(out, "\nACCOUNTS");
    for account in &told.accounts {
        let state = account.state.as_deref().unwrap_or("none");
        let username = account.username.as_deref().unwrap_or("-");
        let head = format!("{} {username} {state}: {}", account.connector, account.why);
        let _ = writeln!(out, "{}", clean::line(&head));
        let entitlements = account.entitlements.iter();
        let rows = entitlements.map(|e| [e.name.clone(), e.state.clone(), e.why.clone()]);
        columns(&mut out, "  ", &rows.collect::<Vec<_>>());
    }
    out
}

fn columns(out: &mut String, margin: &str, rows: &[[String; 3]]) {
    let rows: Vec<[String; 3]> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| clean::line(cell)))
        .collect();
    let width = |n: usize| rows.iter().map(|row| row[n].chars().count()).max();
    let (first, second) = (width(0).unwrap_or(0), width(1).unwrap_or(0));
    for [name, state, why] in &rows {
        let _ = writeln!(out, "{margin}{name:first$}  {state:second$}  {why}");
    }
}
