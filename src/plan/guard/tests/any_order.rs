//! Whatever happens in whatever order.

use std::cell::Cell;
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Bench, Cause};
use crate::domain::ids::EmployeeId;
use crate::properties;

/// Whatever is asked, in whatever order, put aside, decided and restarted: within any window no more people lose something
/// for one cause than the limit allows, unless it was approved.
#[test]
fn no_order_of_events_passes_the_limit() {
    let step = (0_u32..12, 0_usize..3, 0_u8..9, 0_i64..8);
    let steps = prop::collection::vec(step, 1..80);
    let (held, passed) = (Cell::new(0), Cell::new(0));
    properties::runner(400)
        .run(&(steps, 0_u32..5), |(steps, most)| {
            let mut bench = Bench::new(most);
            let mut gone: Vec<(Timestamp, Cause, u32)> = Vec::new();
            for (person, cause, what, hours) in steps {
                bench.now += SignedDuration::from_hours(hours);
                let cause = Cause::ALL[cause];
                match what {
                    0..5 => bench.disable([person], cause),
                    5 => {
                        bench.ask(&person.to_string(), cause, &[]);
                    }
                    6 => bench.restart(),
                    7 => {
                        let who = EmployeeId::new(person.to_string());
                        bench.gate.set_aside(&who);
                    }
                    _ => {
                        let asked: Vec<_> = bench.gate.waiting_for_tests();
                        let verdict = bench.decide(&Cause::ALL, None);
                        held.set(held.get() + usize::from(!verdict.held.is_empty()));
                        for (who, cause) in asked {
                            let who: u32 = who.as_str().parse().unwrap();
                            if bench.may_disable(&who.to_string()) {
                                gone.push((bench.now, cause, who));
                            }
                        }
                    }
                }
            }
            passed.set(passed.get() + gone.len());
            // What was let through counts from the beginning of its part of the window.
            let window = bench.policy.window - SignedDuration::from_hours(1);
            for (end, cause, _) in &gone {
                let within = gone
                    .iter()
                    .filter(|(at, c, _)| c == cause && *at <= *end && *at > *end - window);
                let people: BTreeSet<u32> = within.map(|(.., who)| *who).collect();
                prop_assert!(people.len() <= most as usize, "{people:?} of {most}");
            }
            Ok(())
        })
        .unwrap();
    let counts = (held.get(), passed.get());
    assert!(
        counts.0 > 100 && counts.1 > 100,
        "held and passed: {counts:?}"
    );
}
