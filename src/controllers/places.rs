//! The places in entitlements that only so many may hold, of all people of a namespace. There is an entry for each
//! entitlement that somebody holds or asks for, and none where no connector counts holders.

use std::collections::{BTreeMap, BTreeSet};

use crate::controllers::world::{ConnectorEntry, Person};
use crate::domain::desired::Desired;
use crate::domain::ids::{ConnectorName, EmployeeId, EntitlementName};
use crate::domain::matching::Match;
use crate::domain::places::{Answer, Places, Standing};
use crate::domain::policy::{Connector, Policy};
use crate::plan::{Observation, Operation, PersonPlan};

type Key = (ConnectorName, EntitlementName);

/// How often something fails for somebody in a row until a place that is meant for them goes to the next one.
const PATIENCE: u32 = 3;

/// Who holds what, and who should.
#[derive(Debug, Default)]
pub struct AllPlaces {
    by: BTreeMap<Key, Places>,
    /// In which of them somebody is.
    of: BTreeMap<EmployeeId, Vec<Key>>,
    /// Of which places have to be allotted anew. Nobody is given one before that is done.
    stale: BTreeSet<Key>,
}

/// One person, just looked at.
pub struct Looked<'a> {
    /// The person.
    pub person: &'a Person,
    /// What they should have, and what is planned; `None` where their facts can't be used.
    pub planned: Option<(&'a Desired, &'a PersonPlan)>,
    /// What each target shows of them.
    pub observations: &'a BTreeMap<ConnectorName, Observation>,
}

impl AllPlaces {
    /// Whether somebody may be given an entitlement.
    #[must_use]
    pub fn answer(
        &self,
        connector: &ConnectorName,
        entitlement: &EntitlementName,
        id: &EmployeeId,
    ) -> Answer {
        let key = (connector.clone(), entitlement.clone());
        match self.by.get(&key) {
            Some(places) if places.holds(id) || !self.stale.contains(&key) => places.answer(id),
            _ => Answer::Uncounted,
        }
    }

    /// Takes in how somebody stands now. Tells whether they wait for an answer.
    pub fn put(
        &mut self,
        policy: &Policy,
        connectors: &BTreeMap<ConnectorName, ConnectorEntry>,
        looked: &Looked<'_>,
    ) -> bool {
        let id = &looked.person.employee_id;
        let mut standing = BTreeMap::new();
        for connector in policy.connectors() {
            if connector.limits.counts_holders() {
                looked.stand(connector, connectors, &mut standing);
            }
        }
        let before = self.of.remove(id).unwrap_or_default();
        let mut keys: BTreeSet<Key> = before.into_iter().collect();
        keys.extend(standing.keys().cloned());
        let mut waits = false;
        let mut stays = Vec::new();
        for key in keys {
            let places = self.by.entry(key.clone()).or_default();
            let mut now = standing.remove(&key);
            let in_doubt = looked.person.unsettled.in_doubt.contains(&key.0);
            if in_doubt && places.holds(id) && !matches!(now, Some(Standing::Holds(_))) {
                // The last write there may have given it, or not have taken it away.
                now = Some(Standing::Holds(None));
            }
            let asks = matches!(now, Some(Standing::Asks | Standing::Hindered));
            let is_there = now.is_some();
            if asks && self.stale.contains(&key) {
                places.forget_answer(id);
            }
            if places.put(id, now) {
                self.stale.insert(key.clone());
            }
            waits |= asks && places.answer(id) == Answer::Uncounted;
            if is_there {
                stays.push(key);
            }
        }
        if !stays.is_empty() {
            self.of.insert(id.clone(), stays);
        }
        waits
    }

    /// Somebody's object is gone. Where something may still be given to them, the place is kept until a listing has
    /// shown what came of it.
    pub fn gone(&mut self, id: &EmployeeId, in_doubt: impl Fn(&ConnectorName) -> bool) {
        for key in self.of.get(id).cloned().unwrap_or_default() {
            let holds = self.by.get(&key).is_some_and(|places| places.holds(id));
            if !(holds && in_doubt(&key.0)) {
                self.take_out(&key, id);
            }
        }
    }

    fn take_out(&mut self, key: &Key, id: &EmployeeId) {
        if let Some(places) = self.by.get_mut(key)
            && places.put(id, None)
        {
            self.stale.insert(key.clone());
        }
        if let Some(keys) = self.of.get_mut(id) {
            keys.retain(|other| other != key);
            if keys.is_empty() {
                self.of.remove(id);
            }
        }
    }

    /// A target was listed: holders may have come and gone, and nobody is left there but those of whom this is true.
    pub fn listed(&mut self, connector: &ConnectorName, stays: impl Fn(&EmployeeId) -> bool) {
        let here = self.by.iter().filter(|(key, _)| key.0 == *connector);
        let mut gone = Vec::new();
        for (key, places) in here {
            let left = places.people().filter(|id| !stays(id));
            gone.extend(left.map(|id| (key.clone(), id.clone())));
            self.stale.insert(key.clone());
        }
        for (key, id) in gone {
            self.take_out(&key, &id);
        }
    }

    /// Limits may be others.
    pub fn policy_changed(&mut self) {
        self.stale.extend(self.by.keys().cloned());
    }

    /// Whether nobody holds or asks for anything that is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by.is_empty() && self.of.is_empty()
    }

    /// Whether places have to be allotted anew.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        !self.stale.is_empty()
    }

    /// Allots them. Answers whom that concerns.
    pub fn allot(
        &mut self,
        policy: &Policy,
        connectors: &BTreeMap<ConnectorName, ConnectorEntry>,
    ) -> BTreeSet<EmployeeId> {
        let mut concerned = BTreeSet::new();
        for key in std::mem::take(&mut self.stale) {
            let Some(places) = self.by.get_mut(&key) else {
                continue;
            };
            let (connector, entitlement) = &key;
            let limits = policy.connector(connector).map(|c| &c.limits);
            if let Some(max) = limits.and_then(|limits| limits.max_holders(entitlement)) {
                let entry = connectors.get(connector);
                let shown = entry.map(|entry| entry.inventory.holders(entitlement));
                concerned.extend(places.allot(max, &shown.unwrap_or_default()));
            } else {
                let people: Vec<EmployeeId> = places.people().cloned().collect();
                for id in people {
                    self.take_out(&key, &id);
                }
                self.stale.remove(&key);
            }
            if self.by.get(&key).is_some_and(Places::is_empty) {
                self.by.remove(&key);
            }
        }
        concerned
    }
}

impl Looked<'_> {
    /// How the person stands towards what is counted in one connector.
    fn stand(
        &self,
        connector: &Connector,
        connectors: &BTreeMap<ConnectorName, ConnectorEntry>,
        out: &mut BTreeMap<Key, Standing>,
    ) {
        let name = &connector.spec.name;
        let recorded = self.person.record.accounts.get(name);
        let desired = self
            .planned
            .and_then(|(desired, _)| desired.accounts.get(name));
        let grants = recorded.into_iter().flat_map(|r| r.grants.keys());
        let wanted = desired.into_iter().flat_map(|d| d.entitlements.keys());
        let counted = |name: &&EntitlementName| connector.limits.max_holders(name).is_some();
        let names: BTreeSet<&EntitlementName> = grants.chain(wanted).filter(counted).collect();
        for entitlement in names {
            let standing = if self.has(name, entitlement) {
                Some(Standing::Holds(recorded.and_then(|r| r.id.clone())))
            } else if !self.should_get(name, entitlement) {
                None
            } else if self.is_hindered(connector, connectors.get(name), entitlement) {
                Some(Standing::Hindered)
            } else {
                Some(Standing::Asks)
            };
            if let Some(standing) = standing {
                out.insert((name.clone(), entitlement.clone()), standing);
            }
        }
    }

    /// Whether the person has it by what is recorded or shown, or may be given it at this instant.
    fn has(&self, connector: &ConnectorName, entitlement: &EntitlementName) -> bool {
        let recorded = self.person.record.accounts.get(connector);
        let grant = recorded.and_then(|r| r.grants.get(entitlement));
        let observed = self.observations.get(connector);
        let unsettled = &self.person.unsettled;
        let unsure = unsettled.unsure.get(connector);
        let submitted = unsettled.submitted.get(connector).map(|s| &s.operation);
        grant.is_some_and(|grant| grant.since.is_some())
            || observed.is_some_and(|o| o.held.contains(entitlement))
            || unsure.is_some_and(|names| names.contains(entitlement))
            || matches!(submitted, Some(Operation::AddEntitlements { entitlements, .. })
                if entitlements.contains_key(entitlement))
    }

    /// Whether roles give it now. Where an application could not be listed yet, nobody is given anything.
    fn should_get(&self, connector: &ConnectorName, entitlement: &EntitlementName) -> bool {
        self.planned.is_some_and(|(desired, plan)| {
            let account = desired.accounts.get(connector);
            let plan = plan.accounts.get(connector);
            account.is_some_and(|a| a.entitlements.contains_key(entitlement))
                && plan.is_some_and(|plan| plan.goal.provides())
        }) && self.observations.contains_key(connector)
    }

    /// Whether more is lacking than a place, and time.
    fn is_hindered(
        &self,
        connector: &Connector,
        entry: Option<&ConnectorEntry>,
        entitlement: &EntitlementName,
    ) -> bool {
        let name = &connector.spec.name;
        let fails = self.person.unsettled.failures.iter().any(|(key, failure)| {
            let concerns = key.entitlement.as_ref().is_none_or(|e| e == entitlement);
            key.connector == *name && concerns && failure.attempts >= PATIENCE
        });
        let matched = self.observations.get(name).map(|o| &o.matched);
        let is_stuck = if let Some(Match::One(account)) = matched {
            let username = account.username.as_str();
            connector.protected_accounts.covers(username)
        } else {
            let plan = self.planned.and_then(|(_, plan)| plan.accounts.get(name));
            let next = plan.and_then(|plan| plan.steps.first());
            let unmarked = entry.is_some_and(|entry| entry.mark_dropped.is_some());
            next.is_none_or(|step| unmarked && matches!(step.operation, Operation::Create(_)))
        };
        is_stuck || fails || self.person.meta.paused
    }
}
