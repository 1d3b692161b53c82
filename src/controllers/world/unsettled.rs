//! What is under way for a person, or was not as it should be. Most people have nothing of it, so it takes
//! the room of a pointer until there is something.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

use super::{Failure, FailureKey, Refused};
use crate::domain::ids::{AttributeName, ConnectorName, EntitlementName, Username};
use crate::plan::{Normalised, Operation};

/// An order that dispatch has.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Which plan it is from.
    pub revision: u64,
    /// What it says.
    pub operation: Operation,
    /// Whether dispatch was told to forget it, if it had not sent it.
    pub taken_back: bool,
}

/// What is not settled between a person and the targets.
#[derive(Clone, Debug)]
pub struct Matters {
    /// Orders that dispatch has, by connector.
    pub submitted: BTreeMap<ConnectorName, Submitted>,
    /// What failed, and when it is tried again.
    pub failures: BTreeMap<FailureKey, Failure>,
    /// Entitlements that may have been given by a write of which nobody knows how it ended, or that has
    /// not ended yet.
    pub unsure: BTreeMap<ConnectorName, BTreeSet<EntitlementName>>,
    /// Connectors where the answer to the last write was lost.
    pub in_doubt: BTreeSet<ConnectorName>,
    /// Connectors where a create was refused because something was taken.
    pub name_taken: BTreeMap<ConnectorName, Refused>,
    /// Connectors where a disable was accepted and is not proven yet.
    pub disable_accepted: BTreeSet<ConnectorName>,
    /// Attributes that a target stored differently from what we wrote.
    pub normalised: BTreeMap<ConnectorName, BTreeMap<AttributeName, Normalised>>,
    /// Writes that a target accepted, and that nothing has shown to be carried out since.
    pub accepted: BTreeSet<FailureKey>,
    /// User names that we wrote over another, and what the target shows if it does not take them over.
    pub renamed: BTreeMap<ConnectorName, (Username, Username)>,
}

static NOTHING: Matters = Matters::none();

impl Matters {
    const fn none() -> Self {
        Self {
            submitted: BTreeMap::new(),
            failures: BTreeMap::new(),
            unsure: BTreeMap::new(),
            in_doubt: BTreeSet::new(),
            name_taken: BTreeMap::new(),
            disable_accepted: BTreeSet::new(),
            normalised: BTreeMap::new(),
            accepted: BTreeSet::new(),
            renamed: BTreeMap::new(),
        }
    }

    fn is_empty(&self) -> bool {
        let Self {
            submitted,
            failures,
            unsure,
            in_doubt,
            name_taken,
            disable_accepted,
            normalised,
            accepted,
            renamed,
        } = self;
        submitted.is_empty()
            && failures.is_empty()
            && unsure.is_empty()
            && in_doubt.is_empty()
            && name_taken.is_empty()
            && disable_accepted.is_empty()
            && normalised.is_empty()
            && accepted.is_empty()
            && renamed.is_empty()
    }
}

/// The matters of one person, if there are any.
#[derive(Clone, Debug, Default)]
pub struct Unsettled(Option<Box<Matters>>);

impl Unsettled {
    /// What there is, to be changed: where only something is to be taken away, nothing need be there for it.
    pub fn there(&mut self) -> Option<&mut Matters> {
        self.0.as_deref_mut()
    }

    /// Gives back the room that nothing needs any more. A tree that was emptied keeps some.
    pub fn tidy(&mut self) {
        if self.0.as_ref().is_some_and(|matters| matters.is_empty()) {
            self.0 = None;
        }
    }
}

impl Deref for Unsettled {
    type Target = Matters;

    fn deref(&self) -> &Matters {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Unsettled {
    fn deref_mut(&mut self) -> &mut Matters {
        self.0.get_or_insert_with(|| Box::new(Matters::none()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_for_what_is_there_and_given_back() {
        let mut unsettled = Unsettled::default();
        assert!(unsettled.in_doubt.is_empty() && unsettled.0.is_none());
        unsettled.in_doubt.insert("directory".into());
        unsettled.tidy();
        assert!(unsettled.in_doubt.contains("directory"));
        unsettled.in_doubt.clear();
        unsettled.tidy();
        assert!(unsettled.0.is_none());
    }
}
