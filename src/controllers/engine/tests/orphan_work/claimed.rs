//! Accounts that were never ours and may be somebody's: nothing is done with one while that is so, or not known.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::{connector, employee};
use super::{Orphanage, directory};
use crate::controllers::app_connector::orphans;
use crate::dispatch::Command;
use crate::dispatch::order::{Effect, Order};
use crate::domain::account::{Activity, AttributeValue, Attributes, Completeness, ObservedAccount};
use crate::domain::ids::ConnectorName;
use crate::plan::Operation;

const MAIL: &str = "ada@example.com";

fn all() -> Value {
    json!({"policy": "Disable", "which": "All"})
}

fn by_mail() -> Value {
    json!({"rules": [{"attribute": "title", "equals": "employee.email"}]})
}

fn with_mail(id: &str, mail: &str) -> Value {
    let mut person = employee(id);
    person["spec"]["email"] = mail.into();
    person
}

/// A zone that fits the schema, and that there is not.
fn mistaken(mut person: Value) -> Value {
    person["spec"]["timeZone"] = "Europe/Belin".into();
    person
}

fn titled(mut account: ObservedAccount, title: &str) -> ObservedAccount {
    let title = AttributeValue::Text(title.to_owned());
    account.attributes.insert("title".into(), title);
    account
}

impl Orphanage {
    /// One account without a mark is seen since long.
    fn with_stranger(more: &Value, title: &str) -> Self {
        let mut at = Self::with_status(&all(), more, &Value::Null);
        let stranger = titled(at.stranger(), title);
        at.bench.listed("directory", vec![stranger]);
        at.seen(1, 8);
        at
    }

    fn stranger(&self) -> ObservedAccount {
        ObservedAccount {
            mark: None,
            attributes: Attributes::new(),
            ..self.one(0, Activity::Active)
        }
    }

    /// What the status says of the first of them, and that nothing is done with any.
    fn left_alone(&mut self) -> (String, String) {
        self.look();
        self.look();
        let orders = self.strangers();
        assert!(orders.is_empty(), "{orders:?}");
        let name = ConnectorName::new("directory");
        let realm = &self.bench.engine.world.realms[&self.bench.namespace];
        let entry = &realm.connectors[&name];
        let told = orphans::look(realm, &name, entry, self.now).orphans;
        let told = told.listed.first().unwrap();
        (told.reason.clone().unwrap(), told.message.clone().unwrap())
    }

    fn strangers(&mut self) -> Vec<Order> {
        let mut orders = self.orders();
        orders.retain(|order| order.employee.as_str().starts_with("undeclared:"));
        orders
    }

    fn stranger_order(&mut self) -> Order {
        let mut orders = self.strangers();
        assert_eq!(orders.len(), 1, "{orders:?}");
        orders.remove(0)
    }
}

/// Somebody whose Employee has a mistake may be the owner, as they were before.
#[tokio::test]
async fn a_mistake_in_an_employee_makes_no_orphan_of_their_account() {
    let linked = || {
        let mut ada = employee("7");
        ada["spec"]["links"] = json!([{"connector": "directory", "account": "a0"}]);
        ada
    };
    for (more, ada) in [
        (json!({"matching": by_mail()}), with_mail("7", MAIL)),
        (json!({}), linked()),
    ] {
        let mut at = Orphanage::with_stranger(&more, MAIL);
        at.bench.employee("ada", &ada);
        at.bench.work();
        assert_eq!(at.left_alone().0, "OwnerPossible");
        at.bench.employee("ada", &mistaken(ada.clone()));
        at.bench.work();
        let (reason, message) = at.left_alone();
        assert_eq!(reason, "OwnersUnknown");
        assert!(message.contains("employeeId 7"), "{message}");
        at.bench.employee("ada", &ada);
        at.bench.work();
        assert_eq!(at.left_alone().0, "OwnerPossible");
        // It is not hers after all.
        at.bench
            .employee("ada", &with_mail("7", "lovelace@example.com"));
        at.bench.work();
        at.look();
        at.stranger_order();
    }
}

/// What is on its way when the mistake comes goes no further, and goes on once it is mended.
#[tokio::test]
async fn a_mistake_holds_up_what_was_ordered_until_it_is_mended() {
    for is_read in [false, true] {
        let mut at = Orphanage::with_stranger(&json!({"matching": by_mail()}), MAIL);
        let bob = with_mail("8", "bob@example.com");
        at.bench.employee("bob", &bob);
        at.bench.work();
        at.look();
        let order = at.stranger_order();
        let shown = titled(at.stranger(), MAIL);
        if is_read {
            at.ended(order, Ok(Effect::Read(vec![shown.clone()])));
            let order = at.stranger_order();
            assert_eq!(order.operation, Operation::Disable("a0".into()));
        }
        at.bench.employee("bob", &mistaken(bob.clone()));
        let mut withdrawn = false;
        while let Ok(command) = at.told.try_recv() {
            withdrawn |=
                matches!(command, Command::Withdraw(who) if who.as_str() == "undeclared:a0");
        }
        assert!(withdrawn, "before anything else");
        at.bench.work();
        assert_eq!(at.left_alone().0, "OwnersUnknown");
        at.bench.employee("bob", &bob);
        at.bench.work();
        // Nobody has to wait for the next listing.
        at.bench.clock.shift(SignedDuration::from_mins(2));
        at.bench.work();
        at.stranger_order();
    }
}

/// Nothing is known of what is theirs for whom a rule can't be evaluated.
#[tokio::test]
async fn a_rule_that_fails_for_one_person_makes_no_orphan() {
    let rule = json!({"attribute": "title", "equals": "employee.attributes.payroll"});
    let more = json!({"matching": {"rules": [rule]}});
    let mut at = Orphanage::with_stranger(&more, "P1");
    let paid = |number: &str| {
        let mut ada = employee("7");
        ada["spec"]["attributes"] = json!({"payroll": number});
        ada
    };
    at.bench.employee("ada", &paid("P1"));
    at.bench.work();
    assert_eq!(at.left_alone().0, "OwnerPossible");
    at.bench.employee("ada", &employee("7"));
    at.bench.work();
    let (reason, message) = at.left_alone();
    assert_eq!(reason, "OwnersUnknown");
    assert!(message.contains("directory") && message.contains("employeeId 7"));
    at.bench.employee("ada", &paid("P2"));
    at.bench.work();
    at.look();
    at.stranger_order();
}

/// Of two objects with one `employeeId` one is a mistake, and each may be right about whose the account is.
#[tokio::test]
async fn each_of_two_objects_of_one_id_may_say_whose_it_is() {
    let mut at = Orphanage::with_stranger(&json!({"matching": by_mail()}), MAIL);
    at.bench.employee("bob", &with_mail("7", "bob@example.com"));
    at.bench.work();
    at.look();
    assert_eq!(at.strangers().len(), 1);
    at.bench.employee("eve", &with_mail("7", MAIL));
    at.bench.work();
    assert_eq!(at.left_alone().0, "OwnerPossible");
    at.bench
        .employee("bob", &with_mail("7", "robert@example.com"));
    at.bench.work();
    assert_eq!(at.left_alone().0, "OwnerPossible");
}

fn admins() -> Value {
    json!({"account": {"username": ["'admin-' + employee.employeeId"], "purpose": "admin"}})
}

/// Administrators' accounts, beside an AppConnector for those of every day.
fn beside(everyday: &Value) -> Orphanage {
    let mut at = Orphanage::with_stranger(&admins(), "");
    at.bench.connector("everyday", &at_work(everyday));
    at.bench.work();
    at.bench.at_home("everyday");
    at
}

fn at_work(more: &Value) -> Value {
    let mut everyday = connector("directory");
    for (key, value) in more.as_object().into_iter().flatten() {
        everyday["spec"][key] = value.clone();
    }
    everyday
}

#[tokio::test]
async fn what_another_connector_of_the_application_finds_for_somebody_is_no_orphan() {
    // Which attributes an account shows depends on which are asked for.
    let mut at = beside(&json!({"matching": by_mail()}));
    at.bench.employee("ada", &with_mail("7", MAIL));
    at.bench.work();
    let (reason, message) = at.left_alone();
    assert_eq!(reason, "OwnersUnknown", "it was not listed");
    assert!(message.contains("everyday"), "{message}");
    let shown = titled(at.stranger(), MAIL);
    at.bench.listed("everyday", vec![shown.clone()]);
    at.bench.work();
    assert_eq!(at.left_alone().0, "OwnerPossible");
    let partial = Completeness::Partial("a page was lost".to_owned());
    at.bench.listed_so_far("everyday", Vec::new(), partial);
    at.bench.work();
    at.look();
    assert_eq!(at.strangers().len(), 0);
    at.bench.listed("everyday", vec![shown]);
    at.bench
        .employee("ada", &with_mail("7", "lovelace@example.com"));
    at.bench.work();
    at.look();
    at.stranger_order();

    let mut at = beside(&json!({}));
    let mut ada = employee("7");
    ada["spec"]["links"] = json!([{"connector": "everyday", "account": "A0"}]);
    at.bench.employee("ada", &ada);
    at.bench.work();
    assert_eq!(at.left_alone().0, "OwnerPossible");
}

/// Somebody has taken off its mark, and it is in the record of whom it was given.
#[tokio::test]
async fn what_another_connector_of_the_application_recorded_is_no_orphan() {
    let mut at = beside(&json!({}));
    let mut ada = employee("7");
    ada["status"] = json!({"accounts": [
        {"connector": "everyday", "accountId": "a0", "username": "ada", "state": "Active"},
    ]});
    at.bench.employee("ada", &ada);
    at.bench.work();
    assert_eq!(at.left_alone().0, "OwnerPossible");
    // One that leads elsewhere, by a mistake perhaps, tells no more whose accounts these are.
    let mut moved = at_work(&json!({}));
    moved["spec"]["scim"]["baseUrl"] = "https://localhost:2/scim/v2".into();
    at.bench.connector("everyday", &moved);
    at.bench.employee("ada", &employee("7"));
    at.bench.work();
    at.look();
    assert_eq!(at.strangers().len(), 0);

    // One of another application has nothing to say.
    let mut at = beside(&json!({}));
    at.bench.connector("everyday", &moved);
    let namespace = at.bench.namespace.clone();
    let world = &mut at.bench.engine.world;
    let name = ConnectorName::new("everyday");
    let entry = world.connector_mut(&namespace, &name).unwrap();
    entry.home = crate::controllers::world::Home::told(None);
    at.bench.employee("ada", &ada);
    at.bench.work();
    at.look();
    at.stranger_order();
}

/// A rule is new, and the direct read that was under way ends before it is known whom the rule finds.
#[tokio::test]
async fn what_was_read_while_rules_changed_waits_for_whom_they_find() {
    for (connector, number) in [
        ("directory", 7),
        ("everyday", 7),
        ("directory", 6),
        ("everyday", 6),
    ] {
        let mut at = beside(&json!({}));
        at.bench.employee("ada", &employee("7"));
        at.bench.work();
        at.look();
        let order = at.stranger_order();
        let edited = match connector {
            "directory" => {
                let mut edited = directory(&all(), &admins());
                edited["spec"]["matching"] = by_name(number)["matching"].clone();
                edited
            }
            _ => at_work(&by_name(number)),
        };
        at.bench.connector(connector, &edited);
        let shown = at.stranger();
        at.ended(order, Ok(Effect::Read(vec![shown])));
        if number == 7 {
            assert_eq!(at.strangers().len(), 0, "{connector}");
            assert_eq!(at.left_alone().0, "OwnerPossible");
        } else {
            // It finds nobody: what was begun goes on.
            at.look();
            let order = at.stranger_order();
            assert_eq!(order.operation, Operation::Disable("a0".into()));
        }
    }
}

/// A rule that finds `a0` for whoever has this number.
fn by_name(number: u8) -> Value {
    let value = format!("'A' + string(int(employee.employeeId) - {number})");
    json!({"matching": {"rules": [{"attribute": "username", "equals": value}]}})
}

/// The same by a rule of another connector of the application: what was ordered is taken back.
#[tokio::test]
async fn a_new_rule_of_another_connector_takes_back_what_was_ordered() {
    let mut at = beside(&json!({}));
    at.bench.employee("ada", &employee("7"));
    at.bench.work();
    at.look();
    at.stranger_order();
    at.bench.connector("everyday", &at_work(&by_name(7)));
    at.bench.engine.work();
    let mut withdrawn = false;
    while let Ok(command) = at.told.try_recv() {
        withdrawn |= matches!(command, Command::Withdraw(who) if who.as_str() == "undeclared:a0");
    }
    assert!(withdrawn);
    at.bench.work();
    assert_eq!(at.left_alone().0, "OwnerPossible");
}
