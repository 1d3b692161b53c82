//! Whom something concerns: a change of policy, or something about one application.

use jiff::Timestamp;

use super::world::{ConnectorEntry, Person, Realm};
use crate::domain::ids::ConnectorName;
use crate::domain::policy::PolicyChange;

/// Whether a change of policy concerns a person. Facts that can't be used ask for nothing, whatever the
/// policy is.
#[must_use]
pub fn by_policy(
    realm: &Realm,
    person: &Person,
    change: &PolicyChange<'_>,
    now: Timestamp,
) -> bool {
    let desires = |facts| change.concerns(facts, &person.record);
    let connectors = change.connectors();
    person.facts.as_ref().is_ok_and(|facts| desires(facts))
        || connectors.iter().any(|name| is_shown_in(realm, person, name))
        // Who must be out has to know of every application, an incomplete listing included.
        || (!connectors.is_empty() && person.must_be_out(now))
}

/// Whether something about a connector concerns a person: roles give something there, an account is
/// there or remembered, or there may be one of someone who must be out.
#[must_use]
pub fn by_connector(
    realm: &Realm,
    person: &Person,
    connector: &ConnectorName,
    now: Timestamp,
) -> bool {
    let gives = |role| {
        let template = realm.policy.template(role);
        template.is_some_and(|template| template.spec.grants.contains_key(connector))
    };
    person.record.accounts.contains_key(connector)
        || person.record.roles.keys().any(gives)
        || is_shown_in(realm, person, connector)
        || person.must_be_out(now)
}

/// Also where nothing is desired or remembered, an account that bears the person's mark is theirs.
fn is_shown_in(realm: &Realm, person: &Person, connector: &ConnectorName) -> bool {
    let id = &person.employee_id;
    let marked = |entry: &ConnectorEntry| !entry.inventory.by_mark(id).is_empty();
    realm.connectors.get(connector).is_some_and(marked)
        || person.unsettled.submitted.contains_key(connector)
        || person.unsettled.in_doubt.contains(connector)
}
