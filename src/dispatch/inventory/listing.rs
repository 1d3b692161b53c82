//! How a listing is taken in: what it may refute, and whose picture it changes.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::table::Row;
use super::{Entitlement, Entry, Inventory, Overlay};
use crate::connectors::Listing;
use crate::domain::account::{Completeness, ObservedAccount, ObservedEntitlement};
use crate::domain::ids::{AccountId, EmployeeId, EntitlementId};

/// Why a listing without any entitlement is not believed.
const NO_ENTITLEMENTS: &str = "the listing suddenly showed no entitlement at all: those that were seen before are taken to be there until the application shows some again, or says of each that it does not exist";

/// Why a listing without any account is not believed.
const SUDDENLY_EMPTY: &str = "the listing was suddenly empty: each account is looked up by itself before it is taken to be gone";

/// Why a listing that left out what is there is not believed.
const LEFT_OUT: &str = "the listing leaves out accounts that are there, as direct reads show: what it does not show is not taken to be gone";

impl Inventory {
    /// A direct read shows an account. Where the last listing left it out, that listing was not whole.
    pub(super) fn contradict(&mut self, id: &AccountId) {
        if self.left_out.remove(id) {
            self.contradicted.insert(id.clone());
            if self.accounts_completeness.is_complete() {
                self.accounts_completeness = Completeness::Partial(LEFT_OUT.to_owned());
            }
        }
    }

    /// A direct read shows that an account is gone: the listing that left it out was right about that.
    pub(super) fn confirm_absence(&mut self, id: &AccountId) {
        self.left_out.remove(id);
        let is_because = |why: &Completeness| *why == Completeness::Partial(LEFT_OUT.to_owned());
        if self.contradicted.remove(id)
            && self.contradicted.is_empty()
            && is_because(&self.accounts_completeness)
        {
            self.accounts_completeness = Completeness::Complete;
        }
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
        for entry in self.table.entries_mut() {
            entry.read_directly = false;
        }
        let complete = listing.accounts_completeness.is_complete();
        self.take_accounts(listing.accounts, listing.accounts_completeness);
        if complete && !self.emptied && self.contradicted.is_empty() {
            // What was doubted before it began, it decides.
            self.doubted = overlay.doubted;
        }
        self.take_entitlements(
            listing.entitlements,
            listing.entitlements_completeness,
            &overlay.created,
        );
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
        self.table.sweep();
        let after = self.pictures();
        let changed = |a: &Pictures, b: &Pictures| {
            a.iter()
                .filter(|(who, picture)| b.get(*who) != Some(picture))
                .map(|(who, _)| who.clone())
                .collect::<BTreeSet<_>>()
        };
        let mut out = changed(&before, &after);
        out.extend(changed(&after, &before));
        out
    }

    fn take_accounts(&mut self, accounts: Vec<ObservedAccount>, completeness: Completeness) {
        match completeness {
            Completeness::Unreadable(_) => {
                if !self.is_readable() {
                    self.accounts_completeness = completeness;
                }
                return;
            }
            Completeness::Complete => {
                // An empty answer is an error until proven, however often it is repeated: nobody is
                // taken to be gone, and each absence is proven by a direct read.
                self.emptied = accounts.is_empty() && (self.emptied || self.marked() > 0);
                self.note_left_out(&accounts);
                self.table.take_all();
                self.accounts_completeness = if self.emptied {
                    Completeness::Partial(SUDDENLY_EMPTY.to_owned())
                } else if self.contradicted.is_empty() {
                    Completeness::Complete
                } else {
                    Completeness::Partial(LEFT_OUT.to_owned())
                };
            }
            Completeness::Partial(_) => self.accounts_completeness = completeness,
        }
        for account in accounts {
            self.put(Entry {
                account,
                read_directly: false,
            });
        }
    }

    /// Notes which of ours a listing leaves out. Those that were there all the same the last time are not believed
    /// to be gone this time either.
    fn note_left_out(&mut self, accounts: &[ObservedAccount]) {
        let is_ours = |id: &AccountId| self.by_id(id).is_some_and(|known| self.is_ours(known));
        let shown = accounts.iter().filter(|account| is_ours(&account.id));
        if shown.count() == self.table.ours().count() {
            // As nearly always: nothing is set aside for it, of which there would be as much as there are accounts.
            self.contradicted.clear();
            self.left_out.clear();
            return;
        }
        let shown: HashSet<&AccountId> = accounts.iter().map(|account| &account.id).collect();
        let ours = self.table.ours().map(|(_, account, _)| &account.id);
        let left_out: HashSet<AccountId> = ours.filter(|id| !shown.contains(id)).cloned().collect();
        self.contradicted.retain(|id| left_out.contains(id));
        self.left_out = left_out;
    }

    fn take_entitlements(
        &mut self,
        entitlements: Vec<ObservedEntitlement>,
        completeness: Completeness,
        created: &[ObservedEntitlement],
    ) {
        if let Completeness::Unreadable(_) = completeness {
            if matches!(self.entitlements_completeness, Completeness::Unreadable(_)) {
                self.entitlements_completeness = completeness;
            }
            return;
        }
        let mut known = self.entitlements.values().flatten();
        // What was made while the listing ran it need not show.
        self.bereft = completeness.is_complete()
            && entitlements.is_empty()
            && known.any(|known| !created.iter().any(|new| new.id == known.id));
        if self.bereft {
            // Whose the memberships are would be forgotten.
            self.entitlements_completeness = Completeness::Partial(NO_ENTITLEMENTS.to_owned());
            return;
        }
        let mut before: HashMap<EntitlementId, Entitlement> = HashMap::new();
        if completeness.is_complete() {
            self.table.hold_nothing();
            self.names.clear();
            for entitlement in std::mem::take(&mut self.entitlements)
                .into_values()
                .flatten()
            {
                before.insert(entitlement.id.clone(), entitlement);
            }
        }
        self.entitlements_completeness = completeness;
        for seen in entitlements {
            let known = match before.remove(&seen.id) {
                Some(known) => Some(known),
                None => self.forget_entitlement(&seen.id),
            };
            let there = seen.holders.iter().map(|id| self.table.row_or_new(id));
            let mut holders: HashSet<Row> = there.collect();
            // A holder that was not seen is not taken to be none.
            if !seen.completeness.is_complete()
                && let Some(known) = known
            {
                let unseen = known.holders.into_iter();
                holders.extend(unseen.filter(|row| self.table.entry(*row).is_some()));
            }
            self.add(seen, holders);
        }
    }

    /// What each person's accounts look like, as a hash of all that is seen, for telling whose picture
    /// changed: pictures of everyone would be as large as the inventory itself.
    fn pictures(&self) -> Pictures {
        let mut pictures = Pictures::new();
        for (who, account, held) in self.table.ours() {
            let mut picture = DefaultHasher::new();
            account.hash(&mut picture);
            held.hash(&mut picture);
            // A sum, as the order of a person's accounts means nothing.
            let all = pictures.entry(EmployeeId::new(who)).or_default();
            *all = all.wrapping_add(picture.finish());
        }
        pictures
    }
}

type Pictures = HashMap<EmployeeId, u64>;
