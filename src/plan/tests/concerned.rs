//! Over random histories: whom a change of policy does not concern desires the same as before, and the
//! same is planned for them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::checks::Checks;
use super::company::{PEOPLE, company};
use super::history;
use super::town::Town;
use crate::domain::desired::{Desired, desire};
use crate::domain::ids::EmployeeId;
use crate::domain::policy::{Policy, PolicyChange};
use crate::plan::PersonPlan;
use crate::properties::runner;

/// What is desired and planned for a person under a policy.
fn under(town: &mut Town, id: &EmployeeId, policy: &Policy) -> (Desired, PersonPlan) {
    let now = std::mem::replace(&mut town.policy, policy.clone());
    let record = town.remembered(id);
    let mut desired = desire(policy, &town.people[id], &record, town.now);
    let observations = town.observations(id, &desired);
    let plan = town.plan_with(id, &desired, &record, &observations);
    town.policy = now;
    // A role that can't be decided matters to those who are remembered to hold it.
    desired
        .roles
        .undecided
        .retain(|name, _| record.roles.contains_key(name));
    (desired, plan)
}

#[test]
fn whom_a_change_does_not_concern_sees_no_difference() {
    let histories = (
        prop::collection::vec(0..3_u8, PEOPLE.len()),
        prop::collection::vec(history::event(), 1..16),
    );
    let counts = RefCell::new(BTreeMap::<&str, usize>::new());
    let count = |what| *counts.borrow_mut().entry(what).or_default() += 1;
    runner(128)
        .run(&histories, |(names, events)| {
            let mut town = company(&names);
            let mut checks = Checks::default();
            for event in &events {
                history::settle(&mut town, &mut checks, 0);
                let before = town.policy.clone();
                history::happen(&mut town, event);
                let after = town.policy.clone();
                let change = PolicyChange::between(&before, &after);
                if change.templates().is_empty() && change.connectors().is_empty() {
                    continue;
                }
                for id in PEOPLE.map(EmployeeId::new) {
                    let concerned = change.concerns(&town.people[&id], &town.records[&id]);
                    // Without a role or a memory, what a target shows is reason enough to look.
                    let shown: BTreeSet<_> = change
                        .connectors()
                        .iter()
                        .filter(|name| {
                            town.account(name.as_str(), id.as_str()).is_some()
                                || town.targets[*name].partial
                        })
                        .collect();
                    let was = under(&mut town, &id, &before);
                    let is = under(&mut town, &id, &after);
                    match (concerned, was == is) {
                        (true, false) => count("concerned, and something is different"),
                        (true, true) => count("concerned for nothing"),
                        (false, _) if !shown.is_empty() => count("concerned by an account"),
                        (false, same) => {
                            count("not concerned");
                            prop_assert!(same, "{id}: {was:#?}\nbecomes\n{is:#?}");
                        }
                    }
                }
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    let counts = counts.into_inner();
    println!("how often a change concerned people: {counts:#?}");
    let differs = counts["concerned, and something is different"];
    assert!(counts["not concerned"] > 100 && differs > 100);
}
