//! What becomes of accounts that are nobody's: dealt with as the operator does, now and whenever a time is over.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::company::Company;
use super::effects;
use super::run::{Endings, ROUNDS, decide};
use super::told::When;
use crate::api::app_connector::OrphanedAccount;
use crate::controllers::app_connector::orphan_matters::{self, begin_anew, take};
use crate::controllers::app_connector::orphans;
use crate::controllers::rivals;
use crate::controllers::world::OrphanMatter;
use crate::dispatch::order::{Order, Outcome};
use crate::domain::guard::Limits;
use crate::domain::ids::{AccountId, ConnectorName, EmployeeName, Username};
use crate::domain::orphans::{Consequence, Kind, counted_as};
use crate::plan::Lane;
use crate::plan::guard::{Cause, Excess};
use crate::plan::orphans::{Deed, Stand};

/// Instants that are looked at, at most. Each disables or deletes what is due then, so this is far beyond what statuses
/// name.
const INSTANTS: usize = 1024;

/// Something that is done with an account of nobody.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) connector: ConnectorName,
    pub(super) account: AccountId,
    pub(super) username: Username,
    pub(super) kind: Kind,
    pub(super) deed: Deed,
    pub(super) when: When,
    /// Whether the guard would hold it then.
    pub(super) held: bool,
}

/// What would be held at an instant to come.
#[derive(Clone, Debug)]
pub(super) struct HeldThen {
    pub(super) connector: ConnectorName,
    pub(super) at: Timestamp,
    pub(super) accounts: usize,
    pub(super) excess: Excess,
}

/// What becomes of all of them.
#[derive(Debug, Default)]
pub(super) struct Fates {
    /// What is done, in this order.
    pub(super) steps: Vec<Step>,
    /// What would be held later.
    pub(super) held: Vec<HeldThen>,
    told: BTreeSet<(ConnectorName, AccountId, Deed)>,
}

impl Fates {
    /// What is held is told once, whatever becomes of it.
    fn tell(&mut self, step: Step) -> bool {
        let (connector, account) = (step.connector.clone(), step.account.clone());
        let new = self.told.insert((connector, account, step.deed));
        if new {
            self.steps.push(step);
        }
        new
    }
}

/// Connectors that say that something is done with them.
fn concerned(company: &Company) -> Vec<ConnectorName> {
    let entries = company.realm.connectors.iter();
    let acts = entries.filter(|(_, entry)| {
        let compiled = entry.compiled.as_ref();
        compiled.is_some_and(|c| c.spec.orphans.consequence != Consequence::Report)
    });
    acts.map(|(name, _)| name.clone()).collect()
}

/// Asks the guard about those with which something is due. Tells when something else is.
pub(super) fn ask(company: &mut Company, at: Timestamp) -> Option<Timestamp> {
    let mut next: Option<Timestamp> = None;
    for name in concerned(company) {
        let realm = &mut company.realm;
        let Some(entry) = realm.connectors.get(&name) else {
            continue;
        };
        let look = orphans::look(realm, &name, entry, at);
        let Some(entry) = realm.connectors.get_mut(&name) else {
            continue;
        };
        entry.orphans = look.first_seen;
        entry.orphan_work.kept = look.kept;
        orphan_matters::ask(realm, &name, at);
        next = next.into_iter().chain(look.next).min();
    }
    next
}

/// Carries out the next step with each that the guard lets through. Tells whether there was one.
pub(super) fn carry_out(
    company: &mut Company,
    fates: &mut Fates,
    now: Timestamp,
    at: Timestamp,
) -> bool {
    let mut moved = false;
    for name in concerned(company) {
        let Some(entry) = company.realm.connectors.get(&name) else {
            continue;
        };
        let all: Vec<AccountId> = entry.orphan_work.matters.keys().cloned().collect();
        for id in all {
            let realm = &mut company.realm;
            let Some(entry) = realm.connectors.get(&name) else {
                continue;
            };
            let Some(matter) = entry.orphan_work.matters.get(&id) else {
                continue;
            };
            let Some(operation) = orphans::next(realm, &name, entry, matter, at) else {
                continue;
            };
            moved = true;
            if operation.is_write() {
                fates.tell(step(&name, matter, when(now, at), false));
            }
            let employee = matter.ordered_for();
            let effect = effects::of(&operation, &employee, &entry.inventory);
            let order = Order {
                employee,
                lane: Lane::Drift,
                operation,
                revision: 0,
                cause: orphans::cause(&name, entry, matter),
                knows: 0,
            };
            let outcome = Outcome {
                order,
                result: Ok(effect),
                number: 1,
            };
            if let Some(entry) = realm.connectors.get_mut(&name) {
                take(entry, &id, outcome, at, 0.0);
            }
        }
    }
    moved
}

fn when(now: Timestamp, at: Timestamp) -> When {
    if at > now { When::At(at) } else { When::Now }
}

fn step(name: &ConnectorName, matter: &OrphanMatter, when: When, held: bool) -> Step {
    Step {
        connector: name.clone(),
        account: matter.account.clone(),
        username: matter.username.clone(),
        kind: matter.kind.clone(),
        deed: matter.deed,
        when,
        held,
    }
}

/// Notes what waits for an approval. Tells where, and of how many accounts, that begins at this instant.
pub(super) fn note_held(
    company: &Company,
    fates: &mut Fates,
    now: Timestamp,
    at: Timestamp,
) -> Vec<(ConnectorName, usize)> {
    let mut out = Vec::new();
    for (name, entry) in &company.realm.connectors {
        let mut new = 0;
        for matter in entry.orphan_work.matters.values() {
            let counted = counted_as(&matter.kind, name.as_str(), &matter.account);
            if entry.gate.holds(&counted) {
                let is_new = fates.tell(step(name, matter, when(now, at), true));
                new += usize::from(is_new);
            }
        }
        if new > 0 {
            out.push((name.clone(), new));
        }
    }
    out
}

/// Notes what is done once everybody who is deleted is gone, and whenever a time is over. Leaves the gates as they
/// were.
pub(super) fn later(
    company: &mut Company,
    fates: &mut Fates,
    endings: &Endings,
    limits: Limits,
    now: Timestamp,
) {
    let gates = company.gates();
    let gone = endings.iter().filter(|(_, ending)| ending.gone);
    for (name, _) in gone {
        let_go(company, name);
    }
    let mut at = now;
    for _ in 0..INSTANTS {
        let next = settle(company, fates, limits, now, at);
        if at == now {
            note_unwritten(company, fates, now);
            note_kept(company, now);
        }
        match next.filter(|next| *next > at) {
            Some(next) => at = next,
            None => break,
        }
    }
    company.restore(gates);
}

/// An object that is gone is nobody's owner any more.
fn let_go(company: &mut Company, name: &EmployeeName) {
    let realm = &mut company.realm;
    let Some(person) = realm.people.remove(name) else {
        return;
    };
    let id = person.employee_id.clone();
    company.gone.insert(name.clone(), person);
    if let Some(names) = realm.by_id.get_mut(&id) {
        names.remove(name);
    }
    rivals::changed(realm, &id);
    if realm.owner(&id).is_some() {
        return;
    }
    realm.by_id.remove(&id);
    for entry in realm.connectors.values_mut() {
        begin_anew(entry, &id);
    }
}

/// Does all that is due at an instant. Tells when something else is.
fn settle(
    company: &mut Company,
    fates: &mut Fates,
    limits: Limits,
    now: Timestamp,
    at: Timestamp,
) -> Option<Timestamp> {
    let mut next = None;
    for _ in 0..ROUNDS {
        next = ask(company, at);
        decide(company, limits, at);
        if !carry_out(company, fates, now, at) {
            break;
        }
    }
    for (connector, accounts) in note_held(company, fates, now, at) {
        let Some(entry) = company.realm.connectors.get(&connector) else {
            continue;
        };
        if let Some(excess) = entry.gate.excess(Cause::Change) {
            fates.held.push(HeldThen {
                at,
                accounts,
                excess: *excess,
                connector,
            });
        }
    }
    next
}

/// Notes what is due, or would be later, where nothing is written.
fn note_unwritten(company: &Company, fates: &mut Fates, now: Timestamp) {
    let realm = &company.realm;
    for name in concerned(company) {
        let Some(entry) = realm.connectors.get(&name) else {
            continue;
        };
        if orphans::is_enforced(realm, entry) {
            continue;
        }
        for orphan in orphans::survey(realm, &name, entry, now) {
            let (Stand::Due(deed) | Stand::Waits(deed, _)) = orphan.stand else {
                continue;
            };
            fates.tell(Step {
                connector: name.clone(),
                account: orphan.account.id.clone(),
                username: orphan.account.username.clone(),
                kind: orphan.kind,
                deed,
                when: When::Never,
                held: false,
            });
        }
    }
}

/// Notes why nothing is done with some of them, where the status does not say so already.
fn note_kept(company: &mut Company, now: Timestamp) {
    for name in concerned(company) {
        let realm = &company.realm;
        let Some(entry) = realm.connectors.get(&name) else {
            continue;
        };
        let told = entry.status.newest().orphaned_accounts;
        let is_told = |one: &OrphanedAccount| {
            let mut told = told.iter();
            told.any(|t| t.account_id == one.account_id && t.reason == one.reason)
        };
        let listed = orphans::look(realm, &name, entry, now).orphans.listed;
        let kept = listed
            .iter()
            .filter(|one| one.state.as_deref() == Some("Kept"));
        let mut why: BTreeMap<&str, usize> = BTreeMap::new();
        for message in kept
            .filter(|one| !is_told(one))
            .filter_map(|one| one.message.as_deref())
        {
            *why.entry(message).or_default() += 1;
        }
        company.notes.extend(why.into_iter().map(|(message, n)| {
            format!("accounts of {name} that are nobody's and stay as they are: {n}; {message}")
        }));
    }
}
