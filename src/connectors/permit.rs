//! The right to write to a target.

/// Proof that a write goes through the one door. `dispatch::door` issues it, and the conformance suite for
/// accounts of its own, and nobody else; a test holds the code to that. A connector can't be made to write without one.
#[derive(Debug)]
pub struct WritePermit(());

impl WritePermit {
    /// Issues a permit. To be called by `dispatch::door`, by the conformance suite, and by tests that drive a connector alone.
    #[must_use]
    pub fn issue() -> Self {
        Self(())
    }
}
