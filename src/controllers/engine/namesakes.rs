//! People who look like somebody who left: each is looked at when the other changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use crate::domain::facts::Facts;
use crate::domain::ids::EmployeeName;
use crate::domain::rehire::likeness;

impl Engine {
    /// Somebody came, changed or went. Whoever looks like them, or did, is looked at, where that matters.
    pub(super) fn namesakes_changed(
        &mut self,
        namespace: &Arc<str>,
        before: Option<&Facts>,
        name: &EmployeeName,
    ) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let now = realm
            .people
            .get(name)
            .and_then(|person| person.facts.clone().ok());
        if let Some(before) = before {
            realm.namesakes.take(before);
        }
        if let Some(now) = now.as_deref() {
            realm.namesakes.put(now);
        }
        // Whoever came or went may also be the one of whom only an account was left.
        let comes_or_goes = before.is_none() || now.is_none();
        let mut concerned = BTreeSet::new();
        for facts in before.into_iter().chain(now.as_deref()) {
            let all = realm.namesakes.of(facts).into_iter();
            concerned.extend(all.filter(|other| {
                let other = realm.people.get(other);
                let other = other.and_then(|person| person.facts.as_deref().ok());
                comes_or_goes || other.is_some_and(|other| likeness(other, facts).is_some())
            }));
        }
        for newcomer in concerned {
            self.look_at(namespace, &newcomer);
        }
    }
}
