//! The report for programs.

use super::{LeaverReport, Unwritable};

/// The report as JSON, with names that stay, in lines.
///
/// # Errors
/// [`Unwritable`]; nothing in a report is known to cause it.
pub fn json(report: &LeaverReport) -> Result<String, Unwritable> {
    let text = serde_json::to_string_pretty(report).map_err(|error| Unwritable {
        format: "JSON",
        why: error.to_string(),
    })?;
    Ok(text + "\n")
}
