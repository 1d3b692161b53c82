//! What a target shows of one person, as the plan needs it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::account::AttributeValue;
use crate::domain::ids::{AccountId, AttributeName, EntitlementId, EntitlementName, Username};
use crate::domain::matching::Match;
use crate::domain::problem::Problem;
use crate::domain::small_set::SmallSet;

/// What one target shows of one person.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Observation {
    /// The person's account.
    pub matched: Match,
    /// Where none of the person's was seen, whether a direct search found none either since the last listing.
    pub sought: bool,
    /// Whether the account, or its absence, was read directly since the last listing and the last
    /// write to it.
    pub read_directly: bool,
    /// Whether the last listing showed every account.
    pub accounts_complete: bool,
    /// Whether the answer to the last write was lost.
    pub in_doubt: bool,
    /// Whether a write that gives access was handed over and has not been told to have ended: making the
    /// account, or enabling it. It may still be carried out, whatever the target shows.
    pub giving: bool,
    /// Entitlements that the account may have been given by a write of which nobody knows how it ended.
    pub unsure: BTreeSet<EntitlementName>,
    /// Desired entitlements of which the person can't be given one now: as many hold it as may.
    pub full: BTreeMap<EntitlementName, Problem>,
    /// Every entitlement that the target shows the account to hold.
    pub held: SmallSet<EntitlementName>,
    /// What is known of each entitlement that is desired or recorded.
    pub entitlements: BTreeMap<EntitlementName, EntitlementView>,
    /// The user name allocated to the person, or why there is none.
    pub username: Result<Username, Problem>,
    /// What an account that is there is to be called, where user names follow the facts and its own is none that they
    /// give any more; or why it keeps its own. It may have that name already.
    pub follows: Option<Result<Username, Problem>>,
    /// The manager's account in this target.
    pub manager: Option<AccountId>,
    /// Who gets what the account owns once its owner has left, or why nobody can; `None` where that is not asked.
    pub successor: Option<Result<Successor, Problem>>,
    /// Attributes that the target stored differently from what we wrote. Writing them again would never
    /// end.
    pub normalised: BTreeMap<AttributeName, Normalised>,
    /// A user name that we wrote, and the one that the target shows where it did not take ours over.
    pub renamed: Option<(Username, Username)>,
}

/// Who gets what somebody owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// Their account in this target.
    pub account: AccountId,
    /// Its user name.
    pub username: Username,
}

/// An attribute that a target does not show as we wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalised {
    /// What we wrote; empty where it was to be cleared.
    pub written: AttributeValue,
    /// What it shows since, if it still does not show what we wrote.
    pub shows: Option<AttributeValue>,
    /// Whether that is what it showed before: it accepted the write and did not apply it.
    pub unchanged: bool,
}

/// What is known of one entitlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntitlementView {
    /// It exists once.
    Existing {
        /// Its identifier.
        id: EntitlementId,
        /// Whether all its holders were seen.
        holders_complete: bool,
    },
    /// It does not exist.
    Missing,
    /// Several have that name.
    Ambiguous,
    /// It was not seen, but not everything was seen either.
    Unknown,
}
