//! The queue of one target: lanes, replacement by the newest, one order under way per person.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::blame::{Blame, Returns};
use super::order::Order;
use crate::domain::ids::EmployeeId;
use crate::plan::operation::{Lane, Operation};

/// All lanes, in the order of travel.
pub(super) const LANES: [Lane; 4] = [Lane::Leaver, Lane::Mover, Lane::Joiner, Lane::Drift];

/// A place in the line: by lane, then by submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) lane: Lane,
    pub(super) number: u64,
}

/// An order with its place.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) order: Arc<Order>,
    pub(super) place: Place,
    returns: Returns,
}

/// What became of an order that came back without being carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Returned {
    /// It waits again, in its old place.
    Waits,
    /// It came back too often: to be reported as failed.
    TooOften,
    /// A newer one has replaced it, or it was withdrawn.
    Unwanted,
}

#[derive(Debug)]
struct UnderWay {
    placed: Placed,
    wanted: bool,
}

/// One person's orders: at most one under way, and one that waits.
#[derive(Debug, Default)]
struct Entry {
    waiting: Option<Placed>,
    under_way: Option<UnderWay>,
}

/// Pure queue of one target.
#[derive(Debug, Default)]
pub(super) struct Queue {
    people: HashMap<EmployeeId, Entry>,
    /// Waiting orders for one existing account alone, of people with nothing under way.
    single: BTreeMap<Place, EmployeeId>,
    /// The same, of orders that make an account: they may have to wait for the proof of one.
    creates: BTreeMap<Place, EmployeeId>,
    /// The same, of orders that give or take entitlements: they travel together.
    members: BTreeMap<Place, EmployeeId>,
    lengths: [usize; LANES.len()],
    next: u64,
}

impl Queue {
    /// Takes an order in. It replaces a waiting one for the same person, and has its place if it
    /// travels in the same lane.
    pub(super) fn submit(&mut self, order: Order) {
        let place = Place {
            lane: order.lane,
            number: self.next,
        };
        self.next += 1;
        let employee = order.employee.clone();
        let mut placed = Placed {
            order: Arc::new(order),
            place,
            returns: Returns::default(),
        };
        if let Some(old) = self.take_waiting(&employee)
            && old.place.lane == place.lane
        {
            placed.place = old.place;
        }
        self.wait(&employee, placed);
    }

    /// Forgets what waits for a person, and lets what is under way not come back.
    pub(super) fn withdraw(&mut self, employee: &EmployeeId) {
        self.take_waiting(employee);
        if let Some(entry) = self.people.get_mut(employee) {
            match &mut entry.under_way {
                Some(under_way) => under_way.wanted = false,
                None => {
                    self.people.remove(employee);
                }
            }
        }
    }

    /// Forgets everything that waits. Answers who has something under way.
    pub(super) fn withdraw_all(&mut self) -> Vec<EmployeeId> {
        let everyone: Vec<EmployeeId> = self.people.keys().cloned().collect();
        for employee in &everyone {
            self.withdraw(employee);
        }
        self.people.keys().cloned().collect()
    }

    /// Place of the first order for one existing account alone that can begin.
    pub(super) fn first_single(&self) -> Option<Place> {
        self.single.keys().next().copied()
    }

    /// Begins the first order for one existing account alone.
    pub(super) fn begin_single(&mut self) -> Option<Placed> {
        let (_, employee) = self.single.pop_first()?;
        self.begin(&employee)
    }

    /// The first order that makes an account and can begin, with its place.
    pub(super) fn first_create(&self) -> Option<(Place, &Order)> {
        let (place, employee) = self.creates.first_key_value()?;
        let waiting = self.people.get(employee)?.waiting.as_ref()?;
        Some((*place, &waiting.order))
    }

    /// Begins the first order that makes an account.
    pub(super) fn begin_create(&mut self) -> Option<Placed> {
        let (_, employee) = self.creates.pop_first()?;
        self.begin(&employee)
    }

    /// Begins the first order that gives or takes entitlements.
    pub(super) fn begin_members(&mut self) -> Option<Placed> {
        let (_, employee) = self.members.pop_first()?;
        self.begin(&employee)
    }

    /// What was under way for a person has ended. What waits was planned without knowing how, and is
    /// forgotten: the report brings a plan that knows.
    pub(super) fn ended(&mut self, employee: &EmployeeId) {
        if self.take_under_way(employee).is_some() {
            self.take_waiting(employee);
            self.enter_line(employee);
        }
    }

    /// What was under way for a person came back, certainly not carried out.
    pub(super) fn returned(&mut self, employee: &EmployeeId, blame: Blame) -> Returned {
        let Some(mut back) = self.take_under_way(employee) else {
            return Returned::Unwanted;
        };
        if let Some(newer) = self.take_waiting(employee) {
            self.wait_in_place_of(employee, newer, back.placed.place);
            return Returned::Unwanted;
        }
        if !back.wanted {
            self.enter_line(employee);
            return Returned::Unwanted;
        }
        if !back.placed.returns.may_go_again(blame) {
            self.enter_line(employee);
            return Returned::TooOften;
        }
        self.wait(employee, back.placed);
        Returned::Waits
    }

    /// What was begun for a person is given up unsent, for a newer order or because it was withdrawn.
    pub(super) fn gave_up(&mut self, employee: &EmployeeId) {
        let Some(back) = self.take_under_way(employee) else {
            return;
        };
        match self.take_waiting(employee) {
            Some(newer) => self.wait_in_place_of(employee, newer, back.placed.place),
            None => self.enter_line(employee),
        }
    }

    /// Orders in a lane, waiting or under way.
    pub(super) fn length(&self, lane: Lane) -> usize {
        self.lengths[lane as usize]
    }

    fn begin(&mut self, employee: &EmployeeId) -> Option<Placed> {
        let entry = self.people.get_mut(employee)?;
        let placed = entry.waiting.take()?;
        entry.under_way = Some(UnderWay {
            placed: placed.clone(),
            wanted: true,
        });
        Some(placed)
    }

    fn wait_in_place_of(&mut self, employee: &EmployeeId, mut newer: Placed, old: Place) {
        if newer.place.lane == old.lane {
            newer.place = old;
        }
        self.wait(employee, newer);
    }

    fn wait(&mut self, employee: &EmployeeId, placed: Placed) {
        self.lengths[placed.place.lane as usize] += 1;
        self.people.entry(employee.clone()).or_default().waiting = Some(placed);
        self.enter_line(employee);
    }

    /// Puts a person's waiting order in line if nothing is under way; forgets one without orders.
    fn enter_line(&mut self, employee: &EmployeeId) {
        let Some(entry) = self.people.get(employee) else {
            return;
        };
        match (&entry.waiting, &entry.under_way) {
            (Some(placed), None) => {
                let line = match placed.order.operation {
                    Operation::AddEntitlements { .. } | Operation::RemoveEntitlements { .. } => {
                        &mut self.members
                    }
                    Operation::Create(_) => &mut self.creates,
                    _ => &mut self.single,
                };
                line.insert(placed.place, employee.clone());
            }
            (None, None) => {
                self.people.remove(employee);
            }
            (_, Some(_)) => {}
        }
    }

    fn take_waiting(&mut self, employee: &EmployeeId) -> Option<Placed> {
        let placed = self.people.get_mut(employee)?.waiting.take()?;
        self.lengths[placed.place.lane as usize] -= 1;
        self.single.remove(&placed.place);
        self.creates.remove(&placed.place);
        self.members.remove(&placed.place);
        Some(placed)
    }

    fn take_under_way(&mut self, employee: &EmployeeId) -> Option<UnderWay> {
        let under_way = self.people.get_mut(employee)?.under_way.take()?;
        self.lengths[under_way.placed.place.lane as usize] -= 1;
        Some(under_way)
    }
}
