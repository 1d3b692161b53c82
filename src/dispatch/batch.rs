//! The gatherer: memberships of one entitlement, of many people, travel together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use super::blame::{Blame, Returns};
use super::made::Made;
use super::member::{Batch, Change, Creation, Finished, Members, Part, Progress};
use super::queue::Place;
use crate::connectors::ConnectorError;
use crate::domain::account::ObservedEntitlement;
use crate::domain::ids::{EmployeeId, EntitlementId, EntitlementName};
use crate::plan::operation::{EntitlementTarget, Lane};

/// What gathers: memberships of an entitlement that exists, or of one that has to be made first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    Existing(EntitlementId),
    New(EntitlementName),
}

/// Which index a group stands in.
#[derive(Clone, Copy, Debug)]
enum Listed {
    No,
    Ready(Place),
    Lingering(Instant),
}

#[derive(Debug)]
struct Group {
    parts: BTreeMap<(Place, EntitlementName), Part>,
    /// A call for it is in flight.
    busy: bool,
    /// Until when it waits for company.
    ripe_at: Instant,
    listed: Listed,
    /// How often its creation came back.
    returns: Returns,
}

/// Pure gatherer of one target.
#[derive(Debug)]
pub(super) struct Gatherer {
    batch: usize,
    linger: Duration,
    orders: HashMap<EmployeeId, Progress<Key>>,
    groups: HashMap<Key, Group>,
    ready: BTreeSet<(Place, Key)>,
    lingering: BTreeSet<(Instant, Key)>,
    made: Made,
    untold: BTreeMap<EntitlementName, ObservedEntitlement>,
}

impl Gatherer {
    pub(super) fn new(batch: u16, linger: Duration) -> Self {
        Self {
            batch: usize::from(batch.max(1)),
            linger,
            orders: HashMap::new(),
            groups: HashMap::new(),
            ready: BTreeSet::new(),
            lingering: BTreeSet::new(),
            made: Made::default(),
            untold: BTreeMap::new(),
        }
    }

    /// Takes an order in, the only one of its employee. Answers it at once if nothing of it waits.
    pub(super) fn admit(&mut self, members: Members, now: Instant) -> Option<Finished> {
        let employee = members.order.employee.clone();
        let progress = Progress::new(members.order.clone(), members.place);
        self.orders.insert(employee.clone(), progress);
        for (name, target) in members.entitlements {
            let key = match target {
                EntitlementTarget::Existing(id) => Key::Existing(id),
                EntitlementTarget::ToBeCreated => match self.made.find(&name) {
                    Ok(Some(id)) => Key::Existing(id),
                    Ok(None) => Key::New(name.clone()),
                    Err(doubt) => {
                        self.record(&employee, name, Err(doubt));
                        continue;
                    }
                },
            };
            let part = Part {
                order: members.order.clone(),
                place: members.place,
                account: members.account.clone(),
                name,
                direction: members.direction,
                returns: Returns::default(),
            };
            self.put(&key, part, now);
        }
        self.finish_if_done(&employee)
    }

    /// Gives up the parts of a person's order that were not sent. Answers the order if it is thereby
    /// at its end; otherwise it ends with the parts that are in flight.
    pub(super) fn withdraw(&mut self, employee: &EmployeeId, now: Instant) -> Option<Finished> {
        let progress = self.orders.get_mut(employee)?;
        progress.wanted = false;
        let place = progress.place;
        for (name, key) in std::mem::take(&mut progress.unsent) {
            if let Some(group) = self.groups.get_mut(&key) {
                group.parts.remove(&(place, name));
            }
            self.index(&key, now);
        }
        self.finish_if_done(employee)
    }

    /// Place of the first request that can be made.
    pub(super) fn first(&mut self, now: Instant) -> Option<Place> {
        while let Some((at, key)) = self.lingering.first().cloned()
            && at <= now
        {
            self.index(&key, now);
        }
        self.ready.first().map(|(place, _)| *place)
    }

    /// When the next group stops waiting for company.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.lingering.first().map(|(at, _)| *at)
    }

    /// Begins the first request that can be made.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Batch> {
        self.first(now)?;
        let (_, key) = self.ready.pop_first()?;
        let group = self.groups.get_mut(&key)?;
        group.listed = Listed::No;
        group.busy = true;
        let entitlement = match key {
            Key::New(name) => {
                let order = group.parts.values().next()?.order.clone();
                return Some(Batch::Create(Creation { name, order }));
            }
            Key::Existing(entitlement) => entitlement,
        };
        let mut accounts = HashSet::new();
        let mut chosen = Vec::new();
        for (at, part) in &group.parts {
            if chosen.len() == self.batch {
                break;
            }
            if accounts.insert(part.account.clone()) {
                chosen.push(at.clone());
            }
        }
        let parts: Vec<Part> = chosen
            .iter()
            .filter_map(|at| group.parts.remove(at))
            .collect();
        for part in &parts {
            if let Some(progress) = self.orders.get_mut(&part.order.employee) {
                progress.unsent.remove(&part.name);
                progress.sent += 1;
            }
        }
        Some(Batch::Change(Change { entitlement, parts }))
    }

    /// The making of an entitlement ended. Those who wait for it go on, or fail with it.
    pub(super) fn created(
        &mut self,
        name: &EntitlementName,
        result: Result<ObservedEntitlement, ConnectorError>,
        now: Instant,
    ) -> Vec<Finished> {
        let key = Key::New(name.clone());
        let Some(mut group) = self.groups.remove(&key) else {
            return Vec::new();
        };
        group.busy = false;
        match result {
            Ok(observed) => {
                let id = Key::Existing(observed.id.clone());
                self.made.made(name.clone(), observed.id.clone());
                self.untold.insert(name.clone(), observed);
                for part in group.parts.into_values() {
                    self.put(&id, part, now);
                }
                Vec::new()
            }
            Err(error) => {
                let blame = Blame::of(&error);
                if blame.not_carried_out() && group.returns.may_go_again(blame) {
                    self.groups.insert(key.clone(), group);
                    self.index(&key, now);
                    return Vec::new();
                }
                if blame == Blame::Unclear {
                    self.made.doubt(name.clone());
                }
                self.fail(group.parts.into_values(), &error)
            }
        }
    }

    /// A call ended, with one result for each of its parts. Parts that were certainly not carried out
    /// wait again in their old place.
    pub(super) fn changed(
        &mut self,
        change: Change,
        results: Vec<Result<(), ConnectorError>>,
        now: Instant,
    ) -> Vec<Finished> {
        let key = Key::Existing(change.entitlement);
        if let Some(group) = self.groups.get_mut(&key) {
            group.busy = false;
        }
        let mut finished = Vec::new();
        for (mut part, result) in change.parts.into_iter().zip(results) {
            let employee = part.order.employee.clone();
            let Some(progress) = self.orders.get_mut(&employee) else {
                continue;
            };
            progress.sent -= 1;
            let returned = result
                .as_ref()
                .err()
                .map(Blame::of)
                .filter(|blame| blame.not_carried_out());
            match returned {
                Some(blame) if progress.wanted && part.returns.may_go_again(blame) => {
                    self.put(&key, part, now);
                }
                Some(_) if !progress.wanted => {}
                _ => progress.record(part.name, result),
            }
            finished.extend(self.finish_if_done(&employee));
        }
        self.index(&key, now);
        finished
    }

    /// An entitlement is gone from the target: if it was made here, it may be made again.
    pub(super) fn gone(&mut self, entitlement: &EntitlementId) {
        self.made.gone(entitlement);
    }

    /// A listing begins.
    pub(super) fn listing_begins(&mut self) {
        self.made.listing_begins();
    }

    /// The listing that began last showed these entitlements.
    pub(super) fn seen(&mut self, shown: &[ObservedEntitlement], complete: bool) {
        self.made.seen(shown, complete);
    }

    fn fail(&mut self, parts: impl Iterator<Item = Part>, error: &ConnectorError) -> Vec<Finished> {
        let mut finished = Vec::new();
        for part in parts {
            let employee = part.order.employee.clone();
            if let Some(progress) = self.orders.get_mut(&employee) {
                progress.unsent.remove(&part.name);
            }
            self.record(&employee, part.name, Err(error.clone()));
            finished.extend(self.finish_if_done(&employee));
        }
        finished
    }

    fn record(
        &mut self,
        employee: &EmployeeId,
        name: EntitlementName,
        result: Result<(), ConnectorError>,
    ) {
        if let Some(progress) = self.orders.get_mut(employee) {
            progress.record(name, result);
        }
    }

    fn finish_if_done(&mut self, employee: &EmployeeId) -> Option<Finished> {
        if !self.orders.get(employee)?.is_finished() {
            return None;
        }
        let progress = self.orders.remove(employee)?;
        Some(progress.finish(&mut self.untold))
    }

    fn put(&mut self, key: &Key, part: Part, now: Instant) {
        if let Some(progress) = self.orders.get_mut(&part.order.employee) {
            progress.unsent.insert(part.name.clone(), key.clone());
        }
        let linger = self.linger;
        let group = self.groups.entry(key.clone()).or_insert_with(|| Group {
            parts: BTreeMap::new(),
            busy: false,
            ripe_at: now,
            listed: Listed::No,
            returns: Returns::default(),
        });
        if group.parts.is_empty() {
            group.ripe_at = now + linger;
        }
        group.parts.insert((part.place, part.name.clone()), part);
        self.index(key, now);
    }

    /// Puts a group where it belongs: ready, lingering, neither while it is busy, gone when empty.
    fn index(&mut self, key: &Key, now: Instant) {
        let Some(group) = self.groups.get_mut(key) else {
            return;
        };
        match std::mem::replace(&mut group.listed, Listed::No) {
            Listed::No => {}
            Listed::Ready(place) => {
                self.ready.remove(&(place, key.clone()));
            }
            Listed::Lingering(at) => {
                self.lingering.remove(&(at, key.clone()));
            }
        }
        if group.busy {
            return;
        }
        let Some(((place, _), _)) = group.parts.first_key_value() else {
            self.groups.remove(key);
            return;
        };
        // One that is to be made gathers company while it is being made.
        let ready = place.lane == Lane::Leaver
            || group.parts.len() >= self.batch
            || group.ripe_at <= now
            || matches!(key, Key::New(_));
        if ready {
            group.listed = Listed::Ready(*place);
            self.ready.insert((*place, key.clone()));
        } else {
            group.listed = Listed::Lingering(group.ripe_at);
            self.lingering.insert((group.ripe_at, key.clone()));
        }
    }
}
