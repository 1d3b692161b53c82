//! Lenient reading of users and groups: what is there is taken, in whatever spelling it comes.

use std::collections::HashSet;

use serde_json::Value;

use super::empty_groups::Stamp;
use super::json::{get, text, truth};
use super::path::{AttributePath, MANAGER, Place, Selector};
use crate::domain::account::{
    Activity, AttributeValue, Attributes, Completeness, ObservedAccount, ObservedEntitlement,
};
use crate::domain::ids::{AccountId, AttributeName, EntitlementId, EntitlementName, Username};

/// A group as an answer shows it.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// The group. Its holders are the members that are not groups themselves.
    pub entitlement: ObservedEntitlement,
    /// Whether the answer spoke of members at all.
    pub members_shown: bool,
    /// Whether a member stood there twice.
    pub repeats: bool,
    /// What the record said, where it shows no members and states a version.
    pub stamp: Option<Stamp>,
}

/// Identifier of a resource. One that can't stand in an address is none.
#[must_use]
pub fn id_of(resource: &Value) -> Option<String> {
    get(resource, "id")
        .and_then(text)
        .filter(|id| is_addressable(id))
}

/// Whether an identifier can be a segment of a path: `.` and `..` would climb to another resource,
/// and control characters are dropped by URL parsers.
#[must_use]
pub fn is_addressable(id: &str) -> bool {
    !id.is_empty() && id != "." && id != ".." && !id.chars().any(char::is_control)
}

/// Longest identifier or name that is taken in, in bytes: it is kept, shown and sent.
const MAX_NAME: usize = 1024;

fn bounded(what: &str, field: &str, value: &str) -> Result<(), String> {
    if value.len() > MAX_NAME {
        let bytes = value.len();
        return Err(format!("{what} has a `{field}` of {bytes} bytes"));
    }
    Ok(())
}

/// Reads a user.
///
/// # Errors
/// A reason, when the record has no usable `id` or `userName`.
pub fn user(resource: &Value, paths: &[AttributePath]) -> Result<ObservedAccount, String> {
    if !resource.is_object() {
        return Err("a user is no JSON object".to_owned());
    }
    let id = id_of(resource).ok_or("a user has no usable `id`")?;
    bounded("a user", "id", &id)?;
    let Some(username) = get(resource, "userName").and_then(text) else {
        return Err(format!("user {id} has no `userName`"));
    };
    bounded("a user", "userName", &username)?;
    let attributes: Attributes = paths
        .iter()
        .filter_map(|path| read(resource, path).map(|value| (path.name.clone(), value)))
        .collect();
    Ok(ObservedAccount {
        id: AccountId::new(id),
        username: Username::new(username),
        // A longer one is none of ours, and stays one that is there.
        mark: get(resource, "externalId").and_then(text).map(|mut mark| {
            mark.truncate(mark.floor_char_boundary(MAX_NAME));
            mark
        }),
        activity: match get(resource, "active").and_then(truth) {
            Some(true) => Activity::Active,
            Some(false) => Activity::Disabled,
            None => Activity::Unknown,
        },
        attributes,
        unfinished: false,
    })
}

/// Reads a group.
///
/// # Errors
/// A reason, when the record has no usable `id` or `displayName`.
pub fn group(resource: &Value) -> Result<GroupView, String> {
    if !resource.is_object() {
        return Err("a group is no JSON object".to_owned());
    }
    let id = id_of(resource).ok_or("a group has no usable `id`")?;
    bounded("a group", "id", &id)?;
    let Some(name) = get(resource, "displayName").and_then(text) else {
        return Err(format!("group {id} has no `displayName`"));
    };
    bounded("a group", "displayName", &name)?;
    let listed = get(resource, "members");
    let mut seen = HashSet::new();
    let (mut holders, mut repeats, mut unreadable) = (Vec::new(), false, 0_usize);
    let members = listed
        .and_then(Value::as_array)
        .map_or(&[] as &[Value], Vec::as_slice);
    for member in members.iter().filter(|m| !m.is_null() && !is_group(m)) {
        match text(member).or_else(|| get(member, "value").and_then(text)) {
            Some(member) if seen.insert(member.clone()) => holders.push(AccountId::new(member)),
            Some(_) => repeats = true,
            None => unreadable += 1,
        }
    }
    let odd_list = listed.is_some_and(|l| !l.is_null() && !l.is_array());
    let completeness = if odd_list {
        Completeness::Unreadable("`members` is no list".to_owned())
    } else if unreadable > 0 {
        Completeness::Partial(format!("{unreadable} members have no `value`"))
    } else {
        Completeness::Complete
    };
    let members_shown = listed.is_some_and(Value::is_array);
    Ok(GroupView {
        entitlement: ObservedEntitlement {
            id: EntitlementId::new(id),
            name: EntitlementName::new(name),
            holders,
            completeness,
        },
        members_shown,
        repeats,
        // Of a large group with its members that would be much work for nothing.
        stamp: (!members_shown).then(|| Stamp::of(resource)).flatten(),
    })
}

/// Whether a member is a nested group: it says so, or its address does (RFC 7643 section 4.2).
fn is_group(member: &Value) -> bool {
    let says = |name: &str| get(member, name).and_then(Value::as_str);
    says("type").is_some_and(|t| t.eq_ignore_ascii_case("group"))
        || (says("type").is_none() && says("$ref").is_some_and(|r| r.contains("/Groups/")))
}

/// Reads one attribute. Null, an empty text and an empty list are what unset looks like.
#[must_use]
pub fn read(resource: &Value, path: &AttributePath) -> Option<AttributeValue> {
    let holder = match &path.extension {
        Some(urn) => get(resource, urn),
        None => Some(resource),
    };
    let attribute = holder.and_then(|holder| get(holder, &path.attribute));
    let value = match &path.place {
        Place::Single | Place::List => scalar_or_list(attribute?),
        Place::Part(part) => scalar_or_list(get(attribute?, part)?),
        Place::Selected(selector, part) => {
            let elements = attribute?.as_array()?;
            let chosen = elements.iter().filter(|element| selects(selector, element));
            let primary = |element: &&Value| get(element, "primary").and_then(truth) == Some(true);
            let best = chosen
                .clone()
                .find(primary)
                .or_else(|| chosen.clone().next());
            scalar_or_list(get(best?, part)?)
        }
        Place::Manager => {
            // Some put it beside the core attributes, and some give the bare id.
            let manager = attribute.or_else(|| get(resource, MANAGER))?;
            let id = text(manager).or_else(|| get(manager, "value").and_then(text))?;
            Some(AttributeValue::Account(AccountId::new(id)))
        }
    };
    value.filter(|value| !value.is_empty())
}

/// Whether an element is the selected one. Types are compared without case (RFC 7643 section 2.4).
#[must_use]
pub fn selects(selector: &Selector, element: &Value) -> bool {
    get(element, &selector.attribute)
        .and_then(Value::as_str)
        .is_some_and(|held| held.eq_ignore_ascii_case(&selector.value))
}

fn scalar_or_list(value: &Value) -> Option<AttributeValue> {
    match value {
        Value::String(text) => Some(AttributeValue::Text(text.clone())),
        Value::Bool(truth) => Some(AttributeValue::Bool(*truth)),
        Value::Number(number) => number.as_i64().map(AttributeValue::Integer),
        Value::Array(items) => Some(AttributeValue::Texts(
            items
                .iter()
                .filter_map(|item| text(item).or_else(|| get(item, "value").and_then(text)))
                .collect(),
        )),
        Value::Null | Value::Object(_) => None,
    }
}

/// The path that belongs to a name.
#[must_use]
pub fn path_of<'a>(paths: &'a [AttributePath], name: &AttributeName) -> Option<&'a AttributePath> {
    paths.iter().find(|path| path.name == *name)
}
