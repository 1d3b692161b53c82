//! What a new listing means for people whose own picture in it is as before.

use serde_json::json;

use super::{Bench, account, connector, done, employee, everyone, ordered};
use crate::connectors::{ConnectorError, ErrorKind, Listing};
use crate::dispatch::order::{Effect, Event};
use crate::domain::account::{Activity, Completeness, ObservedAccount, ObservedEntitlement};
use crate::plan::Operation;

fn listing(accounts: Vec<ObservedAccount>, entitlements: Completeness) -> Listing {
    Listing {
        accounts,
        accounts_completeness: Completeness::Complete,
        entitlements: Vec::new(),
        entitlements_completeness: entitlements,
        oddities: Vec::new(),
        requests: 1,
    }
}

fn list(bench: &mut Bench, listing: Listing) {
    bench.report("directory", Event::ListingStarted);
    bench.report("directory", Event::Listed(Box::new(listing)));
    bench.work();
}

/// The groups could not be read at first. That there are none is seen later, and they are made.
#[tokio::test]
async fn groups_that_are_seen_to_be_none_are_made() {
    let mut bench = Bench::new();
    bench.secret("directory");
    let mut makes_groups = connector("directory");
    makes_groups["spec"]["entitlements"] = json!({"missing": "Create"});
    bench.connector("directory", &makes_groups);
    let mut template = everyone();
    template["spec"]["grants"][0]["entitlements"] = json!(["staff"]);
    bench.template("everyone", &template);
    bench.employee("ada", &employee("1"));
    bench.work();
    let account = account(&bench, "a", "1", Activity::Active);
    let unread = Completeness::Unreadable("500".to_owned());
    list(&mut bench, listing(vec![account.clone()], unread));
    let before = ordered(&bench, "ada");
    assert!(
        !matches!(before, Some(Operation::AddEntitlements { .. })),
        "{before:?}"
    );
    let none = Completeness::Complete;
    list(&mut bench, listing(vec![account], none));
    let after = ordered(&bench, "ada");
    assert!(
        matches!(after, Some(Operation::AddEntitlements { .. })),
        "{after:?}"
    );
}

/// The only group was deleted. That a listing shows none is not believed, and is not asked about for
/// ever: what a write does not find either is gone.
#[tokio::test]
async fn a_group_that_is_gone_is_told_and_not_asked_for_again_and_again() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    let mut template = everyone();
    template["spec"]["grants"][0]["entitlements"] = json!(["staff"]);
    bench.template("everyone", &template);
    bench.employee("ada", &employee("1"));
    bench.work();
    let ada = account(&bench, "a", "1", Activity::Active);
    let staff = ObservedEntitlement {
        id: "g".into(),
        name: "staff".into(),
        holders: Vec::new(),
        completeness: Completeness::Complete,
    };
    let none = || listing(vec![ada.clone()], Completeness::Complete);
    let shown = Listing {
        entitlements: vec![staff],
        ..none()
    };
    list(&mut bench, shown);
    list(&mut bench, none());
    let gives = |bench: &Bench| {
        matches!(
            ordered(bench, "ada"),
            Some(Operation::AddEntitlements { .. })
        )
    };
    assert!(gives(&bench), "that it is gone is not believed");
    let gone = ConnectorError::new(ErrorKind::NotFound, "404");
    let results = [("staff".into(), Err(gone))].into();
    let created = Vec::new();
    done(
        &mut bench,
        "ada",
        1,
        Effect::Entitlements { results, created },
    );
    for _ in 0..3 {
        assert!(!gives(&bench), "{:?}", ordered(&bench, "ada"));
        list(&mut bench, none());
    }
    let told = |s: &serde_json::Value| s["accounts"][0]["reason"] == "EntitlementMissing";
    bench.status("ada", told).await;
}

/// A listing that changes nothing costs nobody any memory.
#[tokio::test]
async fn who_is_settled_stays_so() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.template("everyone", &everyone());
    bench.employee("ada", &employee("1"));
    bench.work();
    let account = account(&bench, "a", "1", Activity::Active);
    for _ in 0..2 {
        list(
            &mut bench,
            listing(vec![account.clone()], Completeness::Complete),
        );
        let namespace = bench.namespace.clone();
        let ada = bench.engine.world.person_mut(&namespace, &"ada".into());
        let unsettled = &mut ada.unwrap().unsettled;
        assert!(unsettled.there().is_none(), "{unsettled:?}");
        bench.report("directory", Event::ListingStarted);
        let same = listing(vec![account.clone()], Completeness::Complete);
        bench.report("directory", Event::Listed(Box::new(same)));
        let ada = bench.engine.world.person_mut(&namespace, &"ada".into());
        assert!(ada.unwrap().unsettled.there().is_none());
    }
}

/// The account that is remembered lost its mark; somebody deletes it, as the status says to.
#[tokio::test]
async fn an_unmarked_account_that_goes_makes_way() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.template("everyone", &everyone());
    let mut ada = employee("1");
    ada["status"] = json!({
        "observedGeneration": 1,
        "stage": "Active",
        "accounts": [{
            "connector": "directory", "username": "1", "accountId": "a", "state": "Active",
        }],
    });
    bench.employee("ada", &ada);
    bench.work();
    bench.at_home("directory");
    let unmarked = ObservedAccount {
        mark: None,
        ..account(&bench, "a", "1", Activity::Active)
    };
    list(&mut bench, listing(vec![unmarked], Completeness::Complete));
    assert_eq!(ordered(&bench, "ada"), None);
    list(&mut bench, listing(Vec::new(), Completeness::Complete));
    let order = ordered(&bench, "ada");
    assert!(
        matches!(order, Some(Operation::Create(_) | Operation::Read(_))),
        "{order:?}"
    );
}
