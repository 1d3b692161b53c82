//! What is accepted, and what is shown of it since.

use super::*;

#[test]
fn a_value_that_stays_as_it_was_was_not_applied() {
    let text = |t: &str| AttributeValue::Text(t.to_owned());
    for (before, written, answer, unchanged) in [
        ("Clerk", "Director", None, true),
        ("Clerk", "Director", Some("Clerk"), true),
        ("Clerk", "Director", Some("Director"), true),
        ("Clerk", "", Some("Clerk"), true),
        // Never shown: it may be kept all the same.
        ("", "Director", None, false),
        // In a form of its own: cut, folded, or another one.
        ("Direc", "Director", Some("Direc"), false),
        ("muller", "Müller", Some("muller"), false),
        ("+49 30 123", "(030) 123", Some("+4930123"), false),
    ] {
        let mut desk = Desk::new();
        desk.inventory.saw(titled(&desk, "ada", before), false);
        let mut changes = AttributeChanges::default();
        if written.is_empty() {
            changes.clear.insert("title".into());
        } else {
            changes.set.insert("title".into(), text(written));
        }
        let shown = answer.map(|title| titled(&desk, "ada", title));
        let id = "a1".into();
        desk.take(
            Operation::Update {
                id,
                changes,
                gives_back: false,
            },
            Ok(Effect::Updated(shown)),
        );
        let note = &desk.person.unsettled.normalised[&desk.connector]["title"];
        assert_eq!(note.unchanged, unchanged, "{before} {written} {answer:?}");
    }
}

/// What is accepted is believed, once; a listing that shows it makes it credible again.
#[test]
fn what_is_accepted_and_never_shown_is_not_believed_twice() {
    let staff: EntitlementName = "staff".into();
    let mut desk = Desk::new();
    let ours = account("a1", "ada", Some(&desk.mark()));
    let give = || Operation::AddEntitlements {
        id: "a1".into(),
        entitlements: [(staff.clone(), EntitlementTarget::Existing("g1".into()))].into(),
    };
    let given = || {
        Ok(Effect::Entitlements {
            results: [(staff.clone(), Ok(()))].into(),
            created: Vec::new(),
        })
    };
    let group = |holders: &[&str]| ObservedEntitlement {
        id: "g1".into(),
        name: staff.clone(),
        holders: holders.iter().map(|&id| id.into()).collect(),
        completeness: Completeness::Complete,
    };
    let list = |desk: &mut Desk, holders: &[&str]| {
        desk.inventory.begin_listing();
        desk.inventory.complete_listing(Listing {
            accounts: vec![ours.clone()],
            accounts_completeness: Completeness::Complete,
            entitlements: vec![group(holders)],
            entitlements_completeness: Completeness::Complete,
            oddities: Vec::new(),
            requests: 1,
        });
        forget_carried_out(&mut desk.person, &desk.connector, &desk.inventory);
    };
    let held = |desk: &Desk| {
        let held = desk.inventory.held(&"a1".into());
        held.is_some_and(|held| held.contains(&staff))
    };
    list(&mut desk, &[]);
    desk.take(give(), given());
    assert!(held(&desk) && desk.person.unsettled.failures.is_empty());
    for attempts in 1..4 {
        list(&mut desk, &[]);
        desk.take(give(), given());
        assert!(!held(&desk));
        let failure = desk.person.unsettled.failures.values().next().unwrap();
        assert_eq!((failure.reason, failure.attempts), ("NotApplied", attempts));
    }
    // Somebody takes a member out by hand, again and again: each time it is given at once.
    for _ in 0..3 {
        list(&mut desk, &["a1"]);
        list(&mut desk, &[]);
        desk.person.unsettled.failures.clear();
        desk.take(give(), given());
        assert!(held(&desk) && desk.person.unsettled.failures.is_empty());
    }
}

/// Given, taken away and given again between two listings: each is believed.
#[test]
fn what_was_turned_round_meanwhile_need_not_have_shown() {
    let staff: EntitlementName = "staff".into();
    let mut desk = Desk::new();
    desk.inventory
        .saw(account("a1", "ada", Some(&desk.mark())), false);
    let done = || {
        Ok(Effect::Entitlements {
            results: [(staff.clone(), Ok(()))].into(),
            created: Vec::new(),
        })
    };
    for _ in 0..3 {
        let entitlements = [(staff.clone(), EntitlementTarget::Existing("g1".into()))].into();
        let id = "a1".into();
        desk.take(Operation::AddEntitlements { id, entitlements }, done());
        let entitlements = [(staff.clone(), "g1".into())].into();
        let id = "a1".into();
        desk.take(Operation::RemoveEntitlements { id, entitlements }, done());
        let set = || Ok(Effect::ActivitySet(None));
        desk.take(Operation::Enable("a1".into()), set());
        desk.take(Operation::Disable("a1".into()), set());
        assert!(desk.person.unsettled.failures.is_empty());
    }
}
