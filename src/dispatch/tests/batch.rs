//! The gatherer: what travels together, and that every order ends, once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::orders::{account, add, add_new, employee, error, order, remove};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::dispatch::batch::Gatherer;
use crate::dispatch::call::Route;
use crate::dispatch::member::{Batch, Change, Finished, Members};
use crate::dispatch::order::{Effect, Order};
use crate::dispatch::queue::Queue;
use crate::domain::account::{Completeness, ObservedEntitlement};
use crate::domain::ids::EntitlementName;
use crate::plan::operation::{Lane, Operation};

const LINGER: Duration = Duration::from_millis(10);

/// Places come from a real queue.
fn members(queue: &mut Queue, order: Order) -> Members {
    queue.submit(order);
    match Route::of(queue.begin_members().unwrap()) {
        Route::Members(members) => members,
        Route::Single(call) => panic!("{call:?}"),
    }
}

fn joiner(queue: &mut Queue, n: usize, operation: Operation) -> Members {
    members(queue, order(n, Lane::Joiner, operation))
}

fn change(gatherer: &mut Gatherer, now: Instant) -> Change {
    match gatherer.begin(now) {
        Some(Batch::Change(change)) => change,
        other => panic!("{other:?}"),
    }
}

fn effects(finished: Vec<Finished>) -> BTreeMap<String, BTreeMap<EntitlementName, bool>> {
    finished
        .into_iter()
        .map(|f| {
            let Some(Effect::Entitlements { results, .. }) = f.effect else {
                panic!("{:?}", f.effect)
            };
            let results = results
                .into_iter()
                .map(|(name, r)| (name, r.is_ok()))
                .collect();
            (f.order.employee.to_string(), results)
        })
        .collect()
}

#[test]
fn a_first_one_waits_for_company_and_a_full_batch_or_a_leaver_does_not() {
    let now = Instant::now();
    let mut q = Queue::default();
    let mut g = Gatherer::new(3, LINGER);
    assert!(g.admit(joiner(&mut q, 0, add(0, [1])), now).is_none());
    assert_eq!(g.first(now), None);
    assert_eq!(g.wake(), Some(now + LINGER));
    g.admit(joiner(&mut q, 1, add(1, [1])), now + LINGER / 2);
    assert_eq!(
        g.first(now + LINGER / 2),
        None,
        "the wait begins with the first"
    );
    assert!(g.first(now + LINGER).is_some());

    let mut g = Gatherer::new(3, LINGER);
    for n in 0..3 {
        g.admit(joiner(&mut q, n + 2, add(n, [1])), now);
    }
    assert!(g.first(now).is_some(), "full");

    let mut g = Gatherer::new(3, LINGER);
    g.admit(joiner(&mut q, 5, add(5, [1])), now);
    g.admit(members(&mut q, order(6, Lane::Leaver, remove(6, [1]))), now);
    let first = g.first(now).unwrap();
    assert_eq!(first.lane, Lane::Leaver);
    let change = change(&mut g, now).holders();
    assert_eq!(
        (change.add, change.remove),
        (vec![account(5)], vec![account(6)]),
        "it takes others along"
    );
}

#[test]
fn while_one_call_is_in_flight_others_gather() {
    let now = Instant::now();
    let mut q = Queue::default();
    let mut g = Gatherer::new(10, LINGER);
    g.admit(joiner(&mut q, 0, add(0, [1])), now);
    let flying = change(&mut g, now + LINGER);
    for n in 1..6 {
        g.admit(joiner(&mut q, n, add(n, [1])), now + LINGER);
    }
    g.admit(joiner(&mut q, 6, add(6, [2])), now + LINGER);
    let later = now + 3 * LINGER;
    assert_eq!(
        change(&mut g, later).entitlement,
        "g2".into(),
        "another entitlement goes by itself"
    );
    assert!(g.begin(later).is_none());
    let done = g.changed(flying, vec![Ok(())], later);
    assert_eq!(done.len(), 1);
    assert_eq!(change(&mut g, later).parts.len(), 5);
}

#[test]
fn one_bad_member_fails_alone_and_an_order_ends_with_its_last_part() {
    let now = Instant::now();
    let mut q = Queue::default();
    let mut g = Gatherer::new(10, Duration::ZERO);
    for n in 0..3 {
        g.admit(joiner(&mut q, n, add(n, [1])), now);
    }
    g.admit(joiner(&mut q, 3, add(3, [1, 2])), now);
    let first = change(&mut g, now);
    assert_eq!(first.parts.len(), 4);
    let answer = Ok(vec![
        (account(3), Ok(())),
        (account(1), Err(error(ErrorKind::NotFound))),
        (account(0), Ok(())),
    ]);
    let results = first.results(&answer);
    let kinds: Vec<_> = results
        .iter()
        .map(|r| r.as_ref().err().map(|e| e.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            None,
            Some(ErrorKind::NotFound),
            Some(ErrorKind::OutcomeUnknown),
            None
        ],
        "what the answer leaves out is unknown"
    );
    let done = effects(g.changed(first, results, now));
    assert_eq!(done.keys().collect::<Vec<_>>(), ["e0", "e1", "e2"]);
    assert!(done["e0"].values().all(|ok| *ok) && done["e1"].values().all(|ok| !ok));
    let second = change(&mut g, now);
    let done = effects(g.changed(second, vec![Err(error(ErrorKind::Invalid))], now));
    assert_eq!(
        done["e3"],
        [("group1".into(), true), ("group2".into(), false)].into()
    );
}

#[test]
fn an_entitlement_is_made_once_for_all_who_wait_and_told_once() {
    let now = Instant::now();
    let mut q = Queue::default();
    let mut g = Gatherer::new(10, LINGER);
    for n in 0..4 {
        g.admit(joiner(&mut q, n, add_new(n, &["staff"])), now);
    }
    let Some(Batch::Create(creation)) = g.begin(now) else {
        panic!()
    };
    assert!(g.begin(now + LINGER).is_none(), "once");
    let staff = ObservedEntitlement {
        id: "g7".into(),
        name: "staff".into(),
        holders: vec![],
        completeness: Completeness::Complete,
    };
    assert!(g.created(&creation.name, Ok(staff.clone()), now).is_empty());
    g.admit(joiner(&mut q, 4, add_new(4, &["staff"])), now);
    let all = change(&mut g, now + LINGER);
    assert_eq!(
        (all.entitlement.as_str(), all.parts.len()),
        ("g7", 5),
        "also who asked too late"
    );
    let results = vec![Ok(()); 5];
    let created: Vec<_> = g
        .changed(all, results, now)
        .into_iter()
        .flat_map(|f| match f.effect {
            Some(Effect::Entitlements { created, .. }) => created,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(created, [staff]);
}

#[test]
fn a_failed_making_fails_all_who_wait_and_a_lost_answer_is_not_repeated() {
    let now = Instant::now();
    for (kind, again) in [
        (ErrorKind::Forbidden, true),
        (ErrorKind::OutcomeUnknown, false),
    ] {
        let mut q = Queue::default();
        let mut g = Gatherer::new(10, Duration::ZERO);
        for n in 0..2 {
            g.admit(joiner(&mut q, n, add_new(n, &["staff"])), now);
        }
        assert!(matches!(g.begin(now), Some(Batch::Create(_))));
        let failed = effects(g.created(&"staff".into(), Err(error(kind)), now));
        assert_eq!(failed.len(), 2);
        assert!(failed.values().flat_map(BTreeMap::values).all(|ok| !ok));
        let next = g.admit(joiner(&mut q, 2, add_new(2, &["staff"])), now);
        assert_eq!(next.is_none(), again, "{kind:?}");
        assert_eq!(g.begin(now).is_some(), again);
        if !again {
            g.listing_begins();
            g.seen(&[], true);
            g.admit(joiner(&mut q, 3, add_new(3, &["staff"])), now);
            assert!(
                matches!(g.begin(now), Some(Batch::Create(_))),
                "a listing settled it"
            );
        }
    }
}

#[test]
fn an_overtaken_order_tells_what_was_sent_and_nothing_if_nothing_was() {
    let now = Instant::now();
    let mut q = Queue::default();
    let mut g = Gatherer::new(1, Duration::ZERO);
    g.admit(joiner(&mut q, 0, add(0, [1, 2])), now);
    g.admit(joiner(&mut q, 1, add(1, [2])), now);
    let sent = change(&mut g, now);
    assert!(
        g.withdraw(&employee(0), now).is_none(),
        "a part is in flight"
    );
    let unsent = g.withdraw(&employee(1), now).unwrap();
    assert!(unsent.effect.is_none());
    let done = effects(g.changed(sent, vec![Ok(())], now));
    assert_eq!(done["e0"], [("group1".into(), true)].into());
    assert!(g.begin(now).is_none() && g.wake().is_none());
}

#[test]
fn parts_that_come_back_go_first_again_and_not_for_ever() {
    let now = Instant::now();
    let mut q = Queue::default();
    let mut g = Gatherer::new(2, Duration::ZERO);
    for n in 0..4 {
        g.admit(joiner(&mut q, n, add(n, [1])), now);
    }
    for turn in 1..=3 {
        let flying = change(&mut g, now);
        let who: Vec<_> = flying.parts.iter().map(|p| p.account.clone()).collect();
        assert_eq!(who, [account(0), account(1)]);
        let done = g.changed(flying, vec![Err(error(ErrorKind::Unreachable)); 2], now);
        assert_eq!(done.len(), if turn < 3 { 0 } else { 2 });
    }
    assert_eq!(change(&mut g, now).parts.len(), 2);
}

/// What a scripted target makes of one part.
fn result(of: u8) -> Result<(), ConnectorError> {
    match of {
        0 => Err(error(ErrorKind::Invalid)),
        1 => Err(error(ErrorKind::Throttled)),
        2 => Err(error(ErrorKind::Unreachable)),
        3 => Err(error(ErrorKind::OutcomeUnknown)),
        _ => Ok(()),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Admit {
        groups: BTreeSet<usize>,
        new: BTreeSet<usize>,
        takes: bool,
        lane: Lane,
    },
    Withdraw(usize),
    Begin,
    End(usize, Vec<u8>),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let set = || proptest::collection::btree_set(0..4_usize, 0..4);
    let lane = prop_oneof![Just(Lane::Leaver), Just(Lane::Joiner), Just(Lane::Drift)];
    prop_oneof![
        6 => (set(), set(), any::<bool>(), lane)
            .prop_map(|(groups, new, takes, lane)| Step::Admit { groups, new, takes, lane }),
        1 => (0..30_usize).prop_map(Step::Withdraw),
        5 => Just(Step::Begin),
        5 => (0..4_usize, proptest::collection::vec(0..9_u8, 8)).prop_map(|(n, r)| Step::End(n, r)),
        2 => (0..20_u64).prop_map(Step::Wait),
    ]
}

#[derive(Default)]
struct World {
    flying: Vec<Batch>,
    wanted: HashMap<String, usize>,
    withdrawn: BTreeSet<String>,
    finished: BTreeSet<String>,
}

impl World {
    fn finish(
        &mut self,
        finished: impl IntoIterator<Item = Finished>,
    ) -> Result<(), TestCaseError> {
        for f in finished {
            let who = f.order.employee.to_string();
            prop_assert!(self.finished.insert(who.clone()), "{} ended twice", who);
            match f.effect {
                Some(Effect::Entitlements { results, .. }) => {
                    let all = self.wanted[&who];
                    prop_assert!(results.len() == all || self.withdrawn.contains(&who));
                }
                None => prop_assert!(self.withdrawn.contains(&who)),
                other => prop_assert!(false, "{:?}", other),
            }
        }
        Ok(())
    }

    fn begun(&mut self, batch: Batch, limit: usize) -> Result<(), TestCaseError> {
        if let Batch::Change(change) = &batch {
            let accounts: BTreeSet<_> = change.parts.iter().map(|p| &p.account).collect();
            prop_assert!((1..=limit).contains(&change.parts.len()));
            prop_assert_eq!(accounts.len(), change.parts.len(), "an account twice");
            prop_assert!(
                change.parts.is_sorted_by_key(|p| p.place),
                "the first go first"
            );
        }
        let what = |b: &Batch| match b {
            Batch::Create(c) => format!("new {}", c.name),
            Batch::Change(c) => format!("id {}", c.entitlement),
        };
        prop_assert!(
            self.flying.iter().all(|other| what(other) != what(&batch)),
            "two calls for one"
        );
        self.flying.push(batch);
        Ok(())
    }

    fn end(
        &mut self,
        g: &mut Gatherer,
        n: usize,
        script: &[u8],
        now: Instant,
    ) -> Result<(), TestCaseError> {
        if self.flying.is_empty() {
            return Ok(());
        }
        let finished = match self.flying.swap_remove(n % self.flying.len()) {
            Batch::Create(c) => {
                let answer = result(script[0]).map(|()| ObservedEntitlement {
                    id: format!("made-{}", c.name).as_str().into(),
                    name: c.name.clone(),
                    holders: vec![],
                    completeness: Completeness::Complete,
                });
                g.created(&c.name, answer, now)
            }
            Batch::Change(c) => {
                let results = (0..c.parts.len())
                    .map(|i| result(script[i % script.len()]))
                    .collect();
                g.changed(c, results, now)
            }
        };
        self.finish(finished)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn every_order_ends_once_with_a_result_for_each_entitlement(
        steps in proptest::collection::vec(step(), 0..80),
        limit in 1_u16..5,
    ) {
        let mut now = Instant::now();
        let mut q = Queue::default();
        let mut g = Gatherer::new(limit, LINGER);
        let mut w = World::default();
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Admit { groups, new, takes, lane } => {
                    let mut operation = if takes { remove(n % 7, groups) } else { add(n % 7, groups) };
                    if let Operation::AddEntitlements { entitlements, .. } = &mut operation {
                        let names: Vec<String> = new.iter().map(|g| format!("new{g}")).collect();
                        let names: Vec<&str> = names.iter().map(String::as_str).collect();
                        if let Operation::AddEntitlements { entitlements: more, .. } = add_new(n, &names) {
                            entitlements.extend(more);
                        }
                    }
                    let size = match &operation {
                        Operation::AddEntitlements { entitlements, .. } => entitlements.len(),
                        Operation::RemoveEntitlements { entitlements, .. } => entitlements.len(),
                        _ => 0,
                    };
                    w.wanted.insert(format!("e{n}"), size);
                    let finished = g.admit(members(&mut q, order(n, lane, operation)), now);
                    w.finish(finished)?;
                }
                Step::Withdraw(n) => {
                    if w.wanted.contains_key(&format!("e{n}")) && !w.finished.contains(&format!("e{n}")) {
                        w.withdrawn.insert(format!("e{n}"));
                        let finished = g.withdraw(&employee(n), now);
                        w.finish(finished)?;
                    }
                }
                Step::Begin => if let Some(batch) = g.begin(now) {
                    w.begun(batch, usize::from(limit))?;
                },
                Step::End(n, script) => w.end(&mut g, n, &script, now)?,
                Step::Wait(ms) => now += Duration::from_millis(ms),
            }
            prop_assert!(g.first(now).is_some() || g.wake().is_none_or(|at| at > now));
        }
        // Then everything works, and everything ends.
        for _ in 0..1000 {
            if let Some(batch) = g.begin(now) {
                w.begun(batch, usize::from(limit))?;
            } else if !w.flying.is_empty() {
                w.end(&mut g, 0, &[8], now)?;
            } else if let Some(at) = g.wake() {
                now = at;
            }
        }
        prop_assert_eq!(w.finished.len(), w.wanted.len());
        prop_assert!(w.flying.is_empty() && g.wake().is_none());
    }
}

#[test]
fn two_names_of_one_entitlement_never_put_an_account_twice_into_a_call() {
    let now = Instant::now();
    let mut q = Queue::default();
    let mut g = Gatherer::new(10, Duration::ZERO);
    let mut operation = add(0, [1]);
    if let Operation::AddEntitlements { entitlements, .. } = &mut operation {
        let same = entitlements.values().next().unwrap().clone();
        entitlements.insert("alias".into(), same);
    }
    g.admit(joiner(&mut q, 0, operation), now);
    let first = change(&mut g, now);
    assert_eq!(first.parts.len(), 1);
    assert!(g.changed(first, vec![Ok(())], now).is_empty());
    let second = change(&mut g, now);
    let done = g.changed(second, vec![Ok(())], now);
    assert_eq!(effects(done)["e0"].len(), 2);
}
