//! Accounts that nobody declared: which they are, what is due with them, and what a status tells of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::Timestamp;

use crate::api::app_connector::{ExpiredException, OrphanedAccount, SparedAccount};
use crate::controllers::app_connector::orphan_claims::{self, Claims};
use crate::controllers::app_connector::orphan_status::{expired, tell, tell_spared};
use crate::controllers::app_connector::status::told_before;
use crate::controllers::first_seen::FirstSeen;
use crate::controllers::pause::Pause;
use crate::controllers::world::{ConnectorEntry, OrphanMatter, Realm};
use crate::domain::account::ObservedAccount;
use crate::domain::ids::{AccountId, ConnectorName, EmployeeId};
use crate::domain::offboarding::Kept;
use crate::domain::orphans::{Consequence, Kind, OrphanPolicy, counted_as, kind_of};
use crate::domain::patterns::Patterns;
use crate::plan::Operation;
use crate::plan::orphans::{
    Certain, Deed, Grounds, Obstacle, Orphan, Sighting, Stand, TOGETHER, decide, is_still,
};

/// Orphans listed, at most; all are counted.
const LIST_CAP: usize = 100;

/// Accounts listed that manifests leave in peace, at most; all are counted.
const SPARED_CAP: usize = 100;

/// User names that are never orphans: those that are to be ignored, and those that no plan may change.
#[must_use]
pub fn ignored(entry: &ConnectorEntry, now: Timestamp) -> Patterns {
    let Some(spec) = entry.compiled.as_ref().map(|compiled| &compiled.spec) else {
        return Patterns::default();
    };
    let own = spec.own_account.as_deref();
    spec.orphans.spared(&spec.protected_accounts, own, now)
}

/// What a status tells of orphans.
#[derive(Debug, Default)]
pub struct Orphans {
    /// How many there are.
    pub total: i64,
    /// The first of them: those with which something is to be done, since when they are seen; then by user name.
    pub listed: Vec<OrphanedAccount>,
    /// How many would be orphans if manifests did not name them, where that is known.
    pub spared: Option<i64>,
    /// The first of those, by user name.
    pub spared_listed: Vec<SparedAccount>,
    /// Exceptions that count no more.
    pub expired: Vec<ExpiredException>,
    /// How many would be disabled now, and how many deleted, if it was not for a pause or a dry run.
    pub would: (i64, i64),
}

/// A look at all of them.
#[derive(Debug, Default)]
pub struct Look {
    /// What a status tells.
    pub orphans: Orphans,
    /// Since when each is seen.
    pub first_seen: FirstSeen<AccountId>,
    /// Since when some are kept, disabled.
    pub kept: BTreeMap<AccountId, Kept>,
    /// User names of those that were not there before.
    pub new: Vec<String>,
    /// When the passing of time alone changes something.
    pub next: Option<Timestamp>,
}

/// Accounts that nobody declared, never ours or ours until their Employee was deleted. Where nothing could be read yet,
/// what was told before stands.
#[must_use]
pub fn look(realm: &Realm, name: &ConnectorName, entry: &ConnectorEntry, now: Timestamp) -> Look {
    let mut out = Look {
        first_seen: entry.orphans.clone(),
        ..Look::default()
    };
    out.orphans.expired = expired(entry, now);
    if !entry.inventory.is_readable() {
        let told = told_before(entry);
        let told = told.unwrap_or_default();
        out.orphans.total = told.orphans;
        out.orphans.listed = told.orphaned_accounts;
        out.orphans.spared = told.spared;
        out.orphans.spared_listed = told.spared_accounts;
        out.kept = entry.orphan_work.kept.clone();
        return out;
    }
    let mut found = survey(realm, name, entry, now);
    let ids = found.iter().map(|orphan| orphan.account.id.clone());
    let new: BTreeSet<AccountId> = out.first_seen.see(ids, now).into_iter().collect();
    found.sort_by_key(|orphan| {
        let later = !matches!(orphan.stand, Stand::Waits(..) | Stand::Due(_));
        let since = (!later).then_some(orphan.since);
        let account = orphan.account;
        (later, since, &account.username, &account.id)
    });
    let fresh = found.iter().filter(|o| new.contains(&o.account.id));
    out.new = fresh.map(|o| o.account.username.to_string()).collect();
    let kept = found.iter();
    out.kept = kept
        .filter_map(|orphan| Some((orphan.account.id.clone(), orphan.kept?)))
        .collect();
    out.next = found
        .iter()
        .filter_map(|orphan| match orphan.stand {
            Stand::Waits(_, at) => Some(at),
            _ => None,
        })
        .chain(retries(entry))
        .filter(|at| *at > now)
        .min();
    if !is_enforced(realm, entry) {
        let count = |deed| found.iter().filter(|o| o.stand == Stand::Due(deed)).count();
        let count = |deed| i64::try_from(count(deed)).unwrap_or(i64::MAX);
        out.orphans.would = (count(Deed::Disable), count(Deed::Delete));
    }
    out.orphans.total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let listed = found.iter().take(LIST_CAP);
    out.orphans.listed = listed
        .map(|orphan| tell(realm, name, entry, orphan, now))
        .collect();
    let mut spared = spared(realm, name, entry, now);
    spared.sort_by_key(|(account, _)| (&account.username, &account.id));
    out.orphans.spared = i64::try_from(spared.len()).ok();
    let listed = spared.iter().take(SPARED_CAP);
    out.orphans.spared_listed = listed.map(|(one, kind)| tell_spared(one, kind)).collect();
    out
}

/// Accounts that would be orphans if it was not for what manifests name; not the one that the connector signs in as.
fn spared<'a>(
    realm: &Realm,
    name: &ConnectorName,
    entry: &'a ConnectorEntry,
    now: Timestamp,
) -> Vec<(&'a ObservedAccount, Kind)> {
    let own = entry.compiled.as_ref();
    let own = own.and_then(|compiled| compiled.spec.own_account.as_deref());
    let own = Patterns::new([], own);
    let nobody = Patterns::default();
    with_grounds(realm, name, entry, now, |grounds| {
        let one = |account: &'a ObservedAccount| {
            let kind = kind_of(account, grounds.scope, &nobody, grounds.has_owner)?;
            let name = account.username.as_str();
            let named = grounds.spared.covers(name) && !own.covers(name);
            named.then_some((account, kind))
        };
        entry.inventory.accounts().filter_map(one).collect()
    })
}

fn retries(entry: &ConnectorEntry) -> impl Iterator<Item = Timestamp> {
    let matters = entry.orphan_work.matters.values();
    matters.filter_map(|matter| matter.failure.as_ref().map(|failure| failure.retry_at))
}

/// Whether anything is written there now.
#[must_use]
pub fn is_enforced(realm: &Realm, entry: &ConnectorEntry) -> bool {
    let dry_run = entry.compiled.as_ref().is_none_or(|c| c.spec.dry_run);
    !dry_run && Pause::of_connector(realm, entry).is_none()
}

/// Whether something may be done with any of them: the connector is sound, and leads where it led.
fn is_certain(entry: &ConnectorEntry) -> bool {
    let sound = entry.compiled.as_ref().is_some_and(|c| c.faults.is_empty());
    sound && entry.home.moved().is_none() && entry.mark_dropped.is_none()
}

/// Calls something with what decides about all of them.
fn with_grounds<T>(
    realm: &Realm,
    name: &ConnectorName,
    entry: &ConnectorEntry,
    now: Timestamp,
    call: impl FnOnce(&Grounds<'_>) -> T,
) -> T {
    static REPORT: LazyLock<OrphanPolicy> = LazyLock::new(OrphanPolicy::default);
    let spared = ignored(entry, now);
    let has_owner = |who: &EmployeeId| realm.by_id.get(who).is_some_and(|o| !o.is_empty());
    let compiled = entry.compiled.as_ref();
    let policy = compiled.map_or(&*REPORT, |compiled| &compiled.spec.orphans);
    call(&Grounds {
        policy,
        scope: entry.inventory.scope(),
        spared: &spared,
        has_owner: &has_owner,
        certain: match () {
            // One whose employeeId can't be read may be anybody's.
            () if !is_certain(entry) || realm.by_id.contains_key("") => Certain::OfNone,
            // Where nothing is done with others, nobody asks.
            () if policy.undeclared_too && orphan_claims::doubt(realm, name, entry).is_some() => {
                Certain::OfMarked
            }
            () => Certain::OfAll,
        },
        complete: entry.inventory.accounts_completeness().is_complete()
            && entry.listing_failed.is_none(),
        able: entry.able.as_ref(),
        enforced: is_enforced(realm, entry),
        now,
    })
}

/// Every account that is nobody's, and where it stands.
#[must_use]
pub fn survey<'a>(
    realm: &Realm,
    name: &ConnectorName,
    entry: &'a ConnectorEntry,
    now: Timestamp,
) -> Vec<Orphan<'a>> {
    with_grounds(realm, name, entry, now, |grounds| {
        let acts = grounds.policy.consequence != Consequence::Report;
        let asks = acts && grounds.policy.undeclared_too;
        let claims = asks.then(|| Claims::of(realm, name, entry));
        let seen = entry.inventory.accounts().map(|account| Sighting {
            account,
            since: entry.orphans.since(&account.id),
            claimed: claims.as_ref().is_some_and(|claims| claims.cover(account)),
            kept: entry.orphan_work.kept.get(&account.id).copied(),
        });
        decide(grounds, seen)
    })
}

/// Those with which something is to be done now.
#[must_use]
pub fn due(
    realm: &Realm,
    name: &ConnectorName,
    entry: &ConnectorEntry,
    now: Timestamp,
) -> Vec<OrphanMatter> {
    let acts = entry.compiled.as_ref().is_some_and(|compiled| {
        let policy = &compiled.spec.orphans;
        policy.consequence != Consequence::Report
    });
    if !acts || !entry.inventory.is_readable() || !is_enforced(realm, entry) {
        return Vec::new();
    }
    let due = survey(realm, name, entry, now).into_iter();
    due.filter_map(|orphan| {
        let known = entry.orphan_work.matters.get(&orphan.account.id);
        let deed = match orphan.stand {
            Stand::Due(deed) => deed,
            // The direct read that proves it is still to come.
            _ if known.is_some_and(|matter| matter.accepted) => Deed::Disable,
            _ => return None,
        };
        Some(OrphanMatter {
            account: orphan.account.id.clone(),
            username: orphan.account.username.clone(),
            kind: orphan.kind,
            since: orphan.since,
            deed,
            submitted: None,
            read_at: None,
            accepted: false,
            failure: None,
        })
    })
    .collect()
}

/// Those that the guard remembers from before the start, and of which it is not known any more since when they are there:
/// a status lists only some. What was held or let through was due: their time was over.
pub fn recall(realm: &mut Realm, name: &ConnectorName, now: Timestamp) {
    let Some(entry) = realm.connectors.get(name) else {
        return;
    };
    let Some(compiled) = &entry.compiled else {
        return;
    };
    let gate = &entry.gate;
    let remembers = gate.remembers_held() || !gate.releases().is_empty();
    if !remembers || !entry.inventory.is_readable() || entry.home.moved().is_some() {
        return;
    }
    // Those that are due within an hour are not waited for.
    let over = compiled.spec.orphans.after.saturating_add(TOGETHER);
    let since = now.saturating_sub(over).unwrap_or(Timestamp::MIN);
    let unknown = |orphan: &Orphan<'_>| entry.orphans.since(&orphan.account.id).is_none();
    let all = survey(realm, name, entry, now).into_iter();
    let unknown = all.filter(unknown);
    let recalled: Vec<AccountId> = unknown
        .filter(|orphan| gate.remembers(&guarded_as(name, orphan)))
        .map(|orphan| orphan.account.id.clone())
        .collect();
    if let Some(entry) = realm.connectors.get_mut(name) {
        for id in recalled {
            entry.orphans.recall(id, since);
        }
    }
}

fn guarded_as(name: &ConnectorName, orphan: &Orphan<'_>) -> EmployeeId {
    counted_as(&orphan.kind, name.as_str(), &orphan.account.id)
}

/// By what the guard counts every account that is nobody's.
#[must_use]
pub fn counted(
    realm: &Realm,
    name: &ConnectorName,
    entry: &ConnectorEntry,
    now: Timestamp,
) -> BTreeSet<EmployeeId> {
    let all = survey(realm, name, entry, now).into_iter();
    all.map(|orphan| guarded_as(name, &orphan)).collect()
}

/// Of those that were held before the start and with which nothing is due now: those with which something may be due
/// later, and those with which nothing is to be done any more.
#[must_use]
pub fn not_due(
    realm: &Realm,
    name: &ConnectorName,
    entry: &ConnectorEntry,
    due: &BTreeSet<EmployeeId>,
    now: Timestamp,
) -> (BTreeSet<EmployeeId>, BTreeSet<EmployeeId>) {
    if !entry.inventory.is_readable() || !entry.gate.remembers_held() {
        return Default::default();
    }
    let all = survey(realm, name, entry, now).into_iter();
    let others = all
        .map(|orphan| (guarded_as(name, &orphan), orphan))
        .filter(|(counted, _)| entry.gate.was_held(counted) && !due.contains(counted));
    let (later, never): (Vec<_>, Vec<_>) = others.partition(|(_, orphan)| match orphan.stand {
        Stand::Waits(..) | Stand::Due(_) => true,
        Stand::Kept(why) => matches!(
            why,
            Obstacle::NotAsked
                | Obstacle::Incomplete
                | Obstacle::OwnersUnknown
                | Obstacle::ClaimsUnknown
        ),
        Stand::Reported | Stand::Shut => false,
    });
    let who = |orphans: Vec<(EmployeeId, Orphan<'_>)>| -> BTreeSet<EmployeeId> {
        orphans.into_iter().map(|(counted, _)| counted).collect()
    };
    let (later, mut never) = (who(later), who(never));
    never.retain(|counted| !later.contains(counted));
    (later, never)
}

/// The next operation on one with which something is to be done; nothing where something else comes first. What was
/// decided must still hold: it is looked at anew before each step.
#[must_use]
pub fn next(
    realm: &Realm,
    name: &ConnectorName,
    entry: &ConnectorEntry,
    matter: &OrphanMatter,
    now: Timestamp,
) -> Option<Operation> {
    let waits = |matter: &OrphanMatter| {
        let failure = matter.failure.as_ref();
        failure.is_some_and(|failure| failure.retry_at > now)
    };
    if matter.submitted.is_some() || waits(matter) || entry.unavailable.is_some() {
        return None;
    }
    let account = entry.inventory.by_id(&matter.account)?;
    let holds = with_grounds(realm, name, entry, now, |grounds| {
        let same = is_still(grounds, account, &matter.username, &matter.kind);
        let known = grounds.unknown(&matter.kind).is_none();
        same && grounds.complete && known && grounds.enforced
    });
    // Several may bear one mark: dispatch takes one order at a time for whom they were of.
    let others = match &matter.kind {
        Kind::Released(who) => entry.inventory.by_mark(who),
        Kind::Undeclared => Vec::new(),
    };
    let busy = others.iter().any(|other| {
        let other = entry.orphan_work.matters.get(&other.id);
        other.is_some_and(|other| other.submitted.is_some())
    });
    let stranger = matter.kind == Kind::Undeclared;
    if !holds || busy {
        return None;
    }
    let counted = counted_as(&matter.kind, name.as_str(), &matter.account);
    let write = matter.deed.operation(matter.account.clone());
    entry.gate.permit(&counted, write)?;
    // Last, as everybody is looked through for it.
    if stranger && Claims::of(realm, name, entry).cover(account) {
        return None;
    }
    matter.deed.next(account, matter.is_fresh(now))
}

/// Why something is done with it, for the audit.
#[must_use]
pub fn cause(name: &ConnectorName, entry: &ConnectorEntry, matter: &OrphanMatter) -> String {
    let why = match &matter.kind {
        Kind::Released(who) => format!("no Employee {who} since {}", matter.since),
        Kind::Undeclared => format!("declared by nobody, seen since {}", matter.since),
    };
    let cause = format!("AppConnector {name}: spec.orphans; {why}");
    let counted = counted_as(&matter.kind, name.as_str(), &matter.account);
    let write = matter.deed.operation(matter.account.clone());
    match entry.gate.approval_of(&counted, &write) {
        None => cause,
        Some(approval) => {
            let by = approval.by.as_deref().unwrap_or("somebody unrecorded");
            format!("{cause}; approved by {by} as {}", approval.digest)
        }
    }
}

/// User name of the account that the guard counts, where it is nobody's.
#[must_use]
pub fn called(
    name: &ConnectorName,
    entry: &ConnectorEntry,
    counted: &EmployeeId,
) -> Option<String> {
    let mut matters = entry.orphan_work.matters.values();
    let found = matters.find(|m| counted_as(&m.kind, name.as_str(), &m.account) == *counted);
    found.map(|matter| matter.username.to_string())
}
