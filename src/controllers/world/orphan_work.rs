//! What is being done with accounts that are nobody's, in one target.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Failure;
use crate::api::app_connector::OrphanedAccount;
use crate::domain::ids::{AccountId, EmployeeId, Username};
use crate::domain::offboarding::Kept;
use crate::domain::orphans::{Kind, ordered_for};
use crate::plan::Operation;
use crate::plan::orphans::Deed;

/// For how long a direct read says how an account is, before something is done with it.
const FRESH: SignedDuration = SignedDuration::from_mins(1);

/// What is being done with accounts that are nobody's.
#[derive(Clone, Debug, Default)]
pub struct OrphanWork {
    /// Since when each is kept, disabled, before it is deleted.
    pub kept: BTreeMap<AccountId, Kept>,
    /// Those with which something is to be done now.
    pub matters: BTreeMap<AccountId, OrphanMatter>,
}

/// One account with which something is to be done now.
#[derive(Clone, Debug)]
pub struct OrphanMatter {
    /// The account.
    pub account: AccountId,
    /// The name by which that was decided.
    pub username: Username,
    /// How it came to be nobody's.
    pub kind: Kind,
    /// Since when it is.
    pub since: Timestamp,
    /// What is to be done.
    pub deed: Deed,
    /// What dispatch has of it.
    pub submitted: Option<Operation>,
    /// When it was read directly; nothing was done with it since.
    pub read_at: Option<Timestamp>,
    /// Whether the target accepted it, and a direct read has to show that it did it.
    pub accepted: bool,
    /// What failed last, and when it is tried again.
    pub failure: Option<Failure>,
}

impl OrphanMatter {
    /// Whether it was read directly right before.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let age = self.read_at.map(|at| now.duration_since(at));
        age.is_some_and(|age| age >= SignedDuration::ZERO && age <= FRESH)
    }

    /// By whom dispatch knows it.
    #[must_use]
    pub fn ordered_for(&self) -> EmployeeId {
        ordered_for(&self.kind, &self.account)
    }

    /// Nothing of it is under way any more, and what was read says nothing.
    pub fn begin_anew(&mut self) {
        self.submitted = None;
        self.read_at = None;
    }
}

impl OrphanWork {
    /// As a status told it.
    #[must_use]
    pub fn told(listed: &[OrphanedAccount]) -> Self {
        let kept = listed.iter().filter_map(|one| {
            let kept = Kept {
                since: one.kept_since.as_ref()?.0,
                time: SignedDuration::from_secs(one.kept_for?),
            };
            Some((AccountId::new(&one.account_id), kept))
        });
        Self {
            kept: kept.collect(),
            matters: BTreeMap::new(),
        }
    }
}
