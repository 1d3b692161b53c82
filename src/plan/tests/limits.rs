//! Limits on entitlements keep things from being given, and take nothing away.

use std::collections::BTreeSet;

use super::accounts::{held, reasons};
use super::town::Town;
use crate::domain::fixtures::{connector, person, template};
use crate::domain::limits::{LIMIT_REACHED, LimitSpec, NOT_FOR_TYPE, reached};
use crate::plan::parts::GrantState;
use crate::plan::{AccountPlan, Operation};

/// Ada, an employee whose role gives `all` and `keys`.
fn town() -> Town {
    let mut town = Town::new(&[("dir", &["all", "keys", "old"])]);
    town.teach(
        template("all")
            .matching("true")
            .giving("dir", &["all", "keys"]),
    );
    town.hire(person("1"));
    town
}

fn limit(town: &mut Town, max_holders: Option<usize>, types: Option<&[&str]>) {
    let mut dir = connector("dir");
    let types = types.map(|types| {
        types
            .iter()
            .map(|kind| (*kind).into())
            .collect::<BTreeSet<_>>()
    });
    dir.limits = vec![LimitSpec {
        entitlement: "keys".to_owned(),
        max_holders,
        only_types: types,
    }];
    town.connect(dir);
}

/// Looks while every place in `keys` is taken.
fn full(town: &mut Town) -> AccountPlan {
    let id = "1".into();
    let mut look = town.look("1");
    let problem = reached(&"dir".into(), &"keys".into(), 1, 1);
    if let Some(dir) = look.observations.get_mut("dir") {
        dir.full = [("keys".into(), problem)].into();
    }
    let record = town.remembered(&id);
    let mut plan = town.plan_with(&id, &look.desired, &record, &look.observations);
    town.records.insert(id, plan.record);
    plan.accounts.remove("dir").unwrap()
}

fn told(town: &mut Town) -> Vec<&'static str> {
    let desired = town.look("1").desired;
    desired.problems().map(|problem| problem.reason).collect()
}

#[test]
fn who_is_of_another_type_is_given_the_rest() {
    let mut town = town();
    limit(&mut town, None, Some(&["Employee"]));
    town.person("1").kind = "Contractor".into();
    town.settle("1");
    assert_eq!(held(&town), ["all"]);
    assert_eq!(told(&mut town), [NOT_FOR_TYPE]);
    let plan = town.look("1").plan;
    assert!(plan.accounts["dir"].is_settled(), "{plan:#?}");
    assert!(
        !plan.record.accounts[&"dir".into()]
            .grants
            .contains_key("keys")
    );
    town.person("1").kind = "Employee".into();
    town.settle("1");
    assert_eq!(held(&town), ["all", "keys"]);
    assert_eq!(told(&mut town), [""; 0]);
}

#[test]
fn who_has_it_keeps_it_until_no_role_gives_it_and_is_not_given_it_again() {
    let mut town = town();
    town.settle("1");
    limit(&mut town, None, Some(&["Employee"]));
    town.person("1").kind = "Contractor".into();
    town.settle("1");
    assert_eq!(held(&town), ["all", "keys"]);
    assert_eq!(told(&mut town), [NOT_FOR_TYPE]);
    let plan = town.look("1").plan;
    assert_eq!(plan.accounts["dir"].grants["keys"].state, GrantState::Held);

    // Somebody takes it from her by hand, and that is that.
    let mut by_hand = town;
    let keys = by_hand.target("dir").groups.get_mut("keys").unwrap();
    keys.holders.clear();
    by_hand.list();
    by_hand.settle("1");
    assert_eq!(held(&by_hand), ["all"]);
    assert!(
        !by_hand.record("1").accounts[&"dir".into()]
            .grants
            .contains_key("keys")
    );
}

#[test]
fn it_is_taken_with_the_role_that_gave_it() {
    let mut town = town();
    town.settle("1");
    limit(&mut town, None, Some(&["Employee"]));
    town.person("1").kind = "Contractor".into();
    town.settle("1");
    town.teach(template("all").matching("true").giving("dir", &["all"]));
    town.settle("1");
    assert_eq!(held(&town), ["all"]);
}

/// What nobody is known to have given is rogue, and a limit makes it nothing better.
#[test]
fn what_somebody_gave_by_hand_to_another_type_is_rogue() {
    let mut town = town();
    limit(&mut town, None, Some(&["Employee"]));
    town.person("1").kind = "Contractor".into();
    town.settle("1");
    let account = town.account("dir", "1").unwrap().id.clone();
    let keys = town.target("dir").groups.get_mut("keys").unwrap();
    keys.holders.insert(account);
    town.list();
    for _ in 0..2 {
        town.settle("1");
        let plan = town.look("1").plan;
        assert!(plan.accounts["dir"].rogue.contains("keys"), "{plan:#?}");
        assert_eq!(held(&town), ["all", "keys"]);
    }
}

#[test]
fn where_every_place_is_taken_it_is_waited_for_and_nothing_waits_with_it() {
    let mut town = town();
    town.teach(template("old").matching("true").giving("dir", &["old"]));
    town.teach(template("all").matching("true").giving("dir", &["all"]));
    town.settle("1");
    limit(&mut town, Some(1), None);
    town.forget_template("old");
    town.teach(template("old"));
    town.teach(
        template("all")
            .matching("true")
            .giving("dir", &["all", "keys"]),
    );
    let plan = full(&mut town);
    let verbs: Vec<&str> = plan.steps.iter().map(|s| s.operation.verb()).collect();
    assert_eq!(verbs, ["RemoveEntitlements"], "{plan:#?}");
    assert_eq!(plan.withheld, None);
    assert_eq!(plan.grants["keys"].state, GrantState::Pending);
    assert_eq!(reasons(&plan), [LIMIT_REACHED]);
    town.settle("1");
    assert_eq!(held(&town), ["all", "keys"]);
}

#[test]
fn who_has_a_place_keeps_it_whatever_is_free() {
    let mut town = town();
    town.settle("1");
    limit(&mut town, Some(0), None);
    let plan = full(&mut town);
    assert_eq!(plan.grants["keys"].state, GrantState::Held);
    assert!(plan.is_settled(), "{plan:#?}");
    // Also where the target lost it: it is hers by what is recorded.
    town.target("dir")
        .groups
        .get_mut("keys")
        .unwrap()
        .holders
        .clear();
    town.list();
    let plan = full(&mut town);
    let [step] = plan.steps.as_slice() else {
        panic!("{plan:#?}");
    };
    assert!(matches!(step.operation, Operation::AddEntitlements { .. }));
}

#[test]
fn nobody_is_given_what_can_not_be_counted() {
    let mut town = town();
    limit(&mut town, Some(5), None);
    town.target("dir").holders_partial = true;
    town.settle("1");
    assert_eq!(held(&town), ["all"]);
    let plan = town.look("1").plan;
    assert_eq!(reasons(&plan.accounts["dir"]), ["EntitlementsUnreadable"]);
    town.target("dir").holders_partial = false;
    town.settle("1");
    assert_eq!(held(&town), ["all", "keys"]);
}

#[test]
fn a_joiner_is_told_before_there_is_an_account() {
    let mut town = town();
    limit(&mut town, Some(1), None);
    let plan = full(&mut town);
    assert_eq!(plan.steps[0].operation.verb(), "Create");
    assert_eq!(reasons(&plan), [LIMIT_REACHED]);
}
