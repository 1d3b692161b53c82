//! The inventory: what a target showed last, indexed, and written through by our own operations.
//!
//! Pure data. What was not seen is never taken to be absent unless the listing was complete. Writes
//! that end while a listing runs are newer than what it shows, and are laid over it.

mod candidates;
mod listing;
mod table;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::domain::account::{
    Activity, AttributeChanges, Completeness, ObservedAccount, ObservedEntitlement,
};
use crate::domain::clues::Clue;
use crate::domain::ids::{
    AccountId, AttributeName, EmployeeId, EntitlementId, EntitlementName, Username,
};
use crate::domain::mark::{Mark, Marking, Scope};
use crate::domain::small_set::SmallSet;
use table::{Row, Table};

/// What one target showed.
#[derive(Debug)]
pub struct Inventory {
    scope: Scope,
    table: Table,
    entitlements: BTreeMap<EntitlementName, Vec<Entitlement>>,
    names: HashMap<EntitlementId, EntitlementName>,
    accounts_completeness: Completeness,
    entitlements_completeness: Completeness,
    /// People for whom a direct search found nothing since the last listing.
    sought: HashSet<EmployeeId>,
    /// People who were doubted since the last complete listing began: it says nothing of them.
    doubted: HashSet<EmployeeId>,
    /// Whether the listing was suddenly empty, and nothing was seen since.
    emptied: bool,
    /// Whether the listing suddenly showed no entitlement, and none was seen since.
    bereft: bool,
    /// Of ours, those that the last listing left out although it said that it was whole.
    left_out: HashSet<AccountId>,
    /// Those of them that a direct read found all the same.
    contradicted: HashSet<AccountId>,
    /// What was written while a listing runs.
    overlay: Option<Overlay>,
}

/// One account as last seen.
#[derive(Clone, Debug)]
struct Entry {
    account: ObservedAccount,
    /// Whether it was read directly since the last listing and the last write to it.
    read_directly: bool,
}

/// One entitlement as last seen.
#[derive(Clone, Debug)]
pub struct Entitlement {
    /// Identifier in the target.
    pub id: EntitlementId,
    /// Whether all who hold it are known.
    pub complete: bool,
    holders: HashSet<Row>,
}

/// What is known of a target that concerns everyone in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Outline {
    accounts_complete: bool,
    entitlements_complete: bool,
    /// Whether all holders are known, by entitlement.
    entitlements: BTreeMap<EntitlementId, bool>,
}

#[derive(Debug, Default)]
struct Overlay {
    accounts: HashMap<AccountId, Option<Entry>>,
    memberships: HashMap<(EntitlementName, AccountId), bool>,
    created: Vec<ObservedEntitlement>,
    doubted: HashSet<EmployeeId>,
}

impl Inventory {
    /// An inventory of which nothing has been seen.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        let unread = || Completeness::Unreadable("not listed yet".to_owned());
        Self {
            table: Table::new(scope.clone()),
            scope,
            entitlements: BTreeMap::new(),
            names: HashMap::new(),
            accounts_completeness: unread(),
            entitlements_completeness: unread(),
            sought: HashSet::new(),
            doubted: HashSet::new(),
            emptied: false,
            bereft: false,
            left_out: HashSet::new(),
            contradicted: HashSet::new(),
            overlay: None,
        }
    }

    /// Whose marks are ours in it.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether accounts have been listed at least in part.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        !matches!(self.accounts_completeness, Completeness::Unreadable(_))
    }

    /// How much of the accounts was seen.
    #[must_use]
    pub fn accounts_completeness(&self) -> &Completeness {
        &self.accounts_completeness
    }

    /// How much of the entitlements was seen.
    #[must_use]
    pub fn entitlements_completeness(&self) -> &Completeness {
        &self.entitlements_completeness
    }

    /// Every account seen, in no particular order.
    pub fn accounts(&self) -> impl Iterator<Item = &ObservedAccount> {
        self.table.entries().map(|e| &e.account)
    }

    /// How many accounts and entitlements were seen.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        (self.table.len(), self.entitlements.len())
    }

    /// How many accounts bear a mark of ours.
    #[must_use]
    pub fn marked(&self) -> usize {
        self.table.marked()
    }

    /// Accounts that bear a person's mark.
    #[must_use]
    pub fn by_mark(&self, employee: &EmployeeId) -> Vec<&ObservedAccount> {
        let entries = self.table.by_mark(employee).into_iter();
        entries.map(|entry| &entry.account).collect()
    }

    /// An account by the target's identifier.
    #[must_use]
    pub fn by_id(&self, id: &AccountId) -> Option<&ObservedAccount> {
        self.entry(id).map(|entry| &entry.account)
    }

    /// The account that has a user name; the first by identifier where case tells several apart.
    #[must_use]
    pub fn by_username(&self, name: &Username) -> Option<&ObservedAccount> {
        self.table.by_username(name)
    }

    /// Finds accounts that bear nobody's mark by these attributes from now on.
    pub fn find_by(&mut self, attributes: Vec<AttributeName>) {
        let is_new = self.table.find_by(attributes);
        if is_new && self.accounts_completeness.is_complete() {
            self.accounts_completeness = Completeness::Partial(
                "an attribute that tells whose an account is was not read yet: the next listing does"
                    .to_owned(),
            );
        }
    }

    /// Accounts that bear nobody's mark and have a value, given in lower case, in an attribute that they are
    /// found by; or in their user name.
    #[must_use]
    pub fn candidates(&self, clue: &Clue) -> Vec<&ObservedAccount> {
        if let Some(attribute) = &clue.attribute {
            return self.table.candidates(attribute, &clue.value);
        }
        let mut named = self.table.named(&Username::new(&clue.value));
        named.retain(|account| self.is_unmarked(account));
        named
    }

    /// Accounts that somebody means by a user name or an identifier, whatever mark they bear.
    #[must_use]
    pub fn meant_by(&self, said: &str) -> Vec<&ObservedAccount> {
        let mut found = self.table.named(&Username::new(said));
        if let Some(account) = self.by_id(&AccountId::new(said))
            && !found.iter().any(|one| one.id == account.id)
        {
            found.push(account);
        }
        found
    }

    /// Whether the account was read directly since the last listing and the last write to it.
    #[must_use]
    pub fn read_directly(&self, id: &AccountId) -> bool {
        self.entry(id).is_some_and(|entry| entry.read_directly)
    }

    fn entry(&self, id: &AccountId) -> Option<&Entry> {
        self.table.entry(self.table.row(id)?)
    }

    /// Whether a direct search found nothing for this person since the last listing.
    #[must_use]
    pub fn sought_in_vain(&self, employee: &EmployeeId) -> bool {
        self.sought.contains(employee)
    }

    /// Whether a complete listing that began after this person was last doubted shows what is there.
    #[must_use]
    pub fn decides(&self, employee: &EmployeeId) -> bool {
        self.accounts_completeness.is_complete() && !self.doubted.contains(employee)
    }

    /// Whether an account bears a mark of ours, whoever's.
    #[must_use]
    pub fn is_ours(&self, account: &ObservedAccount) -> bool {
        matches!(self.scope.read(account.mark.as_deref()), Marking::Ours(_))
    }

    /// Whether an account bears nobody's mark.
    #[must_use]
    pub fn is_unmarked(&self, account: &ObservedAccount) -> bool {
        self.scope.read(account.mark.as_deref()) == Marking::None
    }

    /// Entitlements an account holds.
    #[must_use]
    pub fn held(&self, id: &AccountId) -> Option<&SmallSet<EntitlementName>> {
        self.table.held(self.table.row(id)?)
    }

    /// Accounts that hold any of the entitlements of a name, by identifier.
    #[must_use]
    pub fn holders(&self, name: &EntitlementName) -> BTreeSet<&AccountId> {
        let rows = self.entitlements(name).iter().flat_map(|e| &e.holders);
        rows.filter_map(|row| self.table.id(*row)).collect()
    }

    /// Entitlements of a name: none, one, or several that a target lets share it.
    #[must_use]
    pub fn entitlements(&self, name: &EntitlementName) -> &[Entitlement] {
        self.entitlements.get(name).map_or(&[], Vec::as_slice)
    }

    /// Everything that concerns everyone, for telling whether a listing changed it.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let entitlements = self.entitlements.values().flatten();
        Outline {
            accounts_complete: self.accounts_completeness.is_complete(),
            entitlements_complete: self.entitlements_completeness.is_complete(),
            entitlements: entitlements
                .map(|entitlement| (entitlement.id.clone(), entitlement.complete))
                .collect(),
        }
    }

    /// An account was seen, in an answer to a write or by a direct read.
    pub fn saw(&mut self, account: ObservedAccount, read_directly: bool) {
        let entry = Entry {
            account,
            read_directly,
        };
        if let Some(overlay) = &mut self.overlay {
            overlay
                .accounts
                .insert(entry.account.id.clone(), Some(entry.clone()));
        }
        if read_directly {
            self.contradict(&entry.account.id);
        }
        self.put(entry);
    }

    /// An account was shown in the answer to a change of it. Such an answer may leave out what was not
    /// asked about: that it shows no mark takes none away.
    pub fn answered(&mut self, mut account: ObservedAccount) {
        if account.mark.is_none() {
            account.mark = self.by_id(&account.id).and_then(|a| a.mark.clone());
        }
        self.saw(account, false);
    }

    /// A direct read showed that there is no such account.
    pub fn saw_absent(&mut self, id: &AccountId) {
        if let Some(overlay) = &mut self.overlay {
            overlay.accounts.insert(id.clone(), None);
            overlay.memberships.retain(|(_, holder), _| holder != id);
        }
        self.confirm_absence(id);
        self.drop_account(id);
    }

    /// A direct search found nothing for this person.
    pub fn sought(&mut self, employee: &EmployeeId) {
        self.sought.insert(employee.clone());
    }

    /// The answer to a write for this person was lost, or contradicted what was seen: what was read
    /// directly before says nothing any more.
    pub fn doubt(&mut self, employee: &EmployeeId) {
        self.sought.remove(employee);
        self.doubted.insert(employee.clone());
        if let Some(overlay) = &mut self.overlay {
            overlay.doubted.insert(employee.clone());
        }
        self.table.doubt(employee);
        let overlaid = self
            .overlay
            .iter_mut()
            .flat_map(|o| o.accounts.values_mut());
        for entry in overlaid.flatten() {
            if self.scope.employee(entry.account.mark.as_deref()) == Some(employee.as_str()) {
                entry.read_directly = false;
            }
        }
    }

    /// Attributes were written, and the answer did not show the account.
    pub fn wrote_attributes(&mut self, id: &AccountId, changes: &AttributeChanges) {
        let Some(mut account) = self.by_id(id).cloned() else {
            return;
        };
        if let Some(username) = &changes.username {
            account.username = username.clone();
        }
        for name in &changes.clear {
            account.attributes.remove(name);
        }
        account.attributes.extend(changes.set.clone());
        self.saw(account, false);
    }

    /// The account was enabled or disabled, and the answer did not show it.
    pub fn wrote_activity(&mut self, id: &AccountId, activity: Activity) {
        if let Some(mut account) = self.by_id(id).cloned() {
            account.activity = activity;
            self.saw(account, false);
        }
    }

    /// A mark was put on the account, or taken off, and the answer did not show it.
    pub fn wrote_mark(&mut self, id: &AccountId, mark: Option<&Mark>) {
        if let Some(mut account) = self.by_id(id).cloned() {
            account.mark = mark.map(|mark| mark.as_str().to_owned());
            self.saw(account, false);
        }
    }

    /// An entitlement was given or taken.
    pub fn wrote_holder(&mut self, name: &EntitlementName, id: &AccountId, holds: bool) {
        if let Some(overlay) = &mut self.overlay {
            overlay
                .memberships
                .insert((name.clone(), id.clone()), holds);
        }
        self.set_holder(name, id, holds);
    }

    /// A write said that there is no such entitlement. Where a listing said so too and was not believed,
    /// it is believed of this one.
    pub fn entitlement_not_found(&mut self, name: &EntitlementName) {
        if !self.bereft {
            return;
        }
        let ids: Vec<EntitlementId> = self
            .entitlements(name)
            .iter()
            .map(|e| e.id.clone())
            .collect();
        for id in ids {
            self.forget_entitlement(&id);
        }
    }

    /// An entitlement was made.
    pub fn created_entitlement(&mut self, entitlement: ObservedEntitlement) {
        let known = self.entitlements(&entitlement.name);
        if known.iter().any(|e| e.id == entitlement.id) {
            // It was seen since, and what was seen of its holders stands.
            return;
        }
        if let Some(overlay) = &mut self.overlay {
            overlay.created.push(entitlement.clone());
        }
        self.add_entitlement(entitlement);
    }

    /// What manifests called so is called otherwise from now on, by them as well.
    pub fn call(&mut self, before: &EntitlementName, now: &EntitlementName) {
        let Some(renamed) = self.entitlements.remove(before) else {
            return;
        };
        for entitlement in &renamed {
            self.names.insert(entitlement.id.clone(), now.clone());
            for row in &entitlement.holders {
                self.table.set_held(*row, before, false);
                self.table.set_held(*row, now, true);
            }
        }
        self.entitlements
            .entry(now.clone())
            .or_default()
            .extend(renamed);
    }

    fn put(&mut self, entry: Entry) {
        if let Some(employee) = self.scope.employee(entry.account.mark.as_deref()) {
            self.sought.remove(employee);
        }
        self.emptied = false;
        self.table.put(entry);
    }

    fn drop_account(&mut self, id: &AccountId) {
        let Some(row) = self.table.row(id) else {
            return;
        };
        self.table.take(row);
        for name in self.table.held(row).cloned().unwrap_or_default() {
            for entitlement in self.entitlements.get_mut(&name).into_iter().flatten() {
                entitlement.holders.remove(&row);
            }
            self.table.set_held(row, &name, false);
        }
        self.table.sweep_row(row);
    }

    fn add_entitlement(&mut self, seen: ObservedEntitlement) {
        let rows = seen.holders.iter().map(|id| self.table.row_or_new(id));
        let holders = rows.collect();
        self.add(seen, holders);
    }

    fn add(&mut self, seen: ObservedEntitlement, holders: HashSet<Row>) {
        self.forget_entitlement(&seen.id);
        for row in &holders {
            self.table.set_held(*row, &seen.name, true);
        }
        self.names.insert(seen.id.clone(), seen.name.clone());
        let same_name = self.entitlements.entry(seen.name).or_default();
        same_name.push(Entitlement {
            id: seen.id,
            holders,
            complete: seen.completeness.is_complete(),
        });
    }

    /// Takes an entitlement out, whatever it was called.
    fn forget_entitlement(&mut self, id: &EntitlementId) -> Option<Entitlement> {
        let name = self.names.remove(id)?;
        let same_name = self.entitlements.get_mut(&name)?;
        let at = same_name.iter().position(|e| e.id == *id)?;
        let known = same_name.swap_remove(at);
        for row in &known.holders {
            if !same_name.iter().any(|e| e.holders.contains(row)) {
                self.table.set_held(*row, &name, false);
            }
        }
        if same_name.is_empty() {
            self.entitlements.remove(&name);
        }
        Some(known)
    }

    fn set_holder(&mut self, name: &EntitlementName, id: &AccountId, holds: bool) {
        let Some((entitlement, others)) = self
            .entitlements
            .get_mut(name)
            .and_then(|e| e.split_first_mut())
        else {
            return;
        };
        if holds {
            let row = self.table.row_or_new(id);
            entitlement.holders.insert(row);
            self.table.set_held(row, name, true);
        } else if let Some(row) = self.table.row(id) {
            entitlement.holders.remove(&row);
            if !others.iter().any(|e| e.holders.contains(&row)) {
                self.table.set_held(row, name, false);
            }
        }
    }
}

#[cfg(test)]
mod tests;
