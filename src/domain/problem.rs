//! What stands in the way, in a form that goes straight into a status.

/// Reason of a write that a target accepted and did not carry out.
pub const NOT_APPLIED: &str = "NotApplied";

/// Something that keeps a desire from being carried out, or from being known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Stable reason in PascalCase.
    pub reason: &'static str,
    /// A sentence that names the field or object, and says what to do.
    pub message: String,
    /// What cures it.
    pub cure: Cure,
}

/// What cures a problem, which decides between `Stalled` and `Reconciling`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cure {
    /// Nothing but an edit of the object that carries the problem.
    EditThis,
    /// Something elsewhere: a missing object that may still arrive, an edit of another object, a
    /// target that recovers.
    Elsewhere,
}

impl Problem {
    /// A problem that only an edit of this object cures.
    #[must_use]
    pub fn edit(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            cure: Cure::EditThis,
        }
    }

    /// A problem that something elsewhere cures.
    #[must_use]
    pub fn waiting(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            cure: Cure::Elsewhere,
        }
    }
}
