//! The result, for people.

use std::fmt::Write;

use crate::connectors::conformance::{Report, Verdict};
use crate::domain::ids::ConnectorName;

/// What came of a check, as a table.
pub(super) fn table(connector: &ConnectorName, report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String never fails.
    let _ = writeln!(out, "CONNECTOR     {connector}");
    let _ = writeln!(out, "CAPABILITIES  {}\n", report.capabilities.join(", "));
    let names = report.findings.iter().map(|f| f.check.len());
    let width = names.max().unwrap_or_default();
    let _ = writeln!(out, "{:width$}  RESULT  DETAIL", "CHECK");
    for finding in &report.findings {
        let (word, detail) = match &finding.verdict {
            Verdict::Passed => ("pass", ""),
            Verdict::Gap(what) => ("gap", what.as_str()),
            Verdict::Failed(what) => ("FAIL", what.as_str()),
        };
        let line = format!("{:width$}  {word:6}  {detail}", finding.check);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let (passed, gaps, failed) = report.counts();
    let _ = writeln!(out, "\n{passed} passed, {gaps} gaps, {failed} failed");
    if report.interrupted {
        let _ = writeln!(out, "interrupted: not everything was checked");
    }
    for left in &report.left_behind {
        let _ = writeln!(out, "left behind: {left}");
    }
    out
}
