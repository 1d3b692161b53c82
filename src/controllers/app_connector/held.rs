//! What is held until somebody approves it, as a status tells it: how many, who, why, and the way to approve
//! exactly that.

use std::collections::BTreeMap;

use crate::api::APPROVED_REMOVALS_ANNOTATION;
use crate::api::app_connector::{HeldCause, HeldStatus};
use crate::api::conditions::{self, Wanted};
use crate::controllers::app_connector::orphans;
use crate::controllers::text;
use crate::controllers::world::{ConnectorEntry, Realm};
use crate::domain::ids::{ConnectorName, EmployeeId};
use crate::plan::guard::{Cause, Excess, Limit, Loss};

/// Reason of what waits for an approval, on the connector and on each person.
pub const HELD: &str = "DeprovisioningHeld";
/// Reason where an approval is there and names other removals than those that are held.
const LAPSED: &str = "ApprovalLapsed";

/// Causes that a status names, at most.
const MOST_CAUSES: usize = 16;
/// People that a status names, at most.
const MOST_PEOPLE: usize = 100;

/// What is held, one entry a cause; nothing where nothing is.
#[must_use]
pub fn status(realm: &Realm, name: &ConnectorName, entry: &ConnectorEntry) -> Vec<HeldStatus> {
    let causes = Cause::ALL.into_iter();
    causes
        .filter_map(|cause| of_cause(realm, name, entry, cause))
        .collect()
}

fn of_cause(
    realm: &Realm,
    name: &ConnectorName,
    entry: &ConnectorEntry,
    cause: Cause,
) -> Option<HeldStatus> {
    let gate = &entry.gate;
    let mut out = HeldStatus {
        cause: cause.word().to_owned(),
        digest: gate.digest(cause)?,
        ..HeldStatus::default()
    };
    let mut causes: BTreeMap<&str, i64> = BTreeMap::new();
    for (employee, taking) in gate.held(cause) {
        out.people += 1;
        out.privileged += i64::from(taking.privileged);
        *causes.entry(&taking.why).or_default() += 1;
        for loss in &taking.losses {
            match loss {
                Loss::Use => out.disable += 1,
                Loss::Entitlement(_) => out.remove_entitlements += 1,
                Loss::Credentials(_) => out.revoke += 1,
                Loss::Name => out.rename += 1,
                Loss::Account => out.delete += 1,
            }
        }
        if out.employees.len() < MOST_PEOPLE {
            out.employees.push(called(realm, name, entry, employee));
        }
    }
    let mut causes: Vec<HeldCause> = causes
        .into_iter()
        .map(|(why, people)| HeldCause {
            why: why.to_owned(),
            people,
        })
        .collect();
    causes.sort_by(|a, b| (b.people, &a.why).cmp(&(a.people, &b.why)));
    causes.truncate(MOST_CAUSES);
    out.causes = causes;
    Some(out)
}

/// Name of the Employee; of an account that is nobody's, its user name.
fn called(
    realm: &Realm,
    name: &ConnectorName,
    entry: &ConnectorEntry,
    employee: &EmployeeId,
) -> String {
    let object = realm.owner(employee).map(ToString::to_string);
    let found = object.or_else(|| orphans::called(name, entry, employee));
    found.unwrap_or_else(|| employee.to_string())
}

/// The condition that tells of it, with the way to approve it.
#[must_use]
pub fn condition(
    realm: &Realm,
    name: &ConnectorName,
    entry: &ConnectorEntry,
    held: &[HeldStatus],
) -> Option<Wanted> {
    if held.is_empty() {
        return None;
    }
    let given = entry.meta.approved.as_ref();
    let used = entry.approved_last.as_ref().map(|(approval, ..)| approval);
    let lapsed = given.filter(|given| Some(&given.digest) != used.map(|used| &used.digest));
    let lapsed = lapsed.map(|given| {
        let digest = text::shortened(&given.digest, 20);
        format!("The approval of {digest} is not of this: it has changed since. ")
    });
    let reason = if lapsed.is_some() {
        LAPSED
    } else {
        "WaitsForApproval"
    };
    let each = held.iter().map(|held| {
        let causes = held.causes.iter();
        let causes = causes.map(|cause| format!("{} ({})", cause.why, cause.people));
        let cause = Cause::named(&held.cause);
        let excess = cause.and_then(|cause| entry.gate.excess(cause));
        let employees = usize::try_from(held.people).unwrap_or(usize::MAX);
        // Each has a way to approve it, and none is cut off by those before.
        text::bounded(&format!(
            "{}. Take the mistake back, or approve exactly this: kubectl annotate --overwrite -n {} appconnector {name} {APPROVED_REMOVALS_ANNOTATION}={}. Who: {}. Why: {}",
            how_many(held, excess),
            realm.namespace,
            held.digest,
            text::first_of(&held.employees, employees),
            text::listed(causes),
        ))
    });
    let each: Vec<String> = each.collect();
    let message = format!("{}{}", lapsed.unwrap_or_default(), each.join(". And: "));
    Some(Wanted::new(
        conditions::DEPROVISIONING_HELD,
        true,
        reason,
        message,
    ))
}

fn how_many(held: &HeldStatus, excess: Option<&Excess>) -> String {
    let people = match held.people {
        1 => "1 person would lose".to_owned(),
        n => format!("{n} people would lose"),
    };
    let what = [
        (held.disable, "the use of an account", "accounts to use"),
        (held.remove_entitlements, "an entitlement", "entitlements"),
        (held.revoke, "a kind of credentials", "kinds of credentials"),
        (held.rename, "a user name", "user names"),
        (held.delete, "an account for good", "accounts for good"),
    ];
    let what = what.into_iter().filter(|(n, ..)| *n > 0);
    let what = what.map(|(n, one, many)| match n {
        1 => one.to_owned(),
        n => format!("{n} {many}"),
    });
    let what = what.collect::<Vec<_>>().join(", ");
    let limit = excess.map(|excess| format!(": {}", how_many_may(excess)));
    format!("{people} {what}{}", limit.unwrap_or_default())
}

/// The limit that would be passed, in words.
#[must_use]
pub fn how_many_may(excess: &Excess) -> String {
    let of = match excess.limit {
        Limit::Connector => format!("of {} accounts within spec.guard.window", excess.of),
        Limit::Privileged => "for privileged entitlements within spec.guard.window".to_owned(),
        Limit::Overall => format!("of {} people by the operator's own limit", excess.of),
    };
    format!("{} may {of}", excess.allowed)
}

/// In words, of one person.
#[must_use]
pub fn told_of_person(name: &ConnectorName) -> String {
    format!(
        "more would be taken away in {name} at once than spec.guard of that AppConnector allows: it waits until somebody approves it there (see its condition {HELD}), or takes it back"
    )
}
