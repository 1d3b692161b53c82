//! The core against a simulated target that fails in every way, in simulated time.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::orders::{
    add, add_new, create, disable, employee, error, observed, order, read, remove,
};
use crate::connectors::{Capabilities, ConnectorError, ErrorKind, Listing};
use crate::dispatch::Settings;
use crate::dispatch::call::{Call, Ended, Write};
use crate::dispatch::decide::{Core, Now};
use crate::dispatch::order::{Effect, Event, Order};
use crate::dispatch::queue::LANES;
use crate::domain::account::{Completeness, ObservedAccount, ObservedEntitlement};
use crate::plan::operation::Lane;

const PEOPLE: usize = 8;

pub(super) fn capabilities() -> Capabilities {
    Capabilities {
        disable: true,
        rename: true,
        delete: true,
        patch: true,
        filter: true,
        entitlements: true,
        mark: true,
        revokes: BTreeSet::new(),
        ownership: false,
        max_page: None,
        notes: vec![],
    }
}

pub(super) fn listing() -> Listing {
    Listing {
        accounts: vec![],
        accounts_completeness: Completeness::Complete,
        entitlements: vec![],
        entitlements_completeness: Completeness::Complete,
        oddities: vec![],
        requests: 1,
    }
}

#[derive(Clone, Debug)]
enum Step {
    Submit(usize, Lane, u8),
    Withdraw(usize),
    Refresh,
    End(usize, u8),
    Wait(u64),
    Sleep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..PEOPLE, prop::sample::select(&LANES[..]), 0..7_u8)
            .prop_map(|(n, lane, what)| Step::Submit(n, lane, what)),
        1 => (0..PEOPLE).prop_map(Step::Withdraw),
        1 => Just(Step::Refresh),
        8 => (0..8_usize, 0..24_u8).prop_map(|(n, how)| Step::End(n, how)),
        2 => (0..2000_u64).prop_map(Step::Wait),
        3 => Just(Step::Sleep),
    ]
}

struct World {
    core: Core,
    now: Now,
    flying: Vec<(Call, Instant)>,
    limit: usize,
    listed: bool,
    unavailable: bool,
    done: BTreeMap<(String, u64), usize>,
    /// Outcomes of each person that the controllers have planned anew for.
    seen: BTreeMap<usize, usize>,
    tally: Tally,
}

/// How often something interesting arose.
type Tally = BTreeMap<&'static str, usize>;

type Checked = Result<(), TestCaseError>;

impl World {
    fn new(concurrency: u16, per_second: Option<u16>, seed: u64) -> Self {
        let settings = Settings {
            concurrency,
            requests_per_second: per_second,
            membership_batch: 3,
            ..Settings::default()
        };
        let now = Now {
            instant: Instant::now(),
            wall: Timestamp::UNIX_EPOCH,
        };
        Self {
            core: Core::new(&settings, now.instant, &mut fastrand::Rng::with_seed(seed)),
            now,
            flying: vec![],
            limit: usize::from(concurrency),
            listed: false,
            unavailable: false,
            done: BTreeMap::new(),
            seen: BTreeMap::new(),
            tally: Tally::new(),
        }
    }

    fn people(call: &Call) -> Vec<String> {
        match call {
            Call::Probe | Call::List | Call::Create(_) => vec![],
            Call::Read(order, _) | Call::Write(order, _) => vec![order.employee.to_string()],
            Call::Change(change) => change
                .parts
                .iter()
                .map(|p| p.order.employee.to_string())
                .collect(),
        }
    }

    /// Makes every call that the core asks for, and checks it.
    fn pump(&mut self) -> Checked {
        while let Some(call) = self.core.next_call(self.now) {
            let slots = self
                .flying
                .iter()
                .filter(|(c, _)| !matches!(c, Call::Probe | Call::List));
            let slots = slots.count();
            let same = |a: &Call| {
                self.flying
                    .iter()
                    .any(|(b, _)| std::mem::discriminant(a) == std::mem::discriminant(b))
            };
            match &call {
                Call::Probe | Call::List => prop_assert!(!same(&call), "two at once"),
                _ => {
                    prop_assert!(self.listed, "{:?} before the first listing", call);
                    prop_assert!(slots <= self.limit, "beyond the slots");
                }
            }
            if let Call::Read(..) | Call::Write(..) = &call {
                for who in Self::people(&call) {
                    let busy = self
                        .flying
                        .iter()
                        .any(|(c, _)| Self::people(c).contains(&who));
                    prop_assert!(!busy, "two operations in flight for {}", who);
                }
            }
            match &call {
                Call::Change(change) if change.parts.len() > 1 => self.count("batch of several"),
                Call::Create(_) => self.count("entitlement made"),
                _ => {}
            }
            self.flying.push((call, self.now.instant));
        }
        let wake = self.core.wake(self.now);
        prop_assert!(wake.is_none_or(|at| at > self.now.instant), "would spin");
        for event in self.core.take_events() {
            match event {
                Event::Unavailable { retry_at, .. } => {
                    prop_assert!(retry_at > self.now.wall);
                    self.unavailable = true;
                    self.count("unavailable");
                }
                Event::Available => {
                    prop_assert!(self.unavailable, "was never unavailable");
                    self.unavailable = false;
                    self.count("available");
                }
                Event::Done(outcome) => {
                    let key = (outcome.order.employee.to_string(), outcome.order.revision);
                    *self.done.entry(key).or_default() += 1;
                }
                Event::Probed(_)
                | Event::ListingStarted
                | Event::Listed(_)
                | Event::ListingFailed(_) => {}
            }
        }
        Ok(())
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn advance(&mut self, by: Duration) {
        self.now.instant += by;
        self.now.wall += by;
    }

    fn end(&mut self, n: usize, how: u8) {
        if self.flying.is_empty() {
            return;
        }
        let (call, began) = self.flying.swap_remove(n % self.flying.len());
        let ended = answer(&call, how);
        self.listed |= matches!(ended, Ended::List(Ok(_)));
        self.core.ended(ended, began, self.now);
    }
}

fn answer(call: &Call, how: u8) -> Ended {
    let kinds = [
        ErrorKind::Throttled,
        ErrorKind::Unreachable,
        ErrorKind::Unauthorized,
        ErrorKind::OutcomeUnknown,
        ErrorKind::Nonsense,
        ErrorKind::NotFound,
    ];
    if let Some(kind) = kinds.get(usize::from(how)) {
        return call.failed(error(*kind));
    }
    match call {
        Call::Probe => Ended::Probe(Ok(capabilities())),
        Call::List => Ended::List(Ok(listing())),
        Call::Read(order, _) => Ended::Single(order.clone(), Ok(Effect::Read(vec![]))),
        Call::Write(order, write) => {
            let mark = match write {
                Write::Create(new) if how != 8 => Some(new.mark.to_string()),
                _ => None,
            };
            let account = ObservedAccount {
                mark,
                ..observed("a")
            };
            Ended::Single(order.clone(), Ok(Effect::Created(account)))
        }
        Call::Create(creation) => Ended::Create(
            creation.clone(),
            Ok(ObservedEntitlement {
                id: format!("made-{}", creation.name).as_str().into(),
                name: creation.name.clone(),
                holders: vec![],
                completeness: Completeness::Complete,
            }),
        ),
        Call::Change(change) => {
            let result = |n: usize| -> Result<(), ConnectorError> {
                match (how, n) {
                    (6, 0) => Err(error(ErrorKind::Throttled)),
                    (7, 0) => Err(error(ErrorKind::Unreachable)),
                    (8, 0) => Err(error(ErrorKind::Invalid)),
                    _ => Ok(()),
                }
            };
            let parts = change.parts.iter().enumerate();
            let results = parts.map(|(n, p)| (p.account.clone(), result(n))).collect();
            Ended::Change(change.clone(), Ok(results))
        }
    }
}

fn operation(n: usize, what: u8) -> crate::plan::operation::Operation {
    match what {
        0 => create(n),
        1 => disable(n),
        2 => read(n),
        3 => add(n, [1, 2]),
        4 => add_new(n, &["staff", "crew"]),
        5 => remove(n, [1]),
        _ => add(n, []),
    }
}

type Scenario = (Vec<Step>, u16, Option<u16>, u64);

fn scenario() -> impl Strategy<Value = Scenario> {
    (
        proptest::collection::vec(step(), 0..120),
        1_u16..5,
        prop::option::of(1_u16..50),
        any::<u64>(),
    )
}

impl World {
    /// What the controllers do on every outcome: plan anew, and submit what is still to be done.
    fn plan_anew(&mut self, newest: &BTreeMap<usize, Order>) -> Checked {
        for (n, order) in newest {
            let name = format!("e{n}");
            let outcomes = self.done.keys().filter(|(who, _)| *who == name).count();
            let seen = self.seen.insert(*n, outcomes).unwrap_or(0);
            if outcomes > seen && !self.done.contains_key(&(name, order.revision)) {
                *self.tally.entry("planned anew").or_default() += 1;
                self.core.submit(order.clone(), self.now);
            }
        }
        self.pump()
    }
}

fn play((steps, concurrency, per_second, seed): Scenario, tally: &RefCell<Tally>) -> Checked {
    let mut w = World::new(concurrency, per_second, seed);
    let mut newest: BTreeMap<usize, Order> = BTreeMap::new();
    let mut submitted = 0;
    for (revision, step) in (0_u64..).zip(steps) {
        match step {
            Step::Submit(n, lane, what) => {
                let order = Order {
                    revision,
                    ..order(n, lane, operation(n, what))
                };
                newest.insert(n, order.clone());
                w.core.submit(order, w.now);
                submitted += 1;
            }
            Step::Withdraw(n) => {
                w.core.withdraw(&employee(n), w.now);
                newest.remove(&n);
            }
            Step::Refresh => w.core.refresh(w.now),
            Step::End(n, how) => w.end(n, how),
            Step::Wait(ms) => w.advance(Duration::from_millis(ms)),
            Step::Sleep => {
                if let Some(at) = w.core.wake(w.now) {
                    w.advance(at - w.now.instant);
                }
            }
        }
        w.pump()?;
        w.plan_anew(&newest)?;
    }
    // From here on the target works.
    for _ in 0..2000 {
        if !w.flying.is_empty() {
            w.end(0, 20);
        } else if LANES.iter().all(|lane| w.core.queue_length(*lane) == 0) && !w.unavailable {
            break;
        } else {
            let at = w.core.wake(w.now);
            prop_assert!(at.is_some(), "stuck");
            w.advance(at.map_or(Duration::ZERO, |at| at - w.now.instant));
        }
        w.pump()?;
        w.plan_anew(&newest)?;
    }
    prop_assert!(!w.unavailable, "recovery must be told");
    prop_assert_eq!(w.core.slots_taken(), 0);
    for (key, times) in &w.done {
        prop_assert_eq!(*times, 1, "{:?}", key);
    }
    for (n, order) in newest {
        let key = (format!("e{n}"), order.revision);
        prop_assert!(w.done.contains_key(&key), "{:?} lost", key);
    }
    if w.done.len() < submitted {
        *w.tally.entry("overtaken or withdrawn").or_default() += 1;
    }
    for (what, count) in w.tally {
        *tally.borrow_mut().entry(what).or_default() += count;
    }
    Ok(())
}

#[test]
fn the_newest_order_of_everyone_is_answered_once_whatever_the_target_does() {
    let tally = RefCell::new(Tally::new());
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let played = runner.run(&scenario(), |scenario| play(scenario, &tally));
    if let Err(failure) = played {
        panic!("{failure}");
    }
    let tally = tally.into_inner();
    println!("{tally:?}");
    let interesting = [
        "unavailable",
        "available",
        "overtaken or withdrawn",
        "planned anew",
        "batch of several",
        "entitlement made",
    ];
    for what in interesting {
        assert!(
            tally.get(what).is_some_and(|n| *n > 10),
            "{what} hardly arose: {tally:?}"
        );
    }
}

proptest! {
    #[test]
    fn after_a_stop_nothing_begins_and_all_that_flies_still_ends(
        steps in proptest::collection::vec((0..PEOPLE, 0..7_u8), 1..30),
        ends in proptest::collection::vec(0..24_u8, 30),
    ) {
        let mut w = World::new(3, None, 1);
        for _ in 0..2 {
            w.pump()?;
            w.end(0, 20);
        }
        for (n, what) in steps {
            w.core.submit(order(n, Lane::Joiner, operation(n, what)), w.now);
        }
        w.pump()?;
        w.core.stop(w.now);
        prop_assert!(w.core.next_call(w.now).is_none());
        for how in ends {
            w.end(0, how);
            prop_assert!(w.core.next_call(w.now).is_none());
        }
        prop_assert!(w.flying.is_empty());
        prop_assert_eq!(w.core.slots_taken(), 0);
        for lane in LANES {
            prop_assert_eq!(w.core.queue_length(lane), 0);
        }
    }
}
