//! One good object of each kind, and ways to spoil it.

use serde_json::{Value, json};

pub fn employee() -> Value {
    json!({
        "apiVersion": "rollcall.dev/v1alpha1",
        "kind": "Employee",
        "metadata": {"name": "ada-lovelace"},
        "spec": {
            "employeeId": "1042",
            "name": {"given": "Ada", "family": "Lovelace"},
            "department": "Marketing",
            "jobTitle": "Marketing Manager",
            "startDate": "2026-12-01",
        },
    })
}

pub fn role() -> Value {
    json!({
        "apiVersion": "rollcall.dev/v1alpha1",
        "kind": "RoleTemplate",
        "metadata": {"name": "marketing"},
        "spec": {
            "match": "employee.department == 'Marketing'",
            "grants": [{"connector": "directory", "entitlements": ["marketing"]}],
        },
    })
}

pub fn connector() -> Value {
    json!({
        "apiVersion": "rollcall.dev/v1alpha1",
        "kind": "AppConnector",
        "metadata": {"name": "directory"},
        "spec": {
            "scim": {
                "baseUrl": "https://directory.example.com/scim/v2",
                "auth": {"bearer": {"secretKeyRef": {"name": "directory", "key": "token"}}},
            },
            "account": {"username": ["employee.name.given"]},
        },
    })
}

/// The object with one value set (or removed, by null) at a JSON pointer, whose last part may be new.
pub fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let place = object
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("no {parent}"));
    if value.is_null() {
        place.as_object_mut().unwrap().remove(key).unwrap();
    } else {
        place[key] = value;
    }
    object
}

pub fn long(length: usize) -> String {
    "x".repeat(length)
}

pub fn many(count: usize, item: impl Fn(usize) -> Value) -> Value {
    (0..count).map(item).collect()
}

pub fn map_of(count: usize) -> Value {
    let pairs = (0..count).map(|i| (format!("k{i}"), json!("v")));
    Value::Object(pairs.collect())
}
