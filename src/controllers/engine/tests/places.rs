//! Of many who should get an entitlement no more get it than may, whoever comes first.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Bench, account, connector, done, employee, everyone, ordered};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::dispatch::order::Effect;
use crate::domain::account::{Activity, Completeness, ObservedAccount, ObservedEntitlement};
use crate::domain::ids::{AccountId, EmployeeName, EntitlementName};
use crate::plan::Operation;

fn limited(max: u32) -> Value {
    let mut object = connector("directory");
    object["spec"]["entitlements"] =
        json!({"limits": [{"entitlement": "key*", "maxHolders": max}]});
    object
}

fn with_keys() -> Value {
    let mut template = everyone();
    template["spec"]["grants"][0]["entitlements"] = json!(["keys"]);
    template
}

/// The object of somebody: `p10` has the `employeeId` 10, and their account is `a10`.
fn name(n: usize) -> String {
    format!("p{n}")
}

fn bench(max: u32) -> Bench {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &limited(max));
    bench.template("everyone", &with_keys());
    bench
}

fn hire(bench: &mut Bench, people: impl IntoIterator<Item = usize>) {
    for n in people {
        bench.employee(&name(n), &employee(&n.to_string()));
    }
}

fn accounts(bench: &Bench, people: impl IntoIterator<Item = usize>) -> Vec<ObservedAccount> {
    let one = |n: usize| account(bench, &format!("a{n}"), &n.to_string(), Activity::Active);
    people.into_iter().map(one).collect()
}

fn list(bench: &mut Bench, accounts: Vec<ObservedAccount>, holders: &[&str]) {
    let group = |name: &str, holders: &[&str]| ObservedEntitlement {
        id: name.into(),
        name: name.into(),
        holders: holders.iter().map(AccountId::new).collect(),
        completeness: Completeness::Complete,
    };
    bench.listed_with(
        "directory",
        accounts,
        vec![group("keys", holders), group("staff", &[])],
    );
    bench.work();
}

/// Who is being given it.
fn given(bench: &Bench) -> BTreeSet<String> {
    let realm = &bench.engine.world.realms[&bench.namespace];
    let names = realm.people.keys().map(ToString::to_string);
    let adds = |name: &String| matches!(ordered(bench, name), Some(Operation::AddEntitlements { entitlements, .. }) if entitlements.contains_key("keys"));
    names.filter(adds).collect()
}

fn names(people: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    people.into_iter().map(name).collect()
}

fn given_well() -> Effect {
    Effect::Entitlements {
        results: BTreeMap::from([(EntitlementName::new("keys"), Ok(()))]),
        created: Vec::new(),
    }
}

fn waits(status: &Value) -> bool {
    status["accounts"][0]["reason"] == "EntitlementLimitReached"
}

/// Fifty are looked at in one breath, in whatever order they came: those with the lowest ids get the places.
#[tokio::test]
async fn of_fifty_at_once_the_first_by_id_get_it() {
    let forth: Vec<usize> = (10..60).collect();
    let back: Vec<usize> = (10..60).rev().collect();
    for order in [forth, back] {
        let mut bench = bench(3);
        hire(&mut bench, order.clone());
        bench.work();
        let accounts = accounts(&bench, order);
        list(&mut bench, accounts, &[]);
        assert_eq!(given(&bench), names(10..13));
        for (n, who) in (10..13).enumerate() {
            let number = u64::try_from(n).unwrap() + 1;
            done(&mut bench, &name(who), number, given_well());
        }
        assert_eq!(given(&bench), names([]));
        let told = bench.status("p13", waits).await;
        let message = told["accounts"][0]["message"].to_string();
        assert!(
            message.contains("at most 3") && message.contains("keys"),
            "{message}"
        );
        let stalled = told["conditions"].as_array().unwrap().iter();
        assert_eq!(stalled.filter(|c| c["type"] == "Stalled").count(), 0);

        // Somebody leaves: not the moment they are told to, but once it is gone.
        let mut leaver = employee("11");
        leaver["spec"]["endDate"] = json!("2021-01-01");
        bench.employee("p11", &leaver);
        bench.work();
        assert_eq!(given(&bench), names([]));
        let mut number = 4;
        while let Some(order) = ordered(&bench, "p11") {
            let gone = accounts_of_leaver(&bench);
            let effect = match order {
                Operation::Disable(_) => Effect::ActivitySet(Some(gone)),
                Operation::RemoveEntitlements { .. } => given_well(),
                _ => Effect::Read(vec![gone]),
            };
            done(&mut bench, "p11", number, effect);
            number += 1;
        }
        assert_eq!(given(&bench), names([13]));
    }
}

fn accounts_of_leaver(bench: &Bench) -> ObservedAccount {
    account(bench, "a11", "11", Activity::Disabled)
}

/// Who has been there for long is looked at ahead of those who join, and that gives no place.
#[tokio::test]
async fn the_order_of_looks_decides_nothing() {
    let mut bench = bench(1);
    let mut template = with_keys();
    template["spec"]["grants"][0]["entitlements"] = json!(["staff"]);
    bench.template("everyone", &template);
    hire(&mut bench, [12]);
    bench.work();
    let shown = accounts(&bench, [10, 11, 12]);
    list(&mut bench, shown, &[]);
    let results = BTreeMap::from([(EntitlementName::new("staff"), Ok(()))]);
    let created = Vec::new();
    done(
        &mut bench,
        "p12",
        1,
        Effect::Entitlements { results, created },
    );
    template["spec"]["grants"][0]["entitlements"] = json!(["staff", "keys"]);
    bench.template("everyone", &template);
    bench.engine.refresh_policies();
    hire(&mut bench, [11, 10]);
    bench.work();
    assert_eq!(given(&bench), names([10]));
}

/// Accounts are made in any order, and the places are not for whoever is made first.
#[tokio::test]
async fn a_place_is_kept_for_those_whose_accounts_are_still_to_be_made() {
    let mut bench = bench(1);
    hire(&mut bench, [12, 11, 10]);
    bench.work();
    list(&mut bench, Vec::new(), &[]);
    let made = |bench: &mut Bench, n: usize, number| {
        let account = account(bench, &format!("a{n}"), &n.to_string(), Activity::Active);
        done(bench, &name(n), number, Effect::Created(account));
    };
    made(&mut bench, 12, 1);
    made(&mut bench, 11, 2);
    assert_eq!(given(&bench), names([]));
    made(&mut bench, 10, 3);
    assert_eq!(given(&bench), names([10]));
}

#[tokio::test]
async fn holders_count_whoever_they_are_and_keep_it() {
    let mut bench = bench(2);
    hire(&mut bench, [10, 11, 12]);
    bench.work();
    let mut shown = accounts(&bench, [10, 11, 12]);
    shown.push(ObservedAccount {
        id: "stranger".into(),
        mark: None,
        ..shown[0].clone()
    });
    // The last one by id holds it already, and somebody whom nobody declared.
    list(&mut bench, shown.clone(), &["a12", "stranger"]);
    assert_eq!(given(&bench), names([]));
    list(&mut bench, shown.clone(), &["a12"]);
    assert_eq!(given(&bench), names([10]));

    // It is lowered while it is being given: what is under way ends well, and nothing is taken.
    bench.connector("directory", &limited(0));
    bench.work();
    assert_eq!(given(&bench), names([10]));
    done(&mut bench, "p10", 1, given_well());
    list(&mut bench, shown, &["a10", "a12"]);
    for n in 10..13 {
        assert_eq!(ordered(&bench, &name(n)), None);
    }
    bench.connector("directory", &limited(3));
    bench.work();
    assert_eq!(given(&bench), names([11]));
}

/// Nobody knows whether it was given: the place is taken until that is known, also if the object is gone.
#[tokio::test]
async fn a_place_whose_fate_is_open_is_taken() {
    let mut bench = bench(1);
    hire(&mut bench, [10, 11]);
    bench.work();
    let shown = accounts(&bench, [10, 11]);
    list(&mut bench, shown.clone(), &[]);
    assert_eq!(given(&bench), names([10]));
    let key = bench.key("p10");
    bench
        .engine
        .change(crate::controllers::watch::Change::Employee(
            crate::controllers::watch::Seen::Gone(key),
        ));
    bench.work();
    assert_eq!(given(&bench), names([]));
    // It was given, and the account is nobody's now: it holds the place all the same.
    list(&mut bench, shown.clone(), &["a10"]);
    assert_eq!(given(&bench), names([]));
    list(&mut bench, shown, &[]);
    assert_eq!(given(&bench), names([11]));
}

/// One who can't be given it at present keeps it from nobody, and gets what is left over.
#[tokio::test]
async fn one_for_whom_it_fails_blocks_nobody() {
    let mut bench = bench(1);
    hire(&mut bench, [10, 11]);
    bench.work();
    let shown = accounts(&bench, [10, 11]);
    list(&mut bench, shown, &[]);
    for number in 1..4 {
        assert_eq!(given(&bench), names([10]));
        let refused = ConnectorError::new(ErrorKind::Forbidden, "not that one");
        let effect = Effect::Entitlements {
            results: BTreeMap::from([(EntitlementName::new("keys"), Err(refused))]),
            created: Vec::new(),
        };
        done(&mut bench, "p10", number, effect);
        // The next attempt is a while away.
        let (namespace, ten) = (bench.namespace.clone(), EmployeeName::new("p10"));
        let person = bench.engine.world.person_mut(&namespace, &ten).unwrap();
        if number < 3 {
            let failures = person.unsettled.failures.values_mut();
            failures.for_each(|f| f.retry_at = jiff::Timestamp::UNIX_EPOCH);
            bench.engine.look_at(&namespace, &ten);
            bench.work();
        }
    }
    assert_eq!(given(&bench), names([11]));
}

/// The count is what decides, also where a place was promised and the account is still to be made.
#[tokio::test]
async fn a_promise_is_worth_nothing_once_the_count_is_another_one() {
    let mut bench = bench(1);
    hire(&mut bench, [10]);
    bench.work();
    list(&mut bench, Vec::new(), &[]);
    assert!(matches!(ordered(&bench, "p10"), Some(Operation::Create(_))));
    // The limit is lowered in the very instant in which the account is there.
    bench.connector("directory", &limited(0));
    let made = account(&bench, "a10", "10", Activity::Active);
    done(&mut bench, "p10", 1, Effect::Created(made));
    assert_eq!(given(&bench), names([]));
    bench.status("p10", waits).await;
    bench.connector("directory", &limited(1));
    bench.work();
    assert_eq!(given(&bench), names([10]));
}

/// What would be done is within the limit as well.
#[tokio::test]
async fn a_dry_run_tells_who_would_get_none() {
    let mut bench = bench(1);
    let mut object = limited(1);
    object["spec"]["mode"] = json!("DryRun");
    bench.connector("directory", &object);
    hire(&mut bench, [11, 10]);
    bench.work();
    let shown = accounts(&bench, [10, 11]);
    list(&mut bench, shown, &[]);
    bench.status("p11", waits).await;
    let would = |status: &Value| status["accounts"][0]["reason"] == "DryRun";
    let told = bench.status("p10", would).await;
    let message = told["accounts"][0]["message"].to_string();
    assert!(message.contains("keys"), "{message}");
    assert_eq!(given(&bench), names([]));
}

/// Nothing is kept where nobody counts.
#[tokio::test]
async fn without_a_limit_there_is_nothing_to_count() {
    let mut bench = bench(1);
    hire(&mut bench, [10, 11]);
    bench.work();
    let shown = accounts(&bench, [10, 11]);
    list(&mut bench, shown, &[]);
    bench.connector("directory", &connector("directory"));
    bench.work();
    assert_eq!(given(&bench), names([10, 11]));
    let realm = &bench.engine.world.realms[&bench.namespace];
    assert!(realm.places.is_empty());
}
