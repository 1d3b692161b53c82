//! Values of attributes: everything is text in a directory.

use super::entry::Entry;
use crate::domain::account::AttributeValue;

/// How a value is written. `None` for what only the directory can tell: the name of another account's entry.
#[must_use]
pub fn written(value: &AttributeValue) -> Option<Vec<String>> {
    Some(match value {
        AttributeValue::Text(text) if text.is_empty() => Vec::new(),
        AttributeValue::Text(text) => vec![text.clone()],
        // RFC 4517 section 3.3.3
        AttributeValue::Bool(true) => vec!["TRUE".to_owned()],
        AttributeValue::Bool(false) => vec!["FALSE".to_owned()],
        AttributeValue::Integer(number) => vec![number.to_string()],
        AttributeValue::Texts(texts) => texts.clone(),
        AttributeValue::Account(_) => return None,
    })
}

/// What an entry shows of an attribute.
#[must_use]
pub fn shown(entry: &Entry, name: &str) -> Option<AttributeValue> {
    match entry.all(name) {
        [] => None,
        [one] => Some(AttributeValue::Text(one.clone())),
        several => Some(AttributeValue::Texts(several.to_vec())),
    }
}
