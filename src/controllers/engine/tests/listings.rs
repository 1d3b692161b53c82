//! What a new listing means for people whose own picture in it is as before.

use serde_json::json;

use super::{Bench, account, connector, employee, everyone, ordered};
use crate::connectors::Listing;
use crate::dispatch::order::Event;
use crate::domain::account::{Activity, Completeness, ObservedAccount};
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
