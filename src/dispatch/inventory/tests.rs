//! By table, and over random sequences against a naive model.

mod random;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::connectors::Listing;
use crate::domain::account::{AttributeValue, Attributes};

fn scope() -> Scope {
    Scope::new("acme", "people")
}

fn account(id: &str, username: &str, mark: Option<&str>) -> ObservedAccount {
    ObservedAccount {
        id: id.into(),
        username: Username::new(username),
        mark: mark.map(|who| scope().mark(&who.into()).as_str().to_owned()),
        activity: Activity::Active,
        attributes: Attributes::new(),
        unfinished: false,
    }
}

fn group(
    id: &str,
    name: &str,
    holders: &[&str],
    completeness: Completeness,
) -> ObservedEntitlement {
    ObservedEntitlement {
        id: id.into(),
        name: name.into(),
        holders: holders.iter().map(|&h| h.into()).collect(),
        completeness,
    }
}

fn partial() -> Completeness {
    Completeness::Partial("a page is missing".to_owned())
}

fn unreadable() -> Completeness {
    Completeness::Unreadable("503".to_owned())
}

fn listing(accounts: &[ObservedAccount], entitlements: &[ObservedEntitlement]) -> Listing {
    Listing {
        accounts: accounts.to_vec(),
        accounts_completeness: Completeness::Complete,
        entitlements: entitlements.to_vec(),
        entitlements_completeness: Completeness::Complete,
        oddities: Vec::new(),
        requests: 1,
    }
}

fn listed(accounts: &[ObservedAccount], entitlements: &[ObservedEntitlement]) -> Inventory {
    let mut inventory = Inventory::new(scope());
    inventory.begin_listing();
    inventory.complete_listing(listing(accounts, entitlements));
    inventory
}

fn relist(inventory: &mut Inventory, listing: Listing) -> Vec<String> {
    inventory.begin_listing();
    let changed = inventory.complete_listing(listing);
    changed.iter().map(ToString::to_string).collect()
}

fn held(inventory: &Inventory, id: &str) -> Vec<String> {
    let held = inventory.held(&id.into()).into_iter().flatten();
    held.map(ToString::to_string).collect()
}

#[test]
fn nothing_is_known_before_the_first_listing() {
    let mut inventory = Inventory::new(scope());
    assert!(!inventory.is_readable());
    inventory.begin_listing();
    inventory.fail_listing("connection refused");
    assert!(!inventory.is_readable());
    assert_eq!(
        *inventory.accounts_completeness(),
        Completeness::Unreadable("connection refused".to_owned())
    );
}

#[test]
fn a_failed_listing_changes_nothing() {
    let mut inventory = listed(&[account("a1", "ada", Some("1"))], &[]);
    inventory.begin_listing();
    inventory.fail_listing("503");
    assert!(inventory.accounts_completeness().is_complete());
    assert_eq!(inventory.sizes(), (1, 0));
    let mut blank = listing(&[], &[]);
    blank.accounts_completeness = unreadable();
    blank.entitlements_completeness = unreadable();
    assert!(relist(&mut inventory, blank).is_empty());
    assert!(inventory.accounts_completeness().is_complete());
    assert_eq!(inventory.sizes(), (1, 0));
}

#[test]
fn those_whose_picture_changed_are_told_and_nobody_else() {
    let ada = account("a1", "ada", Some("1"));
    let bob = account("a2", "bob", Some("2"));
    let cy = account("a3", "cy", Some("3"));
    let stranger = account("a9", "x", None);
    let dev = |holders: &[&str]| group("g1", "dev", holders, Completeness::Complete);
    let mut inventory = listed(&[ada.clone(), bob.clone()], &[dev(&["a1"])]);
    let again = listing(&[bob.clone(), ada.clone()], &[dev(&["a1"])]);
    assert!(relist(&mut inventory, again).is_empty());
    let moved = listing(&[ada.clone(), cy, stranger], &[dev(&["a9"])]);
    assert_eq!(relist(&mut inventory, moved), ["1", "2", "3"]);
    assert_eq!(inventory.marked(), 2);
}

#[test]
fn a_partial_listing_takes_nobody_to_be_gone() {
    let accounts = [
        account("a1", "ada", Some("1")),
        account("a2", "bob", Some("2")),
    ];
    let dev = group("g1", "dev", &["a1", "a2"], Completeness::Complete);
    let ops = group("g2", "ops", &["a1"], Completeness::Complete);
    let mut inventory = listed(&accounts, &[dev, ops]);
    inventory.saw(accounts[0].clone(), true);
    inventory.sought(&"7".into());
    let mut seen = listing(&accounts[1..], &[group("g1", "dev", &["a2"], partial())]);
    seen.accounts_completeness = partial();
    seen.entitlements_completeness = partial();
    assert!(relist(&mut inventory, seen).is_empty());
    assert_eq!(held(&inventory, "a1"), ["dev", "ops"]);
    assert!(!inventory.entitlements(&"dev".into())[0].complete);
    assert!(
        !inventory.read_directly(&"a1".into()),
        "that was before this listing"
    );
    assert!(!inventory.sought_in_vain(&"7".into()));
}

#[test]
fn holders_that_were_not_seen_stay_also_in_an_otherwise_complete_listing() {
    let accounts = [
        account("a1", "ada", Some("1")),
        account("a2", "bob", Some("2")),
    ];
    let dev = group("g1", "dev", &["a1", "a2"], Completeness::Complete);
    let mut inventory = listed(&accounts, &[dev]);
    let seen = listing(&accounts[..1], &[group("g1", "dev", &[], unreadable())]);
    relist(&mut inventory, seen);
    assert_eq!(held(&inventory, "a1"), ["dev"]);
    assert!(held(&inventory, "a2").is_empty(), "that account is gone");
}

#[test]
fn a_renamed_entitlement_is_not_held_under_its_old_name() {
    let accounts = [account("a1", "ada", Some("1"))];
    let dev = group("g1", "dev", &["a1"], Completeness::Complete);
    let mut inventory = listed(&accounts, &[dev]);
    let mut seen = listing(
        &accounts,
        &[group("g1", "developers", &["a1"], Completeness::Complete)],
    );
    seen.entitlements_completeness = partial();
    relist(&mut inventory, seen);
    assert_eq!(held(&inventory, "a1"), ["developers"]);
    assert!(inventory.entitlements(&"dev".into()).is_empty());
}

#[test]
fn entitlements_that_are_all_gone_at_once_are_not_taken_to_be_gone() {
    let accounts = [account("a1", "ada", Some("1"))];
    let dev = || group("g1", "dev", &["a1"], Completeness::Complete);
    let mut inventory = listed(&accounts, &[dev()]);
    for _ in 0..2 {
        assert!(relist(&mut inventory, listing(&accounts, &[])).is_empty());
        assert_eq!(inventory.entitlements_completeness().word(), "Partial");
        assert_eq!(held(&inventory, "a1"), ["dev"]);
    }
    assert!(relist(&mut inventory, listing(&accounts, &[dev()])).is_empty());
    assert!(inventory.entitlements_completeness().is_complete());
    // One that a write does not find either is gone.
    assert!(relist(&mut inventory, listing(&accounts, &[])).is_empty());
    inventory.entitlement_not_found(&"ops".into());
    assert_eq!(held(&inventory, "a1"), ["dev"]);
    inventory.entitlement_not_found(&"dev".into());
    assert_eq!(held(&inventory, "a1"), [""; 0]);
    assert_eq!(inventory.entitlements_completeness().word(), "Partial");
    relist(&mut inventory, listing(&accounts, &[]));
    assert!(inventory.entitlements_completeness().is_complete());
    // One that was made while the listing ran need not be in it.
    inventory.begin_listing();
    inventory.created_entitlement(dev());
    inventory.complete_listing(listing(&accounts, &[]));
    assert!(inventory.entitlements_completeness().is_complete());
    assert_eq!(inventory.entitlements(&"dev".into()).len(), 1);
    inventory.entitlement_not_found(&"dev".into());
    assert_eq!(
        inventory.entitlements(&"dev".into()).len(),
        1,
        "a listing tells"
    );
    let mut small = listed(&accounts, &[]);
    assert!(relist(&mut small, listing(&accounts, &[])).is_empty());
    assert!(
        small.entitlements_completeness().is_complete(),
        "there never was any"
    );
}

#[test]
fn a_listing_that_is_suddenly_empty_proves_nothing_however_often_it_comes() {
    let ada = account("a1", "ada", Some("1"));
    let mut inventory = listed(std::slice::from_ref(&ada), &[]);
    for _ in 0..3 {
        relist(&mut inventory, listing(&[], &[]));
        assert!(!inventory.accounts_completeness().is_complete());
        assert!(inventory.by_mark(&"1".into()).is_empty());
    }
    inventory.saw(ada, true);
    relist(&mut inventory, listing(&[account("a9", "x", None)], &[]));
    assert!(inventory.accounts_completeness().is_complete());
}

#[test]
fn a_target_that_was_always_empty_is_believed() {
    let inventory = listed(&[], &[]);
    assert!(inventory.accounts_completeness().is_complete());
}

#[test]
fn writes_during_a_listing_are_newer_than_it() {
    let (ada, bob) = (
        account("a1", "ada", Some("1")),
        account("a2", "bob", Some("2")),
    );
    let dev = group("g1", "dev", &["a1"], Completeness::Complete);
    let mut inventory = listed(&[ada.clone(), bob.clone()], std::slice::from_ref(&dev));
    inventory.begin_listing();
    inventory.wrote_activity(&"a1".into(), Activity::Disabled);
    inventory.wrote_holder(&"dev".into(), &"a1".into(), false);
    inventory.wrote_holder(&"dev".into(), &"a2".into(), true);
    inventory.saw_absent(&"a2".into());
    inventory.saw(account("a3", "cy", Some("3")), false);
    inventory.created_entitlement(group("g2", "ops", &[], Completeness::Complete));
    inventory.wrote_holder(&"ops".into(), &"a3".into(), true);
    let ops = group("g2", "ops", &["a1"], Completeness::Complete);
    inventory.complete_listing(listing(&[ada, bob], &[dev, ops]));
    assert_eq!(
        inventory.by_id(&"a1".into()).map(|a| a.activity),
        Some(Activity::Disabled)
    );
    assert_eq!(inventory.by_id(&"a2".into()), None);
    assert!(held(&inventory, "a2").is_empty());
    assert_eq!(held(&inventory, "a3"), ["ops"]);
    assert_eq!(
        held(&inventory, "a1"),
        ["ops"],
        "shown by the listing, not by us"
    );
    assert_eq!(inventory.holders(&"ops".into()).len(), 2);
}

#[test]
fn names_that_differ_in_case_only_do_not_hide_each_other() {
    let upper = account("a1", "ADA", None);
    let lower = account("a2", "ada", Some("1"));
    let mut inventory = listed(&[upper, lower], &[]);
    assert!(inventory.by_username(&Username::new("Ada")).is_some());
    inventory.saw_absent(&"a2".into());
    assert_eq!(
        inventory
            .by_username(&Username::new("ada"))
            .map(|a| a.id.as_str()),
        Some("a1")
    );
}

#[test]
fn attributes_that_were_written_are_shown_and_need_reading_again() {
    let mut inventory = listed(&[account("a1", "ada", Some("1"))], &[]);
    inventory.saw(account("a1", "ada", Some("1")), true);
    let text = AttributeValue::Text("Countess".to_owned());
    let changes = AttributeChanges {
        username: Some(Username::new("countess")),
        set: [("title".into(), text.clone())].into_iter().collect(),
        clear: BTreeSet::from(["phone".into()]),
    };
    inventory.wrote_attributes(&"a1".into(), &changes);
    assert!(!inventory.read_directly(&"a1".into()));
    let shown = inventory.by_username(&Username::new("countess")).unwrap();
    assert_eq!(shown.attributes.get("title"), Some(&text));
    assert_eq!(inventory.by_username(&Username::new("ada")), None);
}

#[test]
fn a_listing_that_leaves_out_what_is_there_is_not_whole() {
    let (ada, bob) = (
        account("a1", "ada", Some("1")),
        account("a2", "bob", Some("2")),
    );
    let mut inventory = listed(&[ada.clone(), bob.clone()], &[]);
    relist(&mut inventory, listing(std::slice::from_ref(&ada), &[]));
    // Bob may be gone: nobody looked yet.
    assert!(inventory.accounts_completeness().is_complete());
    inventory.saw(bob.clone(), true);
    assert!(!inventory.accounts_completeness().is_complete());
    // It goes on like that, and is not believed in between either.
    relist(&mut inventory, listing(std::slice::from_ref(&ada), &[]));
    assert!(!inventory.accounts_completeness().is_complete());
    // By now he is gone indeed.
    inventory.saw_absent(&"a2".into());
    assert!(inventory.accounts_completeness().is_complete());

    relist(&mut inventory, listing(&[ada.clone(), bob.clone()], &[]));
    relist(&mut inventory, listing(std::slice::from_ref(&ada), &[]));
    inventory.saw(bob.clone(), true);
    assert!(!inventory.accounts_completeness().is_complete());
    relist(&mut inventory, listing(&[ada, bob], &[]));
    assert!(
        inventory.accounts_completeness().is_complete(),
        "it shows him again"
    );
}
