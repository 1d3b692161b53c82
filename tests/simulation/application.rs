//! An application in memory: its accounts and groups, and what is known of who did what to them.

use std::collections::{BTreeMap, BTreeSet};

use rollcall::domain::account::{
    Activity, Attributes, Completeness, ObservedAccount, ObservedEntitlement,
};
use rollcall::domain::ids::Username;
use serde::{Deserialize, Serialize};

/// How it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mood {
    Well,
    /// So many of a hundred calls fail, one way or another.
    Flaky(u8),
    /// Every other call is asked to wait so many seconds.
    Throttling(u16),
    /// So many of a hundred answers to writes are lost after they were carried out.
    Lossy(u8),
    /// Listings leave out a third, and say so.
    Partial,
    /// Listings are empty, and say that this is all.
    Blank,
    /// So many of a hundred writes are answered as done, and are not.
    Lying(u8),
    Unauthorized,
    Down,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub username: String,
    pub mark: Option<String>,
    pub active: bool,
    pub attributes: Attributes,
}

#[derive(Clone, Debug, Default)]
pub struct Application {
    /// Whether one user name can be there twice.
    pub is_lax: bool,
    pub accounts: BTreeMap<String, Account>,
    pub groups: BTreeMap<String, BTreeSet<String>>,
    next: u64,
}

impl Application {
    pub fn new(groups: &[&str], is_lax: bool) -> Self {
        Self {
            is_lax,
            groups: groups
                .iter()
                .map(|name| ((*name).to_owned(), BTreeSet::new()))
                .collect(),
            ..Self::default()
        }
    }

    pub fn add(&mut self, account: Account) -> String {
        self.next += 1;
        let id = format!("a{}", self.next);
        self.accounts.insert(id.clone(), account);
        id
    }

    /// Identifiers are never given twice, also not after an older state was put back.
    pub fn put_back(&mut self, older: &Self) {
        let next = self.next;
        *self = older.clone();
        self.next = next;
    }

    pub fn named(&self, username: &str) -> Option<&String> {
        let same = |a: &Account| a.username.eq_ignore_ascii_case(username);
        self.accounts
            .iter()
            .find(|(_, a)| same(a))
            .map(|(id, _)| id)
    }

    /// The accounts that bear this mark.
    pub fn marked(&self, mark: &str) -> Vec<&String> {
        let bears = |a: &Account| a.mark.as_deref() == Some(mark);
        let found = self.accounts.iter().filter(|(_, a)| bears(a));
        found.map(|(id, _)| id).collect()
    }

    pub fn shown(&self, id: &str) -> Option<ObservedAccount> {
        let account = self.accounts.get(id)?;
        Some(ObservedAccount {
            id: id.into(),
            username: Username::new(&account.username),
            mark: account.mark.clone(),
            activity: if account.active {
                Activity::Active
            } else {
                Activity::Disabled
            },
            attributes: account.attributes.clone(),
            unfinished: false,
        })
    }

    pub fn group(&self, name: &str) -> Option<ObservedEntitlement> {
        let holders = self.groups.get(name)?;
        Some(ObservedEntitlement {
            id: name.into(),
            name: name.into(),
            holders: holders.iter().map(|id| id.as_str().into()).collect(),
            completeness: Completeness::Complete,
        })
    }

    /// The groups that an account is in.
    pub fn held_by(&self, id: &str) -> BTreeSet<String> {
        let in_it = self
            .groups
            .iter()
            .filter(|(_, holders)| holders.contains(id));
        in_it.map(|(name, _)| name.clone()).collect()
    }
}
