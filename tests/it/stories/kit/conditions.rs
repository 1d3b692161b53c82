//! What conditions say.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// Whether a condition has a status.
pub fn is(conditions: &[Condition], type_: &str, status: &str) -> bool {
    conditions
        .iter()
        .any(|c| c.type_ == type_ && c.status == status)
}

/// Whether a condition has a status and a reason.
pub fn says(conditions: &[Condition], type_: &str, status: &str, reason: &str) -> bool {
    conditions
        .iter()
        .any(|c| c.type_ == type_ && c.status == status && c.reason == reason)
}

/// What a condition says.
pub fn message(conditions: &[Condition], type_: &str) -> String {
    let found = conditions.iter().find(|c| c.type_ == type_);
    found.map(|c| c.message.clone()).unwrap_or_default()
}

/// Fails unless every part stands in the text.
pub fn tells(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

/// The words after `kubectl` by which what is held is approved, as its message tells people to type them.
pub fn approval(told: &str) -> Vec<&str> {
    let (_, command) = told.split_once("kubectl ").unwrap();
    let (command, _) = command.split_once(". Who").unwrap();
    command.split(' ').collect()
}
