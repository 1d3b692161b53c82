//! Accounts that are nobody's: what is due with which of them, and when.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::guard::{Cause, Loss, Taking};
use super::operation::{Operation, ReadKey};
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::ids::{AccountId, EmployeeId, Username};
use crate::domain::mark::Scope;
use crate::domain::offboarding::{Abilities, Kept};
use crate::domain::orphans::{Consequence, Kind, OrphanPolicy, kind_of};
use crate::domain::patterns::Patterns;

/// Those that are due within so much of each other are dealt with together, when the last of them is: whoever empties a
/// namespace takes a while, and the guard is to see it as one.
pub const TOGETHER: SignedDuration = SignedDuration::from_hours(1);
/// The same as a part of the time for which each is left alone, where that is less.
const PART: i32 = 24;
/// How many times as long the first of them waits for the others, at most.
const AT_MOST: i32 = 24;

/// What decides about every account of one target.
pub struct Grounds<'a> {
    /// What the connector says.
    pub policy: &'a OrphanPolicy,
    /// Whose mark is ours.
    pub scope: &'a Scope,
    /// User names that are no orphans.
    pub spared: &'a Patterns,
    /// Whether there is an Employee of an `employeeId`.
    pub has_owner: &'a dyn Fn(&EmployeeId) -> bool,
    /// Of which accounts it is certain whose they are.
    pub certain: Certain,
    /// Whether the last listing showed every account.
    pub complete: bool,
    /// What the target can do, once it has said so.
    pub able: Option<&'a Abilities>,
    /// Whether anything is written there now.
    pub enforced: bool,
    /// The instant.
    pub now: Timestamp,
}

/// Of which accounts it is certain whose they are, or that they are nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certain {
    /// Of all.
    OfAll,
    /// Of those that bear a mark: which others may be somebody's is not known of everybody.
    OfMarked,
    /// Of none: an Employee can't be read as far as telling whose it is, or a mark can't be relied on.
    OfNone,
}

/// One account, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// As it was seen last.
    pub account: &'a ObservedAccount,
    /// Since when it is seen to be nobody's, as far as that is known.
    pub since: Option<Timestamp>,
    /// Whether it may be somebody's for another reason than its mark.
    pub claimed: bool,
    /// Since when it is kept for how long, disabled, before it is deleted.
    pub kept: Option<Kept>,
}

/// What is done with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// It is disabled.
    Disable,
    /// It is deleted.
    Delete,
}

/// Why nothing is done with one, although the policy is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The policy is about those that were ours.
    NotCovered,
    /// An Employee may be its owner.
    Claimed,
    /// The target can't do it.
    NotPossible(Deed),
    /// What the target can do is not known yet.
    NotAsked,
    /// The last listing left something out.
    Incomplete,
    /// An Employee can't be read, and may be its owner.
    OwnersUnknown,
    /// It is not known of everybody which accounts without a mark may be theirs.
    ClaimsUnknown,
}

/// Where one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It is told of, and nothing else is to be done.
    Reported,
    /// Something would be done, and can't be.
    Kept(Obstacle),
    /// Something is done then.
    Waits(Deed, Timestamp),
    /// Something is to be done now.
    Due(Deed),
    /// It is disabled, and nothing more is to come.
    Shut,
}

/// One account that is nobody's, and what is to become of it.
#[derive(Clone, Debug)]
pub struct Orphan<'a> {
    /// As it was seen last.
    pub account: &'a ObservedAccount,
    /// How it came to be nobody's.
    pub kind: Kind,
    /// Since when it is seen.
    pub since: Timestamp,
    /// Where it stands.
    pub stand: Stand,
    /// Since when it is kept, disabled, where that time runs.
    pub kept: Option<Kept>,
}

/// Every account that is nobody's, in the order given. The answer depends on nothing but the arguments.
#[must_use]
pub fn decide<'a>(
    grounds: &Grounds<'_>,
    seen: impl IntoIterator<Item = Sighting<'a>>,
) -> Vec<Orphan<'a>> {
    let one = |seen: Sighting<'a>| {
        let (scope, spared) = (grounds.scope, grounds.spared);
        let kind = kind_of(seen.account, scope, spared, grounds.has_owner)?;
        Some(grounds.one(seen, kind))
    };
    let mut orphans: Vec<Orphan<'_>> = seen.into_iter().filter_map(one).collect();
    for (deed, time) in [
        (Deed::Disable, grounds.policy.after),
        (Deed::Delete, grounds.policy.retain),
    ] {
        let due = |orphan: &Orphan<'_>| match orphan.stand {
            Stand::Waits(what, at) if what == deed => Some(at),
            _ => None,
        };
        let times: BTreeSet<Timestamp> = orphans.iter().filter_map(due).collect();
        let together = together(&times, TOGETHER.min(time / PART));
        for orphan in &mut orphans {
            let Some(at) = due(orphan) else { continue };
            let at = together.get(&at).copied().unwrap_or(at);
            orphan.stand = grounds.at(deed, at, &orphan.kind);
        }
    }
    orphans
}

/// When what is due at each of these times is done: with all that follow within the gap.
fn together(times: &BTreeSet<Timestamp>, gap: SignedDuration) -> BTreeMap<Timestamp, Timestamp> {
    let mut waves: Vec<Vec<Timestamp>> = Vec::new();
    for at in times {
        let follows = |wave: &&mut Vec<Timestamp>| {
            let (first, last) = (wave.first(), wave.last());
            let within =
                |of: Option<&Timestamp>, time| of.is_some_and(|of| at.duration_since(*of) <= time);
            within(last, gap) && within(first, gap * AT_MOST)
        };
        match waves.last_mut().filter(follows) {
            Some(wave) => wave.push(*at),
            None => waves.push(vec![*at]),
        }
    }
    let ends = waves.iter().filter_map(|wave| Some((wave, *wave.last()?)));
    ends.flat_map(|(wave, end)| wave.iter().map(move |at| (*at, end)))
        .collect()
}

impl Grounds<'_> {
    fn one<'a>(&self, seen: Sighting<'a>, kind: Kind) -> Orphan<'a> {
        let since = seen.since.unwrap_or(self.now);
        let shut = seen.account.activity == Activity::Disabled;
        let deletes = self.policy.consequence == Consequence::Delete && self.covers(&kind);
        let kept = (deletes && shut && self.enforced).then(|| {
            let runs = seen.kept.filter(|kept| kept.time == self.policy.retain);
            runs.unwrap_or(Kept {
                since: self.now,
                time: self.policy.retain,
            })
        });
        Orphan {
            stand: self.stand(&seen, &kind, since, kept),
            account: seen.account,
            kind,
            since,
            kept,
        }
    }

    fn covers(&self, kind: &Kind) -> bool {
        self.policy.undeclared_too || matches!(kind, Kind::Released(_))
    }

    fn stand(
        &self,
        seen: &Sighting<'_>,
        kind: &Kind,
        since: Timestamp,
        kept: Option<Kept>,
    ) -> Stand {
        if self.policy.consequence == Consequence::Report {
            return Stand::Reported;
        }
        if !self.covers(kind) {
            return Stand::Kept(Obstacle::NotCovered);
        }
        if seen.claimed {
            return Stand::Kept(Obstacle::Claimed);
        }
        let Some(able) = self.able else {
            return Stand::Kept(Obstacle::NotAsked);
        };
        let alone = after(since, self.policy.after);
        if seen.account.activity != Activity::Disabled {
            return if able.disable {
                Stand::Waits(Deed::Disable, alone)
            } else {
                Stand::Kept(Obstacle::NotPossible(Deed::Disable))
            };
        }
        if self.policy.consequence == Consequence::Disable {
            return Stand::Shut;
        }
        if !able.delete {
            return Stand::Kept(Obstacle::NotPossible(Deed::Delete));
        }
        // Where nothing is written, the time does not run.
        let kept = kept.map_or(self.now, |kept| kept.since);
        Stand::Waits(Deed::Delete, alone.max(after(kept, self.policy.retain)))
    }

    /// What of it that is done at an instant.
    fn at(&self, deed: Deed, at: Timestamp, kind: &Kind) -> Stand {
        match self.unknown(kind) {
            _ if at > self.now => Stand::Waits(deed, at),
            _ if !self.complete => Stand::Kept(Obstacle::Incomplete),
            Some(unknown) => Stand::Kept(unknown),
            None => Stand::Due(deed),
        }
    }

    /// Why it is not certain of accounts of a kind that they are nobody's.
    #[must_use]
    pub fn unknown(&self, kind: &Kind) -> Option<Obstacle> {
        match (self.certain, kind) {
            (Certain::OfNone, _) => Some(Obstacle::OwnersUnknown),
            (Certain::OfMarked, Kind::Undeclared) => Some(Obstacle::ClaimsUnknown),
            (Certain::OfMarked, Kind::Released(_)) | (Certain::OfAll, _) => None,
        }
    }
}

fn after(at: Timestamp, time: SignedDuration) -> Timestamp {
    at.checked_add(time).unwrap_or(Timestamp::MAX)
}

impl Deed {
    /// What it takes away.
    #[must_use]
    pub fn loss(self) -> Loss {
        match self {
            Self::Disable => Loss::Use,
            Self::Delete => Loss::Account,
        }
    }

    /// What it does to an account.
    #[must_use]
    pub fn operation(self, id: AccountId) -> Operation {
        match self {
            Self::Disable => Operation::Disable(id),
            Self::Delete => Operation::Delete(id),
        }
    }

    /// The next operation on an account that is due; nothing where it is done, or where the account is not as it has to
    /// be any more. Whether the account was read directly right before is told by `fresh`.
    #[must_use]
    pub fn next(self, account: &ObservedAccount, fresh: bool) -> Option<Operation> {
        let id = account.id.clone();
        let shut = account.activity == Activity::Disabled;
        match self {
            _ if !fresh => Some(Operation::Read(ReadKey::Id(id))),
            Self::Disable if shut => None,
            Self::Delete if !shut => None,
            deed => Some(deed.operation(id)),
        }
    }
}

/// Whether an account is the one that something was decided about: it has the same identifier and user name, and is
/// nobody's in the same way.
#[must_use]
pub fn is_still(
    grounds: &Grounds<'_>,
    account: &ObservedAccount,
    username: &Username,
    kind: &Kind,
) -> bool {
    let (scope, spared) = (grounds.scope, grounds.spared);
    let now = kind_of(account, scope, spared, grounds.has_owner);
    account.username == *username && now.as_ref() == Some(kind)
}

/// What the guard is asked.
#[must_use]
pub fn taking(kind: &Kind, deeds: &BTreeSet<Deed>, privileged: bool) -> Taking {
    let why = match kind {
        Kind::Released(_) => "the Employee is gone, and spec.orphans of the AppConnector says so",
        Kind::Undeclared => "nobody declared it, and spec.orphans of the AppConnector says so",
    };
    Taking {
        cause: Cause::Change,
        losses: deeds.iter().map(|deed| deed.loss()).collect(),
        privileged,
        why: why.to_owned(),
    }
}
