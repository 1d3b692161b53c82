//! Which conditions began or ended between two statuses, and whom an event is about.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::text;
use super::world::Meta;
use crate::api::{GROUP, VERSION};
use crate::runtime::events::{Notice, NoticeKind};

/// A reference to one of our objects.
#[must_use]
pub fn of(kind: &str, namespace: &Arc<str>, name: &str, meta: &Meta) -> ObjectReference {
    ObjectReference {
        api_version: Some(format!("{GROUP}/{VERSION}")),
        kind: Some(kind.to_owned()),
        namespace: Some(namespace.to_string()),
        name: Some(name.to_owned()),
        uid: Some(meta.uid.to_string()),
        ..ObjectReference::default()
    }
}

/// Something is amiss.
#[must_use]
pub fn warning(
    object: ObjectReference,
    reason: &'static str,
    action: &'static str,
    message: String,
) -> Notice {
    Notice {
        object,
        kind: NoticeKind::Warning,
        reason,
        action,
        message,
    }
}

/// Something went as it should, and is worth telling.
#[must_use]
pub fn normal(
    object: ObjectReference,
    reason: &'static str,
    action: &'static str,
    message: String,
) -> Notice {
    Notice {
        kind: NoticeKind::Normal,
        ..warning(object, reason, action, message)
    }
}

/// The message of a condition that is `True` now and was not before.
#[must_use]
pub fn began(before: &[Condition], after: &[Condition], type_: &str) -> Option<String> {
    turned(before, after, type_, "True")
}

/// The message of a condition that is `False` now and was not before.
#[must_use]
pub fn ended(before: &[Condition], after: &[Condition], type_: &str) -> Option<String> {
    turned(before, after, type_, "False")
}

/// The message of a condition that is `True` now, and was not before or said something else.
#[must_use]
pub fn said_anew(before: &[Condition], after: &[Condition], type_: &str) -> Option<String> {
    let before = said(before, type_, "True");
    said(after, type_, "True")
        .filter(|now| before != Some(now))
        .cloned()
}

fn turned(before: &[Condition], after: &[Condition], type_: &str, status: &str) -> Option<String> {
    let before = said(before, type_, status);
    said(after, type_, status)
        .filter(|_| before.is_none())
        .cloned()
}

/// The message of a condition that has this status.
fn said<'c>(conditions: &'c [Condition], type_: &str, status: &str) -> Option<&'c String> {
    let mut all = conditions.iter();
    let found = all.find(|c| c.type_ == type_ && c.status == status);
    found.map(|c| &c.message)
}

/// What a list has that it did not have before, in words; `None` where nothing was added.
#[must_use]
pub fn appeared<T>(
    before: &[T],
    after: &[T],
    is_same: impl Fn(&T, &T) -> bool,
    tell: impl Fn(&T) -> String,
) -> Option<String> {
    let mut new = after
        .iter()
        .filter(|item| !before.iter().any(|known| is_same(known, item)))
        .map(tell)
        .peekable();
    new.peek()?;
    Some(text::listed(new))
}
