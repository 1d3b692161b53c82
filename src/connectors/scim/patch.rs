//! Changing a user: as a new record, as PATCH operations, or inside a record that is put back whole.

use serde_json::{Map, Value, json};

use super::filter::equals;
use super::json::{get, key, truth};
use super::path::{AttributePath, ENTERPRISE_SCHEMA, Place, Selector, USER_SCHEMA};
use super::resource::{path_of, read, selects};
use super::ways::{Deactivation, ManagerForm, OperationCase};
use crate::connectors::{ConnectorError, ErrorKind, MarkChange};
use crate::domain::account::{AttributeChanges, AttributeValue, NewAccount};
use crate::domain::ids::AttributeName;

/// Schema of a PATCH request (RFC 7644 section 3.5.2).
const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Wraps operations into a PATCH request.
#[must_use]
pub fn request(operations: &[Value], case: OperationCase) -> Value {
    let mut operations = operations.to_vec();
    if case == OperationCase::Capital {
        for operation in &mut operations {
            let capital = match operation.get("op").and_then(Value::as_str) {
                Some("add") => "Add",
                Some("remove") => "Remove",
                _ => "Replace",
            };
            put(operation, "op", Value::from(capital));
        }
    }
    json!({"schemas": [PATCH_SCHEMA], "Operations": operations})
}

/// The operation that disables or enables an account. `None` where no operation does.
#[must_use]
pub fn switch(active: bool, way: Deactivation) -> Option<Value> {
    match way {
        Deactivation::Path => Some(replace("active", &Value::Bool(active))),
        Deactivation::NoPath => Some(json!({"op": "replace", "value": {"active": active}})),
        Deactivation::StringFalse => {
            let word = if active { "True" } else { "False" };
            Some(replace("active", &Value::from(word)))
        }
        Deactivation::Put => None,
    }
}

/// The operation that puts our mark on an account, or takes it off.
#[must_use]
pub fn mark(change: &MarkChange) -> Value {
    match change {
        MarkChange::Put(mark) => replace("externalId", &Value::from(mark.as_str())),
        MarkChange::Take(_) => json!({"op": "remove", "path": "externalId"}),
    }
}

/// The operation that sets a password.
#[must_use]
pub fn password(secret: &str) -> Value {
    replace("password", &Value::from(secret))
}

/// Writes the manager as a bare identifier, where a value is meant for a server that wants it so.
fn formed(path: &AttributePath, value: Value, form: ManagerForm) -> Value {
    match (&path.place, form, get(&value, "value")) {
        (Place::Manager, ManagerForm::BareId, Some(id)) => id.clone(),
        _ => value,
    }
}

/// The body that makes a new account.
///
/// # Errors
/// [`ErrorKind::Invalid`] for an attribute that is not managed, or a value that doesn't fit it.
pub fn new_user(
    account: &NewAccount,
    paths: &[AttributePath],
    form: ManagerForm,
) -> Result<Value, ConnectorError> {
    let mut user = json!({
        "schemas": [USER_SCHEMA],
        "userName": account.username.as_str(),
        "externalId": account.mark.as_str(),
        "active": account.active,
    });
    for (name, value) in &account.attributes {
        let path = managed(paths, name)?;
        if !value.is_empty() {
            set(&mut user, path, &formed(path, encode(path, value)?, form));
        }
    }
    Ok(user)
}

/// The operations that bring about changes, one for each attribute, each with a path.
///
/// Without `current`, elements of multi-valued attributes are supposed to exist. A server that has
/// none answers `noTarget` (RFC 7644 section 3.5.2.3); with the record as it is, the operations fit
/// it, and may be none at all.
///
/// # Errors
/// [`ErrorKind::Invalid`] for an attribute that is not managed, or a value that doesn't fit it.
pub fn operations(
    changes: &AttributeChanges,
    paths: &[AttributePath],
    current: Option<&Value>,
    form: ManagerForm,
) -> Result<Vec<Value>, ConnectorError> {
    let mut operations = Vec::new();
    if let Some(username) = &changes.username {
        operations.push(replace("userName", &Value::from(username.as_str())));
    }
    let mut elements: Vec<(String, &Selector, Map<String, Value>)> = Vec::new();
    for (name, value) in &changes.set {
        let path = managed(paths, name)?;
        let encoded = formed(path, encode(path, value)?, form);
        match (&path.place, current) {
            (Place::Selected(selector, part), Some(user)) if !has_element(user, path, selector) => {
                let base = path.base();
                let primary = path.primary && !has_primary(user, path);
                let known = elements
                    .iter()
                    .position(|(b, s, _)| *b == base && *s == selector);
                let at = known.unwrap_or_else(|| {
                    elements.push((base, selector, element(selector)));
                    elements.len() - 1
                });
                if let Some((_, _, element)) = elements.get_mut(at) {
                    element.insert(part.clone(), encoded);
                    if primary {
                        element.insert("primary".to_owned(), Value::Bool(true));
                    }
                }
            }
            _ => operations.push(replace(&target(path), &encoded)),
        }
    }
    for (base, _, element) in elements {
        operations.push(json!({"op": "add", "path": base, "value": [element]}));
    }
    for name in &changes.clear {
        let path = managed(paths, name)?;
        if current.is_none_or(|user| read(user, path).is_some()) {
            operations.push(json!({"op": "remove", "path": removal_target(path)}));
        }
    }
    Ok(operations)
}

/// Changes a record that is about to be put back. Everything that isn't named stays, whatever it is.
///
/// # Errors
/// [`ErrorKind::Invalid`] for an attribute that is not managed, or a value that doesn't fit it.
pub fn apply(
    user: &mut Value,
    changes: &AttributeChanges,
    paths: &[AttributePath],
    form: ManagerForm,
) -> Result<(), ConnectorError> {
    if let Some(username) = &changes.username {
        put(user, "userName", Value::from(username.as_str()));
    }
    for (name, value) in &changes.set {
        let path = managed(paths, name)?;
        set(user, path, &formed(path, encode(path, value)?, form));
    }
    for name in &changes.clear {
        unset(user, managed(paths, name)?);
    }
    Ok(())
}

/// Sets a top-level attribute, under the spelling that the record uses.
pub fn put(resource: &mut Value, name: &str, value: Value) {
    if let Some(map) = resource.as_object_mut() {
        map.insert(key(map, name), value);
    }
}

/// Clears an attribute of a record.
pub fn take(resource: &mut Value, name: &str) {
    if let Some(map) = resource.as_object_mut() {
        let name = key(map, name);
        map.remove(&name);
    }
}

/// Takes out what only the server may set, before a record is put back. RFC 7644 section 3.5.1 has
/// servers ignore it; some refuse it.
pub fn strip_read_only(resource: &mut Value) {
    if let Some(map) = resource.as_object_mut() {
        map.retain(|key, _| {
            !key.eq_ignore_ascii_case("meta") && !key.eq_ignore_ascii_case("groups")
        });
    }
}

fn managed<'a>(
    paths: &'a [AttributePath],
    name: &AttributeName,
) -> Result<&'a AttributePath, ConnectorError> {
    path_of(paths, name).ok_or_else(|| {
        ConnectorError::new(
            ErrorKind::Invalid,
            format!("attribute `{name}` is not managed by this connector; add it to the mapping"),
        )
    })
}

fn replace(path: &str, value: &Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

/// Where a value is written.
fn target(path: &AttributePath) -> String {
    match &path.place {
        Place::Single | Place::List | Place::Manager => path.base(),
        Place::Part(part) => format!("{}.{part}", path.base()),
        Place::Selected(selector, part) => {
            format!(
                "{}[{}].{part}",
                path.base(),
                equals(&selector.attribute, &selector.value)
            )
        }
    }
}

/// What is removed to clear an attribute. An element without its `value` is of no use to anyone, so
/// it goes as a whole.
fn removal_target(path: &AttributePath) -> String {
    match &path.place {
        Place::Selected(selector, part) if part == "value" => {
            format!(
                "{}[{}]",
                path.base(),
                equals(&selector.attribute, &selector.value)
            )
        }
        _ => target(path),
    }
}

/// A value as the attribute's place wants it.
fn encode(path: &AttributePath, value: &AttributeValue) -> Result<Value, ConnectorError> {
    let misfit = |wanted: &str| {
        Err(ConnectorError::new(
            ErrorKind::Invalid,
            format!("attribute `{}` takes {wanted}", path.name),
        ))
    };
    match (&path.place, value) {
        (Place::Manager, AttributeValue::Account(id)) => Ok(json!({"value": id.as_str()})),
        (Place::Manager, _) => misfit("an account"),
        (_, AttributeValue::Account(_)) => misfit("a text, not an account"),
        (Place::List, AttributeValue::Texts(texts)) => {
            Ok(texts.iter().map(|text| json!({"value": text})).collect())
        }
        (Place::List, AttributeValue::Text(text)) => Ok(json!([{"value": text}])),
        (Place::List, _) => misfit("a list of texts"),
        (Place::Single, AttributeValue::Texts(texts)) if path.extension.is_some() => {
            Ok(json!(texts))
        }
        (_, AttributeValue::Texts(_)) => misfit("one text, not a list"),
        (_, AttributeValue::Text(text)) => Ok(json!(text)),
        (_, AttributeValue::Bool(truth)) => Ok(json!(truth)),
        (_, AttributeValue::Integer(number)) => Ok(json!(number)),
    }
}

fn element(selector: &Selector) -> Map<String, Value> {
    Map::from_iter([(
        selector.attribute.clone(),
        Value::from(selector.value.as_str()),
    )])
}

fn elements<'a>(user: &'a Value, path: &AttributePath) -> &'a [Value] {
    let holder = match &path.extension {
        Some(urn) => get(user, urn),
        None => Some(user),
    };
    holder
        .and_then(|holder| get(holder, &path.attribute))
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn has_element(user: &Value, path: &AttributePath, selector: &Selector) -> bool {
    elements(user, path)
        .iter()
        .any(|element| selects(selector, element))
}

fn has_primary(user: &Value, path: &AttributePath) -> bool {
    elements(user, path)
        .iter()
        .any(|element| get(element, "primary").and_then(truth) == Some(true))
}

/// Writes one value into a record, and lists its extension in `schemas`.
fn set(user: &mut Value, path: &AttributePath, value: &Value) {
    if let Some(urn) = &path.extension {
        add_schema(user, urn);
    }
    let primary = path.primary && !has_primary(user, path);
    let Some(holder) = holder(user, path) else {
        return;
    };
    let name = key(holder, &path.attribute);
    match &path.place {
        Place::Single | Place::List | Place::Manager => {
            holder.insert(name, value.clone());
        }
        Place::Part(part) => {
            if let Some(complex) = object(holder.entry(name).or_insert_with(|| json!({}))) {
                complex.insert(key(complex, part), value.clone());
            }
        }
        Place::Selected(selector, part) => {
            let list = holder.entry(name).or_insert_with(|| json!([]));
            if !list.is_array() {
                *list = json!([]);
            }
            let Some(list) = list.as_array_mut() else {
                return;
            };
            if !list.iter().any(|element| selects(selector, element)) {
                let mut new = element(selector);
                if primary {
                    new.insert("primary".to_owned(), Value::Bool(true));
                }
                list.push(Value::Object(new));
            }
            let chosen = list.iter_mut().filter(|element| selects(selector, element));
            for element in chosen.filter_map(Value::as_object_mut) {
                element.insert(key(element, part), value.clone());
            }
        }
    }
}

/// Takes one value out of a record.
fn unset(user: &mut Value, path: &AttributePath) {
    let Some(holder) = holder(user, path) else {
        return;
    };
    let name = key(holder, &path.attribute);
    match &path.place {
        Place::Single | Place::List | Place::Manager => {
            holder.remove(&name);
        }
        Place::Part(part) => {
            if let Some(complex) = holder.get_mut(&name).and_then(Value::as_object_mut) {
                complex.remove(&key(complex, part));
            }
        }
        Place::Selected(selector, part) => {
            let Some(list) = holder.get_mut(&name).and_then(Value::as_array_mut) else {
                return;
            };
            if part == "value" {
                list.retain(|element| !selects(selector, element));
            } else {
                let chosen = list.iter_mut().filter(|element| selects(selector, element));
                for element in chosen.filter_map(Value::as_object_mut) {
                    element.remove(&key(element, part));
                }
            }
        }
    }
}

/// The object in which an attribute stands: the user, or its extension.
fn holder<'a>(user: &'a mut Value, path: &AttributePath) -> Option<&'a mut Map<String, Value>> {
    let map = user.as_object_mut()?;
    match &path.extension {
        Some(urn) => object(map.entry(key(map, urn)).or_insert_with(|| json!({}))),
        None => Some(map),
    }
}

/// The value as an object; what is none gives way to an empty one.
fn object(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut()
}

fn add_schema(user: &mut Value, urn: &str) {
    let Some(map) = user.as_object_mut() else {
        return;
    };
    let name = key(map, "schemas");
    let schemas = map.entry(name).or_insert_with(|| json!([USER_SCHEMA]));
    if let Some(list) = schemas.as_array_mut()
        && !list
            .iter()
            .filter_map(Value::as_str)
            .any(|held| held.eq_ignore_ascii_case(urn))
    {
        list.push(Value::from(
            if urn.eq_ignore_ascii_case(ENTERPRISE_SCHEMA) {
                ENTERPRISE_SCHEMA
            } else {
                urn
            },
        ));
    }
}
