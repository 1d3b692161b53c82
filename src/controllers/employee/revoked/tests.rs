//! A leaver's status, from what each application shows.

use std::sync::Arc;

use jiff::Timestamp;

use crate::api::employee::EmployeeStatus;
use crate::connectors::Listing;
use crate::controllers::employee::{gather, status};
use crate::controllers::world::{ConnectorEntry, Meta, Person, Realm};
use crate::domain::account::{Activity, Attributes, Completeness, ObservedAccount};
use crate::domain::desired::desire;
use crate::domain::facts::{Employment, Facts};
use crate::domain::fixtures::{self, at};
use crate::domain::ids::Username;
use crate::domain::policy::{Connector, Template};
use crate::domain::record::{Record, RecordedAccount};
use crate::plan::guard::{Gate, Restored};
use crate::plan::{Inputs, plan};

fn now() -> Timestamp {
    at("2026-06-15T12:00:00Z")
}

/// A namespace with the connector `dir`, in which `staff` gives something, if there is a role at all.
fn realm(role: bool) -> Realm {
    let mut realm = Realm::new("acme", &Arc::from("people"));
    let scope = realm.scope.clone();
    let mut entry = ConnectorEntry::new(
        Meta::default(),
        scope,
        Gate::restored(Arc::from("people"), "dir".into(), "", Restored::default()),
        &crate::api::AppConnectorStatus::default(),
    );
    entry.compiled = Some(Arc::new(Connector::compile(fixtures::connector("dir"))));
    realm.connectors.insert("dir".into(), entry);
    let staff = fixtures::template("staff")
        .matching("true")
        .giving("dir", &["all"]);
    let templates = role.then(|| Arc::new(Template::compile(staff)));
    let connectors = realm.connectors.values().filter_map(|c| c.compiled.clone());
    realm.policy = Arc::new(crate::domain::policy::Policy::new(templates, connectors));
    realm
}

fn leaver() -> Facts {
    let mut facts = fixtures::person("1");
    facts.end = Some(jiff::civil::date(2026, 6, 1));
    facts
}

fn list(realm: &mut Realm, accounts: Vec<ObservedAccount>, completeness: Completeness) {
    let inventory = &mut realm.connectors.get_mut("dir").unwrap().inventory;
    inventory.complete_listing(Listing {
        accounts,
        accounts_completeness: completeness,
        entitlements: Vec::new(),
        entitlements_completeness: Completeness::Complete,
        oddities: Vec::new(),
        requests: 1,
    });
}

fn someone_else() -> ObservedAccount {
    ObservedAccount {
        id: "x".into(),
        username: Username::new("x"),
        mark: None,
        activity: Activity::Active,
        attributes: Attributes::new(),
        unfinished: false,
    }
}

fn status(realm: &Realm, facts: Facts, record: Record) -> EmployeeStatus {
    let facts = Arc::new(facts);
    let person = Person::new(
        Meta::default(),
        Ok(Arc::clone(&facts)),
        facts.employee_id.clone(),
        record,
        &EmployeeStatus::default(),
    );
    let desired = desire(&realm.policy, &facts, &person.record, now());
    let observations = gather::observations(
        realm,
        &mut crate::controllers::names::AllNames::default(),
        &person,
        &person.record,
        &desired,
        now(),
    );
    let plan = plan(&Inputs {
        employee: &facts.employee_id,
        scope: &realm.scope,
        policy: &realm.policy,
        desired: &desired,
        record: &person.record,
        observations: &observations,
        held: &crate::controllers::pause::held(realm, &person),
        asked_for: person.request.unread(),
        now: now(),
    });
    status::derive(realm, &person, &desired, &plan, now())
}

fn is(status: &EmployeeStatus, condition: &str) -> Option<bool> {
    let found = status.conditions.iter().find(|c| c.type_ == condition);
    found.map(|c| c.status == "True")
}

fn reason<'a>(status: &'a EmployeeStatus, condition: &str) -> &'a str {
    let found = status.conditions.iter().find(|c| c.type_ == condition);
    found.map_or("", |c| c.reason.as_str())
}

#[test]
fn an_application_that_nobody_looked_at_proves_nothing() {
    for role in [false, true] {
        let mut realm = realm(role);
        let before = status(&realm, leaver(), Record::default());
        assert_eq!(is(&before, "AccessRevoked"), Some(false), "role: {role}");
        assert_eq!(is(&before, "Ready"), Some(false), "role: {role}");
        assert_eq!(is(&before, "Reconciling"), Some(true), "role: {role}");
        assert_eq!(reason(&before, "Ready"), "InventoryPending");
        list(&mut realm, vec![someone_else()], Completeness::Complete);
        let after = status(&realm, leaver(), Record::default());
        assert_eq!(is(&after, "AccessRevoked"), Some(true), "role: {role}");
        assert_eq!(is(&after, "Ready"), Some(true), "role: {role}");
    }
}

#[test]
fn a_partial_listing_proves_nothing_until_the_person_was_looked_for() {
    for role in [false, true] {
        let mut realm = realm(role);
        let partial = Completeness::Partial("some rows are missing".to_owned());
        list(&mut realm, vec![someone_else()], partial);
        let before = status(&realm, leaver(), Record::default());
        assert_eq!(is(&before, "AccessRevoked"), Some(false), "role: {role}");
        assert_eq!(is(&before, "Ready"), Some(false), "role: {role}");
        let inventory = &mut realm.connectors.get_mut("dir").unwrap().inventory;
        inventory.sought(&"1".into());
        let after = status(&realm, leaver(), Record::default());
        assert_eq!(is(&after, "AccessRevoked"), Some(true), "role: {role}");
        assert_eq!(after.accounts, []);
    }
}

#[test]
fn a_proof_that_was_recorded_stands_while_an_application_is_away() {
    let recorded = RecordedAccount {
        id: Some("a1".into()),
        verified_disabled: Some(now()),
        ..RecordedAccount::default()
    };
    let record = Record {
        accounts: [("dir".into(), recorded)].into_iter().collect(),
        ..Record::default()
    };
    let shown = status(&realm(true), leaver(), record);
    assert_eq!(is(&shown, "AccessRevoked"), Some(true));
}

#[test]
fn the_suspended_are_held_to_the_same_proof_and_nobody_else() {
    let mut suspended = fixtures::person("1");
    suspended.employment = Employment::Suspended;
    let shown = status(&realm(false), suspended, Record::default());
    assert_eq!(is(&shown, "AccessRevoked"), Some(false));
    let shown = status(&realm(false), fixtures::person("1"), Record::default());
    assert_eq!(is(&shown, "AccessRevoked"), None);
    assert_eq!(is(&shown, "Ready"), Some(true), "nothing is given");
}
