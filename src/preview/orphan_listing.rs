//! Accounts that are nobody's, as far as statuses tell; and what they do not tell.

use std::collections::{BTreeMap, BTreeSet};

use super::objects::Objects;
use super::pseudonyms::{Pseudonyms, is_wild};
use crate::api::AppConnector;
use crate::api::app_connector::{AppConnectorStatus, OrphanedAccount, SparedAccount};
use crate::controllers::text;
use crate::domain::account::{Activity, Attributes, ObservedAccount};
use crate::domain::ids::{AccountId, ConnectorName, EmployeeId, EntitlementName, Username};
use crate::domain::mark::Scope;
use crate::domain::orphans::{Consequence, Kind, OrphanPolicy};

/// Accounts that nobody declared, also those that manifests leave in peace.
pub(super) fn accounts(scope: &Scope, status: &AppConnectorStatus) -> Vec<ObservedAccount> {
    let told = status.orphaned_accounts.iter().map(Told::from);
    let told = told.chain(status.spared_accounts.iter().map(Told::from));
    told.enumerate()
        .map(|(n, told)| ObservedAccount {
            id: AccountId::new(told.id),
            username: Username::new(told.username),
            mark: told.is_released.then(|| {
                // No employeeId has a colon: whoever it was, it is nobody who is there.
                let unknown = || format!("unknown:{n}");
                let who = told.employee_id.map_or_else(unknown, str::to_owned);
                scope.mark(&EmployeeId::new(who)).as_str().to_owned()
            }),
            activity: match told.active {
                Some(true) => Activity::Active,
                Some(false) => Activity::Disabled,
                None => Activity::Unknown,
            },
            attributes: Attributes::new(),
            unfinished: false,
        })
        .collect()
}

/// What a status tells of one.
struct Told<'a> {
    id: &'a str,
    username: &'a str,
    is_released: bool,
    employee_id: Option<&'a str>,
    active: Option<bool>,
}

fn is_released(kind: &str) -> bool {
    kind != Kind::Undeclared.word()
}

impl<'a> From<&'a OrphanedAccount> for Told<'a> {
    fn from(told: &'a OrphanedAccount) -> Self {
        Self {
            id: &told.account_id,
            username: &told.username,
            is_released: is_released(&told.kind),
            employee_id: told.employee_id.as_deref(),
            active: told.active,
        }
    }
}

impl<'a> From<&'a SparedAccount> for Told<'a> {
    fn from(told: &'a SparedAccount) -> Self {
        Self {
            id: &told.account_id,
            username: &told.username,
            is_released: is_released(&told.kind),
            employee_id: told.employee_id.as_deref(),
            active: told.active,
        }
    }
}

/// What they hold of what role templates give.
pub(super) fn holdings<'a>(
    before: &'a Objects,
    name: &'a ConnectorName,
) -> impl Iterator<Item = (EntitlementName, AccountId)> + use<'a> {
    let statuses = before
        .roles
        .values()
        .filter_map(|role| role.status.as_ref());
    let rogue = statuses.flat_map(|status| &status.orphaned_credentials);
    let of_nobody = rogue.filter(|one| one.employee.is_none() && one.connector == name.as_str());
    of_nobody.map(|one| {
        let name = EntitlementName::new(&one.entitlement);
        (name, AccountId::new(&one.account_id))
    })
}

/// How patterns are written for which a redacted state has words.
pub(super) fn written(
    words: &Pseudonyms,
    object: Option<&AppConnector>,
) -> BTreeMap<String, String> {
    let patterns = object.into_iter().flat_map(patterns);
    patterns
        .map(|pattern| (words.pattern(pattern), pattern.to_owned()))
        .collect()
}

/// What is not known of the accounts of a connector that are nobody's, and matters where something is done with them.
/// With a redacted state there are words for patterns, and it is told how those are written that manifests name.
pub(super) fn notes(
    name: &ConnectorName,
    object: &AppConnector,
    before: Option<&AppConnector>,
    policy: &OrphanPolicy,
    written: Option<&BTreeMap<String, String>>,
) -> Vec<String> {
    let mut out = Vec::new();
    let Some(status) = &object.status else {
        return out;
    };
    if policy.consequence == Consequence::Report {
        return out;
    }
    let cut = |all: i64, listed: usize| usize::try_from(all).is_ok_and(|all| all > listed);
    let listed = status.orphaned_accounts.len();
    if cut(status.orphans, listed) {
        out.push(format!(
            "nobody declared {} accounts of {name}, and its status names {listed} of them: what becomes of the others is not known",
            status.orphans
        ));
    }
    let unknown = status.orphaned_accounts.iter();
    let unknown = unknown.filter(|o| is_released(&o.kind) && o.employee_id.is_none());
    let unknown = unknown.count();
    if unknown > 0 {
        out.push(format!(
            "the status of {name} does not tell yet whose {unknown} of the accounts were that nobody declares: whether an Employee of the manifests is their owner is not known"
        ));
    }
    let is = patterns(object);
    let was = before.map(patterns).unwrap_or_default();
    let gone: Vec<String> = was.difference(&is).map(ToString::to_string).collect();
    let spared = status.spared_accounts.len();
    match status.spared {
        _ if gone.is_empty() => {}
        None => out.push(format!(
            "which accounts of {name} were left in peace by {} is not known: the status does not tell yet",
            text::listed(gone)
        )),
        Some(all) if cut(all, spared) => out.push(format!(
            "{all} accounts of {name} were left in peace by what manifests name, and its status names {spared} of them: whether {} covered any of the others is not known",
            text::listed(gone)
        )),
        Some(_) => {}
    }
    let new = is.difference(&was);
    let new: Vec<String> = match written {
        Some(written) => {
            let shown = new.map(|word| written.get(*word).map_or(*word, String::as_str));
            // What is no pattern but a name is known by its word.
            let shown = shown.filter(|pattern| is_wild(pattern));
            shown.map(str::to_owned).collect()
        }
        None => Vec::new(),
    };
    if !new.is_empty() {
        out.push(format!(
            "whether {} covers accounts of {name} that nobody declared can't be told with a redacted file",
            text::listed(new)
        ));
    }
    out
}

/// Patterns of user names that are no orphans.
pub(super) fn patterns(object: &AppConnector) -> BTreeSet<&str> {
    let orphans = &object.spec.orphans;
    let exceptions = orphans.exceptions.iter().map(|one| &one.username);
    let all = orphans.ignore.iter().chain(exceptions);
    let all = all.chain(&object.spec.protected.accounts);
    all.map(String::as_str).collect()
}
