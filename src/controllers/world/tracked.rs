//! What the API server has of a status, and what is on its way there. Kept packed: there is one for each
//! object, and only a look at that object reads it.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::{AppConnectorStatus, EmployeeStatus, RoleTemplateStatus};
use crate::runtime::packed_status::PackedStatus;

/// A status that says which generation of the spec it is of.
pub trait Status: Serialize + DeserializeOwned + Default {
    /// That generation; -1 where nobody has looked yet.
    fn observed_generation(&self) -> i64;
}

impl Status for EmployeeStatus {
    fn observed_generation(&self) -> i64 {
        self.observed_generation
    }
}

impl Status for RoleTemplateStatus {
    fn observed_generation(&self) -> i64 {
        self.observed_generation
    }
}

impl Status for AppConnectorStatus {
    fn observed_generation(&self) -> i64 {
        self.observed_generation
    }
}

/// A packed status, and which generation it is of.
#[derive(Clone, Debug)]
pub struct Packed<S> {
    status: PackedStatus,
    observed_generation: i64,
    of: PhantomData<S>,
}

impl<S: Status> Packed<S> {
    fn new(status: &S) -> Self {
        Self {
            status: PackedStatus::new(status),
            observed_generation: status.observed_generation(),
            of: PhantomData,
        }
    }

    /// The status, to be written.
    #[must_use]
    pub fn to_write(&self) -> PackedStatus {
        self.status.clone()
    }
}

/// A status: what the API server has, and what was handed to the writer and not confirmed yet.
#[derive(Clone, Debug)]
pub struct Tracked<S> {
    known: Packed<S>,
    /// What is being written; without a token, what the API server refused.
    writing: Option<Box<(Option<u64>, Packed<S>)>>,
}

impl<S: Status> Tracked<S> {
    /// A status that the API server is known to have.
    #[must_use]
    pub fn new(known: &S) -> Self {
        Self {
            known: Packed::new(known),
            writing: None,
        }
    }

    /// The generation that the status is of which the API server has, as far as we know.
    #[must_use]
    pub fn known_generation(&self) -> i64 {
        self.known.observed_generation
    }

    fn last(&self) -> &Packed<S> {
        self.writing.as_ref().map_or(&self.known, |w| &w.1)
    }

    /// The newest status: the one on its way, else the one that is there. What it says was told.
    #[must_use]
    pub fn newest(&self) -> S {
        self.last().status.unpack()
    }

    /// The status packed, if it has to be written: it is neither there nor on its way.
    #[must_use]
    pub fn unwritten(&self, status: &S) -> Option<Packed<S>> {
        let packed = Packed::new(status);
        (self.last().status != packed.status).then_some(packed)
    }

    /// Whether the API server has just this status, as far as we know, and nothing else is on its way.
    #[must_use]
    pub fn is_stored(&self, status: &S) -> bool {
        self.writing.is_none() && self.known.status == Packed::new(status).status
    }

    /// A status is on its way.
    pub fn write(&mut self, token: u64, status: Packed<S>) {
        self.writing = Some(Box::new((Some(token), status)));
    }

    /// A write ended well: what it wrote is known now.
    pub fn confirm(&mut self, token: u64) {
        if self.awaits(token)
            && let Some(written) = self.writing.take()
        {
            self.known = written.1;
        }
    }

    /// A write was given up.
    pub fn give_up(&mut self, token: u64) {
        if self.awaits(token) {
            self.writing = None;
        }
    }

    /// The API server refused a write, and would refuse it again: it counts as told until there is
    /// something else to say, or the object is seen anew.
    pub fn refuse(&mut self, token: u64) {
        if self.awaits(token)
            && let Some(writing) = self.writing.as_mut()
        {
            writing.0 = None;
        }
    }

    /// What the API server refused is written again.
    pub fn forget_refused(&mut self) {
        self.writing.take_if(|writing| writing.0.is_none());
    }

    /// The watch showed the object.
    pub fn show(&mut self, known: &S) {
        self.known = Packed::new(known);
        self.writing.take_if(|writing| writing.0.is_none());
    }

    fn awaits(&self, token: u64) -> bool {
        self.writing.as_ref().is_some_and(|w| w.0 == Some(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(generation: i64) -> EmployeeStatus {
        EmployeeStatus {
            observed_generation: generation,
            ..EmployeeStatus::default()
        }
    }

    #[test]
    fn a_status_is_written_where_it_differs_from_the_newest() {
        let mut tracked = Tracked::new(&of(3));
        assert!(tracked.unwritten(&of(3)).is_none());
        let newer = tracked.unwritten(&of(4)).unwrap();
        tracked.write(1, newer);
        assert_eq!((tracked.newest(), tracked.known_generation()), (of(4), 3));
        assert!(tracked.unwritten(&of(4)).is_none());
        assert!(!tracked.is_stored(&of(4)) && !tracked.is_stored(&of(3)));
        assert!(tracked.unwritten(&of(3)).is_some());
        tracked.give_up(1);
        assert_eq!(tracked.newest(), of(3));
        assert!(tracked.is_stored(&of(3)));
    }
}
