use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::patch::{self, strip_read_only};
use super::super::path::AttributePath;
use super::super::path::ENTERPRISE_SCHEMA;
use super::super::resource::{read, user};
use super::super::ways::ManagerForm;
use super::{path, paths};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::account::{AttributeChanges, AttributeValue, Attributes, NewAccount};
use crate::domain::ids::{AttributeName, Username};
use crate::domain::mark::Scope;

const NAMES: [&str; 7] = [
    "displayName",
    "name.givenName",
    "email",
    "phoneNumbers[type eq \"mobile\"].value",
    "addresses[type eq \"work\"].locality",
    "department",
    "urn:example:acme:badge",
];

// As the standard has it; other forms have tests of their own.
fn new_user(account: &NewAccount, paths: &[AttributePath]) -> Result<Value, ConnectorError> {
    patch::new_user(account, paths, ManagerForm::Object)
}

fn operations(
    changes: &AttributeChanges,
    paths: &[AttributePath],
    current: Option<&Value>,
) -> Result<Vec<Value>, ConnectorError> {
    patch::operations(changes, paths, current, ManagerForm::Object)
}

fn apply(
    user: &mut Value,
    changes: &AttributeChanges,
    paths: &[AttributePath],
) -> Result<(), ConnectorError> {
    patch::apply(user, changes, paths, ManagerForm::Object)
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::Text(text.to_owned())
}

fn changes(set: &[(&str, AttributeValue)], clear: &[&str]) -> AttributeChanges {
    AttributeChanges {
        username: None,
        set: set
            .iter()
            .map(|(name, value)| (AttributeName::new(name), value.clone()))
            .collect(),
        clear: clear.iter().map(AttributeName::new).collect(),
    }
}

#[test]
fn a_new_user_lists_its_schemas() {
    let attributes: Attributes = [
        ("displayName", text("Ada")),
        ("email", text("ada@x")),
        ("addresses[type eq \"work\"].locality", text("Köln")),
        ("department", text("R&D")),
        ("urn:example:acme:badge", AttributeValue::Integer(7)),
        ("manager", AttributeValue::Account("9".into())),
        (
            "roles",
            AttributeValue::Texts(vec!["r1".into(), "r2".into()]),
        ),
    ]
    .into_iter()
    .map(|(name, value)| (AttributeName::new(name), value))
    .collect();
    let account = NewAccount {
        username: Username::new("ada"),
        mark: Scope::new("acme", "people").mark(&"1".into()),
        active: true,
        first_used: None,
        attributes,
    };
    let names: Vec<&str> = NAMES.iter().copied().chain(["manager", "roles"]).collect();
    let body = new_user(&account, &paths(&names)).unwrap();
    let expected = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE_SCHEMA, "urn:example:acme"],
        "userName": "ada", "externalId": "acme/people/1", "active": true, "displayName": "Ada",
        "emails": [{"type": "work", "primary": true, "value": "ada@x"}],
        "addresses": [{"type": "work", "locality": "Köln"}],
        "roles": [{"value": "r1"}, {"value": "r2"}],
        ENTERPRISE_SCHEMA: {"department": "R&D", "manager": {"value": "9"}},
        "urn:example:acme": {"badge": 7},
    });
    assert_eq!(body, expected);
}

#[test]
fn one_operation_for_each_attribute_each_with_a_path() {
    let wanted = AttributeChanges {
        username: Some(Username::new("ada.l")),
        ..changes(
            &[
                ("displayName", text("Ada")),
                ("name.givenName", text("A")),
                ("email", text("a@x")),
                ("department", text("D")),
            ],
            &[
                "phoneNumbers[type eq \"mobile\"].value",
                "urn:example:acme:badge",
                "addresses[type eq \"work\"].locality",
            ],
        )
    };
    let paths = paths(&NAMES);
    let hopeful = json!([
        {"op": "replace", "path": "userName", "value": "ada.l"},
        {"op": "replace", "path": format!("{ENTERPRISE_SCHEMA}:department"), "value": "D"},
        {"op": "replace", "path": "displayName", "value": "Ada"},
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "a@x"},
        {"op": "replace", "path": "name.givenName", "value": "A"},
        {"op": "remove", "path": "addresses[type eq \"work\"].locality"},
        {"op": "remove", "path": "phoneNumbers[type eq \"mobile\"]"},
        {"op": "remove", "path": "urn:example:acme:badge"},
    ]);
    assert_eq!(
        Value::from(operations(&wanted, &paths, None).unwrap()),
        hopeful
    );

    // Nothing there to replace or to remove: elements are added, removals fall away.
    let bare = json!({"id": "1", "userName": "ada", "emails": [{"type": "home", "value": "h@x"}]});
    let fitting = json!([
        {"op": "replace", "path": "userName", "value": "ada.l"},
        {"op": "replace", "path": format!("{ENTERPRISE_SCHEMA}:department"), "value": "D"},
        {"op": "replace", "path": "displayName", "value": "Ada"},
        {"op": "replace", "path": "name.givenName", "value": "A"},
        {"op": "add", "path": "emails", "value": [{"type": "work", "value": "a@x", "primary": true}]},
    ]);
    assert_eq!(
        Value::from(operations(&wanted, &paths, Some(&bare)).unwrap()),
        fitting
    );
    // Two parts of one missing element make one element; a second primary is not made.
    let parts = paths_of_address();
    let both = changes(&[(PARTS[0], text("Köln")), (PARTS[1], text("NRW"))], &[]);
    let added = operations(&both, &parts, Some(&bare)).unwrap();
    assert_eq!(
        Value::from(added),
        json!([{"op": "add", "path": "addresses", "value": [{"type": "work", "locality": "Köln", "region": "NRW"}]}])
    );
    let primary = json!({"id": "1", "userName": "a", "emails": [{"type": "home", "value": "h@x", "primary": true}]});
    let second = operations(
        &changes(&[("email", text("w@x"))], &[]),
        &paths,
        Some(&primary),
    )
    .unwrap();
    assert_eq!(
        Value::from(second),
        json!([{"op": "add", "path": "emails", "value": [{"type": "work", "value": "w@x"}]}])
    );
}

const PARTS: [&str; 2] = [
    "addresses[type eq \"work\"].locality",
    "addresses[type eq \"work\"].region",
];

fn paths_of_address() -> Vec<super::super::path::AttributePath> {
    paths(&PARTS)
}

#[test]
fn a_value_that_does_not_fit_is_refused_by_name() {
    let managed = paths(&["title", "roles", "manager", "urn:example:acme:tags"]);
    for (name, value, fits) in [
        ("title", text("x"), true),
        ("title", AttributeValue::Texts(vec!["x".into()]), false),
        ("title", AttributeValue::Account("1".into()), false),
        ("roles", text("x"), true),
        ("roles", AttributeValue::Texts(vec![]), true),
        ("roles", AttributeValue::Bool(true), false),
        ("manager", text("1"), false),
        ("manager", AttributeValue::Account("1".into()), true),
        (
            "urn:example:acme:tags",
            AttributeValue::Texts(vec!["x".into()]),
            true,
        ),
        ("nickName", text("not managed"), false),
    ] {
        let wanted = changes(&[(name, value.clone())], &[]);
        let mut record = json!({"id": "1", "userName": "a"});
        for outcome in [
            operations(&wanted, &managed, None).map(|_| ()),
            apply(&mut record, &wanted, &managed),
        ] {
            assert_eq!(outcome.is_ok(), fits, "{name} {value:?}");
            if let Err(error) = outcome {
                assert_eq!(error.kind, ErrorKind::Invalid);
                assert!(error.message.contains(&format!("`{name}`")), "{error}");
            }
        }
    }
}

#[test]
fn putting_back_leaves_out_what_only_the_server_sets() {
    let mut record = json!({"id": "1", "Meta": {"version": "x"}, "groups": [], "urn:x:y": {"meta": 1}, "password": null});
    strip_read_only(&mut record);
    assert_eq!(
        record,
        json!({"id": "1", "urn:x:y": {"meta": 1}, "password": null})
    );
}

fn records() -> impl Strategy<Value = Value> {
    let emails = prop::collection::vec(
        (
            prop::sample::select(vec!["work", "home", "Work", "other"]),
            "[a-z]{1,3}",
        ),
        0..4,
    );
    let name = prop::option::of("[a-z]{1,3}");
    (emails, name, prop::option::of("[a-z]{1,3}"), any::<bool>()).prop_map(|(emails, given, badge, bare)| {
        let mut record = json!({"id": "1", "userName": "a", "urn:other:ext": {"keep": [1, {"deep": null}]}, "unknown": "kept"});
        let emails: Vec<Value> = emails.iter().map(|(kind, value)| json!({"type": kind, "value": value, "extra": 1})).collect();
        record["emails"] = if bare { Value::Null } else { json!(emails) };
        if let Some(given) = given {
            record["name"] = json!({"givenName": given, "formatted": "kept"});
        }
        if let Some(badge) = badge {
            record["urn:example:acme"] = json!({"badge": badge, "other": "kept"});
        }
        record
    })
}

fn edits() -> impl Strategy<Value = AttributeChanges> {
    let edit = (0..NAMES.len(), prop::option::of("[a-zé\"]{1,5}"));
    prop::collection::vec(edit, 0..6).prop_map(|edits| {
        let edits: BTreeMap<usize, Option<String>> = edits.into_iter().collect();
        let mut changes = AttributeChanges::default();
        for (at, value) in edits {
            let name = AttributeName::new(NAMES[at]);
            match value {
                Some(value) => drop(changes.set.insert(name, AttributeValue::Text(value))),
                None => drop(changes.clear.insert(name)),
            }
        }
        changes
    })
}

proptest! {
    /// After a change, what was set reads as set and what was cleared as unset; everything else in
    /// the record stays; doing it again changes nothing, and needs no removal.
    #[test]
    fn changes_do_what_they_say_and_no_more(record in records(), wanted in edits()) {
        let managed = paths(&NAMES);
        let before = user(&record, &managed).unwrap();
        let mut after = record.clone();
        apply(&mut after, &wanted, &managed).unwrap();
        let now = user(&after, &managed).unwrap();
        let mut expected = before.attributes.clone();
        expected.extend(wanted.set.clone());
        expected.retain(|name, _| !wanted.clear.contains(name));
        prop_assert_eq!(now.attributes, expected);
        for kept in ["unknown", "urn:other:ext", "id", "userName"] {
            prop_assert_eq!(&after[kept], &record[kept]);
        }
        let homes = |record: &Value| record["emails"].as_array().into_iter().flatten().filter(|e| e["type"] == "home").cloned().collect::<Vec<_>>();
        prop_assert_eq!(homes(&after), homes(&record));
        if let Some(other) = record.get("urn:example:acme").map(|e| &e["other"]) {
            prop_assert_eq!(&after["urn:example:acme"]["other"], other);
        }
        let mut twice = after.clone();
        apply(&mut twice, &wanted, &managed).unwrap();
        prop_assert_eq!(&twice, &after);
        let rest = operations(&wanted, &managed, Some(&after)).unwrap();
        prop_assert!(rest.iter().all(|operation| operation["op"] == "replace"), "{:?}", rest);
        for name in &wanted.clear {
            prop_assert_eq!(read(&after, &path(name.as_str())), None);
        }
    }
}
