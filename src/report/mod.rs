//! What is told of somebody who left: what was done, what shows it, what is left, and who must do it.
//!
//! Pure: an Employee object and an instant go in, a [`LeaverReport`] comes out, and the renderers make text of it.
//! What an application only accepted (`Requested`) is never told as what it showed to be so (`Verified`).

mod account;
pub(crate) mod clean;
mod credentials;
mod csv;
mod html;
mod json;
mod last_day;
mod markdown;
mod model;
mod remaining;
mod sentences;
mod table;

pub use self::csv::csv;
pub use html::html;
pub use json::json;
pub use last_day::{LastDay, NotALeaver};
pub use markdown::markdown;
pub use model::{
    AccountReport, Certainty, CredentialLeft, LeaverReport, NotAsked, PassedOn, PersonReport,
    Progress, Remaining, StepReport,
};
pub use sentences::subject;
pub use table::table;

/// A report that can't be written down.
#[derive(Debug, thiserror::Error)]
#[error("the report can't be written as {format}: {why}")]
pub struct Unwritable {
    /// As what.
    pub format: &'static str,
    /// Why not.
    pub why: String,
}

#[cfg(test)]
mod tests;
