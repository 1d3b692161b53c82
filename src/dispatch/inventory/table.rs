//! One row for each account, and indexes that hold numbers of rows alone: the inventory of a large
//! company is most of what the operator keeps in memory, and a table of keys beside each index would
//! double it.

use std::hash::{BuildHasher, Hash, RandomState};

use hashbrown::HashTable;

use super::Entry;
use super::candidates::Candidates;
use crate::domain::account::ObservedAccount;
use crate::domain::ids::{AccountId, AttributeName, EmployeeId, EntitlementName, Username};
use crate::domain::mark::Scope;
use crate::domain::small_set::{SmallSet, exact};

/// Number of a row. It stays the same for as long as something is known of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Row(u32);

/// What is known of one account.
#[derive(Debug)]
struct Known {
    what: What,
    held: SmallSet<EntitlementName>,
}

#[derive(Debug)]
enum What {
    /// It was seen itself.
    Account(Entry),
    /// It was seen to hold something.
    Holder(AccountId),
}

impl Known {
    fn id(&self) -> &AccountId {
        match &self.what {
            What::Account(entry) => &entry.account.id,
            What::Holder(id) => id,
        }
    }

    fn entry(&self) -> Option<&Entry> {
        match &self.what {
            What::Account(entry) => Some(entry),
            What::Holder(_) => None,
        }
    }

    fn entry_mut(&mut self) -> Option<&mut Entry> {
        match &mut self.what {
            What::Account(entry) => Some(entry),
            What::Holder(_) => None,
        }
    }

    fn forget_entry(&mut self) {
        self.what = What::Holder(self.id().clone());
    }
}

/// Accounts by identifier, by our mark, and by user name.
#[derive(Debug)]
pub(super) struct Table {
    scope: Scope,
    rows: Rows,
    free: Vec<Row>,
    by_id: HashTable<Row>,
    /// A person may have several.
    by_mark: HashTable<Row>,
    /// Several may share a name where a target tells names apart by case.
    by_username: HashTable<Row>,
    candidates: Candidates,
    hashing: RandomState,
}

#[derive(Debug, Default)]
struct Rows(Vec<Option<Known>>);

impl Rows {
    fn get(&self, row: Row) -> Option<&Known> {
        self.0.get(row.0 as usize)?.as_ref()
    }

    fn get_mut(&mut self, row: Row) -> Option<&mut Known> {
        self.0.get_mut(row.0 as usize)?.as_mut()
    }

    fn account(&self, row: Row) -> Option<&ObservedAccount> {
        Some(&self.get(row)?.entry()?.account)
    }

    fn id_hash(&self, row: Row, hashing: &RandomState) -> u64 {
        hashing.hash_one(self.get(row).map(Known::id))
    }

    fn name_hash(&self, row: Row, hashing: &RandomState) -> u64 {
        hashing.hash_one(self.account(row).map(|account| &account.username))
    }

    fn mark_hash(&self, row: Row, scope: &Scope, hashing: &RandomState) -> u64 {
        hashing.hash_one(self.employee(row, scope))
    }

    fn employee(&self, row: Row, scope: &Scope) -> Option<&str> {
        scope.employee(self.account(row)?.mark.as_deref())
    }
}

impl Table {
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            scope,
            rows: Rows::default(),
            free: Vec::new(),
            by_id: HashTable::new(),
            by_mark: HashTable::new(),
            by_username: HashTable::new(),
            candidates: Candidates::default(),
            hashing: RandomState::new(),
        }
    }

    /// How many accounts were seen.
    pub(super) fn len(&self) -> usize {
        // Each has exactly one user name.
        self.by_username.len()
    }

    /// Finds accounts that bear nobody's mark by these attributes from now on.
    /// Tells whether one of them is new.
    pub(super) fn find_by(&mut self, attributes: Vec<AttributeName>) -> bool {
        let before = self.candidates.attributes();
        if before == attributes {
            return false;
        }
        let is_new = attributes
            .iter()
            .any(|attribute| !before.contains(attribute));
        let mut candidates = Candidates::by(attributes);
        for entry in self.entries() {
            candidates.put(&self.scope, &entry.account);
        }
        self.candidates = candidates;
        is_new
    }

    /// Accounts that bear nobody's mark and have a value in an attribute, by identifier.
    pub(super) fn candidates(
        &self,
        attribute: &AttributeName,
        value: &str,
    ) -> Vec<&ObservedAccount> {
        let mut ids = self.candidates.with(attribute, value);
        ids.sort();
        let entries = ids.iter().filter_map(|id| self.entry(self.row(id)?));
        entries.map(|entry| &entry.account).collect()
    }

    /// All that have a user name, by identifier.
    pub(super) fn named(&self, name: &Username) -> Vec<&ObservedAccount> {
        let hash = hash_of(Some(name), &self.hashing);
        let rows = self.by_username.iter_hash(hash);
        let accounts = rows.filter_map(|row| self.rows.account(*row));
        let mut found: Vec<_> = accounts
            .filter(|account| account.username == *name)
            .collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found
    }

    /// How many bear a mark of ours.
    pub(super) fn marked(&self) -> usize {
        self.by_mark.len()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.rows.0.iter().flatten().filter_map(Known::entry)
    }

    pub(super) fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        let rows = self.rows.0.iter_mut().flatten();
        rows.filter_map(Known::entry_mut)
    }

    /// Accounts that bear a mark of ours, each with whose it is and what it holds.
    pub(super) fn ours(
        &self,
    ) -> impl Iterator<Item = (&str, &ObservedAccount, &SmallSet<EntitlementName>)> {
        self.by_mark.iter().filter_map(|row| {
            let known = self.rows.get(*row)?;
            let account = &known.entry()?.account;
            let employee = self.scope.employee(account.mark.as_deref())?;
            Some((employee, account, &known.held))
        })
    }

    pub(super) fn row(&self, id: &AccountId) -> Option<Row> {
        let same = |row: &Row| self.rows.get(*row).is_some_and(|known| *known.id() == *id);
        let hash = hash_of(Some(id), &self.hashing);
        self.by_id.find(hash, same).copied()
    }

    /// The row of an account, which need not have been seen itself.
    pub(super) fn row_or_new(&mut self, id: &AccountId) -> Row {
        if let Some(row) = self.row(id) {
            return row;
        }
        let known = Some(Known {
            what: What::Holder(id.clone()),
            held: SmallSet::default(),
        });
        let row = if let Some(row) = self.free.pop() {
            if let Some(place) = self.rows.0.get_mut(row.0 as usize) {
                *place = known;
            }
            row
        } else {
            // Four thousand million accounts are out of the reach of any listing: it is bounded.
            let row = Row(u32::try_from(self.rows.0.len()).unwrap_or(u32::MAX));
            self.rows.0.push(known);
            row
        };
        let (rows, hashing) = (&self.rows, &self.hashing);
        let hash = rows.id_hash(row, hashing);
        self.by_id
            .insert_unique(hash, row, |row| rows.id_hash(*row, hashing));
        row
    }

    pub(super) fn id(&self, row: Row) -> Option<&AccountId> {
        self.rows.get(row).map(Known::id)
    }

    pub(super) fn entry(&self, row: Row) -> Option<&Entry> {
        self.rows.get(row)?.entry()
    }

    /// A person's accounts, by identifier.
    pub(super) fn by_mark(&self, employee: &EmployeeId) -> Vec<&Entry> {
        let theirs = |row: &&Row| self.rows.employee(**row, &self.scope) == Some(employee.as_str());
        let rows = self
            .by_mark
            .iter_hash(hash_of(Some(employee.as_str()), &self.hashing));
        let mut found: Vec<&Entry> = rows
            .filter(theirs)
            .filter_map(|row| self.entry(*row))
            .collect();
        found.sort_by(|a, b| a.account.id.cmp(&b.account.id));
        found
    }

    /// What was read directly of a person's accounts says nothing any more.
    pub(super) fn doubt(&mut self, employee: &EmployeeId) {
        let hash = hash_of(Some(employee.as_str()), &self.hashing);
        for row in self.by_mark.iter_hash(hash) {
            let theirs = self.rows.employee(*row, &self.scope) == Some(employee.as_str());
            if theirs && let Some(entry) = self.rows.get_mut(*row).and_then(Known::entry_mut) {
                entry.read_directly = false;
            }
        }
    }

    /// The first by identifier of those that have a user name.
    pub(super) fn by_username(&self, name: &Username) -> Option<&ObservedAccount> {
        self.named(name).into_iter().next()
    }

    /// Takes an account in, or what is newer of it.
    pub(super) fn put(&mut self, mut entry: Entry) {
        let row = self.row_or_new(&entry.account.id);
        self.take(row);
        let Some(known) = self.rows.get_mut(row) else {
            return;
        };
        // One text for each identifier.
        entry.account.id = known.id().clone();
        entry.account.attributes = exact(std::mem::take(&mut entry.account.attributes));
        self.candidates.put(&self.scope, &entry.account);
        known.what = What::Account(entry);
        let (rows, scope, hashing) = (&self.rows, &self.scope, &self.hashing);
        self.by_username
            .insert_unique(rows.name_hash(row, hashing), row, |row| {
                rows.name_hash(*row, hashing)
            });
        if rows.employee(row, scope).is_some() {
            self.by_mark
                .insert_unique(rows.mark_hash(row, scope, hashing), row, |row| {
                    rows.mark_hash(*row, scope, hashing)
                });
        }
    }

    /// Takes an account out. What it was seen to hold stays.
    pub(super) fn take(&mut self, row: Row) {
        let (rows, scope, hashing) = (&self.rows, &self.scope, &self.hashing);
        let Some(account) = rows.account(row) else {
            return;
        };
        self.candidates.take(scope, account);
        if let Ok(found) = self
            .by_username
            .find_entry(rows.name_hash(row, hashing), |r| *r == row)
        {
            found.remove();
        }
        if let Ok(found) = self
            .by_mark
            .find_entry(rows.mark_hash(row, scope, hashing), |r| *r == row)
        {
            found.remove();
        }
        if let Some(known) = self.rows.get_mut(row) {
            known.forget_entry();
        }
    }

    /// Takes every account out. What they were seen to hold stays.
    pub(super) fn take_all(&mut self) {
        for known in self.rows.0.iter_mut().flatten() {
            known.forget_entry();
        }
        self.candidates.clear();
        self.by_mark.clear();
        self.by_username.clear();
    }

    pub(super) fn held(&self, row: Row) -> Option<&SmallSet<EntitlementName>> {
        self.rows.get(row).map(|known| &known.held)
    }

    pub(super) fn set_held(&mut self, row: Row, name: &EntitlementName, holds: bool) {
        let Some(known) = self.rows.get_mut(row) else {
            return;
        };
        if holds {
            known.held.insert(name.clone());
        } else {
            known.held.remove(name);
        }
    }

    /// Nobody is seen to hold anything.
    pub(super) fn hold_nothing(&mut self) {
        for known in self.rows.0.iter_mut().flatten() {
            known.held = SmallSet::default();
        }
    }

    /// Forgets the rows of which nothing is known. Only where no number of such a row is kept.
    pub(super) fn sweep(&mut self) {
        for at in 0..u32::try_from(self.rows.0.len()).unwrap_or(u32::MAX) {
            self.sweep_row(Row(at));
        }
        while self.rows.0.pop_if(|last| last.is_none()).is_some() {}
        let rows = self.rows.0.len();
        self.free.retain(|row| (row.0 as usize) < rows);
        self.rows.0.shrink_to_fit();
    }

    /// The same for one row.
    pub(super) fn sweep_row(&mut self, row: Row) {
        let (rows, hashing) = (&self.rows, &self.hashing);
        let empty = |known: &Known| known.entry().is_none() && known.held.is_empty();
        if !rows.get(row).is_some_and(empty) {
            return;
        }
        if let Ok(found) = self
            .by_id
            .find_entry(rows.id_hash(row, hashing), |r| *r == row)
        {
            found.remove();
        }
        if let Some(place) = self.rows.0.get_mut(row.0 as usize) {
            *place = None;
            self.free.push(row);
        }
    }
}

/// A key's hash, as that of the row that has it.
fn hash_of<T: Hash>(key: Option<T>, hashing: &RandomState) -> u64 {
    hashing.hash_one(key)
}
