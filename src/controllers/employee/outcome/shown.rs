//! What a target makes of our writes, as it shows it: as they were, in a form of its own, or not at all.

use super::Context;
use crate::controllers::world::{Matters, Person};
use crate::dispatch::inventory::Inventory;
use crate::domain::account::{Activity, AttributeChanges, AttributeValue, ObservedAccount};
use crate::domain::ids::{AccountId, ConnectorName, EntitlementName};
use crate::domain::problem::NOT_APPLIED;
use crate::plan::parts::GrantState;
use crate::plan::{Normalised, PersonPlan, attributes};

impl Context<'_> {
    /// Remembers what the target keeps in another form than we wrote. Where its answer shows nothing
    /// else than what we wrote, or nothing at all, a later look tells: if it then shows what it showed
    /// before the write, that is its form (trap: servers normalise names, phones and addresses).
    pub(super) fn note_normalised(
        &mut self,
        id: &AccountId,
        changes: &AttributeChanges,
        before: Option<&ObservedAccount>,
    ) {
        let Some(account) = self.inventory.by_id(id) else {
            return;
        };
        let notes = self
            .person
            .unsettled
            .normalised
            .entry(self.connector.clone())
            .or_default();
        // What was to be cleared was written as nothing.
        let nothing = AttributeValue::Text(String::new());
        let cleared = changes.clear.iter().map(|name| (name, &nothing));
        for (name, written) in changes.set.iter().chain(cleared) {
            let stored = account.attributes.get(name);
            let as_written = match stored {
                Some(stored) => attributes::same(written, stored),
                None => written.is_empty(),
            };
            let was = before
                .and_then(|before| before.attributes.get(name))
                .filter(|value| !value.is_empty());
            let shows = if as_written { was } else { stored };
            // What is never shown may be kept all the same.
            let unchanged =
                shows == was && shows.is_some_and(|shows| !attributes::alike(written, shows));
            let note = Normalised {
                written: written.clone(),
                shows: shows.cloned(),
                unchanged,
            };
            notes.insert(name.clone(), note);
        }
        if let Some(written) = &changes.username {
            let keeps = Some(account)
                .filter(|account| account.username != *written)
                .or(before)
                .map_or(written, |shown| &shown.username);
            let note = (written.clone(), keeps.clone());
            self.person
                .unsettled
                .renamed
                .insert(self.connector.clone(), note);
        }
    }
}

/// Forgets what was noted of values that the target is seen to have taken over after all: whoever
/// changes them there from now on is corrected again.
pub fn forget_taken_over(person: &mut Person, connector: &ConnectorName, inventory: &Inventory) {
    let Some(matters) = person.unsettled.there() else {
        return;
    };
    for account in inventory.by_mark(&person.employee_id) {
        if let Some(notes) = matters.normalised.get_mut(connector) {
            notes.retain(|name, note| match account.attributes.get(name) {
                Some(shown) => !attributes::same(&note.written, shown),
                None => !note.written.is_empty(),
            });
        }
        let renamed = matters.renamed.get(connector);
        if renamed.is_some_and(|(written, _)| *written == account.username) {
            matters.renamed.remove(connector);
        }
    }
}

/// What a listing shows to be carried out is believed from now on.
pub fn forget_carried_out(person: &mut Person, connector: &ConnectorName, inventory: &Inventory) {
    let accounts = inventory.by_mark(&person.employee_id);
    let facts = person.facts.clone();
    let link = facts.as_ref().ok().and_then(|facts| facts.link(connector));
    let disowned = |account: &&ObservedAccount| {
        link.is_some_and(|link| link.disowns(Some(&account.id), Some(&account.username)))
    };
    let Some(Matters {
        failures, accepted, ..
    }) = person.unsettled.there()
    else {
        return;
    };
    accepted.retain(|key| {
        let holds = |name: &EntitlementName| {
            accounts.iter().any(|a| {
                inventory
                    .held(&a.id)
                    .is_some_and(|held| held.contains(name))
            })
        };
        let carried_out = match (key.verb, &key.entitlement) {
            ("Create" | "Adopt", _) => !accounts.is_empty(),
            ("Disown", _) => !accounts.iter().any(disowned),
            ("Enable", _) => accounts.iter().any(|a| a.activity == Activity::Active),
            ("AddEntitlements", Some(name)) => holds(name),
            ("RemoveEntitlements", Some(name)) => !holds(name),
            _ => false,
        };
        let stays = key.connector != *connector || !carried_out;
        if !stays {
            failures.retain(|failed, failure| failed != key || failure.reason != NOT_APPLIED);
        }
        stays
    });
}

/// What is not wanted any more need never show.
pub fn forget_unwanted(person: &mut Person, plan: &PersonPlan) {
    person.unsettled.accepted.retain(|key| {
        let account = plan.accounts.get(&key.connector);
        account.is_some_and(|account| match (key.verb, &key.entitlement) {
            ("AddEntitlements", Some(name)) => account
                .grants
                .get(name)
                .is_some_and(|grant| matches!(grant.state, GrantState::Held | GrantState::Pending)),
            ("RemoveEntitlements", Some(name)) => account
                .grants
                .get(name)
                .is_some_and(|grant| grant.state == GrantState::Removing),
            ("Adopt" | "Disown", _) => true,
            _ => account.goal.provides(),
        })
    });
}
