//! What one connector lets through, and what it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::super::operation::Operation;
use super::decide::Excess;
use super::key::{self, Item};
use super::ledger::{Approval, Ledger, Release};
use super::loss::{self, Cause, Loss, Taking};
use crate::domain::ids::{ConnectorName, EmployeeId};

/// Somebody who loses something that was not let through.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) taking: Taking,
    /// Whether it was decided that it waits.
    pub(super) held: bool,
}

/// What an earlier run left of a gate.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Who was let through.
    pub releases: Vec<Release>,
    /// Who was held, as numbers: it is so once they are asked for again.
    pub held: BTreeMap<Cause, BTreeSet<u64>>,
    /// How many waves were approved.
    pub approvals: u64,
}

/// What a connector lets through, and what it holds until somebody approves it.
#[derive(Clone, Debug)]
pub struct Gate {
    namespace: Arc<str>,
    connector: ConnectorName,
    /// Of the object: one that is made anew is approved anew.
    uid: Box<str>,
    pub(super) waiting: BTreeMap<EmployeeId, Waiting>,
    /// Who was held when the operator was started, and was not asked for since.
    pub(super) held_before: BTreeMap<Cause, BTreeSet<u64>>,
    /// Who was held and can't be asked for now, as nothing is written, or as it can't be told what they lose: they are held
    /// again once they are asked for. No approval is of them, and the others do not go without them as if they were fewer.
    pub(super) aside: BTreeMap<Cause, BTreeSet<u64>>,
    /// Who was let through and may not lose anything before that is remembered outside.
    pub(super) releasing: BTreeSet<EmployeeId>,
    /// Why what is held is held.
    pub(super) excess: BTreeMap<Cause, Excess>,
    pub(super) ledger: Ledger,
    /// How many waves were approved so far: an approval is good for one of them.
    pub(super) approvals: u64,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Something is to be decided.
    pub undecided: bool,
    /// What is held is something else than before.
    pub held_changed: bool,
}

impl Gate {
    /// A gate as an earlier run left it.
    #[must_use]
    pub fn restored(
        namespace: Arc<str>,
        connector: ConnectorName,
        uid: &str,
        restored: Restored,
    ) -> Self {
        Self {
            namespace,
            connector,
            uid: uid.into(),
            waiting: BTreeMap::new(),
            held_before: restored.held,
            aside: BTreeMap::new(),
            releasing: BTreeSet::new(),
            excess: BTreeMap::new(),
            ledger: Ledger::restored(restored.releases),
            approvals: restored.approvals,
        }
    }

    /// What somebody is to lose from now on; `None` where that is nothing. Of what was let through nothing
    /// is asked again.
    pub fn ask(&mut self, employee: &EmployeeId, taking: Option<Taking>, now: Timestamp) -> Asked {
        self.ask_before_proof(employee, taking, &[], now)
    }

    /// The same, where the application accepted to take these away and it is not proven yet: they are not done, and are not
    /// asked for again if they turn out not to be.
    pub fn ask_before_proof(
        &mut self,
        employee: &EmployeeId,
        taking: Option<Taking>,
        accepted: &[Loss],
        now: Timestamp,
    ) -> Asked {
        self.ledger.prune(now);
        let person = self.key(employee);
        if self.ledger.knows(person) {
            let losses = taking.iter().flat_map(|taking| &taking.losses);
            let losses = losses.chain(accepted);
            let wanted: BTreeSet<Item> = losses.map(|loss| key::item(person, loss)).collect();
            self.ledger.spend(person, |item| wanted.contains(&item));
        }
        let cause_before = self.held_cause(employee, person);
        let known = self.waiting.get(employee);
        let was_held = known.is_some_and(|w| w.held);
        let before = known.map(|w| w.taking.cause).or(cause_before);
        let asked = taking.and_then(|mut taking| {
            let passed = |loss: &Loss| self.ledger.has(key::item(person, loss));
            taking.losses.retain(|loss| !passed(loss));
            // Once access has ended little tells any more that it was announced.
            if before == Some(Cause::LastDay) && taking.cause == Cause::Termination {
                taking.cause = Cause::LastDay;
            }
            (!taking.losses.is_empty()).then_some(taking)
        });
        let aside = self.aside.values_mut();
        for held in self.held_before.values_mut().chain(aside) {
            held.remove(&person);
        }
        let Some(taking) = asked else {
            self.waiting.remove(employee);
            return Asked {
                undecided: false,
                held_changed: was_held || cause_before.is_some(),
            };
        };
        if known.is_some_and(|w| w.taking == taking) {
            return Asked {
                undecided: !was_held,
                held_changed: false,
            };
        }
        let stays = known.is_some_and(|w| w.held && w.taking.cause == taking.cause);
        let held = stays || cause_before == Some(taking.cause);
        self.waiting
            .insert(employee.clone(), Waiting { taking, held });
        Asked {
            undecided: !held,
            held_changed: was_held || held,
        }
    }

    /// Nothing is taken from somebody for now, as nothing is written: what is undecided or held is so no longer, until it is
    /// asked for again. What was let through stays. Tells whether something else is held than before.
    pub fn set_aside(&mut self, employee: &EmployeeId) -> bool {
        match self.waiting.remove(employee) {
            Some(waiting) if waiting.held => {
                let person = self.key(employee);
                let aside = self.aside.entry(waiting.taking.cause).or_default();
                aside.insert(person);
                true
            }
            Some(_) => false,
            None => self.put_off(employee),
        }
    }

    /// Somebody who was held before the start was looked at, and it can't be told now what they are to lose. Tells whether
    /// they were.
    pub fn put_off(&mut self, employee: &EmployeeId) -> bool {
        if !self.is_recalling() {
            return false;
        }
        let person = self.key(employee);
        let mut was_held = false;
        for (cause, held) in &mut self.held_before {
            if held.remove(&person) {
                self.aside.entry(*cause).or_default().insert(person);
                was_held = true;
            }
        }
        was_held
    }

    /// Of whoever was held before the start and is none of these it can't be told now what they are to lose. Tells whether
    /// there were any.
    pub fn put_off_others<'a>(&mut self, known: impl Iterator<Item = &'a EmployeeId>) -> bool {
        let known: BTreeSet<u64> = known.map(|employee| self.key(employee)).collect();
        let mut some = false;
        for (cause, held) in &mut self.held_before {
            let others: BTreeSet<u64> = held.difference(&known).copied().collect();
            held.retain(|person| known.contains(person));
            some |= !others.is_empty();
            self.aside.entry(*cause).or_default().extend(others);
        }
        some
    }

    fn remembered(&self) -> impl Iterator<Item = (&Cause, &BTreeSet<u64>)> {
        self.held_before.iter().chain(&self.aside)
    }

    fn remembered_mut(&mut self) -> impl Iterator<Item = &mut BTreeSet<u64>> {
        let aside = self.aside.values_mut();
        self.held_before.values_mut().chain(aside)
    }

    fn held_cause(&self, employee: &EmployeeId, person: u64) -> Option<Cause> {
        if self.waiting.contains_key(employee) {
            return None;
        }
        let mut held = self.remembered();
        held.find(|(_, who)| who.contains(&person))
            .map(|(cause, _)| *cause)
    }

    /// What of an operation may be done now: all of it, a part, or nothing.
    #[must_use]
    pub fn permit(&self, employee: &EmployeeId, operation: Operation) -> Option<Operation> {
        let person = || self.key(employee);
        match operation {
            Operation::RemoveEntitlements {
                id,
                mut entitlements,
            } => {
                let person = person();
                entitlements.retain(|name, _| self.lets(person, &Loss::Entitlement(name.clone())));
                let some = !entitlements.is_empty();
                some.then_some(Operation::RemoveEntitlements { id, entitlements })
            }
            // What else is changed does not wait for the name.
            Operation::Update {
                id,
                mut changes,
                gives_back: false,
            } if changes.username.is_some() => {
                if !self.lets(person(), &Loss::Name) {
                    changes.username = None;
                }
                (!changes.is_empty()).then_some(Operation::Update {
                    id,
                    changes,
                    gives_back: false,
                })
            }
            // It takes no access away, and comes with what does.
            Operation::TransferOwnership { .. } => {
                let waits = self.waiting.contains_key(employee) || self.is_unsaved(person());
                (!waits).then_some(operation)
            }
            operation => {
                let losses = loss::of(&operation);
                let person = if losses.is_empty() { 0 } else { person() };
                let all = losses.iter().all(|loss| self.lets(person, loss));
                all.then_some(operation)
            }
        }
    }

    /// Who approved that an operation is done, where that was needed.
    #[must_use]
    pub fn approval_of(&self, employee: &EmployeeId, operation: &Operation) -> Option<&Approval> {
        let losses = loss::of(operation);
        let mut losses = losses.iter();
        losses.find_map(|loss| {
            let item = key::item(self.key(employee), loss);
            self.ledger.approval_of(item)
        })
    }

    fn lets(&self, person: u64, loss: &Loss) -> bool {
        self.ledger.is_saved(key::item(person, loss))
    }

    fn is_unsaved(&self, person: u64) -> bool {
        key::some_of(self.ledger.unsaved(), person)
    }

    pub(super) fn key(&self, employee: &EmployeeId) -> u64 {
        key::person(&self.namespace, employee)
    }

    /// Names exactly what is held of a cause: who, what, and in which connector; and which approval of this connector
    /// it would be, so that one is never good for two waves. `None` where nothing is.
    #[must_use]
    pub fn digest(&self, cause: Cause) -> Option<String> {
        let mut hash = Sha256::new();
        hash.update(format!(
            "{}/{} {} {}\n",
            self.namespace, self.connector, self.uid, self.approvals
        ));
        let mut some = false;
        for (employee, taking) in self.held(cause) {
            some = true;
            for loss in &taking.losses {
                hash.update(format!("{} {employee} {loss}\n", cause.word()));
            }
        }
        // Who was held before the start and was not looked at since is part of it, whatever it is.
        let unseen = self
            .held_before
            .get(&cause)
            .is_some_and(|who| !who.is_empty());
        (some && !unseen).then(|| format!("sha256:{:x}", hash.finalize()))
    }

    /// What is held until somebody approves it, or until it is taken back.
    pub fn held(&self, cause: Cause) -> impl Iterator<Item = (&EmployeeId, &Taking)> {
        let held = self.waiting.iter();
        let held = held.filter(move |(_, w)| w.held && w.taking.cause == cause);
        held.map(|(employee, waiting)| (employee, &waiting.taking))
    }

    /// Of how many people something is held.
    #[must_use]
    pub fn held_people(&self) -> usize {
        self.waiting.values().filter(|waiting| waiting.held).count()
    }

    /// Those of whom something of a cause is held, as numbers, for the next run.
    #[must_use]
    pub fn held_keys(&self, cause: Cause) -> BTreeSet<u64> {
        let aside = self.aside.get(&cause).into_iter().flatten().copied();
        self.held_now(cause).chain(aside).collect()
    }

    /// The same, but for those of whom nothing can be asked now, as nothing is written for them.
    pub fn held_now(&self, cause: Cause) -> impl Iterator<Item = u64> {
        let held = self.held(cause).map(|(employee, _)| self.key(employee));
        held.chain(self.held_before.get(&cause).into_iter().flatten().copied())
    }

    /// Those who were held for a cause and were not asked for since.
    pub(super) fn remembered_of(&self, cause: Cause) -> impl Iterator<Item = u64> {
        let of = self.remembered().filter(move |(of, _)| **of == cause);
        of.flat_map(|(_, who)| who).copied()
    }

    /// Of those who were held and were not asked for since these alone are left. Tells whether there were others.
    pub fn recall_only<'a>(&mut self, people: impl Iterator<Item = &'a EmployeeId>) -> bool {
        let known: BTreeSet<u64> = people.map(|employee| self.key(employee)).collect();
        let mut others = false;
        for held in self.remembered_mut() {
            let before = held.len();
            held.retain(|person| known.contains(person));
            others |= held.len() != before;
        }
        others
    }

    /// Whether somebody was held and was not asked for since.
    #[must_use]
    pub fn remembers_held(&self) -> bool {
        self.remembered().any(|(_, who)| !who.is_empty())
    }

    /// Whether something of this person's was held, and was not asked for since.
    #[must_use]
    pub fn was_held(&self, employee: &EmployeeId) -> bool {
        self.remembers_held() && {
            let person = self.key(employee);
            self.remembered().any(|(_, who)| who.contains(&person))
        }
    }

    /// Whether something of this person's was held, or let through, by an earlier run, and was not asked for since.
    #[must_use]
    pub fn remembers(&self, employee: &EmployeeId) -> bool {
        let runs = !self.ledger.releases().is_empty() && self.ledger.knows(self.key(employee));
        runs || self.was_held(employee)
    }

    /// Whether what was held before the start is not all looked at yet.
    #[must_use]
    pub fn is_recalling(&self) -> bool {
        self.held_before.values().any(|who| !who.is_empty())
    }

    /// Whether something of this person's is held.
    #[must_use]
    pub fn holds(&self, employee: &EmployeeId) -> bool {
        self.waiting.get(employee).is_some_and(|w| w.held)
    }

    /// Whether something of this person's is not decided, or not remembered yet.
    #[must_use]
    pub fn considers(&self, employee: &EmployeeId) -> bool {
        let undecided = self.waiting.get(employee).is_some_and(|w| !w.held);
        let unsaved = || !self.ledger.unsaved().is_empty() && self.is_unsaved(self.key(employee));
        undecided || unsaved()
    }

    /// Whether there is nothing to decide, and nothing to be remembered.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.is_recalling() && self.unsaved().is_empty()
    }

    /// Whether something is not decided yet.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.waiting.values().any(|waiting| !waiting.held)
    }

    /// Those of whom something of a cause is not decided yet, as numbers.
    pub fn undecided_keys(&self, cause: Cause) -> impl Iterator<Item = u64> {
        let waiting = self.waiting.iter();
        let undecided = waiting.filter(move |(_, w)| !w.held && w.taking.cause == cause);
        undecided.map(|(employee, _)| self.key(employee))
    }

    /// Whether something of this person's waits, or was let through and may still run.
    #[must_use]
    pub fn knows(&self, employee: &EmployeeId) -> bool {
        self.waiting.contains_key(employee) || self.remembers(employee)
    }

    /// Why what is held of a cause is held.
    #[must_use]
    pub fn excess(&self, cause: Cause) -> Option<&Excess> {
        self.excess.get(&cause)
    }

    /// What was let through and still counts.
    #[must_use]
    pub fn releases(&self) -> &[Release] {
        self.ledger.releases()
    }

    /// How many waves were approved so far.
    #[must_use]
    pub fn approvals(&self) -> u64 {
        self.approvals
    }

    /// What another let through, where there was one, counts here as well. It may not run any more.
    pub fn count_as_well(&mut self, other: Option<&Self>) {
        if let Some(other) = other {
            self.ledger.count_as_well(&other.ledger);
        }
    }

    /// Nothing that was let through counts for longer than a window from now on.
    pub fn correct(&mut self, window: SignedDuration, now: Timestamp) {
        self.ledger.correct(window, now);
    }

    /// When the first of what was let through counts no more; what is held may fit then.
    #[must_use]
    pub fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.ledger.next_end(now)
    }

    /// What was let through and may not run before it is remembered outside.
    #[must_use]
    pub fn unsaved(&self) -> &BTreeSet<u128> {
        self.ledger.unsaved()
    }

    /// It is remembered outside by now. Answers who may lose something from now on.
    pub fn save(&mut self, items: &BTreeSet<u128>) -> Vec<EmployeeId> {
        self.ledger.save(items);
        let releasing = std::mem::take(&mut self.releasing);
        let (waits, goes): (BTreeSet<_>, BTreeSet<_>) = releasing
            .into_iter()
            .partition(|employee| self.is_unsaved(self.key(employee)));
        self.releasing = waits;
        goes.into_iter().collect()
    }

    /// Who waits for what, decided or not.
    #[cfg(test)]
    pub(super) fn waiting_for_tests(&self) -> Vec<(EmployeeId, Cause)> {
        let waiting = self.waiting.iter();
        waiting
            .map(|(who, waiting)| (who.clone(), waiting.taking.cause))
            .collect()
    }
}
