mod any_order;
mod overall;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::account::AttributeChanges;
use crate::domain::fixtures::at;
use crate::domain::guard::{GuardPolicy, Limits};
use crate::domain::ids::{AccountId, EmployeeId, Username};
use crate::plan::Operation;

const ALL: [Cause; 3] = Cause::ALL;

fn policy(most: u32) -> GuardPolicy {
    let limits = Limits {
        most: Some(most),
        percent: 100,
        always: 0,
    };
    GuardPolicy {
        changes: limits,
        leavers: limits,
        privileged_most: 1,
        ..GuardPolicy::open()
    }
}

fn gate(restored: Restored) -> Gate {
    Gate::restored("people".into(), "directory".into(), "uid", restored)
}

/// A gate, and what it is decided by.
struct Bench {
    gate: Gate,
    policy: GuardPolicy,
    overall: Overall,
    reconsider: bool,
    now: Timestamp,
}

impl Bench {
    fn new(most: u32) -> Self {
        Self {
            gate: gate(Restored::default()),
            policy: policy(most),
            overall: Overall::open(),
            reconsider: true,
            now: at("2026-06-15T12:00:00Z"),
        }
    }

    fn ask(&mut self, who: &str, cause: Cause, losses: &[Loss]) -> Asked {
        let taking = Taking {
            cause,
            losses: losses.iter().cloned().collect(),
            privileged: losses.contains(&Loss::Entitlement("root".into())),
            why: "a reason".to_owned(),
        };
        let taking = Some(taking).filter(|taking| !taking.losses.is_empty());
        self.gate.ask(&EmployeeId::new(who), taking, self.now)
    }

    fn disable(&mut self, people: impl IntoIterator<Item = u32>, cause: Cause) {
        for person in people {
            self.ask(&person.to_string(), cause, &[Loss::Use]);
        }
    }

    fn decide(&mut self, causes: &[Cause], digest: Option<&str>) -> Verdict {
        let approval = digest.map(|digest| Approval {
            digest: digest.to_owned(),
            by: Some("grace".to_owned()),
        });
        let verdict = self.gate.decide(
            causes,
            &Bounds {
                policy: &self.policy,
                accounts: 100,
                overall: &self.overall,
                reconsider: self.reconsider,
                approval: approval.as_ref(),
                now: self.now,
            },
        );
        let unsaved = self.gate.unsaved().clone();
        self.gate.save(&unsaved);
        verdict
    }

    fn may_disable(&self, who: &str) -> bool {
        let operation = Operation::Disable(AccountId::new("a"));
        let permit = self.gate.permit(&EmployeeId::new(who), operation);
        permit.is_some()
    }

    fn held(&self) -> Vec<String> {
        let held = ALL.into_iter().flat_map(|cause| self.gate.held(cause));
        let mut held: Vec<String> = held.map(|(who, _)| who.to_string()).collect();
        held.sort();
        held
    }

    fn restart(&mut self) {
        let held = ALL.map(|cause| (cause, self.gate.held_keys(cause)));
        self.gate = gate(Restored {
            releases: self.gate.releases().to_vec(),
            held: held.into_iter().collect(),
            approvals: self.gate.approvals(),
        });
    }
}

#[test]
fn a_wave_goes_as_a_whole_or_not_at_all() {
    let mut bench = Bench::new(3);
    bench.disable(0..4, Cause::Change);
    assert!(!bench.may_disable("0"), "nothing runs undecided");
    let verdict = bench.decide(&ALL, None);
    assert_eq!((verdict.released, verdict.held.len()), (false, 4));
    assert_eq!(bench.held(), ["0", "1", "2", "3"]);
    let excess = *bench.gate.excess(Cause::Change).unwrap();
    assert_eq!(
        (excess.limit, excess.people, excess.allowed),
        (Limit::Connector, 4, 3)
    );
    // Taken back but for three: they go by themselves.
    assert!(bench.ask("3", Cause::Change, &[]).held_changed);
    bench.reconsider = false;
    assert!(
        !bench.decide(&ALL, None).released,
        "it may be taken back wholly"
    );
    bench.reconsider = true;
    assert!(bench.decide(&ALL, None).released);
    assert!(bench.may_disable("0") && !bench.may_disable("3"));
    assert_eq!(bench.gate.digest(Cause::Change), None);
}

#[test]
fn small_portions_are_counted_together_until_the_window_is_over() {
    let mut bench = Bench::new(3);
    for person in 0..3 {
        bench.disable([person], Cause::Change);
        assert!(bench.decide(&ALL, None).released, "{person}");
    }
    bench.disable([3], Cause::Change);
    assert!(!bench.decide(&ALL, None).released);
    bench.restart();
    bench.disable([3], Cause::Change);
    assert!(!bench.decide(&ALL, None).released, "nor after a restart");
    assert!(bench.may_disable("2"), "what was let through is");
    bench.now += SignedDuration::from_hours(23);
    assert!(!bench.decide(&ALL, None).released, "the window is not over");
    bench.now += SignedDuration::from_hours(1);
    assert!(bench.decide(&ALL, None).released, "one fits again");
}

#[test]
fn whoever_leaves_is_not_kept_waiting_by_others() {
    let mut bench = Bench::new(3);
    bench.disable(0..10, Cause::Change);
    bench.decide(&ALL, None);
    bench.disable(10..20, Cause::Termination);
    bench.decide(&Cause::LEAVERS, None);
    assert_eq!(bench.held().len(), 20);
    bench.disable([20], Cause::LastDay);
    assert!(bench.decide(&Cause::LEAVERS, None).released);
    assert!(bench.may_disable("20"));
    // Somebody who is held for another reason and whose last day comes.
    bench.disable([5], Cause::LastDay);
    assert!(bench.decide(&Cause::LEAVERS, None).released);
    assert!(bench.may_disable("5"));
    // Those who leave have a limit as well, of their own.
    bench.disable(30..33, Cause::LastDay);
    assert!(!bench.decide(&Cause::LEAVERS, None).released);
    // A change is not decided before it is known as a whole, whoever leaves meanwhile.
    let mut bench = Bench::new(3);
    bench.disable([1], Cause::Change);
    bench.decide(&Cause::LEAVERS, None);
    assert!(bench.gate.is_undecided() && !bench.may_disable("1"));
}

#[test]
fn that_the_last_day_was_announced_is_not_forgotten_once_it_is_over() {
    let mut bench = Bench::new(0);
    bench.disable([1], Cause::LastDay);
    bench.decide(&ALL, None);
    bench.disable([1], Cause::Termination);
    assert_eq!(bench.gate.held(Cause::LastDay).count(), 1);
    bench.restart();
    bench.disable([1], Cause::Termination);
    assert_eq!(
        bench.gate.held(Cause::LastDay).count(),
        1,
        "nor by a restart"
    );
}

#[test]
fn an_approval_is_of_exactly_that_once() {
    let mut bench = Bench::new(1);
    bench.disable(0..4, Cause::Change);
    bench.disable(4..7, Cause::Termination);
    bench.decide(&ALL, None);
    let digest = bench.gate.digest(Cause::Change).unwrap();
    assert!(
        digest.starts_with("sha256:") && digest.len() == 71,
        "{digest}"
    );
    assert_ne!(bench.gate.digest(Cause::Termination), Some(digest.clone()));
    // It lapses when the plan changes.
    bench.ask("2", Cause::Change, &[Loss::Use, Loss::Account]);
    assert!(!bench.decide(&ALL, Some(&digest)).released);
    bench.ask("2", Cause::Change, &[Loss::Use]);
    assert_eq!(
        bench.gate.digest(Cause::Change).as_ref(),
        Some(&digest),
        "as it was"
    );
    // Whoever comes after it fits by themselves, and is not part of it; nor are those of another cause.
    bench.disable([9], Cause::Change);
    assert!(bench.decide(&ALL, Some(&digest)).released);
    for person in 0..4 {
        assert!(bench.may_disable(&person.to_string()), "{person}");
    }
    assert_eq!(bench.held(), ["4", "5", "6"]);
    let who = EmployeeId::new("2");
    let operation = Operation::Disable("a".into());
    let approval = bench.gate.approval_of(&who, &operation).unwrap();
    assert_eq!(approval.by.as_deref(), Some("grace"));
    let alone = bench.gate.approval_of(&EmployeeId::new("9"), &operation);
    assert_eq!(alone, None, "that one fitted without");
    // A restart in the middle loses nothing of it.
    bench.restart();
    assert!(bench.may_disable("2"));
    // What was approved does not count, and the same once more is another wave, as soon as it was done or taken back.
    for person in 0..7 {
        bench.ask(&person.to_string(), Cause::Change, &[]);
    }
    bench.disable(0..4, Cause::Change);
    bench.decide(&ALL, Some(&digest));
    assert_eq!(bench.held().len(), 4);
    assert_ne!(bench.gate.digest(Cause::Change).unwrap(), digest);
}

#[test]
fn what_was_held_is_held_after_a_restart_and_nobody_new_with_it() {
    let mut bench = Bench::new(3);
    bench.disable(0..10, Cause::Termination);
    bench.decide(&ALL, None);
    let digest = bench.gate.digest(Cause::Termination);
    bench.restart();
    // Two of them are looked at first: that they would fit alone means nothing.
    bench.disable(0..2, Cause::Termination);
    bench.decide(&ALL, None);
    assert!(!bench.may_disable("0") && bench.gate.is_recalling());
    assert_eq!(
        bench.gate.digest(Cause::Termination),
        None,
        "it is not whole yet"
    );
    // Somebody who is dismissed meanwhile does not wait for them.
    bench.disable([20], Cause::Termination);
    assert!(bench.decide(&Cause::LEAVERS, None).released);
    assert!(bench.may_disable("20"));
    bench.disable(2..10, Cause::Termination);
    assert_eq!(bench.gate.digest(Cause::Termination), digest);
    // Those of whom no object is left are forgotten.
    bench.restart();
    let left = ["1", "2"].map(EmployeeId::new);
    bench.gate.recall_only(left.iter());
    bench.disable(1..3, Cause::Termination);
    assert!(!bench.gate.is_recalling());
    assert!(bench.decide(&[], None).released, "two fit");
}

#[test]
fn ordinary_leavers_do_not_wait_for_the_privileged() {
    let mut bench = Bench::new(10);
    let root = Loss::Entitlement("root".into());
    for person in ["1", "2", "3"] {
        bench.ask(person, Cause::LastDay, &[Loss::Use, root.clone()]);
    }
    bench.disable(4..8, Cause::LastDay);
    assert!(bench.decide(&Cause::LEAVERS, None).released);
    assert_eq!(bench.held(), ["1", "2", "3"]);
    assert!(bench.may_disable("4"));
}

#[test]
fn a_pause_takes_nothing_back() {
    let mut bench = Bench::new(2);
    let set_aside = |bench: &mut Bench, who: &str| bench.gate.set_aside(&EmployeeId::new(who));
    bench.disable([1], Cause::Change);
    set_aside(&mut bench, "1");
    assert!(!bench.gate.is_undecided(), "it was not decided");
    bench.disable([1], Cause::Change);
    bench.decide(&ALL, None);
    set_aside(&mut bench, "1");
    assert!(bench.may_disable("1"), "it was let through");
    bench.disable(2..8, Cause::Change);
    bench.decide(&ALL, None);
    let digest = bench.gate.digest(Cause::Change);
    set_aside(&mut bench, "3");
    assert_eq!(bench.held(), ["2", "4", "5", "6", "7"], "3 is not");
    assert_ne!(bench.gate.digest(Cause::Change), digest);
    bench.restart();
    set_aside(&mut bench, "3");
    bench.disable([2, 4, 5, 6, 7], Cause::Change);
    assert!(bench.gate.digest(Cause::Change).is_some(), "all is known");
    // The others do not go as if they were fewer, and it is held again when the pause is over.
    bench.policy = policy(6);
    assert!(!bench.decide(&ALL, None).released);
    bench.disable([3], Cause::Change);
    assert_eq!(bench.gate.digest(Cause::Change), digest);
    bench.ask("3", Cause::Change, &[]);
    assert!(bench.decide(&ALL, None).released, "taken back");
}

#[test]
fn what_ends_at_one_midnight_does_not_count_at_the_next() {
    let mut bench = Bench::new(3);
    bench.now = at("2026-06-15T00:00:02Z");
    bench.disable(0..3, Cause::LastDay);
    assert!(bench.decide(&ALL, None).released);
    bench.now = at("2026-06-16T00:00:01Z");
    bench.disable(3..6, Cause::LastDay);
    assert!(bench.decide(&ALL, None).released);
}

/// What was let through while a clock was ahead counts for a window from when that is seen, and no longer.
#[test]
fn a_clock_that_was_ahead_keeps_nobody_waiting_for_longer_than_a_window() {
    for restarts in [false, true] {
        let mut bench = Bench::new(3);
        let right = bench.now;
        bench.now = right + SignedDuration::from_hours(24 * 10);
        bench.disable(0..3, Cause::Termination);
        assert!(bench.decide(&ALL, None).released);
        bench.now = right;
        if restarts {
            bench.restart();
        }
        bench.disable(3..6, Cause::Termination);
        assert!(!bench.decide(&ALL, None).released);
        bench.now = right + SignedDuration::from_hours(24);
        assert!(bench.decide(&ALL, None).released, "{restarts}");
    }
}

#[test]
fn what_was_let_through_outlives_the_window() {
    let mut bench = Bench::new(0);
    bench.disable([1], Cause::Change);
    bench.decide(&ALL, None);
    let digest = bench.gate.digest(Cause::Change).unwrap();
    bench.decide(&ALL, Some(&digest));
    bench.now += SignedDuration::from_hours(24 * 6);
    bench.disable([1], Cause::Change);
    bench.decide(&ALL, Some(&digest));
    assert!(bench.may_disable("1"), "the target was down for days");
}

#[test]
fn few_may_lose_what_is_privileged() {
    let root = Loss::Entitlement("root".into());
    let mut bench = Bench::new(10);
    bench.ask("1", Cause::Change, std::slice::from_ref(&root));
    bench.disable([2], Cause::Change);
    assert!(bench.decide(&ALL, None).released);
    bench.ask("3", Cause::Change, &[root]);
    assert!(!bench.decide(&ALL, None).released);
    let excess = bench.gate.excess(Cause::Change).unwrap();
    assert_eq!(excess.limit, Limit::Privileged);
    bench.disable([4], Cause::Change);
    assert!(bench.decide(&ALL, None).released, "others go on");
}

/// It forgets what counted as if that were over, and is right again.
#[test]
fn a_clock_that_was_ahead_lets_no_more_through() {
    for ahead in [25, 400].map(SignedDuration::from_hours) {
        let mut bench = Bench::new(3);
        bench.disable(0..3, Cause::Change);
        bench.decide(&ALL, None);
        for person in 0..3 {
            bench.ask(&person.to_string(), Cause::Change, &[]);
        }
        bench.now += ahead;
        bench.ask("9", Cause::Change, &[]);
        bench.now -= ahead;
        bench.restart();
        bench.disable([3], Cause::Change);
        assert!(!bench.decide(&ALL, None).released, "{ahead}");
        // What is over for long is forgotten all the same.
        for _ in 0..2 {
            bench.now += SignedDuration::from_hours(25);
            bench.ask("9", Cause::Change, &[]);
        }
        assert!(bench.gate.releases().is_empty());
    }
}

/// What was let through and not done within its week is asked for anew, also where somebody approved it; a clock that is right
/// again gives it back.
#[test]
fn what_is_over_runs_no_more() {
    let mut bench = Bench::new(3);
    bench.disable([1], Cause::Change);
    bench.decide(&ALL, None);
    let later = SignedDuration::from_hours(9 * 24);
    for restarts in [false, true] {
        bench.now += later;
        bench.disable([1], Cause::Change);
        assert!(!bench.may_disable("1"), "{restarts}");
        bench.now -= later;
        bench.disable([1], Cause::Change);
        assert!(bench.may_disable("1"), "{restarts}");
        bench.restart();
    }
}

#[test]
fn a_part_of_a_removal_may_go() {
    let mut bench = Bench::new(1);
    let who = EmployeeId::new("1");
    let loss = |name: &str| Loss::Entitlement(name.into());
    bench.ask("1", Cause::Change, &[loss("a")]);
    bench.decide(&ALL, None);
    bench.policy = policy(0);
    bench.ask("1", Cause::Change, &[loss("a"), loss("b")]);
    bench.decide(&ALL, None);
    let entitlements = ["a", "b"].map(|name| (name.into(), name.into()));
    let operation = Operation::RemoveEntitlements {
        id: "1".into(),
        entitlements: entitlements.into_iter().collect(),
    };
    let permitted = bench.gate.permit(&who, operation).unwrap();
    let expected = Operation::RemoveEntitlements {
        id: "1".into(),
        entitlements: BTreeMap::from([("a".into(), "a".into())]),
    };
    assert_eq!(permitted, expected);
    // What somebody owns is handed over once nothing of theirs waits.
    let hand_over = || Operation::TransferOwnership {
        id: "1".into(),
        to: "2".into(),
        name: crate::domain::ids::Username::new("grace"),
    };
    assert_eq!(bench.gate.permit(&who, hand_over()), None);
    bench.ask("1", Cause::Change, &[]);
    assert_eq!(bench.gate.permit(&who, hand_over()), Some(hand_over()));
}

#[test]
fn nothing_runs_before_it_is_remembered_outside() {
    let mut bench = Bench::new(5);
    bench.disable([1], Cause::LastDay);
    let overall = Overall::open();
    bench.gate.decide(
        &ALL,
        &Bounds {
            policy: &bench.policy,
            accounts: 100,
            overall: &overall,
            reconsider: true,
            approval: None,
            now: bench.now,
        },
    );
    let who = EmployeeId::new("1");
    assert!(!bench.may_disable("1") && bench.gate.considers(&who));
    let unsaved = bench.gate.unsaved().clone();
    assert_eq!(bench.gate.save(&unsaved), std::slice::from_ref(&who));
    assert!(bench.may_disable("1") && !bench.gate.considers(&who));
}

/// Another name waits, and what else is changed does not; one that is given back waits for nothing.
#[test]
fn a_name_that_is_given_back_is_no_loss() {
    let mut bench = Bench::new(0);
    bench.ask("0", Cause::Change, &[Loss::Name]);
    bench.decide(&ALL, None);
    assert_eq!(bench.held(), ["0"]);
    let update = |gives_back| Operation::Update {
        id: AccountId::new("a"),
        changes: AttributeChanges {
            username: Some(Username::new("ada")),
            ..AttributeChanges::default()
        },
        gives_back,
    };
    let permit = |operation| bench.gate.permit(&EmployeeId::new("0"), operation);
    assert_eq!(permit(update(false)), None);
    assert_eq!(permit(update(true)), Some(update(true)));
}
