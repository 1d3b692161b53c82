//! From what is due with accounts that are nobody's to what the guard is asked, and from what came of an order to what
//! is known. The operator and `rollcall plan` take the same.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::connectors::{ConnectorError, ErrorKind};
use crate::controllers::employee::outcome;
use crate::controllers::world::{ConnectorEntry, OrphanMatter};
use crate::dispatch::order::{Effect, Outcome};
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::ids::{AccountId, ConnectorName, EmployeeId};
use crate::domain::orphans::{Kind, counted_as};
use crate::plan::guard::{Asked, Taking};
use crate::plan::orphans::{Deed, taking};

/// Takes up what is due, lets go what is not, and asks the guard about both. Tells what it answered.
pub fn take_up(
    name: &ConnectorName,
    entry: &mut ConnectorEntry,
    due: Vec<OrphanMatter>,
    now: Timestamp,
) -> Vec<Asked> {
    let counted = |matter: &OrphanMatter| counted_as(&matter.kind, name.as_str(), &matter.account);
    let before: Vec<EmployeeId> = entry.orphan_work.matters.values().map(counted).collect();
    let mut asked: BTreeMap<EmployeeId, Option<Taking>> =
        before.into_iter().map(|counted| (counted, None)).collect();
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
            .entry(counted(&matter))
            .or_insert_with(|| (matter.kind.clone(), BTreeSet::new(), false));
        of.1.insert(matter.deed);
        of.2 |= privileged;
        entry.orphan_work.matters.entry(id).or_insert(matter);
    }
    for (counted, (kind, deeds, privileged)) in takings {
        asked.insert(counted, Some(taking(&kind, &deeds, privileged)));
    }
    let asked = asked.into_iter();
    asked
        .map(|(counted, taking)| entry.gate.ask(&counted, taking, now))
        .collect()
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
