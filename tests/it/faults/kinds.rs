//! What a request to an application does, in few words.

use serde_json::Value;

use crate::support::proxy::Asked;

/// Method, collection, and what is done to which attributes: `PATCH Users replace active false`.
pub fn kind(asked: &Asked) -> String {
    let collection = if asked.path.contains("/Groups") {
        "Groups"
    } else {
        "Users"
    };
    let operations = asked.body["Operations"].as_array().into_iter().flatten();
    let operations: Vec<String> = operations
        .map(|operation| {
            let path = operation["path"].as_str().unwrap_or_default();
            let active = match (path, &operation["value"]) {
                ("active", value) => value.to_string(),
                (_, value) => value["active"].to_string(),
            };
            let attribute = path.split('[').next().unwrap_or_default();
            format!("{} {attribute} {active}", operation["op"])
        })
        .collect();
    format!("{} {collection} {}", asked.method, operations.join(", "))
}

/// Every single thing that a write changes: one line for each, with whom it concerns.
pub fn effects(asked: &Asked) -> Vec<String> {
    let path = asked.path.rsplit("/v2/").next().unwrap_or_default();
    let body = &asked.body;
    match (asked.method.as_str(), path) {
        ("POST", "Users") => vec![format!("create {}", body["externalId"])],
        ("POST", "Groups") => vec![format!("create {}", body["displayName"])],
        _ => {
            let operations = body["Operations"].as_array().into_iter().flatten();
            operations.flat_map(|o| changes(path, o)).collect()
        }
    }
}

fn changes(path: &str, operation: &Value) -> Vec<String> {
    let line = |what: &Value| format!("{path} {} {} {what}", operation["op"], operation["path"]);
    match &operation["value"] {
        Value::Array(members) => members.iter().map(|m| line(&m["value"])).collect(),
        other => vec![line(other)],
    }
}
