//! What goes into a database, and what comes out of it.

use serde_json::{Map, Value};

use crate::domain::account::AttributeValue;

/// A row: columns by name.
pub type Row = Map<String, Value>;

/// A value for one place of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Param {
    /// Nothing.
    Null,
    /// A value in the form in which the database reads it as text, whatever its type is.
    Text(String),
    /// A truth value, for which databases have forms of their own.
    Truth(bool),
    /// Several texts.
    Texts(Vec<String>),
}

impl Param {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

impl From<&AttributeValue> for Param {
    fn from(value: &AttributeValue) -> Self {
        match value {
            value if value.is_empty() => Self::Null,
            AttributeValue::Text(text) => Self::Text(text.clone()),
            AttributeValue::Bool(truth) => Self::Truth(*truth),
            AttributeValue::Integer(number) => Self::Text(number.to_string()),
            AttributeValue::Texts(texts) => Self::Texts(texts.clone()),
            AttributeValue::Account(id) => Self::Text(id.to_string()),
        }
    }
}

/// A column as a text; `None` where it is null or missing.
#[must_use]
pub fn text(row: &Row, column: &str) -> Option<String> {
    match row.get(column)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A column as a truth value, as far as it is one.
#[must_use]
pub fn truth(row: &Row, column: &str) -> Option<bool> {
    match row.get(column)? {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => number.as_i64().map(|n| n != 0),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A column as an attribute.
#[must_use]
pub fn attribute(row: &Row, column: &str) -> Option<AttributeValue> {
    Some(match row.get(column)? {
        Value::Null => return None,
        Value::Bool(truth) => AttributeValue::Bool(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(number) => AttributeValue::Integer(number),
            None => AttributeValue::Text(number.to_string()),
        },
        Value::String(text) => AttributeValue::Text(text.clone()),
        Value::Array(items) => AttributeValue::Texts(items.iter().filter_map(item).collect()),
        Value::Object(_) => AttributeValue::Text(row.get(column)?.to_string()),
    })
}

fn item(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
