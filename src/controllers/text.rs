//! Sentences for statuses: bounded, and the same each time for the same facts.

use crate::plan::Operation;

/// Longest message in a status, in characters.
const MESSAGE_CAP: usize = 1024;
/// Things named in one sentence, at most.
const LISTED: usize = 5;

/// Cuts a message to what a status may hold.
#[must_use]
pub fn bounded(message: &str) -> String {
    if message.chars().count() <= MESSAGE_CAP {
        return message.to_owned();
    }
    let cut: String = message.chars().take(MESSAGE_CAP - 1).collect();
    format!("{cut}…")
}

/// Names the first few of many.
#[must_use]
pub fn listed(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    first_of(&items, items.len())
}

/// Names the first few of so many, of which not all need be in the list.
#[must_use]
pub fn first_of(names: &[String], of: usize) -> String {
    let shown = names.iter().take(LISTED).cloned().collect::<Vec<_>>();
    let more = of.saturating_sub(shown.len());
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The beginning of a text that is only to be recognised.
#[must_use]
pub fn shortened(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let cut: String = text.chars().take(length).collect();
    format!("{cut}…")
}

/// Tells operations in words: `create ada.lovelace; add marketing, sales`.
#[must_use]
pub fn operations<'a>(operations: impl Iterator<Item = &'a Operation>) -> String {
    let told = operations.map(|operation| told(operation, &|names| listed(names)));
    told.collect::<Vec<_>>().join("; ")
}

/// Tells one operation in words, with everything that is in it.
#[must_use]
pub fn in_full(operation: &Operation) -> String {
    told(operation, &|names| names.join(", "))
}

fn told(operation: &Operation, names: &dyn Fn(Vec<String>) -> String) -> String {
    match operation {
        Operation::Create(account) => format!("create {}", account.username),
        Operation::Read(_) => "read the account".to_owned(),
        Operation::Update { changes, .. } if changes.is_empty() => {
            "finish a change that was cut off".to_owned()
        }
        Operation::Update { changes, .. } => {
            let username = changes.username.iter().map(|_| "the user name".to_owned());
            let set = changes.set.keys().map(ToString::to_string);
            let clear = changes.clear.iter().map(ToString::to_string);
            format!(
                "change {}",
                names(username.chain(set).chain(clear).collect())
            )
        }
        Operation::Enable(_) => "enable the account".to_owned(),
        Operation::Disable(_) => "disable the account".to_owned(),
        Operation::Revoke { kind, .. } => format!("revoke {}", kind.within_a_sentence()),
        Operation::TransferOwnership { name, .. } => format!("hand over to {name} what it owns"),
        Operation::Delete(_) => "delete the account".to_owned(),
        Operation::Adopt { id, .. } => format!("take over the account {id}"),
        Operation::Disown { id, .. } => format!("let go of the account {id}"),
        Operation::AddEntitlements { entitlements, .. } => {
            format!(
                "add {}",
                names(entitlements.keys().map(ToString::to_string).collect())
            )
        }
        Operation::RemoveEntitlements { entitlements, .. } => {
            format!(
                "remove {}",
                names(entitlements.keys().map(ToString::to_string).collect())
            )
        }
    }
}
