//! What an outcome leaves behind, laid into a person and an inventory of one target.

use std::sync::Arc;

mod adopted;
mod renamed;
mod shown;

use jiff::SignedDuration;

use super::*;
use crate::api::EmployeeStatus;
use crate::connectors::Listing;
use crate::controllers::world::Meta;
use crate::domain::account::{
    AttributeChanges, AttributeValue, Attributes, Completeness, NewAccount, ObservedEntitlement,
};
use crate::domain::fixtures::{at, person};
use crate::domain::ids::Username;
use crate::domain::record::Record;
use crate::plan::operation::EntitlementTarget;
use crate::plan::{Lane, Normalised};

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
            person: Person::new(
                Meta::default(),
                Ok(Arc::new(person(ME))),
                ME.into(),
                Record::default(),
                &EmployeeStatus::default(),
            ),
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
            first_used: None,
            attributes: Attributes::new(),
        })
    }

    fn failure(&self, verb: &'static str) -> Option<&Failure> {
        self.person.unsettled.failures.get(&FailureKey {
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
        unfinished: false,
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
        assert!(desk.person.unsettled.in_doubt.contains(&desk.connector));
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
                requests: 1,
            });
        }
        assert!(!desk.inventory.read_directly(&"a1".into()), "{listing}");
    }
}

/// Tries one create, which is refused as taken, and the read after it, which shows `found`.
fn refused(desk: &mut Desk, username: &str, found: Vec<ObservedAccount>) {
    let record = &mut desk.person.record.accounts;
    record.entry(desk.connector.clone()).or_default().username = Some(Username::new(username));
    let create = desk.create(username);
    let taken = ConnectorError::new(ErrorKind::Taken, "email is not unique");
    desk.take(create, Err(taken));
    assert!(desk.person.unsettled.in_doubt.contains(&desk.connector));
    let key = ReadKey::MarkOrUsername(desk.scope.mark(&ME.into()), Some(Username::new(username)));
    desk.take(Operation::Read(key), Ok(Effect::Read(found)));
    assert!(!desk.person.unsettled.in_doubt.contains(&desk.connector));
}

#[test]
fn a_refusal_that_no_name_explains_is_told_and_burns_no_more_names() {
    let mut desk = Desk::new();
    for username in ["ada", "ada2"] {
        refused(&mut desk, username, vec![]);
        assert!(desk.names.refused.contains(&Username::new(username)));
        assert!(desk.failure("Create").is_none(), "{username}");
    }
    for attempts in 1..4 {
        refused(&mut desk, "ada3", vec![]);
        let failure = desk.failure("Create").unwrap();
        assert_eq!(failure.reason, "AlreadyTaken");
        assert_eq!(failure.message, "email is not unique");
        assert_eq!(failure.attempts, attempts);
        let wait = failure.retry_at.duration_since(at("2026-11-20T12:00:00Z"));
        assert!(wait >= SignedDuration::from_mins(2), "{wait:?}");
        assert_eq!(desk.names.refused.len(), 2);
        let record = &desk.person.record.accounts[&desk.connector];
        assert_eq!(record.username, Some(Username::new("ada3")));
    }
    let (create, mark) = (desk.create("ada3"), desk.mark());
    desk.take(
        create,
        Ok(Effect::Created(account("a1", "ada3", Some(&mark)))),
    );
    assert!(desk.failure("Create").is_none() && desk.person.unsettled.name_taken.is_empty());
}

#[test]
fn a_name_that_somebody_is_seen_to_have_is_passed_over_as_often_as_it_takes() {
    let mut desk = Desk::new();
    for n in 0..20 {
        let name = format!("ada{n}");
        refused(&mut desk, &name, vec![account(&name, &name, None)]);
        assert!(desk.names.refused.contains(&Username::new(&name)));
        assert!(desk.failure("Create").is_none(), "{n}");
    }
}

/// An account with a title.
fn titled(desk: &Desk, username: &str, title: &str) -> ObservedAccount {
    let mut account = account("a1", username, Some(&desk.mark()));
    let title = AttributeValue::Text(title.to_owned());
    account.attributes.insert("title".into(), title);
    account
}

#[test]
fn a_write_that_is_accepted_and_not_taken_over_is_noted_until_it_is() {
    let text = |t: &str| AttributeValue::Text(t.to_owned());
    let old = Username::new("old");
    // How the answer shows the account: not at all, as we wrote it, as it was.
    for answer in [None, Some(("ada", "Boss")), Some(("old", "BOSS"))] {
        let mut desk = Desk::new();
        desk.inventory.saw(titled(&desk, "old", "BOSS"), false);
        let shown = answer.map(|(name, title)| titled(&desk, name, title));
        let changes = AttributeChanges {
            username: Some(Username::new("ada")),
            set: [("title".into(), text("Boss"))].into_iter().collect(),
            ..AttributeChanges::default()
        };
        let id = "a1".into();
        desk.take(
            Operation::Update {
                id,
                changes,
                gives_back: false,
            },
            Ok(Effect::Updated(shown)),
        );
        let note = Normalised {
            written: text("Boss"),
            shows: Some(text("BOSS")),
            // The same letters: it is the form in which it keeps them.
            unchanged: false,
        };
        let notes = |desk: &Desk| {
            (
                desk.person.unsettled.normalised[&desk.connector]
                    .get("title")
                    .cloned(),
                desk.person.unsettled.renamed.get(&desk.connector).cloned(),
            )
        };
        let both = (Some(note), Some((Username::new("ada"), old.clone())));
        assert_eq!(notes(&desk), both, "{answer:?}");
        // A look that shows the old form proves it; one that shows ours ends it.
        desk.inventory.saw(titled(&desk, "old", "BOSS"), false);
        forget_taken_over(&mut desk.person, &desk.connector, &desk.inventory);
        assert_eq!(notes(&desk), both, "{answer:?}");
        desk.inventory.saw(titled(&desk, "ada", "Boss"), false);
        forget_taken_over(&mut desk.person, &desk.connector, &desk.inventory);
        assert_eq!(notes(&desk), (None, None), "{answer:?}");
    }
}

/// An answer to a change that leaves the mark out does not take it away; a read does.
#[test]
fn an_answer_without_our_mark_takes_none_away() {
    let without_mark = |desk: &Desk| ObservedAccount {
        mark: None,
        ..titled(desk, "ada", "Boss")
    };
    let changes = AttributeChanges {
        username: Some(Username::new("ada")),
        ..AttributeChanges::default()
    };
    let update = Operation::Update {
        id: "a1".into(),
        changes,
        gives_back: false,
    };
    for (operation, effect) in [
        (update, Effect::Updated as fn(_) -> _),
        (Operation::Enable("a1".into()), Effect::ActivitySet),
    ] {
        let mut desk = Desk::new();
        desk.inventory.saw(titled(&desk, "old", "Boss"), false);
        let shown = Some(without_mark(&desk));
        desk.take(operation.clone(), Ok(effect(shown)));
        let mine = desk.inventory.by_mark(&ME.into());
        assert_eq!(mine.len(), 1, "{operation:?}");
        assert_eq!(mine[0].username, Username::new("ada"));
        let read = Operation::Read(ReadKey::Id("a1".into()));
        let accounts = vec![without_mark(&desk)];
        desk.take(read, Ok(Effect::Read(accounts)));
        assert!(desk.inventory.by_mark(&ME.into()).is_empty());
    }
}

/// A listing from its beginning to its end.
fn list(desk: &mut Desk, accounts: Vec<ObservedAccount>, completeness: Completeness) -> bool {
    desk.inventory.begin_listing();
    end_listing(desk, accounts, completeness)
}

fn end_listing(
    desk: &mut Desk,
    accounts: Vec<ObservedAccount>,
    accounts_completeness: Completeness,
) -> bool {
    desk.inventory.complete_listing(Listing {
        accounts,
        accounts_completeness,
        entitlements: Vec::new(),
        entitlements_completeness: Completeness::Complete,
        oddities: Vec::new(),
        requests: 1,
    });
    desk.context().listed()
}

/// A create whose answer is lost, and a direct read that the target has no means for.
fn lost_and_unsearchable(desk: &mut Desk, kind: ErrorKind) {
    let record = &mut desk.person.record.accounts;
    record.entry(desk.connector.clone()).or_default().username = Some(Username::new("ada"));
    let create = desk.create("ada");
    desk.take(create, Err(ConnectorError::new(kind, "lost")));
    let key = ReadKey::MarkOrUsername(desk.scope.mark(&ME.into()), Some(Username::new("ada")));
    let unsupported = ConnectorError::new(ErrorKind::Unsupported, "no filters");
    desk.take(Operation::Read(key), Err(unsupported));
    assert!(desk.failure("Read").is_some());
}

#[test]
fn a_complete_listing_begun_after_the_write_ends_the_doubt_and_no_other() {
    for there in [false, true] {
        let mut desk = Desk::new();
        let mark = desk.mark();
        let shown = if there {
            vec![account("a1", "ada", Some(&mark))]
        } else {
            Vec::new()
        };
        desk.inventory.begin_listing();
        lost_and_unsearchable(&mut desk, ErrorKind::OutcomeUnknown);
        assert!(
            !end_listing(&mut desk, shown.clone(), Completeness::Complete),
            "begun before"
        );
        let partial = Completeness::Partial("one is missing".to_owned());
        assert!(!list(&mut desk, shown.clone(), partial), "partial");
        desk.inventory.begin_listing();
        desk.inventory.fail_listing("503");
        assert!(!desk.context().listed(), "failed");
        assert!(desk.person.unsettled.in_doubt.contains("dir") && desk.failure("Read").is_some());
        assert!(list(&mut desk, shown, Completeness::Complete));
        assert!(desk.person.unsettled.in_doubt.is_empty() && desk.failure("Read").is_none());
        assert_eq!(desk.inventory.by_mark(&ME.into()).len(), usize::from(there));
    }
}

#[test]
fn a_complete_listing_tells_who_has_a_name_that_was_refused() {
    let ada = Username::new("ada");
    let mut desk = Desk::new();
    lost_and_unsearchable(&mut desk, ErrorKind::Taken);
    assert!(list(
        &mut desk,
        vec![account("a9", "ada", None)],
        Completeness::Complete
    ));
    assert!(desk.names.refused.contains(&ada), "somebody else");
    assert_eq!(desk.person.record.accounts[&"dir".into()].username, None);

    let mut desk = Desk::new();
    let mark = desk.mark();
    lost_and_unsearchable(&mut desk, ErrorKind::Taken);
    assert!(list(
        &mut desk,
        vec![account("a1", "ada", Some(&mark))],
        Completeness::Complete
    ));
    assert!(desk.names.refused.is_empty() && desk.person.unsettled.name_taken.is_empty());

    let mut desk = Desk::new();
    for _ in 0..names::UNEXPLAINED {
        assert!(desk.failure("Create").is_none());
        lost_and_unsearchable(&mut desk, ErrorKind::Taken);
        assert!(list(&mut desk, Vec::new(), Completeness::Complete));
    }
    assert_eq!(desk.failure("Create").unwrap().reason, "AlreadyTaken");
}

#[test]
fn an_account_that_turns_up_unmarked_after_a_lost_answer_is_ours_where_no_mark_was_ever_seen() {
    for kind in [ErrorKind::OutcomeUnknown, ErrorKind::Taken] {
        for proven in [false, true] {
            for listed in [false, true] {
                let mut desk = Desk::new();
                let other = account("a0", "bob", proven.then_some("acme/people/7"));
                desk.inventory.saw(other.clone(), false);
                lost_and_unsearchable(&mut desk, kind);
                let found = account("a1", "ada", None);
                if listed {
                    list(&mut desk, vec![other, found], Completeness::Complete);
                } else {
                    let mark = desk.scope.mark(&ME.into());
                    let key = ReadKey::MarkOrUsername(mark, Some(Username::new("ada")));
                    desk.take(Operation::Read(key), Ok(Effect::Read(vec![found])));
                }
                let ours = kind == ErrorKind::OutcomeUnknown && !proven;
                let case = (kind, proven, listed);
                assert_eq!(desk.mark_dropped.is_some(), ours, "{case:?}");
                assert_eq!(desk.names.refused.is_empty(), ours, "{case:?}");
                let record = &desk.person.record.accounts[&desk.connector];
                assert_eq!(record.id.is_some(), ours, "{case:?}");
            }
        }
    }
}
