//! From what is due with accounts that are nobody's to what the guard is asked, and from what came of an order to what
//! is known. The operator and `rollcall plan` take the same.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::connectors::{ConnectorError, ErrorKind};
use crate::controllers::app_connector::orphans;
use crate::controllers::employee::outcome;
use crate::controllers::world::{ConnectorEntry, OrphanMatter, Realm};
use crate::dispatch::order::{Effect, Outcome};
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::ids::{AccountId, ConnectorName, EmployeeId};
use crate::domain::orphans::{Kind, counted_as};
use crate::plan::guard::{Asked, Taking};
use crate::plan::orphans::{Deed, taking};

/// Asks the guard about all accounts of a connector that are nobody's, as a whole. Tells what it answered.
pub fn ask(realm: &mut Realm, name: &ConnectorName, now: Timestamp) -> Vec<Asked> {
    orphans::recall(realm, name, now);
    let Some(entry) = realm.connectors.get(name) else {
        return Vec::new();
    };
    let due = orphans::due(realm, name, entry, now);
    let asked_for: BTreeSet<EmployeeId> = due.iter().map(|m| counted(name, m)).collect();
    let (later, never) = orphans::not_due(realm, name, entry, &asked_for, now);
    let Some(entry) = realm.connectors.get_mut(name) else {
        return Vec::new();
    };
    let mut asked = take_up(name, entry, due);
    // Nothing is asked about those of whom something may be due later: they are held again then.
    asked.retain(|counted, taking| taking.is_some() || !later.contains(counted));
    asked.extend(never.into_iter().map(|counted| (counted, None)));
    let mut answers = Vec::new();
    for counted in &later {
        let held_changed = entry.gate.set_aside(counted);
        answers.push(Asked {
            undecided: false,
            held_changed,
        });
    }
    for (counted, taking) in asked {
        answers.push(entry.gate.ask(&counted, taking, now));
    }
    answers
}

/// Who was held before the start and has neither an object nor an account that is nobody's is held no more. What
/// such accounts there are is known once they were listed. Tells whether there were any.
pub fn forget_unknown(realm: &mut Realm, name: &ConnectorName, now: Timestamp) -> bool {
    let Some(entry) = realm.connectors.get(name) else {
        return false;
    };
    if !entry.gate.remembers_held() || !entry.inventory.is_readable() {
        return false;
    }
    let orphans = orphans::counted(realm, name, entry, now);
    let Realm {
        by_id, connectors, ..
    } = realm;
    let Some(entry) = connectors.get_mut(name) else {
        return false;
    };
    let known = by_id.keys().chain(&orphans);
    if entry.inventory.accounts_completeness().is_complete() {
        entry.gate.recall_only(known)
    } else {
        entry.gate.put_off_others(known)
    }
}

fn counted(name: &ConnectorName, matter: &OrphanMatter) -> EmployeeId {
    counted_as(&matter.kind, name.as_str(), &matter.account)
}

/// Takes up what is due, and lets go what is not. Tells what is to be asked about both.
fn take_up(
    name: &ConnectorName,
    entry: &mut ConnectorEntry,
    due: Vec<OrphanMatter>,
) -> BTreeMap<EmployeeId, Option<Taking>> {
    let before = entry.orphan_work.matters.values();
    let mut asked: BTreeMap<EmployeeId, Option<Taking>> =
        before.map(|matter| (counted(name, matter), None)).collect();
    let same = |known: &OrphanMatter, due: &OrphanMatter| {
        (known.deed, &known.kind, &known.username) == (due.deed, &due.kind, &due.username)
    };
    let due: BTreeMap<AccountId, OrphanMatter> = due
        .into_iter()
        .map(|matter| (matter.account.clone(), matter))
        .collect();
    let known: Vec<AccountId> = entry.orphan_work.matters.keys().cloned().collect();
    for id in known {
        let matter = entry.orphan_work.matters.get(&id).zip(due.get(&id));
        if !matter.is_some_and(|(known, due)| same(known, due)) {
            withdraw(entry, &id);
            entry.orphan_work.matters.remove(&id);
        }
    }
    let mut takings: BTreeMap<EmployeeId, (Kind, BTreeSet<Deed>, bool)> = BTreeMap::new();
    for (id, matter) in due {
        let held = entry.inventory.held(&id).into_iter().flatten();
        let compiled = entry.compiled.as_ref();
        let privileged =
            compiled.is_some_and(|c| held.into_iter().any(|n| c.privileged.covers(n.as_str())));
        let of = takings
            .entry(counted(name, &matter))
            .or_insert_with(|| (matter.kind.clone(), BTreeSet::new(), false));
        of.1.insert(matter.deed);
        of.2 |= privileged;
        entry.orphan_work.matters.entry(id).or_insert(matter);
    }
    for (counted, (kind, deeds, privileged)) in takings {
        asked.insert(counted, Some(taking(&kind, &deeds, privileged)));
    }
    asked
}

/// Takes back what was ordered with an account, as far as it was not sent.
pub fn withdraw(entry: &mut ConnectorEntry, id: &AccountId) {
    let Some(matter) = entry.orphan_work.matters.get_mut(id) else {
        return;
    };
    let employee = matter.ordered_for();
    let ordered = matter.submitted.take();
    matter.read_at = None;
    if ordered.is_some()
        && let Some(running) = &entry.running
    {
        running.handle.withdraw(&employee);
    }
}

/// The accounts of an id are seen to be nobody's, if they are, from now on.
pub fn begin_anew(entry: &mut ConnectorEntry, id: &EmployeeId) {
    let accounts = entry.inventory.by_mark(id).into_iter();
    let accounts: Vec<AccountId> = accounts.map(|account| account.id.clone()).collect();
    for account in accounts {
        entry.orphans.forget(&account);
        entry.orphan_work.kept.remove(&account);
    }
}

/// Lays in what came of an order. The jitter, between 0 and 1, spreads the next attempts of what failed.
pub fn take(
    entry: &mut ConnectorEntry,
    id: &AccountId,
    outcome: Outcome,
    now: Timestamp,
    jitter: f64,
) {
    let ConnectorEntry {
        inventory,
        orphan_work,
        ..
    } = entry;
    let Some(matter) = orphan_work.matters.get_mut(id) else {
        return;
    };
    let Outcome { order, result, .. } = outcome;
    matter.submitted = None;
    let was_read = matter.read_at.take();
    let attempts = matter
        .failure
        .as_ref()
        .map_or(0, |failure| failure.attempts);
    match result {
        Ok(Effect::Read(accounts)) => match accounts.into_iter().find(|one| one.id == *id) {
            None => inventory.saw_absent(id),
            Some(account) => {
                let ignored =
                    std::mem::take(&mut matter.accepted) && account.activity != Activity::Disabled;
                if ignored {
                    let error = not_done(&account);
                    matter.failure = Some(outcome::failure(&error, attempts, now, jitter));
                } else {
                    matter.read_at = Some(now);
                }
                inventory.saw(account, true);
            }
        },
        Ok(Effect::ActivitySet(shown)) => {
            matter.accepted = true;
            match shown {
                Some(account) if account.activity == Activity::Disabled => {
                    inventory.answered(account);
                }
                // The direct read that follows tells.
                _ => inventory.wrote_activity(id, Activity::Disabled),
            }
        }
        Ok(Effect::Deleted) => inventory.saw_absent(id),
        // An effect of another kind than the order's says nothing that can be used.
        Ok(_) => matter.read_at = was_read,
        Err(error) => {
            if order.operation.is_write() {
                inventory.doubt(&order.employee);
            }
            matter.failure = Some(outcome::failure(&error, attempts, now, jitter));
        }
    }
}

fn not_done(account: &ObservedAccount) -> ConnectorError {
    let message = format!(
        "the application accepted to disable {} but still does not show it as disabled: disable it by hand and look into the application",
        account.username
    );
    ConnectorError::new(ErrorKind::Ignored, message)
}
