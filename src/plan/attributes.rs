//! Attributes: what to write into a new account, and what to change in one that exists.

use std::collections::BTreeSet;

use super::observation::{Normalised, Observation};
use crate::domain::account::{AttributeChanges, AttributeValue, Attributes, ObservedAccount};
use crate::domain::desired::DesiredAccount;
use crate::domain::folded::folded;
use crate::domain::ids::{AttributeName, Username};

/// Attributes of a new account: those that are not empty.
pub(super) fn initial(desired: &DesiredAccount, observed: &Observation) -> Attributes {
    let mut attributes: Attributes = desired
        .attributes
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if let (Some(desire), Some(manager)) = (&desired.manager, &observed.manager)
        && desire.manager.is_some()
    {
        attributes.insert(
            desire.attribute.clone(),
            AttributeValue::Account(manager.clone()),
        );
    }
    attributes
}

/// What differs. `username` is the name recorded for the person, restored where someone changed it.
pub(super) fn changes(
    desired: &DesiredAccount,
    observed: &Observation,
    account: &ObservedAccount,
    username: Option<&Username>,
) -> AttributeChanges {
    let mut changes = AttributeChanges {
        username: username.filter(|name| **name != account.username).cloned(),
        ..AttributeChanges::default()
    };
    for (name, wants) in &desired.attributes {
        compare(&mut changes, name, wants, observed, account);
    }
    if let Some(desire) = &desired.manager {
        match (&desire.manager, &observed.manager) {
            // A manager without an account here leaves the attribute as it is for now.
            (Some(_), None) => {}
            (Some(_), Some(id)) => {
                let wants = AttributeValue::Account(id.clone());
                compare(&mut changes, &desire.attribute, &wants, observed, account);
            }
            (None, _) => {
                let wants = AttributeValue::Text(String::new());
                compare(&mut changes, &desire.attribute, &wants, observed, account);
            }
        }
    }
    changes
}

fn compare(
    changes: &mut AttributeChanges,
    name: &AttributeName,
    wants: &AttributeValue,
    observed: &Observation,
    account: &ObservedAccount,
) {
    let shows = account.attributes.get(name).filter(|v| !v.is_empty());
    let same = match shows {
        Some(shows) => same(wants, shows),
        None => wants.is_empty(),
    };
    if same || kept(name, wants, observed, account).is_some() {
        return;
    }
    if wants.is_empty() {
        changes.clear.insert(name.clone());
    } else {
        changes.set.insert(name.clone(), wants.clone());
    }
}

/// What is noted of an attribute that was written as it is desired now, and that the target keeps in
/// another form.
fn kept<'a>(
    name: &AttributeName,
    wants: &AttributeValue,
    observed: &'a Observation,
    account: &ObservedAccount,
) -> Option<&'a Normalised> {
    let shows = account.attributes.get(name).filter(|v| !v.is_empty());
    observed.normalised.get(name).filter(|note| {
        let same_wish = note.written == *wants || (note.written.is_empty() && wants.is_empty());
        same_wish && note.shows.as_ref() == shows
    })
}

/// Desired attributes that the target accepted and did not apply: it shows what it showed before.
pub(super) fn not_applied<'a>(
    desired: &'a DesiredAccount,
    observed: &Observation,
    account: &ObservedAccount,
) -> Vec<&'a AttributeName> {
    let stays = |name: &AttributeName, wants: &AttributeValue| {
        kept(name, wants, observed, account).is_some_and(|note| note.unchanged)
    };
    let attributes = desired.attributes.iter();
    attributes
        .filter(|(name, wants)| stays(name, wants))
        .map(|(name, _)| name)
        .collect()
}

/// Whether a target may have made one value of the other, for want of room or for a form of its own:
/// letters and digits are the same, or one has more of them at an end.
#[must_use]
pub fn alike(wants: &AttributeValue, shows: &AttributeValue) -> bool {
    let letters = |value: &AttributeValue| match value {
        AttributeValue::Text(text) => Some(vec![folded(text)]),
        AttributeValue::Texts(texts) => Some(texts.iter().map(|text| folded(text)).collect()),
        AttributeValue::Bool(_) | AttributeValue::Integer(_) | AttributeValue::Account(_) => None,
    };
    let (Some(wants), Some(shows)) = (letters(wants), letters(shows)) else {
        return false;
    };
    let part = |a: &String, b: &String| !a.is_empty() && (b.starts_with(a) || b.ends_with(a));
    wants.len() == shows.len()
        && wants
            .iter()
            .zip(&shows)
            .all(|(a, b)| part(a, b) || part(b, a))
}

/// Whether two values mean the same. Lists are compared as sets; a truth value and its word are the
/// same, and so are mail addresses in different case (targets fold them).
#[must_use]
pub fn same(wants: &AttributeValue, shows: &AttributeValue) -> bool {
    use AttributeValue::{Account, Bool, Integer, Text, Texts};
    match (wants, shows) {
        (Text(a), Text(b)) => same_text(a, b),
        (Texts(a), Texts(b)) => {
            a.iter().collect::<BTreeSet<_>>() == b.iter().collect::<BTreeSet<_>>()
        }
        (Texts(a), Text(b)) | (Text(b), Texts(a)) => a.len() == 1 && a[0] == *b,
        (Bool(a), Text(b)) | (Text(b), Bool(a)) => b.eq_ignore_ascii_case(&a.to_string()),
        (Integer(a), Text(b)) | (Text(b), Integer(a)) => *b == a.to_string(),
        (Bool(a), Bool(b)) => a == b,
        (Integer(a), Integer(b)) => a == b,
        (Account(a), Account(b)) => a == b,
        _ => false,
    }
}

fn same_text(a: &str, b: &str) -> bool {
    a == b || (a.contains('@') && a.to_lowercase() == b.to_lowercase())
}
