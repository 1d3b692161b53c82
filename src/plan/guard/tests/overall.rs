//! The limit of the whole operator, over all applications.

use std::collections::BTreeSet;

use super::*;

#[test]
fn all_applications_together_have_a_limit() {
    let mut bench = Bench::new(10);
    let limits = Limits {
        most: Some(2),
        percent: 100,
        always: 0,
    };
    let mut elsewhere = Bench::new(10);
    elsewhere.disable([1, 2], Cause::Change);
    elsewhere.decide(&ALL, None);
    bench.overall = Overall::new(limits, 50);
    bench.overall.count(&elsewhere.gate, bench.now);
    bench.disable([1, 2], Cause::Change);
    assert!(bench.decide(&ALL, None).released, "the same people");
    bench.disable([3], Cause::Change);
    assert!(!bench.decide(&ALL, None).released);
    let excess = bench.gate.excess(Cause::Change).unwrap();
    assert_eq!((excess.limit, excess.of), (Limit::Overall, 50));
    bench.disable([4], Cause::LastDay);
    assert!(bench.decide(&ALL, None).released, "leavers count apart");
}

/// One edit, two applications, and in each of them less than may be lost: it is one mistake, and held whole. Neither goes later as if
/// it were alone.
#[test]
fn a_wave_over_several_applications_is_one() {
    let limits = Limits {
        most: Some(3),
        percent: 100,
        always: 0,
    };
    let mut benches = [Bench::new(10), Bench::new(10)];
    benches[0].disable(1..3, Cause::Change);
    benches[1].disable(3..5, Cause::Change);
    let gathered = |benches: &[Bench; 2]| {
        let mut overall = Overall::new(limits, 50);
        let keys = benches
            .iter()
            .flat_map(|b| b.gate.undecided_keys(Cause::Change));
        overall.asked = keys.collect();
        overall
    };
    let asked = gathered(&benches).asked;
    let decide = |benches: &mut [Bench; 2], asked: &BTreeSet<u64>| {
        for n in 0..2 {
            let mut overall = Overall::new(limits, 50);
            overall.asked.clone_from(asked);
            for bench in benches.iter() {
                overall.count(&bench.gate, bench.now);
                overall.held.extend(bench.gate.held_now(Cause::Change));
            }
            benches[n].overall = overall;
            benches[n].decide(&ALL, None);
        }
    };
    decide(&mut benches, &asked);
    // Once more, when nothing is gathered any more.
    decide(&mut benches, &BTreeSet::new());
    for bench in &benches {
        assert_eq!(bench.held().len(), 2);
        let excess = bench.gate.excess(Cause::Change).unwrap();
        assert_eq!((excess.limit, excess.people), (Limit::Overall, 4));
    }
    // Others who move meanwhile do not wait, nor do leavers.
    benches[0].disable([7], Cause::Change);
    benches[0].disable([8], Cause::LastDay);
    let asked = gathered(&benches).asked;
    decide(&mut benches, &asked);
    assert!(benches[0].may_disable("7") && benches[0].may_disable("8"));
    assert_eq!(benches[0].held(), ["1", "2"]);
    // Taken back in the one, the rest fits.
    for who in ["3", "4"] {
        benches[1].ask(who, Cause::Change, &[]);
    }
    decide(&mut benches, &BTreeSet::new());
    assert_eq!(benches[0].held(), [""; 0]);
}

/// Room frees, and somebody else comes in the same decision.
#[test]
fn what_goes_in_one_decision_counts_for_the_rest_of_it() {
    let limits = Limits {
        most: Some(3),
        percent: 100,
        always: 0,
    };
    let mut elsewhere = Bench::new(10);
    elsewhere.disable(90..93, Cause::Change);
    elsewhere.decide(&ALL, None);
    let mut bench = Bench::new(10);
    bench.overall = Overall::new(limits, 50);
    bench.overall.count(&elsewhere.gate, bench.now);
    bench.disable(1..4, Cause::Change);
    assert!(!bench.decide(&ALL, None).released);
    bench.overall = Overall::new(limits, 50);
    bench.disable(11..14, Cause::Change);
    assert!(bench.decide(&ALL, None).released);
    assert_eq!(bench.held(), ["1", "2", "3"], "three went");
}

/// What is let through of a wave counts at once, also where all of what counts anywhere was added up before.
#[test]
fn the_rest_of_a_wave_does_not_go_past_the_limit_of_the_whole_operator() {
    let mut bench = Bench::new(10);
    let limits = Limits {
        most: Some(3),
        ..Limits::NONE
    };
    bench.overall = Overall::new(limits, 50);
    bench.disable(1..=3, Cause::Termination);
    let root = Loss::Entitlement("root".into());
    bench.ask("4", Cause::Termination, &[Loss::Use, root]);
    bench.decide(&Cause::LEAVERS, None);
    assert!(bench.may_disable("1") && bench.may_disable("3"));
    assert_eq!(bench.held(), ["4"]);
    assert!(!bench.may_disable("4"));
}
