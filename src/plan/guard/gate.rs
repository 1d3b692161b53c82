//! What one connector lets through, and what it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::super::operation::Operation;
use super::key::{self, Item};
use super::ledger::{Approval, Ledger, Release};
use super::loss::{self, Cause, Loss, Taking};
use crate::domain::guard::{GuardPolicy, Limits};
use crate::domain::ids::{ConnectorName, EmployeeId};

/// Somebody who loses something that was not let through.
#[derive(Clone, Debug)]
struct Waiting {
    taking: Taking,
    /// Whether it was decided that it waits.
    held: bool,
}

/// What a connector lets through, and what it holds until somebody approves it.
#[derive(Clone, Debug)]
pub struct Gate {
    namespace: Arc<str>,
    connector: ConnectorName,
    waiting: BTreeMap<EmployeeId, Waiting>,
    /// Why what is held is held.
    excess: BTreeMap<Cause, Excess>,
    ledger: Ledger,
    /// How many waves were approved so far: an approval is good for one of them.
    approvals: u64,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Something is to be decided.
    pub undecided: bool,
    /// What is held is something else than before.
    pub held_changed: bool,
}

/// What a decision rests on.
#[derive(Debug)]
pub struct Bounds<'a> {
    /// The connector's own limits.
    pub policy: &'a GuardPolicy,
    /// How many accounts there are ours.
    pub accounts: usize,
    /// The whole operator's.
    pub overall: &'a Overall,
    /// What somebody approved, if anything.
    pub approval: Option<&'a Approval>,
    /// The instant.
    pub now: Timestamp,
}

/// The limits of the whole operator, and what counts towards them.
#[derive(Clone, Debug)]
pub struct Overall {
    /// How many may lose something anywhere.
    pub limits: Limits,
    /// How many people there are.
    pub people: usize,
    /// Who lost something within the window, as numbers, by cause.
    pub counted: BTreeMap<Cause, BTreeSet<u32>>,
    /// The same of people of whom only the number is known.
    pub unnamed: BTreeMap<Cause, usize>,
}

impl Overall {
    /// No limit.
    #[must_use]
    pub fn open() -> Self {
        Self::new(Limits::NONE, 0)
    }

    /// Nobody lost anything yet.
    #[must_use]
    pub fn new(limits: Limits, people: usize) -> Self {
        Self {
            limits,
            people,
            counted: BTreeMap::new(),
            unnamed: BTreeMap::new(),
        }
    }

    /// Counts what a connector let through.
    pub fn count(&mut self, gate: &Gate, now: Timestamp) {
        for cause in Cause::ALL {
            let (named, unnamed) = gate.ledger.people(cause, now);
            self.counted.entry(cause).or_default().extend(named);
            *self.unnamed.entry(cause).or_default() += unnamed;
        }
    }
}

/// What a decision changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Something may run once it is remembered outside.
    pub released: bool,
    /// Who is held from now on.
    pub held: BTreeSet<EmployeeId>,
}

/// Which limit would be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The connector's.
    Connector,
    /// The connector's for privileged entitlements.
    Privileged,
    /// The operator's.
    Overall,
}

/// A limit that would be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Which.
    pub limit: Limit,
    /// How many people would lose something, those of the window so far among them.
    pub people: usize,
    /// How many may.
    pub allowed: usize,
    /// Of how many.
    pub of: usize,
}

impl Gate {
    /// A gate that has let nobody through and holds nobody.
    #[must_use]
    pub fn new(namespace: Arc<str>, connector: ConnectorName) -> Self {
        Self::restored(namespace, connector, Vec::new(), 0)
    }

    /// As an earlier run left it: who was let through, and how many waves were approved.
    #[must_use]
    pub fn restored(
        namespace: Arc<str>,
        connector: ConnectorName,
        releases: Vec<Release>,
        approvals: u64,
    ) -> Self {
        Self {
            namespace,
            connector,
            waiting: BTreeMap::new(),
            excess: BTreeMap::new(),
            ledger: Ledger::restored(releases),
            approvals,
        }
    }

    /// What somebody is to lose from now on; `None` where that is nothing. Of what was let through nothing
    /// is asked again.
    pub fn ask(&mut self, employee: &EmployeeId, taking: Option<Taking>, now: Timestamp) -> Asked {
        self.ledger.prune(now);
        let person = self.key(employee);
        if self.ledger.knows(person) {
            let losses = taking.iter().flat_map(|taking| &taking.losses);
            let wanted: BTreeSet<Item> = losses.map(|loss| key::item(person, loss)).collect();
            self.ledger.spend(person, |item| wanted.contains(&item));
        }
        let known = self.waiting.get(employee);
        let was_held = known.is_some_and(|w| w.held);
        let asked = taking.and_then(|mut taking| {
            let passed = |loss: &Loss| self.ledger.has(key::item(person, loss));
            taking.losses.retain(|loss| !passed(loss));
            // Once access has ended nothing tells any more that it was announced.
            let announced = known.is_some_and(|w| w.taking.cause == Cause::LastDay);
            if announced && taking.cause == Cause::Termination {
                taking.cause = Cause::LastDay;
            }
            (!taking.losses.is_empty()).then_some(taking)
        });
        let Some(taking) = asked else {
            self.waiting.remove(employee);
            return Asked {
                undecided: false,
                held_changed: was_held,
            };
        };
        if known.is_some_and(|w| w.taking == taking) {
            return Asked::default();
        }
        let stays = known.filter(|w| w.held && w.taking.cause == taking.cause);
        let held = stays.is_some();
        self.waiting
            .insert(employee.clone(), Waiting { taking, held });
        Asked {
            undecided: !held,
            held_changed: was_held,
        }
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

    fn lets(&self, person: u32, loss: &Loss) -> bool {
        self.ledger.is_saved(key::item(person, loss))
    }

    fn is_unsaved(&self, person: u32) -> bool {
        key::some_of(self.ledger.unsaved(), person)
    }

    fn key(&self, employee: &EmployeeId) -> u32 {
        key::person(&self.namespace, employee)
    }

    /// Decides what of these causes is undecided, and lets through what was held and fits by now, or is
    /// approved. Each wave goes as a whole or not at all.
    pub fn decide(&mut self, causes: &[Cause], bounds: &Bounds<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        self.ledger.prune(bounds.now);
        if let Some(approval) = bounds.approval
            && self.digest().as_ref() == Some(&approval.digest)
        {
            let all = self.those(|waiting| waiting.held);
            self.approvals += 1;
            self.release(Cause::Change, &all, Some(approval), bounds);
            verdict.released = true;
        }
        for cause in causes.iter().copied() {
            let is = move |w: &Waiting, held: bool| w.taking.cause == cause && w.held == held;
            let fresh = self.those(|waiting| is(waiting, false));
            if fresh.is_empty() {
                continue;
            }
            if self.excess_of(cause, &fresh, bounds).is_none() {
                self.release(cause, &fresh, None, bounds);
                verdict.released = true;
                continue;
            }
            for employee in &fresh {
                if let Some(waiting) = self.waiting.get_mut(employee) {
                    waiting.held = true;
                }
            }
            verdict.held.extend(fresh);
        }
        for cause in Cause::ALL {
            let held = self.those(|w| w.held && w.taking.cause == cause);
            self.excess.remove(&cause);
            if held.is_empty() {
                continue;
            }
            match self.excess_of(cause, &held, bounds) {
                None => {
                    self.release(cause, &held, None, bounds);
                    verdict.released = true;
                    verdict.held.retain(|employee| !held.contains(employee));
                }
                Some(excess) => {
                    self.excess.insert(cause, excess);
                }
            }
        }
        verdict
    }

    fn those(&self, which: impl Fn(&Waiting) -> bool) -> BTreeSet<EmployeeId> {
        let waiting = self.waiting.iter().filter(|(_, waiting)| which(waiting));
        waiting.map(|(employee, _)| employee.clone()).collect()
    }

    fn excess_of(
        &self,
        cause: Cause,
        wave: &BTreeSet<EmployeeId>,
        bounds: &Bounds<'_>,
    ) -> Option<Excess> {
        let policy = bounds.policy;
        let (counted, unnamed) = self.ledger.people(cause, bounds.now);
        let wave_keys: BTreeSet<u32> = wave.iter().map(|employee| self.key(employee)).collect();
        let limits = match cause {
            Cause::Change => &policy.changes,
            Cause::Termination | Cause::LastDay => &policy.leavers,
        };
        let passed = |limit, people: usize, allowed: usize, of| {
            (people > allowed).then_some(Excess {
                limit,
                people,
                allowed,
                of,
            })
        };
        let people = counted.union(&wave_keys).count() + unnamed;
        let of_connector = || {
            let allowed = limits.allow(bounds.accounts);
            passed(Limit::Connector, people, allowed, bounds.accounts)
        };
        let of_privileged = || {
            let mut takings = wave
                .iter()
                .filter_map(|employee| self.waiting.get(employee));
            let privileged = takings.by_ref().filter(|w| w.taking.privileged).count();
            let allowed = usize::try_from(policy.privileged_most).unwrap_or(usize::MAX);
            let people = privileged + self.ledger.privileged(cause, bounds.now);
            let passed = passed(Limit::Privileged, people, allowed, bounds.accounts);
            passed.filter(|_| privileged > 0)
        };
        let of_overall = || {
            let overall = bounds.overall;
            let elsewhere = overall.counted.get(&cause);
            let all = wave_keys.iter().chain(elsewhere.into_iter().flatten());
            let all: BTreeSet<&u32> = all.collect();
            let unnamed = overall.unnamed.get(&cause).copied().unwrap_or_default();
            let allowed = overall.limits.allow(overall.people);
            let people = all.len() + unnamed;
            passed(Limit::Overall, people, allowed, overall.people)
        };
        of_connector().or_else(of_privileged).or_else(of_overall)
    }

    fn release(
        &mut self,
        cause: Cause,
        wave: &BTreeSet<EmployeeId>,
        approval: Option<&Approval>,
        bounds: &Bounds<'_>,
    ) {
        let mut items: BTreeSet<Item> = BTreeSet::new();
        let mut privileged = 0;
        for employee in wave {
            let person = self.key(employee);
            if let Some(waiting) = self.waiting.remove(employee) {
                privileged += usize::from(waiting.taking.privileged);
                let losses = waiting.taking.losses.iter();
                items.extend(losses.map(|loss| key::item(person, loss)));
            }
        }
        self.ledger.enter(
            cause,
            privileged,
            items,
            approval.cloned(),
            bounds.policy.window,
            bounds.now,
        );
    }

    /// Names exactly what is held: who, what, and in which connector; and which approval of this connector
    /// it would be, so that one is never good for two waves. `None` where nothing is.
    #[must_use]
    pub fn digest(&self) -> Option<String> {
        let mut hash = Sha256::new();
        hash.update(format!(
            "{}/{} {}\n",
            self.namespace, self.connector, self.approvals
        ));
        let mut some = false;
        for (employee, taking) in self.held() {
            some = true;
            for loss in &taking.losses {
                hash.update(format!("{} {employee} {loss}\n", taking.cause.word()));
            }
        }
        some.then(|| format!("sha256:{:x}", hash.finalize()))
    }

    /// What is held until somebody approves it, or until it is taken back.
    pub fn held(&self) -> impl Iterator<Item = (&EmployeeId, &Taking)> {
        let held = self.waiting.iter().filter(|(_, waiting)| waiting.held);
        held.map(|(employee, waiting)| (employee, &waiting.taking))
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

    /// Whether something is not decided yet.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.waiting.values().any(|waiting| !waiting.held)
    }

    /// Whether something of this person's waits, or was let through and may still run.
    #[must_use]
    pub fn knows(&self, employee: &EmployeeId) -> bool {
        let is_empty = self.waiting.is_empty() && self.ledger.releases().is_empty();
        !is_empty && (self.waiting.contains_key(employee) || self.ledger.knows(self.key(employee)))
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

    /// When the first of what was let through counts no more; what is held may fit then.
    #[must_use]
    pub fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.ledger.next_end(now)
    }

    /// What was let through and may not run before it is remembered outside.
    #[must_use]
    pub fn unsaved(&self) -> &BTreeSet<u64> {
        self.ledger.unsaved()
    }

    /// It is remembered outside by now.
    pub fn save(&mut self, items: &BTreeSet<u64>) {
        self.ledger.save(items);
    }

    /// Whether one of these is the person's.
    #[must_use]
    pub fn concern(&self, items: &BTreeSet<u64>, employee: &EmployeeId) -> bool {
        key::some_of(items, self.key(employee))
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
