//! Whether a wave is let through or held.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::gate::{Gate, Waiting};
use super::key::{self, Item};
use super::ledger::Approval;
use super::loss::Cause;
use crate::domain::guard::{GuardPolicy, Limits};
use crate::domain::ids::EmployeeId;

/// What a decision rests on.
#[derive(Debug)]
pub struct Bounds<'a> {
    /// The connector's own limits.
    pub policy: &'a GuardPolicy,
    /// How many accounts there are ours.
    pub accounts: usize,
    /// The whole operator's.
    pub overall: &'a Overall,
    /// Whether what is held may go because it fits by now: not while it becomes less, as it is about to be nothing.
    pub reconsider: bool,
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
    pub counted: BTreeMap<Cause, BTreeSet<u64>>,
    /// The same of people of whom only the number is known.
    pub unnamed: BTreeMap<Cause, usize>,
    /// Who in the namespace is about to lose something by a change, where that is decided together: one mistake may concern
    /// several applications, in none of which it is large. Leavers are none of them, who never wait for others.
    pub asked: BTreeSet<u64>,
    /// Of whom it is held there by now. What is held in one application is not let go in another as if it were small.
    pub held: BTreeSet<u64>,
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
            asked: BTreeSet::new(),
            held: BTreeSet::new(),
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
    /// Of how many people removals were let through because somebody approved them, if somebody did.
    pub approved: Option<usize>,
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
    /// Decides what of these causes is undecided, and lets through what was held and fits by now, or is
    /// approved. Each wave goes as a whole or not at all.
    pub fn decide(&mut self, causes: &[Cause], bounds: &Bounds<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        self.ledger.correct(bounds.policy.window, bounds.now);
        self.ledger.prune(bounds.now);
        self.approve(bounds, &mut verdict);
        for cause in causes.iter().copied() {
            let fresh = self.those(|w| w.taking.cause == cause && !w.held);
            verdict.released |= self.try_release(cause, &fresh, bounds);
            let mut left = self.those(|w| w.taking.cause == cause && !w.held);
            if cause != Cause::Change {
                // What few may lose keeps nobody waiting who loses nothing of it.
                let ordinary =
                    self.those(|w| w.taking.cause == cause && !w.held && !w.taking.privileged);
                if ordinary.len() < left.len() && self.try_release(cause, &ordinary, bounds) {
                    verdict.released = true;
                    left.retain(|employee| !ordinary.contains(employee));
                }
            }
            for employee in &left {
                if let Some(waiting) = self.waiting.get_mut(employee) {
                    waiting.held = true;
                }
            }
            verdict.held.extend(left);
        }
        self.approve(bounds, &mut verdict);
        for cause in Cause::ALL {
            let held = self.those(|w| w.held && w.taking.cause == cause);
            self.excess.remove(&cause);
            if bounds.reconsider && self.try_release(cause, &held, bounds) {
                verdict.released = true;
            } else if let Some(excess) = self.excess_of(cause, &held, bounds) {
                self.excess.insert(cause, excess);
            }
        }
        let still = self.those(|w| w.held);
        verdict.held.retain(|employee| still.contains(employee));
        verdict
    }

    /// Lets through what somebody approved.
    fn approve(&mut self, bounds: &Bounds<'_>, verdict: &mut Verdict) {
        let Some(approval) = bounds.approval else {
            return;
        };
        let named = |cause: &Cause| self.digest(*cause).as_ref() == Some(&approval.digest);
        let Some(cause) = Cause::ALL.into_iter().find(named) else {
            return;
        };
        let all = self.those(|w| w.held && w.taking.cause == cause);
        self.approvals += 1;
        verdict.released = true;
        verdict.approved = Some(all.len());
        self.release(cause, &all, Some(approval), bounds);
    }

    /// Lets a wave through that fits.
    fn try_release(
        &mut self,
        cause: Cause,
        wave: &BTreeSet<EmployeeId>,
        bounds: &Bounds<'_>,
    ) -> bool {
        let fits = !wave.is_empty() && self.excess_of(cause, wave, bounds).is_none();
        if fits {
            self.release(cause, wave, None, bounds);
        }
        fits
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
        let mut wave_keys: BTreeSet<u64> = wave.iter().map(|employee| self.key(employee)).collect();
        if wave.is_empty() {
            return None;
        }
        // Those who were held before are part of what is held, whether they were looked at again or not, and also while
        // nothing can be asked of them.
        let is_held = |employee: &EmployeeId| self.waiting.get(employee).is_some_and(|w| w.held);
        let all_held = wave.iter().all(is_held);
        if all_held {
            wave_keys.extend(self.remembered_of(cause));
        }
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
            let is_privileged = |employee: &&EmployeeId| {
                let waiting = self.waiting.get(*employee);
                waiting.is_some_and(|w| w.taking.privileged)
            };
            let mine: BTreeSet<u64> = wave
                .iter()
                .filter(is_privileged)
                .map(|employee| self.key(employee))
                .collect();
            let allowed = usize::try_from(policy.privileged_most).unwrap_or(usize::MAX);
            let before = self.ledger.privileged(cause, bounds.now);
            let people = before.union(&mine).count();
            let passed = passed(Limit::Privileged, people, allowed, bounds.accounts);
            passed.filter(|_| !mine.is_empty())
        };
        let of_overall = || {
            let overall = bounds.overall;
            let elsewhere = overall.counted.get(&cause).into_iter().flatten();
            // What was let through right before, of the same wave, is not among those yet.
            let all = wave_keys.iter().chain(&counted).chain(elsewhere);
            let mut all: BTreeSet<&u64> = all.collect();
            if cause == Cause::Change {
                all.extend(&overall.asked);
                if all_held {
                    all.extend(&overall.held);
                }
            }
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
        let mut privileged = BTreeSet::new();
        for employee in wave {
            let person = self.key(employee);
            if let Some(waiting) = self.waiting.remove(employee) {
                privileged.extend(waiting.taking.privileged.then_some(person));
                let losses = waiting.taking.losses.iter();
                items.extend(losses.map(|loss| key::item(person, loss)));
                self.releasing.insert(employee.clone());
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
}
