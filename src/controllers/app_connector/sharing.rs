//! Several connectors of one namespace that speak to one application. A mark tells whose an account
//! is, not which connector's, so they would undo each other's work: the eldest works, the others wait.

use crate::controllers::world::{ConnectorEntry, Realm};
use crate::domain::ids::ConnectorName;
use crate::domain::problem::Problem;

/// Why a connector has to wait for an elder one, if it has to.
#[must_use]
pub fn waits_for_elder(realm: &Realm, name: &ConnectorName) -> Option<Problem> {
    let me = realm.connectors.get(name)?;
    let target = me.target.as_ref()?;
    let (elder, _) = realm
        .connectors
        .iter()
        .filter(|(_, other)| other.target.as_ref() == Some(target))
        // Accounts of another purpose are others.
        .filter(|(_, other)| other.inventory.scope() == me.inventory.scope())
        .min_by_key(|(name, other)| (other.meta.created, (*name).clone()))?;
    (elder != name).then(|| {
        Problem::waiting(
            "TargetShared",
            format!(
                "the AppConnector {elder} speaks to the same application already, and two would undo each other's work: delete one of them, point spec at another application, or, if each person is to have two accounts there, set spec.account.purpose of one of them"
            ),
        )
    })
}

/// A connector and all others that lead to its application, or did when they were listed last: as long as nobody said
/// that one that leads elsewhere is meant to, its people may still be here.
pub fn of_one_application<'a>(
    realm: &'a Realm,
    name: &'a ConnectorName,
    entry: &'a ConnectorEntry,
) -> impl Iterator<Item = (&'a ConnectorName, &'a ConnectorEntry)> {
    let target = entry.target.as_ref();
    realm.connectors.iter().filter(move |(other, one)| {
        let leads_here = one.target.as_ref() == target || one.home.target() == target;
        *other == name || (target.is_some() && leads_here)
    })
}
