//! Objects in few words.

use serde_json::{Map, Value, json};

use crate::support::targets::ScimServer;

/// An employee of the marketing department who works already.
pub fn employee(name: &str, id: &str, given: &str, family: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "employeeId": id,
            "name": {"given": given, "family": family},
            "department": "Marketing",
            "jobTitle": "Manager",
            "startDate": "2020-01-01",
        },
    })
}

/// An Employee `NAME Example`, a clerk who began long ago. `more` is laid over the spec.
pub fn clerk(name: &str, id: &str, department: &str, more: Value) -> Value {
    let mut clerk = employee(name, id, name, "Example");
    let facts = json!({
        "email": format!("{name}@example.com"),
        "department": department,
        "jobTitle": "Clerk",
    });
    overlay(&mut clerk["spec"], facts);
    overlay(&mut clerk["spec"], more);
    clerk
}

/// Ada, a clerk in California, where the evening is the next day in Greenwich already, with a last day or without.
pub fn californian(end: Option<&str>) -> Value {
    let zone = json!({"timeZone": "America/Los_Angeles"});
    let mut ada = clerk("ada", "1", "Sales", zone);
    if let Some(end) = end {
        ada["spec"]["endDate"] = json!(end);
    }
    ada
}

/// A role for everyone, with entitlements in one connector.
pub fn everyone(name: &str, connector: &str, entitlements: &[&str]) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "match": "true",
            "grants": [{"connector": connector, "entitlements": entitlements}],
        },
    })
}

/// A RoleTemplate. `grants` are pairs of a connector and entitlements in it.
pub fn template(name: &str, rule: &str, grants: &[(&str, &[&str])]) -> Value {
    let grants: Vec<Value> = grants
        .iter()
        .map(|(connector, names)| json!({"connector": connector, "entitlements": names}))
        .collect();
    json!({"metadata": {"name": name}, "spec": {"match": rule, "grants": grants}})
}

/// A connector that lists every second, makes missing groups, and maps a few attributes.
pub fn connector(name: &str, server: &ScimServer) -> Value {
    connector_to(name, server.base_url().as_str())
}

/// The same for any address.
pub fn connector_to(name: &str, base_url: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "scim": {
                "baseUrl": base_url,
                "auth": {"bearer": {"secretKeyRef": {"name": name, "key": "token"}}},
            },
            "account": {
                "username": ["employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()"],
                "attributes": {"displayName": "employee.name.display", "title": "employee.jobTitle"},
            },
            "entitlements": {"missing": "Create"},
            "sync": {"interval": "1s"},
            // Many a story has all of its few people move or leave; those about the guard take it out.
            "guard": {"maxPercent": 100, "leavers": {"maxPercent": 100}},
        },
    })
}

/// A connector that lists every other second, and maps most of what is known of a person. `more` is laid
/// over the spec.
pub fn connector_with(name: &str, server: &ScimServer, more: Value) -> Value {
    let mut connector = connector(name, server);
    connector["spec"]
        .as_object_mut()
        .unwrap()
        .remove("entitlements");
    let mapping = json!({
        "account": {
            "attributes": {
                "emails[type eq \"work\"].value": "employee.email",
                "department": "employee.department",
                "employeeNumber": "employee.employeeId",
            },
            "manager": "FromManagerRef",
        },
        "sync": {"interval": "2s"},
    });
    overlay(&mut connector["spec"], mapping);
    overlay(&mut connector["spec"], more);
    connector
}

/// The user name that the mapping of these connectors gives a [`clerk`].
pub fn username(name: &str) -> String {
    format!("{name}.example")
}

/// Today, and days before or after it, in UTC.
pub fn day(offset: i64) -> String {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    (today + jiff::SignedDuration::from_hours(24 * offset)).to_string()
}

fn overlay(base: &mut Value, more: Value) {
    match (base, more) {
        (Value::Object(base), Value::Object(more)) => {
            for (key, value) in more {
                overlay(base.entry(key).or_insert(Value::Object(Map::new())), value);
            }
        }
        (base, more) => *base = more,
    }
}
