//! The audit, kept for tests to look at.

use std::sync::Mutex;

use super::{AuditEvent, AuditSink};

/// Keeps every event.
#[derive(Debug, Default)]
pub struct MemorySink {
    events: Mutex<Vec<AuditEvent>>,
}

impl MemorySink {
    /// What was recorded so far.
    ///
    /// # Panics
    /// A thread panicked while it recorded.
    pub fn events(&self) -> Vec<AuditEvent> {
        self.events.lock().unwrap().clone()
    }
}

impl AuditSink for MemorySink {
    fn record(&self, event: AuditEvent) {
        self.events.lock().unwrap().push(event);
    }
}
