//! Takes out of objects what names a person. What stays is what rules and the guard ask for.

use sha2::{Digest, Sha256};

use super::orphan_listing;
use crate::api::employee::{EmployeeStatus, PersonName};
use crate::api::{AppConnector, Employee, RoleTemplate};
use crate::domain::account::AttributeValue;
use crate::domain::ids::AccountId;
use crate::domain::patterns::Patterns;

/// Names, mail addresses and user names become words that are the same for the same person and nobody else.
pub(super) fn employee(employee: &mut Employee, salt: &str) {
    metadata(&mut employee.metadata);
    let spec = &mut employee.spec;
    let word = |what: &str, of: &str| word(salt, what, of);
    let id = spec.employee_id.clone();
    spec.name = PersonName {
        given: word("given", &id),
        family: spec.name.family.as_ref().map(|_| word("family", &id)),
        display: None,
        preferred: None,
    };
    // A rule may ask for the domain.
    let address = |email: &String| {
        let domain = email
            .rsplit_once('@')
            .map_or("invalid", |(_, domain)| domain);
        format!("{}@{domain}", word("mail", email))
    };
    spec.email = spec.email.as_ref().map(address);
    spec.personal_email = None;
    if let Some(hold) = &mut spec.legal_hold {
        hold.reason = String::from("redacted");
    }
    for link in &mut spec.links {
        link.account = link.account.as_ref().map(|name| word("user", name));
        for other in &mut link.not {
            *other = word("user", other);
        }
    }
    for role in &mut spec.roles {
        role.reason = None;
        role.ticket = None;
        role.approved_by = role.approved_by.as_ref().map(|_| "redacted".to_owned());
    }
    let Some(status) = &mut employee.status else {
        return;
    };
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
        account.message = None;
        account.account_id = account.account_id.as_ref().map(|id| account_word(salt, id));
        account.username = account.username.as_ref().map(|name| word("user", name));
        for former in &mut account.former_usernames {
            *former = word("user", former);
        }
        for grant in &mut account.entitlements {
            grant.approved_by = grant.approved_by.as_ref().map(|_| "redacted".to_owned());
        }
    }
    for orphaned in orphaned_credentials {
        if orphaned.kind != "Entitlement" {
            orphaned.name = word("user", &orphaned.name);
        }
    }
    for role in &mut status.roles {
        role.kept = role.kept.as_ref().map(|_| "redacted".to_owned());
        role.reason = None;
        role.ticket = None;
        role.approved_by = role.approved_by.as_ref().map(|_| "redacted".to_owned());
    }
    if let Some(offboarding) = &mut status.offboarding {
        for account in &mut offboarding.accounts {
            for step in &mut account.steps {
                step.message = step.message.as_ref().map(|_| "redacted".to_owned());
            }
        }
    }
}

/// What stands for something that names a person.
fn word(salt: &str, what: &str, of: &str) -> String {
    let hash = Sha256::digest(format!("{salt}\n{of}"));
    let short: String = format!("{hash:x}").chars().take(10).collect();
    format!("{what}-{short}")
}

/// What stands for the identifier of an account: in many a database that is a name.
fn account_word(salt: &str, id: &str) -> String {
    let hash = Sha256::digest(format!("{salt}\naccount {id}"));
    let short: String = format!("{hash:x}").chars().take(16).collect();
    format!("account-{short}")
}

/// The same of an attribute that names another account.
pub(super) fn account_value(salt: &str, value: AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::Account(id) => {
            AttributeValue::Account(AccountId::new(account_word(salt, id.as_str())))
        }
        value => value,
    }
}

/// Who holds what nobody declared is named by user names.
pub(super) fn template(template: &mut RoleTemplate, salt: &str) {
    metadata(&mut template.metadata);
    if let Some(status) = &mut template.status {
        status.conditions.clear();
        for holder in &mut status.orphaned_credentials {
            holder.account_id = account_word(salt, &holder.account_id);
            let name = holder.username.as_ref();
            holder.username = name.map(|name| word(salt, "user", name));
        }
    }
}

/// Accounts that nobody declared are named by user names.
pub(super) fn connector(connector: &mut AppConnector, salt: &str) {
    metadata(&mut connector.metadata);
    let patterns = orphan_listing::patterns(connector);
    let patterns: Vec<String> = patterns.into_iter().map(str::to_owned).collect();
    if let Some(status) = &mut connector.status {
        for orphan in &mut status.orphaned_accounts {
            orphan.account_id = account_word(salt, &orphan.account_id);
            orphan.username = word(salt, "user", &orphan.username);
            orphan.message = None;
        }
        for spared in &mut status.spared_accounts {
            spared.account_id = account_word(salt, &spared.account_id);
            spared.username = covered_word(salt, &patterns, &spared.username);
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
    }
}

/// What stands for a user name that a pattern covers: something that the same pattern covers, so that it can be told
/// what an edit of the patterns does.
fn covered_word(salt: &str, patterns: &[String], name: &str) -> String {
    let covers = |pattern: &&String| Patterns::new([pattern.as_str()], []).covers(name);
    let word = word(salt, "user", name);
    match patterns.iter().find(covers) {
        Some(pattern) => pattern.replacen('*', &word, 1).replace(['*', '?'], "x"),
        None => word,
    }
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
    }
    if let Some(labels) = &mut metadata.labels {
        labels.clear();
    }
}
