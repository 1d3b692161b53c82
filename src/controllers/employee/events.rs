//! What a person should notice of an Employee. Told when it begins, not each time it is seen.

use std::sync::Arc;

use crate::api::conditions;
use crate::api::employee::{AccountState, AccountStatus, EmployeeStatus, OrphanedCredential};
use crate::controllers::employee::status::LEAVER_HELD;
use crate::controllers::notice::{self, of};
use crate::controllers::world::Meta;
use crate::domain::ids::EmployeeName;
use crate::plan::HOLD_EXPIRED;
use crate::runtime::events::Notice;

/// What is new in a status.
#[must_use]
pub fn notices(
    namespace: &Arc<str>,
    name: &EmployeeName,
    meta: &Meta,
    before: &EmployeeStatus,
    after: &EmployeeStatus,
) -> Vec<Notice> {
    let object = || of("Employee", namespace, name.as_str(), meta);
    let mut out = Vec::new();
    if let Some(message) = notice::began(&before.conditions, &after.conditions, conditions::STALLED)
    {
        out.push(notice::warning(object(), "Stalled", "Check", message));
    }
    let orphans = notice::appeared(
        &before.orphaned_credentials,
        &after.orphaned_credentials,
        |a, b| (&a.connector, &a.kind, &a.name) == (&b.connector, &b.kind, &b.name),
        OrphanedCredential::told,
    );
    if let Some(told) = orphans {
        let message = format!("active without a grant: {told}");
        out.push(notice::warning(
            object(),
            "OrphanedCredentials",
            "Compare",
            message,
        ));
    }
    if let Some(message) = notice::began(
        &before.conditions,
        &after.conditions,
        conditions::LIKELY_REHIRE,
    ) {
        out.push(notice::warning(
            object(),
            "LikelyRehire",
            "Compare",
            message,
        ));
    }
    // Of each role that ends, though others were told of before.
    if let Some(message) = notice::said_anew(
        &before.conditions,
        &after.conditions,
        conditions::ROLES_ENDING,
    ) {
        out.push(notice::warning(object(), "RolesEnding", "Check", message));
    }
    if let Some(message) = notice::began(
        &before.conditions,
        &after.conditions,
        conditions::ACCESS_REVOKED,
    ) {
        out.push(notice::normal(
            object(),
            "AccessRevoked",
            "Disable",
            message,
        ));
    }
    for account in &after.accounts {
        let was = before
            .accounts
            .iter()
            .find(|a| a.connector == account.connector);
        let new = |state| account.state == state && was.is_none_or(|w| w.state != state);
        let message = || {
            format!(
                "{}: {}",
                account.connector,
                account.message.clone().unwrap_or_default()
            )
        };
        if new(AccountState::Failed) {
            out.push(notice::warning(
                object(),
                "AccountFailed",
                "Provision",
                message(),
            ));
        }
        let expired = |a: &AccountStatus| a.reason.as_deref() == Some(HOLD_EXPIRED);
        if expired(account) && !was.is_some_and(expired) {
            out.push(notice::warning(
                object(),
                HOLD_EXPIRED,
                "Provision",
                message(),
            ));
        }
        let held = |a: &AccountStatus| a.reason.as_deref() == Some(LEAVER_HELD);
        if held(account) && !was.is_some_and(held) {
            out.push(notice::warning(object(), LEAVER_HELD, "Disable", message()));
        }
        if new(AccountState::Conflict) {
            out.push(notice::warning(
                object(),
                "AccountConflict",
                "Match",
                message(),
            ));
        }
    }
    out
}
