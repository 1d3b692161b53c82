//! What we remember of a person between two looks: the part of a status that later decisions rest on.
//!
//! Conditions are never read back. Links, and the origin of each grant, must be: a membership whose
//! origin is lost is not ours to take away.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use litemap::LiteMap;

use super::facts::Facts;
use super::ids::{AccountId, ConnectorName, EntitlementName, RoleName, Username};
use super::offboarding::Offboarding;
use super::roles::Why;
use super::small_set::SmallSet;
use super::usernames::MAX_FORMER;

/// What we remember of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Roles held at the last look.
    pub roles: LiteMap<RoleName, Why>,
    /// Accounts that are, or were, ours.
    pub accounts: LiteMap<ConnectorName, RecordedAccount>,
    /// Since when everything promised for the first day was there, once it was.
    pub first_day: Option<RecordedFirstDay>,
    /// When all was done that the end of employment asks for, but for keeping and deleting accounts.
    pub offboarded_at: Option<Timestamp>,
}

/// What we remember of a first day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedFirstDay {
    /// Which day it was.
    pub date: Date,
    /// When everything was there, once the day had begun.
    pub ready_at: Timestamp,
}

/// What we remember of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedAccount {
    /// Identifier in the target, once known.
    pub id: Option<AccountId>,
    /// User name, once allocated.
    pub username: Option<Username>,
    /// User names that it had before, the eldest first. Most accounts have none.
    pub former: Box<[Username]>,
    /// Roles that justify the account.
    pub roles: SmallSet<RoleName>,
    /// Since when no role that can be decided justifies it.
    pub lost_at: Option<Timestamp>,
    /// When the account was last read back directly as disabled. Cleared when it is seen active.
    pub verified_disabled: Option<Timestamp>,
    /// What is done with it since its owner's last day is over.
    pub offboarding: Option<Box<Offboarding>>,
    /// Entitlements that we gave, or are about to give, or are about to take away. Neighbours that
    /// are alike are one in memory, once shared.
    pub grants: LiteMap<EntitlementName, Arc<RecordedGrant>>,
}

/// What we remember of one grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedGrant {
    /// Roles that gave it.
    pub roles: SmallSet<RoleName>,
    /// Since when the target shows it. `None` until it does.
    pub since: Option<Timestamp>,
    /// Who approved it.
    pub approved_by: Option<Box<str>>,
    /// Since when no role that can be decided gives it.
    pub lost_at: Option<Timestamp>,
}

impl RecordedAccount {
    /// Whether it is there, as far as is known, and is not proven to be disabled.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.id.is_some() && self.verified_disabled.is_none()
    }

    /// It has another user name from now on. The one from before stays reserved, until there are too many.
    pub fn rename(&mut self, name: &Username) {
        let before = self.username.replace(name.clone());
        let former = std::mem::take(&mut self.former).into_vec().into_iter();
        let all = former.chain(before).filter(|one| one != name);
        let all: Vec<Username> = all.collect();
        let beyond = all.len().saturating_sub(MAX_FORMER);
        self.former = all.into_iter().skip(beyond).collect();
    }
}

impl Record {
    /// What is remembered of accounts that are not said by hand to be somebody else's.
    #[must_use]
    pub fn without_disowned(&self, facts: &Facts) -> Cow<'_, Self> {
        let is_disowned = |name: &ConnectorName, account: &RecordedAccount| {
            let link = facts.link(name);
            link.is_some_and(|l| l.disowns(account.id.as_ref(), account.username.as_ref()))
        };
        let disowned = self
            .accounts
            .iter()
            .filter(|(name, account)| is_disowned(name, account));
        let disowned: Vec<ConnectorName> = disowned.map(|(name, _)| name.clone()).collect();
        let mut record = Cow::Borrowed(self);
        for name in disowned {
            record.to_mut().accounts.remove(&name);
        }
        record
    }

    /// Lets neighbouring grants that are alike be one in memory: most of a person's were given together.
    pub fn share(&mut self) {
        for (_, account) in &mut self.accounts {
            let mut last: Option<Arc<RecordedGrant>> = None;
            for (_, grant) in &mut account.grants {
                match &last {
                    Some(alike) if alike == grant => *grant = Arc::clone(alike),
                    _ => last = Some(Arc::clone(grant)),
                }
            }
        }
    }

    /// Whether the person has held anything so far: tells a joiner from a mover.
    #[must_use]
    pub fn has_history(&self) -> bool {
        self.accounts
            .values()
            .any(|a| a.grants.values().any(|g| g.since.is_some()))
    }
}
