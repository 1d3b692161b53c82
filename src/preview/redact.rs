//! Takes out of objects what names a person. What stays is what rules and the guard ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Objects;
use super::pseudonyms::{Namings, Pseudonyms, base};
use crate::api::employee::{AccountLink, EmployeeStatus, PersonName};
use crate::api::{AppConnector, AppConnectorSpec, Employee, RoleTemplate, RoleTemplateSpec};
use crate::domain::account::AttributeValue;
use crate::domain::ids::AccountId;

/// What stands for a text that is nobody's business.
const REDACTED: &str = "redacted";

/// Names, mail addresses and user names become words that are the same for the same person and nobody else.
pub(super) fn employee(
    employee: &mut Employee,
    words: &Pseudonyms,
    namings: &Namings,
    ids: &BTreeSet<String>,
) {
    metadata(&mut employee.metadata);
    let spec = &mut employee.spec;
    let id = spec.employee_id.clone();
    spec.name = PersonName {
        given: words.word("given", &id),
        family: spec.name.family.as_ref().map(|_| words.word("family", &id)),
        display: None,
        preferred: None,
    };
    // A rule may ask for the domain.
    let address = |email: &String| {
        let domain = email
            .rsplit_once('@')
            .map_or("invalid", |(_, domain)| domain);
        format!("{}@{domain}", words.word("mail", email))
    };
    spec.email = spec.email.as_ref().map(address);
    spec.personal_email = None;
    if let Some(hold) = &mut spec.legal_hold {
        REDACTED.clone_into(&mut hold.reason);
    }
    for link in &mut spec.links {
        let naming = namings.get(&link.connector);
        let word = |name: &str| {
            identifier(words, ids, name).unwrap_or_else(|| words.username(naming, name))
        };
        replace(link, word);
    }
    for role in &mut spec.roles {
        role.reason = None;
        role.ticket = None;
        role.approved_by = role.approved_by.as_ref().map(|_| REDACTED.to_owned());
    }
    if let Some(status) = &mut employee.status {
        of_employee(status, words, namings);
    }
}

fn of_employee(status: &mut EmployeeStatus, words: &Pseudonyms, namings: &Namings) {
    let EmployeeStatus {
        conditions,
        accounts,
        orphaned_credentials,
        ..
    } = status;
    for condition in conditions {
        condition.message = String::new();
    }
    for account in accounts {
        let naming = namings.get(&account.connector);
        let word = |name: &String| words.username(naming, name);
        account.message = None;
        account.account_id = account.account_id.as_ref().map(|id| words.account(id));
        account.username = account.username.as_ref().map(word);
        for former in &mut account.former_usernames {
            *former = word(former);
        }
        for grant in &mut account.entitlements {
            grant.approved_by = grant.approved_by.as_ref().map(|_| REDACTED.to_owned());
        }
    }
    for orphaned in orphaned_credentials {
        if orphaned.kind != "Entitlement" {
            let naming = namings.get(&orphaned.connector);
            orphaned.name = words.username(naming, &orphaned.name);
        }
    }
    for role in &mut status.roles {
        role.kept = role.kept.as_ref().map(|_| REDACTED.to_owned());
        role.reason = None;
        role.ticket = None;
        role.approved_by = role.approved_by.as_ref().map(|_| REDACTED.to_owned());
    }
    if let Some(offboarding) = &mut status.offboarding {
        for account in &mut offboarding.accounts {
            for step in &mut account.steps {
                step.message = step.message.as_ref().map(|_| REDACTED.to_owned());
            }
        }
    }
    status.last_handled_reconcile_at = None;
}

/// The same of an attribute that names another account.
pub(super) fn account_value(words: &Pseudonyms, value: AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::Account(id) => {
            AttributeValue::Account(AccountId::new(words.account(id.as_str())))
        }
        value => value,
    }
}

/// Who holds what nobody declared is named by user names.
pub(super) fn template(template: &mut RoleTemplate, words: &Pseudonyms, namings: &Namings) {
    metadata(&mut template.metadata);
    template_spec(&mut template.spec);
    if let Some(status) = &mut template.status {
        status.conditions.clear();
        status.last_handled_reconcile_at = None;
        for holder in &mut status.orphaned_credentials {
            holder.account_id = words.account(&holder.account_id);
            let naming = namings.get(&holder.connector);
            let name = holder.username.as_ref();
            holder.username = name.map(|name| words.username(naming, name));
        }
    }
}

fn template_spec(spec: &mut RoleTemplateSpec) {
    spec.description = None;
}

/// Accounts that nobody declared are named by user names, and so are those that are left in peace.
pub(super) fn connector(connector: &mut AppConnector, words: &Pseudonyms, namings: &Namings) {
    metadata(&mut connector.metadata);
    let naming = namings.get(connector.metadata.name.as_deref().unwrap_or_default());
    connector_spec(&mut connector.spec, words);
    let Some(status) = &mut connector.status else {
        return;
    };
    for orphan in &mut status.orphaned_accounts {
        orphan.account_id = words.account(&orphan.account_id);
        orphan.username = words.username(naming, &orphan.username);
        orphan.message = None;
    }
    for spared in &mut status.spared_accounts {
        spared.account_id = words.account(&spared.account_id);
        spared.username = words.username(naming, &spared.username);
    }
    for expired in &mut status.expired_exceptions {
        expired.username = words.pattern(&expired.username);
        REDACTED.clone_into(&mut expired.reason);
    }
    for condition in &mut status.conditions {
        condition.message = String::new();
    }
    if let Some(guard) = &mut status.guard {
        if let Some(approval) = &mut guard.last_approval {
            approval.by = None;
        }
        for released in &mut guard.released {
            released.approved_by = None;
        }
    }
    for held in &mut status.held {
        held.employees.clear();
    }
    status.last_handled_reconcile_at = None;
}

fn connector_spec(spec: &mut AppConnectorSpec, words: &Pseudonyms) {
    words.replace(spec);
    for exception in &mut spec.orphans.exceptions {
        REDACTED.clone_into(&mut exception.reason);
    }
}

/// Brings manifests to the words of a state, where they are about names in it: patterns, and links to accounts. Facts
/// stay as they are.
pub(super) fn manifests(manifests: &mut Objects, words: &Pseudonyms, before: &Objects) {
    for role in manifests.roles.values_mut() {
        template_spec(&mut Arc::make_mut(role).spec);
    }
    for connector in manifests.connectors.values_mut() {
        connector_spec(&mut Arc::make_mut(connector).spec, words);
    }
    let linked = manifests.people.values_mut();
    let mut linked = linked
        .filter(|person| !person.spec.links.is_empty())
        .peekable();
    if linked.peek().is_none() {
        return;
    }
    let ids = account_ids(before);
    let known = usernames(before);
    for person in linked {
        for link in &mut Arc::make_mut(person).spec.links {
            let connector = link.connector.clone();
            let word = |name: &str| {
                let word = words.user(name);
                let id = identifier(words, &ids, name);
                let known = known.get(&(connector.clone(), word.clone()));
                id.or_else(|| known.cloned()).unwrap_or(word)
            };
            replace(link, word);
        }
    }
}

/// The word for what is the identifier of an account, and no user name.
fn identifier(words: &Pseudonyms, ids: &BTreeSet<String>, text: &str) -> Option<String> {
    Some(words.account(text)).filter(|word| ids.contains(word))
}

fn replace(link: &mut AccountLink, word: impl Fn(&str) -> String) {
    link.account = link.account.as_deref().map(&word);
    for other in &mut link.not {
        *other = word(other);
    }
}

/// Identifiers of every account that statuses name.
pub(super) fn account_ids(objects: &Objects) -> BTreeSet<String> {
    let people = objects.people.values();
    let accounts = people.filter_map(|person| person.status.as_ref());
    let accounts = accounts.flat_map(|status| &status.accounts);
    let ids = accounts.filter_map(|account| account.account_id.clone());
    let connectors = objects.connectors.values();
    let statuses = connectors.filter_map(|connector| connector.status.as_ref());
    let nobodys = statuses.flat_map(|status| {
        let orphans = status.orphaned_accounts.iter().map(|one| &one.account_id);
        orphans.chain(status.spared_accounts.iter().map(|one| &one.account_id))
    });
    ids.chain(nobodys.cloned()).collect()
}

/// User names of every account that statuses name, by connector and by the word without what covers it.
fn usernames(objects: &Objects) -> BTreeMap<(String, String), String> {
    let people = objects.people.values();
    let accounts = people.filter_map(|person| person.status.as_ref());
    let accounts = accounts.flat_map(|status| &status.accounts);
    let names =
        accounts.filter_map(|account| Some((&account.connector, account.username.as_ref()?)));
    let connectors = objects.connectors.iter();
    let statuses = connectors.filter_map(|(name, object)| Some((name, object.status.as_ref()?)));
    let nobodys = statuses.flat_map(|(connector, status)| {
        let orphans = status.orphaned_accounts.iter().map(|one| &one.username);
        let all = orphans.chain(status.spared_accounts.iter().map(|one| &one.username));
        all.map(move |name| (connector, name))
    });
    let all = names.chain(nobodys);
    all.map(|(connector, name)| ((connector.clone(), base(name).to_owned()), name.clone()))
        .collect()
}

/// What tools write beside an object, such as the whole of it once more.
fn metadata(metadata: &mut kube::core::ObjectMeta) {
    metadata.managed_fields = None;
    metadata.owner_references = None;
    if let Some(annotations) = &mut metadata.annotations {
        let needed = [
            crate::api::PAUSED_ANNOTATION,
            crate::api::CONFIRM_TARGET_ANNOTATION,
            crate::api::APPROVED_REMOVALS_ANNOTATION,
        ];
        annotations.retain(|name, _| needed.contains(&name.as_str()));
        // Whoever pulls the brake may write why.
        if let Some(word) = annotations.get_mut(crate::api::PAUSED_ANNOTATION)
            && !word.trim().eq_ignore_ascii_case("false")
        {
            "true".clone_into(word);
        }
    }
    if let Some(labels) = &mut metadata.labels {
        labels.clear();
    }
}
