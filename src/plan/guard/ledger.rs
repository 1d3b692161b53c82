//! What was let through: whom it counts, for as long as the window lasts; and what of it may still run.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::key::{Item, of, person_of, some_of};
use super::loss::Cause;

/// For how long what was let through may run beyond the time for which it counts: it may wait for additions, or for a
/// target that is down.
const STAYS_GOOD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// For how long what counts no more, and may run no more, is remembered since that was seen first: a clock that is ahead, by
/// however much, may be right again.
const STAYS_KNOWN: SignedDuration = SignedDuration::from_hours(24);

/// Releases within one part of the window, of so many, are kept as one.
const PARTS: i64 = 24;

/// Who approved a wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What was approved.
    pub digest: String,
    /// By whom, where that is recorded.
    pub by: Option<String>,
}

/// People who were let through together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Until when it counts.
    pub until: Timestamp,
    /// Why they lose something.
    pub cause: Cause,
    /// How many they are, also where not all of them are remembered.
    pub people: usize,
    /// Who they are, as numbers.
    pub who: BTreeSet<u64>,
    /// Those of them who lose something privileged.
    pub privileged: BTreeSet<u64>,
    /// What they lose and has not been seen to be lost yet, as numbers.
    pub items: BTreeSet<u128>,
    /// Who approved it, where somebody did: then it does not count.
    pub approval: Option<Approval>,
    /// Since when it is seen to be over, where it is.
    pub over_since: Option<Timestamp>,
}

impl Release {
    /// People who are counted and not remembered.
    fn unnamed(&self) -> usize {
        self.people.saturating_sub(self.who.len())
    }

    /// Whether it counts, may still run, or may do either again.
    fn is_good(&mut self, now: Timestamp) -> bool {
        let runs_for = if self.items.is_empty() {
            SignedDuration::ZERO
        } else {
            STAYS_GOOD
        };
        let ends = self.until.checked_add(runs_for);
        if ends.is_ok_and(|ends| ends > now) {
            self.over_since = None;
            return true;
        }
        // Nothing was seen in times to come.
        let since = self.over_since.map_or(now, |since| since.min(now));
        self.over_since = Some(since);
        now.duration_since(since) < STAYS_KNOWN
    }
}

/// Everything that was let through and still counts, or may still run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    releases: Vec<Release>,
    /// Not to be carried out before it is remembered outside as well.
    unsaved: BTreeSet<Item>,
}

impl Ledger {
    /// As an earlier run left it.
    #[must_use]
    pub fn restored(releases: Vec<Release>) -> Self {
        Self {
            releases,
            unsaved: BTreeSet::new(),
        }
    }

    /// What is to be remembered.
    #[must_use]
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// Forgets what counts no more and may run no more.
    pub(super) fn prune(&mut self, now: Timestamp) {
        self.releases.retain_mut(|release| release.is_good(now));
    }

    /// Nothing counts for longer than a window from now on: what does was let through while the clock was ahead, and would
    /// keep others waiting for as long as it was.
    pub(super) fn correct(&mut self, window: SignedDuration, now: Timestamp) {
        let last = now.checked_add(window).unwrap_or(Timestamp::MAX);
        for release in &mut self.releases {
            release.until = release.until.min(last);
        }
    }

    /// Takes over what counts in another one, and nothing that may run.
    pub(super) fn count_as_well(&mut self, other: &Self) {
        let counted = other.releases.iter().filter(|r| r.approval.is_none());
        self.releases.extend(counted.map(|release| Release {
            items: BTreeSet::new(),
            ..release.clone()
        }));
    }

    /// What a person is not about to lose any more is done, or taken back: the same once more is asked for anew.
    pub(super) fn spend(&mut self, person: u64, keeps: impl Fn(Item) -> bool) {
        let waves = self.releases.iter_mut().map(|release| &mut release.items);
        for items in waves.chain([&mut self.unsaved]) {
            let spent: Vec<Item> = of(items, person).filter(|item| !keeps(*item)).collect();
            for item in spent {
                items.remove(&item);
            }
        }
    }

    /// Whether something of a person's may still run.
    pub(super) fn knows(&self, person: u64) -> bool {
        self.releases.iter().any(|r| some_of(&r.items, person))
    }

    /// When the first of it counts no more.
    pub(super) fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.releases.iter().map(|release| release.until);
        ends.filter(|until| *until > now).min()
    }

    /// Whether something may still run. What is over is remembered, and runs no more.
    pub(super) fn has(&self, item: Item) -> bool {
        let mut good = self.releases.iter().filter(|r| r.over_since.is_none());
        good.any(|r| r.items.contains(&item))
    }

    pub(super) fn is_saved(&self, item: Item) -> bool {
        self.has(item) && !self.unsaved.contains(&item)
    }

    pub(super) fn unsaved(&self) -> &BTreeSet<Item> {
        &self.unsaved
    }

    /// What is remembered outside by now may be carried out.
    pub(super) fn save(&mut self, items: &BTreeSet<Item>) {
        self.unsaved.retain(|item| !items.contains(item));
    }

    pub(super) fn approval_of(&self, item: Item) -> Option<&Approval> {
        let mut with = self.releases.iter().filter(|r| r.items.contains(&item));
        with.find_map(|release| release.approval.as_ref())
    }

    /// Those who were let through for this cause without approval: who, as far as that is remembered, and
    /// how many beside them.
    pub(super) fn people(&self, cause: Cause, now: Timestamp) -> (BTreeSet<u64>, usize) {
        let counted = || self.counted(cause, now);
        let named = counted().flat_map(|r| r.who.iter().copied());
        (named.collect(), counted().map(Release::unnamed).sum())
    }

    /// Those of them who lost something privileged.
    pub(super) fn privileged(&self, cause: Cause, now: Timestamp) -> BTreeSet<u64> {
        let counted = self.counted(cause, now);
        counted.flat_map(|r| r.privileged.iter().copied()).collect()
    }

    fn counted(&self, cause: Cause, now: Timestamp) -> impl Iterator<Item = &Release> {
        let counts = move |r: &&Release| r.cause == cause && r.approval.is_none() && r.until > now;
        self.releases.iter().filter(counts)
    }

    pub(super) fn enter(
        &mut self,
        cause: Cause,
        privileged: BTreeSet<u64>,
        items: BTreeSet<Item>,
        approval: Option<Approval>,
        window: SignedDuration,
        now: Timestamp,
    ) {
        let until = from_part(window, now).unwrap_or(Timestamp::MAX);
        let who: BTreeSet<u64> = items.iter().copied().map(person_of).collect();
        self.unsaved.extend(&items);
        let same = |r: &&mut Release| {
            r.cause == cause && r.approval.is_none() && approval.is_none() && r.until == until
        };
        if let Some(release) = self.releases.iter_mut().find(same) {
            release.people += who.difference(&release.who).count();
            release.privileged.extend(privileged);
            release.who.extend(who);
            release.items.extend(items);
            return;
        }
        self.releases.push(Release {
            until,
            cause,
            people: who.len(),
            who,
            privileged,
            items,
            approval,
            over_since: None,
        });
    }
}

/// A window after the beginning of the part of it that `now` is in: what ends at one midnight does not count at the next.
fn from_part(window: SignedDuration, now: Timestamp) -> Result<Timestamp, jiff::Error> {
    let part = (window.as_secs() / PARTS).max(1);
    let begun = now.as_second().div_euclid(part).saturating_mul(part);
    Timestamp::from_second(begun)?.checked_add(window)
}
