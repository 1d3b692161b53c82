//! One account by table: made, found, repaired, shut, and left alone.

use super::town::Town;
use crate::domain::account::{Activity, AttributeValue};
use crate::domain::facts::Employment;
use crate::domain::fixtures::{connector, person, template};
use crate::domain::ids::Username;
use crate::domain::matching::Match;
use crate::domain::record::Record;
use crate::plan::parts::GrantState;
use crate::plan::{AccountPlan, Goal, Lane, Normalised};

/// Something that somebody does.
pub(super) type Deed = fn(&mut Town);

/// Ada, who by her role has `all` and `mkt` in the directory.
pub(super) fn town() -> Town {
    let mut town = Town::new(&[("dir", &["all", "mkt", "old"])]);
    town.teach(
        template("mkt")
            .matching("employee.department == 'Marketing'")
            .giving("dir", &["all", "mkt"]),
    );
    town.hire(person("1"));
    town
}

pub(super) fn settled() -> Town {
    let mut town = town();
    town.settle("1");
    assert_eq!(verbs(&mut town), [""; 0]);
    town
}

pub(super) fn dir(town: &mut Town) -> AccountPlan {
    let mut accounts = town.look("1").plan.accounts;
    accounts.remove("dir").unwrap()
}

pub(super) fn verbs(town: &mut Town) -> Vec<&'static str> {
    let steps = dir(town).steps;
    steps.iter().map(|s| s.operation.verb()).collect()
}

pub(super) fn reasons(plan: &AccountPlan) -> Vec<&'static str> {
    let of_grants = plan.grants.values().filter_map(|g| g.problem.as_ref());
    let all = plan.problems.iter().chain(of_grants);
    all.map(|p| p.reason).collect()
}

pub(super) fn held(town: &Town) -> Vec<String> {
    let account = town.account("dir", "1").unwrap();
    let held = town.targets["dir"].held(&account.id);
    held.iter().map(ToString::to_string).collect()
}

/// Carries out one step of each target.
pub(super) fn one_step(town: &mut Town) {
    let look = town.look("1");
    town.records.insert("1".into(), look.plan.record.clone());
    for (name, step) in town.next_steps(&"1".into(), &look.plan) {
        town.carry_out(&"1".into(), &name, &step);
    }
}

#[test]
fn a_joiner_gets_an_account_and_then_its_entitlements() {
    let mut town = town();
    let plan = dir(&mut town);
    assert_eq!(plan.goal, Goal::Live);
    assert_eq!(plan.steps[0].lane, Lane::Joiner);
    assert_eq!(verbs(&mut town), ["Create"]);
    one_step(&mut town);
    assert_eq!(verbs(&mut town), ["AddEntitlements"]);
    one_step(&mut town);
    assert!(dir(&mut town).is_settled());
    assert_eq!(held(&town), ["all", "mkt"]);
    let account = town.account("dir", "1").unwrap();
    assert_eq!(account.username, Username::new("ada.lovelace"));
    let grants = &town.record("1").accounts[&"dir".into()].grants;
    assert!(grants.values().all(|g| g.roles.contains("mkt")));
}

#[test]
fn before_the_first_day_nothing_is_made_and_nothing_is_open() {
    let mut town = town();
    town.person("1").start = jiff::civil::date(2030, 1, 1);
    assert_eq!(verbs(&mut town), [""; 0]);
    town.settle("1");
    assert!(town.targets["dir"].accounts.is_empty());
    // Made by hand, with our mark: ours to shut.
    town.target("dir").put("ada", Some("acme/people/1"));
    town.settle("1");
    let account = town.account("dir", "1").unwrap();
    assert_eq!(account.activity, Activity::Disabled);
}

#[test]
fn after_the_last_day_the_account_is_shut_first_proven_and_emptied() {
    let mut town = settled();
    town.person("1").end = Some(jiff::civil::date(2026, 6, 14));
    let plan = dir(&mut town);
    assert_eq!(plan.goal, Goal::Ended);
    assert!(plan.steps.iter().all(|s| s.lane == Lane::Leaver));
    assert_eq!(verbs(&mut town), ["Disable", "RemoveEntitlements"]);
    one_step(&mut town);
    assert_eq!(verbs(&mut town), ["Read", "RemoveEntitlements"]);
    assert_eq!(
        town.record("1").accounts[&"dir".into()].verified_disabled,
        None
    );
    town.settle("1");
    assert_eq!(held(&town), [""; 0]);
    assert!(
        town.record("1").accounts[&"dir".into()]
            .verified_disabled
            .is_some()
    );
    // And stays shut, whoever opens it.
    let id = town.account("dir", "1").unwrap().id.clone();
    let target = town.target("dir");
    target.accounts.get_mut(&id).unwrap().activity = Activity::Active;
    town.list();
    assert_eq!(verbs(&mut town), ["Disable"]);
}

#[test]
fn a_lost_status_leaves_nobody_open_after_the_last_day() {
    let mut town = settled();
    town.person("1").end = Some(jiff::civil::date(2026, 6, 14));
    town.records.insert("1".into(), Record::default());
    town.forget_template("mkt");
    town.settle("1");
    let account = town.account("dir", "1").unwrap();
    assert_eq!(account.activity, Activity::Disabled);
    assert_eq!(
        held(&town),
        ["all", "mkt"],
        "their origin is lost: not ours to take"
    );
}

#[test]
fn leave_and_suspension_shut_the_account_and_take_nothing() {
    for (employment, lane) in [
        (Employment::Suspended, Lane::Leaver),
        (Employment::OnLeave, Lane::Mover),
    ] {
        let mut town = settled();
        town.person("1").employment = employment;
        let plan = dir(&mut town);
        assert_eq!((plan.goal, plan.steps[0].lane), (Goal::Paused, lane));
        assert_eq!(verbs(&mut town), ["Disable"]);
        town.settle("1");
        assert_eq!(held(&town), ["all", "mkt"]);
        town.person("1").employment = Employment::Active;
        assert_eq!(verbs(&mut town), ["Enable"]);
        town.settle("1");
        assert!(dir(&mut town).is_settled());
    }
}

#[test]
fn someone_hired_again_gets_the_same_account() {
    let mut town = settled();
    let before = town.account("dir", "1").unwrap().id.clone();
    town.person("1").end = Some(jiff::civil::date(2026, 6, 14));
    town.settle("1");
    town.person("1").end = None;
    assert_eq!(verbs(&mut town), ["Enable", "AddEntitlements"]);
    town.settle("1");
    assert_eq!(town.account("dir", "1").map(|a| &a.id), Some(&before));
    assert_eq!(held(&town), ["all", "mkt"]);
    assert_eq!(
        town.record("1").accounts[&"dir".into()].verified_disabled,
        None
    );
}

#[test]
fn what_strays_is_brought_back() {
    let strays: [(&str, Deed, &[&str]); 5] = [
        (
            "attribute",
            |t| {
                let id = t.account("dir", "1").unwrap().id.clone();
                t.target("dir").scribble(&id);
            },
            &["Update"],
        ),
        (
            "user name",
            |t| {
                let id = t.account("dir", "1").unwrap().id.clone();
                t.target("dir").accounts.get_mut(&id).unwrap().username = Username::new("x");
            },
            &["Update"],
        ),
        (
            "membership",
            |t| {
                t.target("dir")
                    .groups
                    .get_mut("mkt")
                    .unwrap()
                    .holders
                    .clear();
            },
            &["AddEntitlements"],
        ),
        (
            "activity",
            |t| {
                let id = t.account("dir", "1").unwrap().id.clone();
                t.target("dir").accounts.get_mut(&id).unwrap().activity = Activity::Disabled;
            },
            &["Enable"],
        ),
        (
            "account",
            |t| {
                t.target("dir").accounts.clear();
                t.target("dir")
                    .groups
                    .values_mut()
                    .for_each(|g| g.holders.clear());
            },
            &["Read"],
        ),
    ];
    for (what, stray, expected) in strays {
        let mut town = settled();
        stray(&mut town);
        assert_eq!(verbs(&mut town), expected, "{what}");
        let lanes: Vec<Lane> = dir(&mut town).steps.iter().map(|s| s.lane).collect();
        assert_eq!(lanes, [Lane::Drift], "{what}");
        town.settle("1");
        assert!(dir(&mut town).is_settled(), "{what}");
        let account = town.account("dir", "1").unwrap();
        assert_eq!(account.username, Username::new("ada.lovelace"), "{what}");
    }
}

#[test]
fn what_is_not_ours_stays() {
    let mut town = settled();
    let id = town.account("dir", "1").unwrap().id.clone();
    let phone = AttributeValue::Text("555".to_owned());
    let target = town.target("dir");
    let account = target.accounts.get_mut(&id).unwrap();
    account.attributes.insert("phone".into(), phone);
    target
        .groups
        .get_mut("old")
        .unwrap()
        .holders
        .insert(id.clone());
    let plan = dir(&mut town);
    assert_eq!(plan.steps, []);
    assert_eq!(plan.rogue, ["old".into()].into(), "told, not taken");
    town.target("dir").accounts.get_mut(&id).unwrap().activity = Activity::Disabled;
    assert!(dir(&mut town).rogue.is_empty(), "of no use to anyone");
}

#[test]
fn a_contradiction_touches_nothing() {
    let mut town = settled();
    town.target("dir").put("impostor", Some("acme/people/1"));
    let plan = dir(&mut town);
    assert_eq!(reasons(&plan), ["SeveralAccountsMarked"]);
    assert!(plan.steps.is_empty() && plan.withheld.is_none());
    town.person("1").end = Some(jiff::civil::date(2026, 6, 14));
    assert_eq!(verbs(&mut town), [""; 0], "not even after the last day");
    let grants = dir(&mut town).grants;
    assert!(grants.values().all(|g| g.state == GrantState::Kept) && grants.len() == 2);
}

#[test]
fn entitlements_that_can_not_be_given_say_why() {
    for (reason, change) in [
        (
            "EntitlementMissing",
            (|t| drop(t.target("dir").groups.remove("mkt"))) as Deed,
        ),
        ("EntitlementAmbiguous", |t| {
            t.target("dir").groups.get_mut("mkt").unwrap().ambiguous = true;
        }),
    ] {
        let mut town = town();
        change(&mut town);
        town.settle("1");
        let plan = dir(&mut town);
        assert_eq!(reasons(&plan), [reason]);
        assert!(!plan.is_settled());
        assert_eq!(held(&town), ["all"], "one of them never blocks another");
    }
    let mut town = town();
    town.target("dir").groups.remove("mkt");
    let mut spec = connector("dir");
    spec.create_entitlements = true;
    town.connect(spec);
    town.settle("1");
    assert_eq!(held(&town), ["all", "mkt"]);
}

#[test]
fn an_entitlement_that_became_ambiguous_is_not_taken_and_says_why() {
    let mut town = settled();
    town.target("dir").groups.get_mut("mkt").unwrap().ambiguous = true;
    town.teach(template("mkt").matching("true").giving("dir", &["all"]));
    let plan = dir(&mut town);
    assert_eq!(plan.steps, []);
    assert_eq!(reasons(&plan), ["EntitlementAmbiguous"]);
}

#[test]
fn a_partial_listing_is_no_ground_for_taking_or_making() {
    let mut town = settled();
    town.target("dir").partial = true;
    town.teach(template("mkt").matching("true").giving("dir", &["all"]));
    assert_eq!(verbs(&mut town), ["Read"], "before an entitlement is taken");
    one_step(&mut town);
    assert_eq!(verbs(&mut town), ["RemoveEntitlements"]);
    town.settle("1");
    town.list();
    town.person("1").employment = Employment::Suspended;
    assert_eq!(verbs(&mut town), ["Read"], "before it is shut");
    town.person("1").employment = Employment::Active;
    let id = town.account("dir", "1").unwrap().id.clone();
    town.target("dir").hidden.insert(id);
    assert_eq!(verbs(&mut town), ["Read"], "before another is made");
    town.settle("1");
    assert_eq!(town.targets["dir"].accounts.len(), 1);
}

#[test]
fn without_a_name_and_a_whole_listing_nothing_looks_settled() {
    let mut town = town();
    town.person("1").given = "'".into();
    town.person("1").family = "".into();
    town.target("dir").partial = true;
    let mut spec = connector("dir");
    spec.usernames = vec!["employee.name.given".to_owned()];
    town.connect(spec);
    let plan = dir(&mut town);
    assert_eq!((plan.steps.len(), reasons(&plan)), (0, vec!["NoUsername"]));
}

#[test]
fn a_connector_that_is_gone_keeps_what_roles_give_and_releases_what_none_gives() {
    let mut town = settled();
    let before = town.record("1").clone();
    town.disconnect("dir");
    let look = town.look("1");
    let plan = &look.plan.accounts["dir"];
    assert_eq!(reasons(plan), ["ConnectorMissing"]);
    assert!(plan.steps.is_empty() && plan.withheld.is_none());
    assert_eq!(look.plan.record.accounts, before.accounts);

    town.teach(template("mkt").giving("dir", &["all", "mkt"]));
    let look = town.look("1");
    let plan = &look.plan.accounts["dir"];
    assert!(plan.is_settled(), "{plan:?}");
    assert!(!look.plan.record.accounts.contains_key("dir"));
}

#[test]
fn a_connector_that_is_broken_or_not_listed_changes_nothing() {
    let ways: [(&str, Deed); 2] = [
        ("ConnectorBroken", |t| {
            let mut spec = connector("dir");
            spec.usernames = vec!["employee.".to_owned()];
            t.connect(spec);
        }),
        ("InventoryPending", |t| t.target("dir").unreadable = true),
    ];
    for (reason, way) in ways {
        let mut town = settled();
        let before = town.record("1").clone();
        way(&mut town);
        town.teach(template("mkt").giving("dir", &["all", "mkt"]));
        let look = town.look("1");
        let plan = &look.plan.accounts["dir"];
        assert_eq!(reasons(plan), [reason]);
        assert!(plan.steps.is_empty() && plan.withheld.is_none(), "{reason}");
        assert_eq!(look.plan.record.accounts, before.accounts, "{reason}");
    }
    // A fault in the mapping is no reason to leave someone in.
    let mut town = settled();
    ways[0].1(&mut town);
    town.person("1").employment = Employment::Suspended;
    assert_eq!(verbs(&mut town), ["Disable"]);
}

#[test]
fn a_manager_without_an_account_blocks_nobody() {
    let mut town = town();
    let mut spec = connector("dir");
    spec.manager = Some("manager".into());
    town.connect(spec);
    town.person("1").manager = Some("grace".into());
    town.settle("1");
    assert!(dir(&mut town).is_settled());
    let mut look = town.look("1");
    look.observations.get_mut("dir").unwrap().manager = Some("a77".into());
    let plan = town.plan_with(
        &"1".into(),
        &look.desired,
        town.record("1"),
        &look.observations,
    );
    assert_eq!(plan.accounts["dir"].steps[0].operation.verb(), "Update");
}

#[test]
fn an_attribute_that_the_target_stores_in_its_own_way_is_not_written_for_ever() {
    let mut town = settled();
    let id = town.account("dir", "1").unwrap().id.clone();
    town.target("dir").scribble(&id);
    let mut look = town.look("1");
    let text = |t: &str| AttributeValue::Text(t.to_owned());
    for (written, stored, steps) in [
        ("Manager", "Emperor", 0),
        ("Manager", "King", 1),
        ("Director", "Emperor", 1),
    ] {
        let note = Normalised {
            written: text(written),
            shows: Some(text(stored)),
            unchanged: false,
        };
        look.observations.get_mut("dir").unwrap().normalised = [("title".into(), note)].into();
        let plan = town.plan_with(
            &"1".into(),
            &look.desired,
            town.record("1"),
            &look.observations,
        );
        assert_eq!(
            plan.accounts["dir"].steps.len(),
            steps,
            "{written} {stored}"
        );
    }
}

#[test]
fn a_user_name_that_the_target_does_not_take_over_is_accepted() {
    let mut town = settled();
    let ours = town.account("dir", "1").unwrap().username.clone();
    let theirs = Username::new("zoe");
    let mut look = town.look("1");
    let observed = look.observations.get_mut("dir").unwrap();
    let Match::One(account) = &mut observed.matched else {
        panic!("no account");
    };
    account.username = theirs.clone();
    for (renamed, steps, remembers) in [
        (None, 1, &ours),
        (Some((ours.clone(), Username::new("king"))), 1, &ours),
        (Some((Username::new("king"), theirs.clone())), 1, &ours),
        (Some((ours.clone(), theirs.clone())), 0, &theirs),
    ] {
        look.observations.get_mut("dir").unwrap().renamed = renamed.clone();
        let plan = town.plan_with(
            &"1".into(),
            &look.desired,
            town.record("1"),
            &look.observations,
        );
        assert_eq!(plan.accounts["dir"].steps.len(), steps, "{renamed:?}");
        let record = &plan.record.accounts[&"dir".into()];
        assert_eq!(record.username.as_ref(), Some(remembers), "{renamed:?}");
    }
}
