//! Roles that nobody may hold both of: breaking comes before making.

use super::accounts::held;
use super::town::Town;
use crate::domain::account::Activity;
use crate::domain::fixtures::{person, template};
use crate::plan::Operation;

/// Ada may pay, by name; whoever pays does not check. Both are in `ledger`.
fn town() -> Town {
    let mut town = Town::new(&[("dir", &["all", "pay", "check", "ledger"])]);
    town.teach(template("all").matching("true").giving("dir", &["all"]));
    town.teach(template("payer").giving("dir", &["pay", "ledger"]));
    town.teach(
        template("checker")
            .giving("dir", &["check", "ledger"])
            .conflicting(&["payer"]),
    );
    let mut ada = person("1");
    ada.roles = ["payer".into()].into();
    town.hire(ada);
    town.settle("1");
    assert_eq!(held(&town), ["all", "ledger", "pay"]);
    town
}

#[test]
fn the_old_role_goes_before_the_new_one_comes_and_what_is_in_both_is_never_touched() {
    let mut town = town();
    town.person("1").roles = ["checker".into()].into();
    let mut seen = Vec::new();
    for _ in 0..8 {
        let look = town.look("1");
        let id = "1".into();
        town.records.insert("1".into(), look.plan.record.clone());
        for (name, step) in town.next_steps(&id, &look.plan) {
            match &step.operation {
                Operation::AddEntitlements { entitlements, .. } => {
                    seen.extend(entitlements.keys().map(|name| format!("+{name}")));
                }
                Operation::RemoveEntitlements { entitlements, .. } => {
                    seen.extend(entitlements.keys().map(|name| format!("-{name}")));
                }
                _ => {}
            }
            town.carry_out(&id, &name, &step);
        }
        let now = held(&town);
        let both = ["pay", "check"].map(|one| now.iter().any(|name| name == one));
        assert_ne!(both, [true, true], "{now:?}");
    }
    assert_eq!(seen, ["-pay", "+check"]);
    assert_eq!(held(&town), ["all", "check", "ledger"]);
}

#[test]
fn it_comes_to_an_end_by_itself() {
    let mut town = town();
    town.person("1").roles = ["checker".into()].into();
    town.settle("1");
    assert_eq!(held(&town), ["all", "check", "ledger"]);
}

#[test]
fn who_would_hold_both_keeps_what_they_have() {
    let mut town = town();
    town.person("1").roles = ["payer".into(), "checker".into()].into();
    town.settle("1");
    assert_eq!(held(&town), ["all", "ledger", "pay"]);
    let problems = town.look("1").desired.roles.problems;
    assert_eq!(problems[0].reason, "RolesConflict");
}

#[test]
fn a_conflict_that_is_declared_later_takes_nothing_away() {
    let mut town = town();
    town.teach(template("checker").giving("dir", &["check"]));
    town.person("1").roles = ["payer".into(), "checker".into()].into();
    town.settle("1");
    let before = held(&town);
    town.teach(
        template("checker")
            .giving("dir", &["check"])
            .conflicting(&["payer"]),
    );
    town.settle("1");
    assert_eq!(held(&town), before);
}

#[test]
fn a_role_that_waits_opens_nothing() {
    let mut town = Town::new(&[("erp", &["pay"]), ("bank", &["check"])]);
    town.teach(
        template("payer")
            .giving("erp", &["pay"])
            .conflicting(&["checker"]),
    );
    town.teach(template("checker").giving("bank", &["check"]));
    let mut ada = person("1");
    ada.roles = ["checker".into()].into();
    town.hire(ada);
    town.settle("1");
    // She pays for a time: her account at the bank is shut.
    town.person("1").roles = ["payer".into()].into();
    town.settle("1");
    let is_open = |town: &Town, target: &str| {
        let account = town.account(target, "1");
        account.is_some_and(|account| account.activity == Activity::Active)
    };
    assert_eq!(
        [is_open(&town, "erp"), is_open(&town, "bank")],
        [true, false]
    );
    town.person("1").roles = ["checker".into()].into();
    for _ in 0..12 {
        let look = town.look("1");
        let id = "1".into();
        town.records.insert("1".into(), look.plan.record.clone());
        for (name, step) in town.next_steps(&id, &look.plan) {
            town.carry_out(&id, &name, &step);
        }
        let both = ["erp", "bank"].map(|target| is_open(&town, target));
        assert_ne!(both, [true, true]);
    }
    assert_eq!(
        [is_open(&town, "erp"), is_open(&town, "bank")],
        [false, true]
    );
}

#[test]
fn the_old_role_goes_first_whatever_else_is_waited_for() {
    let mut town = town();
    // Nobody makes that group.
    town.teach(template("extra").giving("dir", &["missing"]));
    town.person("1").roles = ["checker".into(), "extra".into()].into();
    town.settle("1");
    assert_eq!(held(&town), ["all", "check", "ledger"]);
}
