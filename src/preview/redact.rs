//! Takes out of objects what names a person. What stays is what rules and the guard ask for.

use sha2::{Digest, Sha256};

use crate::api::employee::{EmployeeStatus, PersonName};
use crate::api::{AppConnector, Employee, RoleTemplate};

/// Names, mail addresses and user names become words that are the same for the same person and nobody else.
pub(super) fn employee(employee: &mut Employee, salt: &str) {
    metadata(&mut employee.metadata);
    let spec = &mut employee.spec;
    let word = |what: &str, of: &str| -> String {
        let hash = Sha256::digest(format!("{salt}\n{of}"));
        let short: String = format!("{hash:x}").chars().take(10).collect();
        format!("{what}-{short}")
    };
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

/// Who holds what nobody declared is named by user names.
pub(super) fn template(template: &mut RoleTemplate) {
    metadata(&mut template.metadata);
    if let Some(status) = &mut template.status {
        status.conditions.clear();
        status.orphaned_credentials.clear();
    }
}

/// Accounts that nobody declared are named by user names.
pub(super) fn connector(connector: &mut AppConnector) {
    metadata(&mut connector.metadata);
    if let Some(status) = &mut connector.status {
        status.orphaned_accounts.clear();
        for condition in &mut status.conditions {
            condition.message = String::new();
        }
    }
}

/// What tools write beside an object, such as the whole of it once more.
fn metadata(metadata: &mut kube::core::ObjectMeta) {
    metadata.managed_fields = None;
    metadata.owner_references = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.retain(|name, _| name.starts_with("rollcall.dev/"));
    }
    if let Some(labels) = &mut metadata.labels {
        labels.clear();
    }
}
