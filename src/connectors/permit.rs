//! The right to write to a target.

/// Proof that a write goes through the one door. `dispatch::door` alone issues it; a test holds the
/// code to that. A connector can't be made to write without one.
#[derive(Debug)]
pub struct WritePermit(());

impl WritePermit {
    /// Issues a permit. To be called by `dispatch::door`, and by tests that drive a connector alone.
    #[must_use]
    pub fn issue() -> Self {
        Self(())
    }
}
