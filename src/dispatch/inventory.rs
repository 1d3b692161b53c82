//! The inventory: what a target showed last, indexed, and written through by our own operations.
//!
//! Pure data. What was not seen is never taken to be absent unless the listing was complete. Writes
//! that end while a listing runs are newer than what it shows, and are laid over it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::connectors::Listing;
use crate::domain::account::{
    Activity, AttributeChanges, Completeness, ObservedAccount, ObservedEntitlement,
};
use crate::domain::ids::{AccountId, EmployeeId, EntitlementId, EntitlementName, Username};
use crate::domain::mark::{Marking, Scope};

/// What one target showed.
#[derive(Debug)]
pub struct Inventory {
    scope: Scope,
    accounts: HashMap<AccountId, Entry>,
    by_mark: HashMap<EmployeeId, Vec<AccountId>>,
    by_username: HashMap<Username, AccountId>,
    entitlements: BTreeMap<EntitlementName, Vec<Entitlement>>,
    held: HashMap<AccountId, BTreeSet<EntitlementName>>,
    accounts_completeness: Completeness,
    entitlements_completeness: Completeness,
    /// People for whom a direct search found nothing since the last listing.
    sought: HashSet<EmployeeId>,
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
    /// Accounts that hold it.
    pub holders: HashSet<AccountId>,
    /// Whether `holders` is all of them.
    pub complete: bool,
}

#[derive(Debug, Default)]
struct Overlay {
    accounts: HashMap<AccountId, Option<Entry>>,
    memberships: HashMap<(EntitlementName, AccountId), bool>,
    created: Vec<ObservedEntitlement>,
}

impl Inventory {
    /// An inventory of which nothing has been seen.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        let unread = || Completeness::Unreadable("not listed yet".to_owned());
        Self {
            scope,
            accounts: HashMap::new(),
            by_mark: HashMap::new(),
            by_username: HashMap::new(),
            entitlements: BTreeMap::new(),
            held: HashMap::new(),
            accounts_completeness: unread(),
            entitlements_completeness: unread(),
            sought: HashSet::new(),
            overlay: None,
        }
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
        self.accounts.values().map(|e| &e.account)
    }

    /// How many accounts and entitlements were seen.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        (self.accounts.len(), self.entitlements.len())
    }

    /// How many accounts bear a mark of ours.
    #[must_use]
    pub fn marked(&self) -> usize {
        self.by_mark.values().map(Vec::len).sum()
    }

    /// Accounts that bear a person's mark.
    #[must_use]
    pub fn by_mark(&self, employee: &EmployeeId) -> Vec<&ObservedAccount> {
        self.by_mark
            .get(employee)
            .into_iter()
            .flatten()
            .filter_map(|id| self.by_id(id))
            .collect()
    }

    /// An account by the target's identifier.
    #[must_use]
    pub fn by_id(&self, id: &AccountId) -> Option<&ObservedAccount> {
        self.accounts.get(id).map(|e| &e.account)
    }

    /// The account that has a user name.
    #[must_use]
    pub fn by_username(&self, name: &Username) -> Option<&ObservedAccount> {
        self.by_username.get(name).and_then(|id| self.by_id(id))
    }

    /// Whether the account was read directly since the last listing and the last write to it.
    #[must_use]
    pub fn read_directly(&self, id: &AccountId) -> bool {
        self.accounts.get(id).is_some_and(|e| e.read_directly)
    }

    /// Whether a direct search found nothing for this person since the last listing.
    #[must_use]
    pub fn sought_in_vain(&self, employee: &EmployeeId) -> bool {
        self.sought.contains(employee)
    }

    /// Entitlements an account holds.
    #[must_use]
    pub fn held(&self, id: &AccountId) -> Option<&BTreeSet<EntitlementName>> {
        self.held.get(id)
    }

    /// Entitlements of a name: none, one, or several that a target lets share it.
    #[must_use]
    pub fn entitlements(&self, name: &EntitlementName) -> &[Entitlement] {
        self.entitlements.get(name).map_or(&[], Vec::as_slice)
    }

    /// Names of the entitlements seen, for telling whether any came or went.
    #[must_use]
    pub fn entitlement_names(&self) -> BTreeSet<EntitlementName> {
        self.entitlements.keys().cloned().collect()
    }

    /// A listing begins: from here on, writes are newer than what it will show.
    pub fn begin_listing(&mut self) {
        self.overlay = Some(Overlay::default());
    }

    /// A listing failed: what was known stays.
    pub fn fail_listing(&mut self, reason: &str) {
        self.overlay = None;
        if !self.is_readable() {
            self.accounts_completeness = Completeness::Unreadable(reason.to_owned());
            self.entitlements_completeness = Completeness::Unreadable(reason.to_owned());
        }
    }

    /// Takes a listing in, lays over it what was written meanwhile, and tells whose picture changed.
    pub fn complete_listing(&mut self, listing: Listing) -> BTreeSet<EmployeeId> {
        let overlay = self.overlay.take().unwrap_or_default();
        let before = self.pictures();
        self.sought.clear();
        let emptied = listing.accounts.is_empty()
            && listing.accounts_completeness.is_complete()
            && self.marked() > 0;
        self.take_accounts(listing.accounts, listing.accounts_completeness, emptied);
        self.take_entitlements(listing.entitlements, listing.entitlements_completeness);
        for (id, entry) in overlay.accounts {
            match entry {
                Some(entry) => self.put(entry),
                None => self.drop_account(&id),
            }
        }
        for created in overlay.created {
            self.created_entitlement(created);
        }
        for ((name, id), holds) in overlay.memberships {
            self.set_holder(&name, &id, holds);
        }
        let after = self.pictures();
        let changed = |a: &HashMap<EmployeeId, Vec<Picture>>,
                       b: &HashMap<EmployeeId, Vec<Picture>>| {
            a.iter()
                .filter(|(who, picture)| b.get(*who) != Some(picture))
                .map(|(who, _)| who.clone())
                .collect::<BTreeSet<_>>()
        };
        let mut out = changed(&before, &after);
        out.extend(changed(&after, &before));
        out
    }

    fn take_accounts(
        &mut self,
        accounts: Vec<ObservedAccount>,
        completeness: Completeness,
        emptied: bool,
    ) {
        match completeness {
            Completeness::Unreadable(_) => {
                if !self.is_readable() {
                    self.accounts_completeness = completeness;
                }
                return;
            }
            // An empty answer is an error until proven: nobody is taken to be gone, and each absence
            // is proven by a direct read.
            Completeness::Complete if emptied => {
                self.accounts.clear();
                self.by_mark.clear();
                self.by_username.clear();
                self.accounts_completeness = Completeness::Partial(
                    "the listing was suddenly empty: each account is looked up by itself before it is taken to be gone".to_owned(),
                );
                return;
            }
            Completeness::Complete => {
                self.accounts.clear();
                self.by_mark.clear();
                self.by_username.clear();
            }
            Completeness::Partial(_) => {}
        }
        self.accounts_completeness = completeness;
        for account in accounts {
            self.put(Entry {
                account,
                read_directly: false,
            });
        }
    }

    fn take_entitlements(
        &mut self,
        entitlements: Vec<ObservedEntitlement>,
        completeness: Completeness,
    ) {
        match completeness {
            Completeness::Unreadable(_) => {
                if matches!(self.entitlements_completeness, Completeness::Unreadable(_)) {
                    self.entitlements_completeness = completeness;
                }
                return;
            }
            Completeness::Complete => {
                self.entitlements.clear();
                self.held.clear();
            }
            Completeness::Partial(_) => {
                for seen in &entitlements {
                    self.forget_entitlement(seen);
                }
            }
        }
        self.entitlements_completeness = completeness;
        for seen in entitlements {
            self.add_entitlement(seen);
        }
    }

    fn forget_entitlement(&mut self, seen: &ObservedEntitlement) {
        let Some(same_name) = self.entitlements.get_mut(&seen.name) else {
            return;
        };
        same_name.retain(|e| e.id != seen.id);
        let nobody = same_name.is_empty();
        if nobody {
            self.entitlements.remove(&seen.name);
            for names in self.held.values_mut() {
                names.remove(&seen.name);
            }
        }
    }

    /// What a person's accounts look like, for telling whose picture changed.
    fn pictures(&self) -> HashMap<EmployeeId, Vec<Picture>> {
        self.by_mark
            .iter()
            .map(|(who, ids)| {
                let pictures = ids
                    .iter()
                    .filter_map(|id| self.accounts.get(id))
                    .map(|entry| Picture {
                        account: entry.account.clone(),
                        held: self
                            .held
                            .get(&entry.account.id)
                            .cloned()
                            .unwrap_or_default(),
                    })
                    .collect();
                (who.clone(), pictures)
            })
            .collect()
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
        self.put(entry);
    }

    /// A direct read showed that there is no such account.
    pub fn saw_absent(&mut self, id: &AccountId) {
        if let Some(overlay) = &mut self.overlay {
            overlay.accounts.insert(id.clone(), None);
        }
        self.drop_account(id);
    }

    /// A direct search found nothing for this person.
    pub fn sought(&mut self, employee: &EmployeeId) {
        self.sought.insert(employee.clone());
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

    /// An entitlement was given or taken.
    pub fn wrote_holder(&mut self, name: &EntitlementName, id: &AccountId, holds: bool) {
        if let Some(overlay) = &mut self.overlay {
            overlay
                .memberships
                .insert((name.clone(), id.clone()), holds);
        }
        self.set_holder(name, id, holds);
    }

    /// An entitlement was made. If it was seen since, what was seen of its holders stands.
    pub fn created_entitlement(&mut self, entitlement: ObservedEntitlement) {
        let known = self.entitlements(&entitlement.name);
        if known.iter().any(|e| e.id == entitlement.id) {
            return;
        }
        if let Some(overlay) = &mut self.overlay {
            overlay.created.push(entitlement.clone());
        }
        self.add_entitlement(entitlement);
    }

    fn put(&mut self, entry: Entry) {
        let id = entry.account.id.clone();
        self.drop_account_keeping_holdings(&id);
        if let Marking::Ours(employee) = self.scope.read(entry.account.mark.as_deref()) {
            self.sought.remove(&employee);
            let ids = self.by_mark.entry(employee).or_default();
            ids.push(id.clone());
            ids.sort();
        }
        self.by_username
            .insert(entry.account.username.clone(), id.clone());
        self.accounts.insert(id, entry);
    }

    fn drop_account(&mut self, id: &AccountId) {
        self.drop_account_keeping_holdings(id);
        for name in self.held.remove(id).into_iter().flatten() {
            for entitlement in self.entitlements.get_mut(&name).into_iter().flatten() {
                entitlement.holders.remove(id);
            }
        }
    }

    fn drop_account_keeping_holdings(&mut self, id: &AccountId) {
        let Some(old) = self.accounts.remove(id) else {
            return;
        };
        if let Marking::Ours(employee) = self.scope.read(old.account.mark.as_deref())
            && let Some(ids) = self.by_mark.get_mut(&employee)
        {
            ids.retain(|other| other != id);
            if ids.is_empty() {
                self.by_mark.remove(&employee);
            }
        }
        if self.by_username.get(&old.account.username) == Some(id) {
            self.by_username.remove(&old.account.username);
        }
    }

    fn add_entitlement(&mut self, seen: ObservedEntitlement) {
        for holder in &seen.holders {
            self.held
                .entry(holder.clone())
                .or_default()
                .insert(seen.name.clone());
        }
        let same_name = self.entitlements.entry(seen.name).or_default();
        same_name.retain(|e| e.id != seen.id);
        same_name.push(Entitlement {
            id: seen.id,
            holders: seen.holders.into_iter().collect(),
            complete: seen.completeness.is_complete(),
        });
    }

    fn set_holder(&mut self, name: &EntitlementName, id: &AccountId, holds: bool) {
        let Some(entitlement) = self.entitlements.get_mut(name).and_then(|e| e.first_mut()) else {
            return;
        };
        if holds {
            entitlement.holders.insert(id.clone());
            self.held
                .entry(id.clone())
                .or_default()
                .insert(name.clone());
        } else {
            entitlement.holders.remove(id);
            if let Some(names) = self.held.get_mut(id) {
                names.remove(name);
            }
        }
    }
}

#[derive(PartialEq)]
struct Picture {
    account: ObservedAccount,
    held: BTreeSet<EntitlementName>,
}
