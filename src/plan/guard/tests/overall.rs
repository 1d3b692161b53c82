//! The limit of the whole operator, over all applications.

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
