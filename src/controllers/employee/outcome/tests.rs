//! What an outcome leaves behind, laid into a person and an inventory of one target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;
use crate::api::EmployeeStatus;
use crate::connectors::Listing;
use crate::controllers::world::{Meta, Outlook, Tracked};
use crate::domain::account::{Attributes, Completeness, NewAccount};
use crate::domain::fixtures::{at, person};
use crate::domain::ids::Username;
use crate::domain::record::Record;
use crate::plan::Lane;

const ME: &str = "1042";

/// One person, one target, and the instant.
struct Desk {
    scope: Scope,
    connector: ConnectorName,
    inventory: Inventory,
    mark_dropped: Option<AccountId>,
    names: Names,
    person: Person,
    number: u64,
}

impl Desk {
    fn new() -> Self {
        let scope = Scope::new("acme", "people");
        Self {
            inventory: Inventory::new(scope.clone()),
            scope,
            connector: "dir".into(),
            mark_dropped: None,
            names: Names::default(),
            person: Person {
                meta: Meta::default(),
                facts: Ok(Arc::new(person(ME))),
                employee_id: ME.into(),
                record: Record::default(),
                status: Tracked::new(EmployeeStatus::default()),
                submitted: BTreeMap::new(),
                failures: BTreeMap::new(),
                in_doubt: BTreeSet::new(),
                name_taken: BTreeSet::new(),
                disable_accepted: BTreeSet::new(),
                normalised: BTreeMap::new(),
                unsettled_since: None,
                outlook: Outlook::default(),
            },
            number: 0,
        }
    }

    fn context(&mut self) -> Context<'_> {
        Context {
            scope: &self.scope,
            connector: &self.connector,
            inventory: &mut self.inventory,
            mark_dropped: &mut self.mark_dropped,
            names: Some(&mut self.names),
            person: &mut self.person,
            now: at("2026-11-20T12:00:00Z"),
            jitter: 0.5,
        }
    }

    fn take(&mut self, operation: Operation, result: Result<Effect, ConnectorError>) {
        self.number += 1;
        let order = Order {
            employee: ME.into(),
            lane: Lane::Joiner,
            operation,
            revision: self.number,
            cause: String::new(),
            knows: self.number - 1,
        };
        let number = self.number;
        self.context().take(Outcome {
            order,
            result,
            number,
        });
    }

    fn mark(&self) -> String {
        self.scope.mark(&ME.into()).as_str().to_owned()
    }

    fn create(&self, username: &str) -> Operation {
        Operation::Create(NewAccount {
            username: Username::new(username),
            mark: self.scope.mark(&ME.into()),
            active: true,
            attributes: Attributes::new(),
        })
    }

    fn failure(&self, verb: &'static str) -> Option<&Failure> {
        self.person.failures.get(&FailureKey {
            connector: self.connector.clone(),
            verb,
            entitlement: None,
        })
    }
}

fn account(id: &str, username: &str, mark: Option<&str>) -> ObservedAccount {
    ObservedAccount {
        id: id.into(),
        username: Username::new(username),
        mark: mark.map(str::to_owned),
        activity: Activity::Active,
        attributes: Attributes::new(),
    }
}

#[test]
fn an_account_that_did_not_keep_its_mark_is_linked_and_stops_the_making_of_more() {
    for dropped in [None, Some("00u1"), Some("acme/people/7"), Some("x/y/1042")] {
        let mut desk = Desk::new();
        let create = desk.create("ada");
        desk.take(create, Ok(Effect::Created(account("a1", "ada", dropped))));
        assert_eq!(desk.mark_dropped, Some("a1".into()), "{dropped:?}");
        let record = &desk.person.record.accounts[&desk.connector];
        assert_eq!(record.id, Some("a1".into()), "{dropped:?}");
        let failure = desk.failure("Create").unwrap();
        assert_eq!(failure.reason, "MarkNotKept");
        assert!(
            failure.message.contains("externalId"),
            "{}",
            failure.message
        );
    }
}

#[test]
fn one_account_that_kept_its_mark_lets_more_be_made() {
    let mut desk = Desk::new();
    desk.mark_dropped = Some("a0".into());
    let (create, mark) = (desk.create("ada"), desk.mark());
    desk.take(
        create,
        Ok(Effect::Created(account("a1", "ada", Some(&mark)))),
    );
    assert_eq!(desk.mark_dropped, None);
    assert!(desk.failure("Create").is_none());
    assert_eq!(desk.inventory.by_mark(&ME.into()).len(), 1);
}

#[test]
fn what_was_read_before_a_lost_answer_says_nothing_any_more() {
    for kind in [ErrorKind::OutcomeUnknown, ErrorKind::Taken] {
        let mut desk = Desk::new();
        desk.inventory.sought(&ME.into());
        let create = desk.create("ada");
        desk.take(create, Err(ConnectorError::new(kind, "lost")));
        assert!(desk.person.in_doubt.contains(&desk.connector));
        assert!(!desk.inventory.sought_in_vain(&ME.into()), "{kind:?}");
    }
    // Also where a listing runs, which would lay the old proof over what it shows.
    for listing in [false, true] {
        let mut desk = Desk::new();
        let mark = desk.mark();
        if listing {
            desk.inventory.begin_listing();
        }
        desk.inventory.saw(account("a1", "ada", Some(&mark)), true);
        desk.take(
            Operation::Disable("a1".into()),
            Err(ConnectorError::new(ErrorKind::OutcomeUnknown, "lost")),
        );
        if listing {
            desk.inventory.complete_listing(Listing {
                accounts: vec![account("a1", "ada", Some(&mark))],
                accounts_completeness: Completeness::Complete,
                entitlements: Vec::new(),
                entitlements_completeness: Completeness::Complete,
                oddities: Vec::new(),
            });
        }
        assert!(!desk.inventory.read_directly(&"a1".into()), "{listing}");
    }
}
