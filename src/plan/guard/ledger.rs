//! What was let through, for as long as it counts.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::key::{Item, person_of};
use super::loss::Cause;

/// For how long an approval is good: what it covers may wait for additions, or for a target that is down.
const APPROVAL_HOLDS: SignedDuration = SignedDuration::from_hours(7 * 24);

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
    /// How many of them lose something privileged.
    pub privileged: usize,
    /// What they lose, as numbers.
    pub items: BTreeSet<u64>,
    /// Who approved it, where somebody did: then it does not count.
    pub approval: Option<Approval>,
}

impl Release {
    /// People who are counted and not remembered.
    fn unnamed(&self) -> usize {
        let named: BTreeSet<u32> = self.items.iter().copied().map(person_of).collect();
        self.people.saturating_sub(named.len())
    }
}

/// Everything that was let through and still counts.
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

    /// Forgets what counts no more.
    pub(super) fn prune(&mut self, now: Timestamp) {
        self.releases.retain(|release| release.until > now);
    }

    /// When the first of it counts no more.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.releases.iter().map(|release| release.until).min()
    }

    pub(super) fn has(&self, item: Item) -> bool {
        self.releases.iter().any(|r| r.items.contains(&item))
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
    pub(super) fn people(&self, cause: Cause) -> (BTreeSet<u32>, usize) {
        let counted = || self.counted(cause);
        let named = counted().flat_map(|r| r.items.iter().copied().map(person_of));
        (named.collect(), counted().map(Release::unnamed).sum())
    }

    pub(super) fn privileged(&self, cause: Cause) -> usize {
        self.counted(cause).map(|release| release.privileged).sum()
    }

    fn counted(&self, cause: Cause) -> impl Iterator<Item = &Release> {
        let counts = move |r: &&Release| r.cause == cause && r.approval.is_none();
        self.releases.iter().filter(counts)
    }

    pub(super) fn enter(
        &mut self,
        cause: Cause,
        (people, privileged): (usize, usize),
        items: BTreeSet<Item>,
        approval: Option<Approval>,
        window: SignedDuration,
        now: Timestamp,
    ) {
        let until = match &approval {
            Some(_) => now.checked_add(APPROVAL_HOLDS.max(window)),
            None => end_of_part(window, now),
        };
        let until = until.unwrap_or(Timestamp::MAX);
        self.unsaved.extend(&items);
        let same = |r: &&mut Release| {
            r.cause == cause && r.approval.is_none() && approval.is_none() && r.until == until
        };
        if let Some(release) = self.releases.iter_mut().find(same) {
            let known: BTreeSet<u32> = release.items.iter().copied().map(person_of).collect();
            let more: BTreeSet<u32> = items.iter().copied().map(person_of).collect();
            release.people += more.difference(&known).count();
            release.privileged += privileged;
            release.items.extend(items);
            return;
        }
        self.releases.push(Release {
            until,
            cause,
            people,
            privileged,
            items,
            approval,
        });
    }
}

/// A window after the end of the part of it that `now` is in: never less than the window.
fn end_of_part(window: SignedDuration, now: Timestamp) -> Result<Timestamp, jiff::Error> {
    let part = (window.as_secs() / PARTS).max(1);
    let begun = now.as_second().div_euclid(part);
    let end = begun.saturating_add(1).saturating_mul(part);
    Timestamp::from_second(end)?.checked_add(window)
}
