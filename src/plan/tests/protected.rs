//! What is protected in a connector: no plan touches it, and what is done by hand is seen.

use jiff::civil::date;

use super::accounts::{Deed, dir, held, reasons, settled, town, verbs};
use super::town::Town;
use crate::domain::account::Activity;
use crate::domain::facts::Employment;
use crate::domain::fixtures::{connector, template};
use crate::domain::ids::Username;
use crate::plan::AccountPlan;

/// Protects what is named of the directory.
fn protect(town: &mut Town, accounts: &[&str], entitlements: &[&str]) {
    let mut spec = connector("dir");
    spec.create_entitlements = true;
    spec.protected_accounts = accounts.iter().map(|&a| a.to_owned()).collect();
    spec.protected_entitlements = entitlements.iter().map(|&e| e.to_owned()).collect();
    town.connect(spec);
}

#[test]
fn no_plan_touches_a_protected_account() {
    let drifts: [Deed; 5] = [
        |t| t.person("1").job_title = "Boss".into(),
        |t| t.person("1").employment = Employment::Suspended,
        |t| t.person("1").end = Some(date(2020, 2, 1)),
        |t| {
            t.teach(
                template("mkt")
                    .matching("true")
                    .giving("dir", &["all", "old"]),
            );
        },
        |t| t.forget_template("mkt"),
    ];
    for (n, drift) in drifts.into_iter().enumerate() {
        let mut town = settled();
        drift(&mut town);
        assert!(
            !verbs(&mut town).is_empty() || n == 4,
            "{n} would change something"
        );
        protect(&mut town, &["ADA.*"], &[]);
        for hours in [0, 48] {
            town.pass(hours);
            town.settle("1");
            let plan = dir(&mut town);
            assert_eq!(plan.steps, [], "{n}");
            // Of a template that is gone, everything is kept for a while.
            let kept = n == 4 && hours == 0;
            let told: &[&str] = if kept { &[] } else { &["ProtectedAccount"] };
            assert_eq!(reasons(&plan), told, "{n}");
        }
        protect(&mut town, &[], &[]);
        town.settle("1");
        let plan = dir(&mut town);
        assert!(
            plan.problems.is_empty() && plan.steps.is_empty(),
            "{n}: {plan:?}"
        );
    }
}

#[test]
fn a_protected_account_that_is_right_stands_in_nobodys_way() {
    let mut town = settled();
    protect(&mut town, &["*"], &["vip"]);
    let look = town.look("1");
    assert!(look.plan.accounts.values().all(AccountPlan::is_settled));
    town.teach(
        template("mkt")
            .matching("true")
            .giving("dir", &["all", "mkt", "vip"]),
    );
    town.settle("1");
    assert_eq!(dir(&mut town).withheld, None);
}

#[test]
fn what_was_done_by_hand_to_a_protected_account_is_seen() {
    let mut town = settled();
    protect(&mut town, &["ada.*"], &[]);
    town.person("1").end = Some(date(2020, 2, 1));
    town.settle("1");
    let verified = |town: &Town| town.record("1").accounts[&"dir".into()].verified_disabled;
    let shut = |town: &mut Town, activity| {
        let id = town.account("dir", "1").unwrap().id.clone();
        town.target("dir").accounts.get_mut(&id).unwrap().activity = activity;
        town.list();
        town.settle("1");
    };
    assert_eq!(
        (reasons(&dir(&mut town)), verified(&town)),
        (vec!["ProtectedAccount"], None)
    );
    shut(&mut town, Activity::Disabled);
    assert!(verified(&town).is_some(), "it was read back");
    shut(&mut town, Activity::Active);
    assert_eq!(
        (reasons(&dir(&mut town)), verified(&town)),
        (vec!["ProtectedAccount"], None)
    );
    // Another name there sets it free as little.
    let id = town.account("dir", "1").unwrap().id.clone();
    town.target("dir").accounts.get_mut(&id).unwrap().username = Username::new("x");
    town.list();
    assert_eq!(verbs(&mut town), [""; 0]);
}

#[test]
fn nobody_is_given_a_protected_name() {
    let mut town = town();
    protect(&mut town, &["ada.lovelace"], &[]);
    town.settle("1");
    // The name was allocated before it was protected.
    assert!(
        town.account("dir", "1")
            .is_none_or(|a| a.username.as_str() != "ada.lovelace")
    );
}

#[test]
fn a_protected_entitlement_is_neither_made_given_nor_taken() {
    let mut town = town();
    town.target("dir").groups.remove("mkt");
    protect(&mut town, &[], &["m?t", "x*"]);
    town.settle("1");
    assert_eq!(held(&town), ["all"], "others are given");
    assert!(
        !town.targets["dir"].groups.contains_key("mkt"),
        "and none is made"
    );
    assert_eq!(reasons(&dir(&mut town)), ["ProtectedEntitlement"]);
    protect(&mut town, &[], &[]);
    town.settle("1");
    assert_eq!(held(&town), ["all", "mkt"]);
    protect(&mut town, &[], &["mkt"]);
    let lose: [Deed; 2] = [
        |t| t.teach(template("mkt").matching("true").giving("dir", &["all"])),
        |t| t.person("1").end = Some(date(2020, 2, 1)),
    ];
    for lose in lose {
        lose(&mut town);
        town.pass(48);
        town.settle("1");
        let plan = dir(&mut town);
        assert_eq!(reasons(&plan), ["ProtectedEntitlement"]);
        assert!(held(&town).contains(&"mkt".to_owned()));
        assert!(plan.rogue.is_empty(), "its origin is known");
    }
    protect(&mut town, &[], &[]);
    town.pass(48);
    town.settle("1");
    assert_eq!(held(&town), [""; 0]);
}
