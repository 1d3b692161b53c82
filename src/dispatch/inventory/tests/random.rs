//! Random sequences of listings and writes against the truth.

use std::cell::RefCell;

use proptest::prelude::*;

use crate::properties::runner;

use super::*;

/// What happens to an inventory, in small numbers that stand for names.
#[derive(Clone, Debug)]
enum Act {
    Begin,
    Fail,
    /// Accounts and holders left out, and whether the listing knows.
    Complete(u8, u8),
    See(u8, u8, bool),
    Absent(u8),
    Activity(u8, bool),
    Hold(u8, u8, bool),
    /// The world changes and nobody is told.
    Behind(u8, u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => Just(Act::Begin),
        1 => Just(Act::Fail),
        3 => (0..4_u8, 0..4_u8).prop_map(|(a, h)| Act::Complete(a, h)),
        2 => (0..6_u8, 0..4_u8, any::<bool>()).prop_map(|(a, m, d)| Act::See(a, m, d)),
        1 => (0..6_u8).prop_map(Act::Absent),
        1 => (0..6_u8, any::<bool>()).prop_map(|(a, on)| Act::Activity(a, on)),
        2 => (0..3_u8, 0..6_u8, any::<bool>()).prop_map(|(g, a, on)| Act::Hold(g, a, on)),
        1 => (0..6_u8, 0..3_u8).prop_map(|(a, g)| Act::Behind(a, g)),
    ]
}

/// What the target holds: the truth that listings show in part.
#[derive(Clone, Default)]
struct World {
    accounts: BTreeMap<AccountId, ObservedAccount>,
    holders: BTreeMap<EntitlementName, BTreeSet<AccountId>>,
}

impl World {
    /// What a listing shows that began now and leaves these out.
    fn show(&self, less_accounts: u8, less_holders: u8) -> Listing {
        let skip = |n: usize, less: u8| less > 0 && n.is_multiple_of(usize::from(less + 1));
        let accounts: Vec<_> = self
            .accounts
            .values()
            .enumerate()
            .filter(|(n, _)| !skip(*n, less_accounts))
            .map(|(_, a)| a.clone())
            .collect();
        let knows = |less: u8| {
            if less > 0 {
                partial()
            } else {
                Completeness::Complete
            }
        };
        let entitlements = (0..3_u8)
            .map(|g| {
                let name = EntitlementName::new(format!("g{g}"));
                let holders = self.holders.get(&name).into_iter().flatten().cloned();
                ObservedEntitlement {
                    id: name.as_str().into(),
                    holders: holders
                        .enumerate()
                        .filter(|(n, _)| !skip(*n, less_holders))
                        .map(|(_, h)| h)
                        .collect(),
                    name,
                    completeness: knows(less_holders),
                }
            })
            .collect();
        Listing {
            accounts,
            accounts_completeness: knows(less_accounts),
            entitlements,
            entitlements_completeness: Completeness::Complete,
            oddities: Vec::new(),
            requests: 1,
        }
    }
}

/// Every index says the same as the accounts and the holders themselves.
fn indexes_agree(inventory: &Inventory) {
    for a in inventory.accounts() {
        let found = inventory.by_username(&a.username).unwrap();
        assert_eq!(found.username, a.username);
        if let Marking::Ours(who) = scope().read(a.mark.as_deref()) {
            assert!(inventory.by_mark(&who).iter().any(|m| m.id == a.id));
        }
    }
    let marks = inventory
        .accounts()
        .filter(|a| matches!(scope().read(a.mark.as_deref()), Marking::Ours(_)));
    assert_eq!(marks.count(), inventory.marked());
    for n in 0..6 {
        let id = AccountId::new(format!("a{n}"));
        let held = inventory.held(&id).cloned().unwrap_or_default();
        for name in inventory.entitlements.keys() {
            assert_eq!(
                inventory.holders(name).contains(&id),
                held.contains(name),
                "{id} {name}"
            );
        }
    }
}

#[test]
#[allow(
    clippy::too_many_lines,
    reason = "one random history and its checks, told in order"
)]
fn whatever_happens_what_was_seen_is_shown_and_what_was_not_is_not_gone() {
    let counts = RefCell::new(BTreeMap::new());
    let count = |what: &'static str| *counts.borrow_mut().entry(what).or_insert(0) += 1;
    runner(400)
        .run(&prop::collection::vec(act(), 1..40), |acts| {
            let mut world = World::default();
            let mut inventory = Inventory::new(scope());
            // What the listing under way will show: the world as it was when it began.
            let mut under_way: Option<World> = None;
            // What nobody changed behind our back since the listing shown last began.
            let mut tampered = BTreeSet::new();
            let mut tampered_since = BTreeSet::new();
            for act in acts {
                match act {
                    Act::Begin if under_way.is_none() => {
                        inventory.begin_listing();
                        under_way = Some(world.clone());
                        tampered_since.clear();
                    }
                    Act::Begin => {}
                    Act::Fail => {
                        if under_way.take().is_some() {
                            inventory.fail_listing("503");
                            count("listing failed");
                        }
                    }
                    Act::Complete(accounts, holders) => {
                        let Some(then) = under_way.take() else {
                            continue;
                        };
                        let shows = then.show(accounts, holders);
                        let emptied = shows.accounts.is_empty() && inventory.marked() > 0;
                        let is_whole = accounts == 0 && holders == 0;
                        inventory.complete_listing(shows);
                        count(if is_whole {
                            "listing complete"
                        } else {
                            "listing partial"
                        });
                        if emptied && accounts == 0 {
                            count("suddenly empty");
                        }
                        if is_whole {
                            tampered.clone_from(&tampered_since);
                        }
                    }
                    Act::See(a, who, directly) => {
                        let id = format!("a{a}");
                        let mark = (who > 0).then(|| format!("{who}"));
                        let seen = account(&id, &format!("u{}", a % 4), mark.as_deref());
                        world.accounts.insert(id.as_str().into(), seen.clone());
                        inventory.saw(seen, directly);
                        prop_assert_eq!(inventory.read_directly(&id.as_str().into()), directly);
                        if under_way.is_some() {
                            count("written during a listing");
                        }
                    }
                    Act::Absent(a) => {
                        let id = AccountId::new(format!("a{a}"));
                        world.accounts.remove(&id);
                        for holders in world.holders.values_mut() {
                            holders.remove(&id);
                        }
                        inventory.saw_absent(&id);
                    }
                    Act::Activity(a, on) => {
                        let id = AccountId::new(format!("a{a}"));
                        let activity = if on {
                            Activity::Active
                        } else {
                            Activity::Disabled
                        };
                        if inventory.by_id(&id).is_some()
                            && let Some(account) = world.accounts.get_mut(&id)
                        {
                            account.activity = activity;
                            inventory.wrote_activity(&id, activity);
                        }
                    }
                    Act::Hold(g, a, on) => {
                        let (name, id) = (
                            EntitlementName::new(format!("g{g}")),
                            AccountId::new(format!("a{a}")),
                        );
                        if inventory.by_id(&id).is_none()
                            || !world.accounts.contains_key(&id)
                            || inventory.entitlements(&name).is_empty()
                        {
                            continue;
                        }
                        let holders = world.holders.entry(name.clone()).or_default();
                        if on {
                            holders.insert(id.clone());
                        } else {
                            holders.remove(&id);
                        }
                        inventory.wrote_holder(&name, &id, on);
                    }
                    Act::Behind(a, g) => {
                        let id = AccountId::new(format!("a{a}"));
                        if world.accounts.contains_key(&id) {
                            let name = EntitlementName::new(format!("g{g}"));
                            let holders = world.holders.entry(name).or_default();
                            if !holders.remove(&id) {
                                holders.insert(id.clone());
                            }
                            tampered.insert(id.clone());
                            tampered_since.insert(id);
                            count("changed behind our back");
                        }
                    }
                }
                indexes_agree(&inventory);
                // After whole listings and our own writes, the picture is the truth.
                for (id, account) in &world.accounts {
                    if tampered.contains(id) || inventory.by_id(id).is_none() {
                        continue;
                    }
                    prop_assert_eq!(inventory.by_id(id), Some(account));
                }
                for id in inventory.accounts().map(|a| &a.id) {
                    prop_assert!(world.accounts.contains_key(id), "{} is gone", id);
                }
                if inventory.accounts_completeness().is_complete() {
                    for id in world.accounts.keys() {
                        prop_assert!(inventory.by_id(id).is_some(), "{} was not seen", id);
                        if tampered.contains(id) {
                            continue;
                        }
                        let truth: BTreeSet<_> = world
                            .holders
                            .iter()
                            .filter(|(name, h)| {
                                h.contains(id) && !inventory.entitlements(name).is_empty()
                            })
                            .map(|(name, _)| name.clone())
                            .collect();
                        let held = inventory.held(id).into_iter().flatten();
                        prop_assert!(held.eq(&truth));
                    }
                }
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    let counts = counts.into_inner();
    println!("how often the interesting cases arose: {counts:#?}");
    for what in [
        "changed behind our back",
        "listing complete",
        "listing failed",
        "listing partial",
        "suddenly empty",
        "written during a listing",
    ] {
        assert!(counts.contains_key(what), "{what} never arose");
    }
}
