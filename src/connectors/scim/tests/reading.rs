use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::dialect::{Announced, names_endpoint};
use super::super::resource::{group, is_addressable, user};
use super::paths;
use crate::domain::account::{Activity, AttributeValue, Completeness};
use crate::domain::ids::AccountId;

#[test]
fn reads_activity_in_every_spelling() {
    for (active, expected) in [
        (json!(true), Activity::Active),
        (json!(false), Activity::Disabled),
        (json!("True"), Activity::Active),
        (json!("False"), Activity::Disabled),
        (json!("FALSE"), Activity::Disabled),
        (json!(0), Activity::Disabled),
        (json!(1), Activity::Active),
        (json!("0"), Activity::Disabled),
        (json!(null), Activity::Unknown),
        (json!("maybe"), Activity::Unknown),
        (json!(2), Activity::Unknown),
        (json!([false]), Activity::Unknown),
    ] {
        let read = user(&json!({"id": "1", "userName": "a", "active": active}), &[]).unwrap();
        assert_eq!(read.activity, expected, "{active}");
    }
    let silent = user(&json!({"id": "1", "userName": "a"}), &[]).unwrap();
    assert_eq!(
        silent.activity,
        Activity::Unknown,
        "absent is unknown, not false"
    );
}

#[test]
fn tells_what_a_strange_user_lacks() {
    for (record, reason) in [
        (json!(null), "no JSON object"),
        (json!("x"), "no JSON object"),
        (json!({"userName": "a"}), "no usable `id`"),
        (json!({"id": null, "userName": "a"}), "no usable `id`"),
        (json!({"id": "", "userName": "a"}), "no usable `id`"),
        (json!({"id": "..", "userName": "a"}), "no usable `id`"),
        (json!({"id": "a\tb", "userName": "a"}), "no usable `id`"),
        (json!({"id": {}, "userName": "a"}), "no usable `id`"),
        (json!({"id": "7"}), "user 7 has no `userName`"),
        (
            json!({"id": "7", "userName": null}),
            "user 7 has no `userName`",
        ),
        (
            json!({"id": "7", "userName": ""}),
            "user 7 has no `userName`",
        ),
        (
            json!({"id": "7", "userName": ["a"]}),
            "user 7 has no `userName`",
        ),
    ] {
        let why = user(&record, &[]).unwrap_err();
        assert!(why.contains(reason), "{record}: {why}");
    }
    let odd = user(&json!({"ID": 7, "USERNAME": "a", "externalId": 42}), &[]).unwrap();
    assert_eq!((odd.id.as_str(), odd.mark.as_deref()), ("7", Some("42")));
}

#[test]
fn reads_managed_attributes_and_no_others() {
    let paths = paths(&[
        "displayName",
        "name.familyName",
        "email",
        "phoneNumbers[type eq \"mobile\"].value",
        "roles",
        "department",
        "urn:example:acme:desk",
        "urn:example:acme:remote",
        "manager",
        "title",
        "nickName",
    ]);
    let record = json!({
        "id": "1", "userName": "ada", "DisplayName": "Ada", "nickName": "", "title": null,
        "name": {"familyName": "L", "givenName": "A"}, "userType": "Employee",
        "emails": [null, "x", {"value": "home@x"}, {"type": "WORK", "value": "one@x"}, {"type": "work", "value": "two@x", "primary": "True"}],
        "phoneNumbers": [], "roles": [{"value": "r1"}, "r2", {"display": "no value"}, null],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user": {"department": "R&D", "manager": "boss"},
        "urn:example:acme": {"desk": 12, "remote": false},
    });
    let read = user(&record, &paths).unwrap();
    let texts =
        |texts: &[&str]| AttributeValue::Texts(texts.iter().map(|t| (*t).to_owned()).collect());
    let expected = [
        ("department", AttributeValue::Text("R&D".into())),
        ("displayName", AttributeValue::Text("Ada".into())),
        ("email", AttributeValue::Text("two@x".into())),
        ("manager", AttributeValue::Account(AccountId::new("boss"))),
        ("name.familyName", AttributeValue::Text("L".into())),
        ("roles", texts(&["r1", "r2"])),
        ("urn:example:acme:desk", AttributeValue::Integer(12)),
        ("urn:example:acme:remote", AttributeValue::Bool(false)),
    ];
    let read: Vec<_> = read
        .attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    assert_eq!(read, expected);
}

#[test]
fn reads_the_manager_in_every_shape() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    for (record, expected) in [
        (
            json!({enterprise: {"manager": {"value": "9", "displayName": "B"}}}),
            Some("9"),
        ),
        (json!({enterprise: {"manager": "9"}}), Some("9")),
        (json!({enterprise: {"manager": {"value": 9}}}), Some("9")),
        (json!({"manager": {"value": "9"}}), Some("9")),
        (json!({enterprise: {"manager": {"value": ""}}}), None),
        (json!({enterprise: {"manager": {}}}), None),
        (json!({enterprise: {"manager": null}}), None),
        (json!({enterprise: null}), None),
        (json!({}), None),
    ] {
        let mut record = record;
        record["id"] = json!("1");
        record["userName"] = json!("a");
        let read = user(&record, &paths(&["manager"])).unwrap();
        let manager = read.attributes.values().next().cloned();
        assert_eq!(
            manager,
            expected.map(|id| AttributeValue::Account(AccountId::new(id))),
            "{record}"
        );
    }
}

#[test]
fn reads_members_in_every_shape() {
    let holders = |members: Value| {
        let view = group(&json!({"id": "g", "displayName": "G", "members": members})).unwrap();
        let holders: Vec<String> = view
            .entitlement
            .holders
            .iter()
            .map(ToString::to_string)
            .collect();
        (
            holders,
            view.members_shown,
            view.repeats,
            view.entitlement.completeness,
        )
    };
    let complete = Completeness::Complete;
    assert_eq!(
        holders(json!(null)),
        (vec![], false, false, complete.clone())
    );
    assert_eq!(holders(json!([])), (vec![], true, false, complete.clone()));
    let many = json!([
        {"value": "1", "type": "User"}, null, {"value": "2"}, {"value": 3}, "4",
        {"value": "g2", "type": "group"}, {"value": "g3", "$ref": "https://h/v2/Groups/g3"},
        {"value": "5", "$ref": "https://h/v2/Users/5"}, {"value": "6", "type": "User", "$ref": "/Groups/6"},
    ]);
    let all = ["1", "2", "3", "4", "5", "6"].map(str::to_owned).to_vec();
    assert_eq!(holders(many), (all, true, false, complete));
    let (twice, _, repeats, _) = holders(json!([{"value": "1"}, {"value": "1"}]));
    assert_eq!((twice.len(), repeats), (1, true));
    assert!(matches!(
        holders(json!([{"display": "x"}])).3,
        Completeness::Partial(_)
    ));
    assert!(matches!(
        holders(json!({"value": "1"})).3,
        Completeness::Unreadable(_)
    ));
    for record in [
        json!(3),
        json!({"id": "g"}),
        json!({"displayName": "G"}),
        json!({"id": "g", "displayName": null}),
    ] {
        assert!(group(&record).is_err(), "{record}");
    }
}

#[test]
fn reads_what_a_server_says_of_itself() {
    let full = json!({
        "patch": {"supported": false}, "filter": {"supported": "true", "maxResults": 50},
        "etag": {"supported": true}, "bulk": {"supported": 1},
        "pagination": {"cursor": true, "maxPageSize": 60}, "changePassword": {"supported": true},
    });
    let expected = Announced {
        cursor: true,
        patch: false,
        filter: true,
        etag: true,
        bulk: true,
        passwords: true,
        groups: true,
        max_results: Some(50),
    };
    assert_eq!(Announced::read(&full), expected);
    for silent in [
        json!({}),
        json!(null),
        json!({"patch": null, "filter": {"maxResults": 0}}),
        json!([1]),
    ] {
        assert_eq!(Announced::read(&silent), Announced::default(), "{silent}");
    }
    for (types, named) in [
        (
            json!({"Resources": [{"endpoint": "/Users"}, {"endpoint": "https://h/v2/Groups/"}]}),
            Some(true),
        ),
        (
            json!([{"endpoint": "Users"}, {"endpoint": "groups"}]),
            Some(true),
        ),
        (json!({"Resources": [{"endpoint": "/Users"}]}), Some(false)),
        (json!({"Resources": []}), None),
        (json!({}), None),
    ] {
        assert_eq!(names_endpoint(&types, "Groups"), named, "{types}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,4}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "id",
        "userName",
        "active",
        "externalId",
        "emails",
        "type",
        "value",
        "members",
        "displayName",
        "name",
        "givenName",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "manager",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(names.clone(), inner, 0..6).prop_map(|map| map
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    /// No record, however strange, does more than fail by itself.
    #[test]
    fn reading_is_total(record in any_json()) {
        let paths = paths(&["email", "name.givenName", "displayName", "manager", "roles"]);
        if let Ok(read) = user(&record, &paths) {
            prop_assert!(is_addressable(read.id.as_str()));
            prop_assert!(read.attributes.values().all(|value| !value.is_empty()));
        }
        if let Ok(view) = group(&record) {
            prop_assert!(is_addressable(view.entitlement.id.as_str()));
        }
    }
}

#[test]
fn names_are_bounded() {
    let long = "x".repeat(1025);
    for (record, field) in [
        (json!({"id": long, "userName": "a"}), "id"),
        (json!({"id": "1", "userName": long}), "userName"),
    ] {
        let why = user(&record, &[]).unwrap_err();
        assert_eq!(why, format!("a user has a `{field}` of 1025 bytes"));
    }
    for (record, field) in [
        (json!({"id": long, "displayName": "a"}), "id"),
        (json!({"id": "1", "displayName": long}), "displayName"),
    ] {
        let why = group(&record).unwrap_err();
        assert_eq!(why, format!("a group has a `{field}` of 1025 bytes"));
    }
    let marked = json!({"id": "1", "userName": "a", "externalId": "é".repeat(1000)});
    let mark = user(&marked, &[]).unwrap().mark.unwrap();
    assert_eq!(mark.len(), 1024, "one that is there, and none of ours");
}
