//! The queue against a model that looks everything up the slow way.

use proptest::prelude::*;

use super::orders::{add, disable, employee, order, read, update};
use crate::dispatch::blame::{Blame, Returns};
use crate::dispatch::order::Order;
use crate::dispatch::queue::{LANES, Place, Queue, Returned};
use crate::plan::operation::Lane;

#[test]
fn lanes_overtake_and_within_a_lane_the_first_comes_first() {
    let mut q = Queue::default();
    for (n, lane) in [
        (0, Lane::Drift),
        (1, Lane::Joiner),
        (2, Lane::Joiner),
        (3, Lane::Mover),
        (4, Lane::Leaver),
    ] {
        q.submit(order(n, lane, update(n)));
    }
    let began: Vec<String> = std::iter::from_fn(|| q.begin_single())
        .map(|p| p.order.employee.to_string())
        .collect();
    assert_eq!(began, ["e4", "e3", "e1", "e2", "e0"]);
}

#[test]
fn the_newest_replaces_and_keeps_the_place_unless_the_lane_changed() {
    let mut q = Queue::default();
    for n in 0..3 {
        q.submit(order(n, Lane::Joiner, read(n)));
    }
    q.submit(order(0, Lane::Joiner, update(0)));
    q.submit(order(1, Lane::Drift, update(1)));
    q.submit(order(1, Lane::Joiner, update(1)));
    let began: Vec<(String, &str)> = std::iter::from_fn(|| q.begin_single())
        .map(|p| (p.order.employee.to_string(), p.order.operation.verb()))
        .collect();
    let expected = [("e0", "Update"), ("e2", "Read"), ("e1", "Update")];
    assert_eq!(began, expected.map(|(e, v)| (e.to_owned(), v)));
}

#[test]
fn one_that_came_back_goes_first_again_unless_a_newer_one_took_its_place() {
    let mut q = Queue::default();
    for n in 0..3 {
        q.submit(order(n, Lane::Joiner, read(n)));
    }
    q.begin_single();
    q.begin_single();
    assert_eq!(q.returned(&employee(0), Blame::Outage), Returned::Waits);
    q.submit(order(1, Lane::Joiner, disable(1)));
    assert_eq!(q.returned(&employee(1), Blame::Outage), Returned::Unwanted);
    let began: Vec<&str> = std::iter::from_fn(|| q.begin_single())
        .map(|p| p.order.operation.verb())
        .collect();
    assert_eq!(began, ["Read", "Disable", "Read"]);
}

#[test]
fn one_that_comes_back_too_often_is_given_up() {
    for (blame, times) in [
        (Blame::Outage, Returns::OUTAGES),
        (Blame::Throttle, Returns::THROTTLES),
    ] {
        let mut q = Queue::default();
        q.submit(order(0, Lane::Joiner, read(0)));
        for n in 1..=times {
            q.begin_single().unwrap();
            let expected = if n < times {
                Returned::Waits
            } else {
                Returned::TooOften
            };
            assert_eq!(q.returned(&employee(0), blame), expected, "{n}");
        }
        assert!(q.begin_single().is_none());
        assert_eq!(q.length(Lane::Joiner), 0);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Submit(usize, Lane, bool),
    BeginSingle,
    BeginMembers,
    Ended(usize),
    Returned(usize),
    GaveUp(usize),
    Withdraw(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..6_usize;
    prop_oneof![
        6 => (who.clone(), prop::sample::select(&LANES[..]), any::<bool>())
            .prop_map(|(n, lane, members)| Step::Submit(n, lane, members)),
        4 => Just(Step::BeginSingle),
        3 => Just(Step::BeginMembers),
        3 => who.clone().prop_map(Step::Ended),
        2 => who.clone().prop_map(Step::Returned),
        1 => who.clone().prop_map(Step::GaveUp),
        1 => who.prop_map(Step::Withdraw),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Item {
    revision: u64,
    place: Place,
    members: bool,
    outages: u8,
}

#[derive(Clone, Default)]
struct Person {
    waiting: Option<Item>,
    under_way: Option<(Item, bool)>,
}

#[derive(Default)]
struct Model {
    people: [Person; 6],
}

impl Model {
    fn first(&self, members: bool) -> Option<usize> {
        (0..6)
            .filter(|n| self.people[*n].under_way.is_none())
            .filter(|n| {
                self.people[*n]
                    .waiting
                    .as_ref()
                    .is_some_and(|i| i.members == members)
            })
            .min_by_key(|n| self.people[*n].waiting.as_ref().map(|i| i.place))
    }

    fn begin(&mut self, members: bool) -> Option<Item> {
        let person = self.first(members).map(|n| &mut self.people[n])?;
        let item = person.waiting.take()?;
        person.under_way = Some((item.clone(), true));
        Some(item)
    }

    /// What was under way is over without effect: a newer one gets its place in the same lane.
    fn back(&mut self, n: usize) -> Option<(Item, bool)> {
        let person = &mut self.people[n];
        let (old, wanted) = person.under_way.take()?;
        if let Some(newer) = &mut person.waiting {
            if newer.place.lane == old.place.lane {
                newer.place = old.place;
            }
            return None;
        }
        Some((old, wanted))
    }

    fn length(&self, lane: Lane) -> usize {
        let items = self.people.iter().flat_map(|p| {
            let under_way = p.under_way.as_ref().map(|(item, _)| item);
            p.waiting.iter().chain(under_way)
        });
        items.filter(|item| item.place.lane == lane).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn agrees_with_the_model(steps in proptest::collection::vec(step(), 0..80)) {
        let mut q = Queue::default();
        let mut m = Model::default();
        for (number, step) in (0_u64..).zip(steps) {
            match step {
                Step::Submit(n, lane, members) => {
                    let operation = if members { add(n, [1]) } else { update(n) };
                    q.submit(Order { revision: number, ..order(n, lane, operation) });
                    let old = m.people[n].waiting.take().map(|i| i.place);
                    let place = old.filter(|p| p.lane == lane).unwrap_or(Place { lane, number });
                    m.people[n].waiting = Some(Item { revision: number, place, members, outages: 0 });
                }
                Step::BeginSingle | Step::BeginMembers => {
                    let members = matches!(step, Step::BeginMembers);
                    let (got, expected) = if members {
                        (q.begin_members(), m.begin(true))
                    } else {
                        let first = m.first(false).and_then(|n| m.people[n].waiting.clone());
                        // Numbers are the queue's own: only their order is compared, here by lane.
                        prop_assert_eq!(q.first_single().map(|p| p.lane), first.map(|i| i.place.lane));
                        (q.begin_single(), m.begin(false))
                    };
                    prop_assert_eq!(got.map(|p| p.order.revision), expected.map(|i| i.revision));
                }
                Step::Ended(n) => {
                    q.ended(&employee(n));
                    if m.people[n].under_way.take().is_some() {
                        // Planned without knowing how it ended.
                        m.people[n].waiting = None;
                    }
                }
                Step::Returned(n) => {
                    let got = q.returned(&employee(n), Blame::Outage);
                    let expected = match m.back(n) {
                        Some((mut item, true)) => {
                            item.outages += 1;
                            if item.outages < Returns::OUTAGES {
                                m.people[n].waiting = Some(item);
                                Returned::Waits
                            } else {
                                Returned::TooOften
                            }
                        }
                        _ => Returned::Unwanted,
                    };
                    prop_assert_eq!(got, expected);
                }
                Step::GaveUp(n) => {
                    q.gave_up(&employee(n));
                    m.back(n);
                }
                Step::Withdraw(n) => {
                    q.withdraw(&employee(n));
                    m.people[n].waiting = None;
                    if let Some((_, wanted)) = &mut m.people[n].under_way {
                        *wanted = false;
                    }
                }
            }
            for lane in LANES {
                prop_assert_eq!(q.length(lane), m.length(lane));
            }
        }
        q.withdraw_all();
        prop_assert!(q.begin_single().is_none() && q.begin_members().is_none());
    }
}
