//! The audit: one event before and one after every write to a target.
//!
//! Events name attributes and entitlements, never values, and carry a target's words nowhere: an
//! audit log lives longer and is read by more people than anything else that we write.

mod event;
mod log;
#[cfg(test)]
pub mod memory;

pub use event::{AuditEvent, Change, Difference, Phase, Subject};
pub use log::LogSink;

/// Where audit events go. Called in the middle of dispatch: it must return at once.
pub trait AuditSink: Send + Sync {
    /// Takes one event.
    fn record(&self, event: AuditEvent);
}
