//! Looking at whole objects, as the API server shows them.

use serde_json::Value;

/// Whether a status speaks of the newest spec.
pub fn is_observed(object: &Value) -> bool {
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// Whether `Ready` is true, of the newest spec.
pub fn is_ready(object: &Value) -> bool {
    is_observed(object) && is_true(object, "Ready")
}

/// Whether a condition is true.
pub fn is_true(object: &Value, type_: &str) -> bool {
    condition(object, type_).is_some_and(|c| c["status"] == "True")
}

/// The condition of a type.
pub fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|c| c["type"] == type_)
}

/// Whether a condition has this status and reason, and its message contains `words`.
pub fn condition_says(
    object: &Value,
    type_: &str,
    status: &str,
    reason: &str,
    words: &str,
) -> bool {
    condition(object, type_).is_some_and(|c| {
        c["status"] == status
            && c["reason"] == reason
            && c["message"].as_str().is_some_and(|m| m.contains(words))
    })
}

/// The account of an Employee in one connector; null where there is none.
pub fn account<'a>(employee: &'a Value, connector: &str) -> &'a Value {
    let accounts = employee["status"]["accounts"].as_array();
    let found = accounts
        .into_iter()
        .flatten()
        .find(|a| a["connector"] == connector);
    found.unwrap_or(&Value::Null)
}
