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

/// What a status tells of one step of offboarding an account; null where there is no such step.
pub fn step<'a>(status: &'a Value, connector: &str, name: &str) -> &'a Value {
    let named = |list: &'a Value, key: &str, wanted: &str| {
        let mut items = list.as_array().into_iter().flatten();
        items.find(|item| item[key] == wanted)
    };
    let account = named(&status["offboarding"]["accounts"], "connector", connector);
    let step = account.and_then(|account| named(&account["steps"], "name", name));
    step.unwrap_or(&Value::Null)
}

/// The same in words: `Verified`, or `Waiting LegalHold`; empty where there is no such step.
pub fn stands(status: &Value, connector: &str, name: &str) -> String {
    let step = step(status, connector, name);
    let words = ["state", "reason"].map(|key| step[key].as_str().unwrap_or_default());
    words.join(" ").trim().to_owned()
}
