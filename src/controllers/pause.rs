//! What keeps writes to a target back: somebody paused the person, the connector, or everything.

use std::collections::BTreeSet;

use super::world::{ConnectorEntry, Person, Realm};
use crate::api::PAUSED_ANNOTATION;
use crate::domain::ids::ConnectorName;

/// Who is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The whole operator.
    Everything,
    /// The Employee.
    Employee,
    /// The `AppConnector`.
    Connector,
}

impl Pause {
    /// Whether something keeps back writes of this person through this connector.
    #[must_use]
    pub fn of(realm: &Realm, person: &Person, entry: Option<&ConnectorEntry>) -> Option<Self> {
        match () {
            () if person.meta.paused => Some(Self::Employee),
            () => Self::of_connector(realm, entry?),
        }
    }

    /// Whether something keeps back every write through this connector.
    #[must_use]
    pub fn of_connector(realm: &Realm, entry: &ConnectorEntry) -> Option<Self> {
        match () {
            () if realm.paused => Some(Self::Everything),
            () if entry.meta.paused => Some(Self::Connector),
            () => None,
        }
    }

    /// In words, with the way to end it.
    #[must_use]
    pub fn told(self) -> String {
        match self {
            Self::Everything => {
                "everything is paused: the operator runs with --paused, and is to be started without it"
                    .to_owned()
            }
            Self::Employee => {
                format!("paused by the annotation {PAUSED_ANNOTATION} of this Employee, until it is taken off")
            }
            Self::Connector => {
                format!("paused by the annotation {PAUSED_ANNOTATION} of the AppConnector, until it is taken off")
            }
        }
    }
}

/// Connectors through which nothing is written for this person now.
#[must_use]
pub fn held(realm: &Realm, person: &Person) -> BTreeSet<ConnectorName> {
    realm
        .connectors
        .iter()
        .filter(|(_, entry)| Pause::of(realm, person, Some(entry)).is_some())
        .map(|(name, _)| name.clone())
        .collect()
}
