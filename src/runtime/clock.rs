//! The one source of wall-clock time.

/// Tells the present instant. One for the whole program, so that a test can shift it.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> jiff::Timestamp;
}
