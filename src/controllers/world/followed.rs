//! Entitlements that manifests name, followed by their identifier where an application calls them otherwise now.
//! An identifier alone proves nothing, as some applications give it again: most of those who are remembered to hold
//! the entitlement must be seen to hold what has it now.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::api::app_connector::EntitlementStatus;
use crate::dispatch::inventory::Inventory;
use crate::domain::account::ObservedEntitlement;
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

/// Entitlements shown in a status, at most.
const SHOWN: usize = 512;

/// What is known of the entitlements that are named, by the names that manifests use.
#[derive(Debug, Default)]
pub struct Followed {
    ids: BTreeMap<EntitlementName, EntitlementId>,
    /// What the application calls those that have another name now.
    renamed: BTreeMap<EntitlementName, EntitlementName>,
}

/// Who is remembered to hold which of the entitlements that are named.
pub type Holders = BTreeMap<EntitlementName, BTreeSet<AccountId>>;

impl Followed {
    /// As an earlier run left it.
    #[must_use]
    pub fn told(status: &[EntitlementStatus]) -> Self {
        let ids = status.iter().map(|told| {
            let id = EntitlementId::new(&told.id);
            (EntitlementName::new(&told.name), id)
        });
        Self {
            ids: ids.collect(),
            renamed: BTreeMap::new(),
        }
    }

    /// Calls what a listing shows as manifests do, where it has another name than before.
    pub fn follow(&mut self, seen: &mut [ObservedEntitlement], holders: &Holders) {
        self.renamed.clear();
        let there: BTreeSet<EntitlementName> = seen.iter().map(|e| e.name.clone()).collect();
        let gone = self.ids.iter().filter(|(name, _)| !there.contains(*name));
        let gone: HashMap<&EntitlementId, &EntitlementName> =
            gone.map(|(name, id)| (id, name)).collect();
        if gone.is_empty() {
            return;
        }
        for entitlement in seen {
            let Some(name) = gone.get(&entitlement.id) else {
                continue;
            };
            // Where manifests use the name that it has now, that is what they mean.
            let is_named = holders.contains_key(&entitlement.name);
            let remembered = holders.get(*name);
            if !is_named && remembered.is_some_and(|held| is_held_by(entitlement, held)) {
                let called = std::mem::replace(&mut entitlement.name, (*name).clone());
                self.renamed.insert((*name).clone(), called);
            }
        }
    }

    /// Takes over names that manifests use by now: what was followed under another is called so at once.
    pub fn take_over(&mut self, inventory: &mut Inventory, holders: &Holders) {
        let renamed = self.renamed.iter();
        let used: Vec<_> = renamed
            .filter(|(_, called)| holders.contains_key(*called))
            .map(|(name, called)| (name.clone(), called.clone()))
            .collect();
        for (name, called) in used {
            inventory.call(&name, &called);
            self.renamed.remove(&name);
            if let Some(id) = self.ids.remove(&name) {
                self.ids.insert(called, id);
            }
        }
    }

    /// Remembers the identifiers of those that are named and there.
    pub fn learn(&mut self, inventory: &Inventory, holders: &Holders) {
        self.ids.retain(|name, _| holders.contains_key(name));
        for name in holders.keys() {
            if let [one] = inventory.entitlements(name) {
                self.ids.insert(name.clone(), one.id.clone());
            }
        }
    }

    /// Whether one has another name now than manifests use.
    #[must_use]
    pub fn has_renamed(&self) -> bool {
        !self.renamed.is_empty()
    }

    /// What a status tells of them, those that have another name first.
    #[must_use]
    pub fn for_status(&self) -> Vec<EntitlementStatus> {
        let one = |(name, id): (&EntitlementName, &EntitlementId)| EntitlementStatus {
            name: name.to_string(),
            id: id.to_string(),
            renamed_to: self.renamed.get(name).map(ToString::to_string),
        };
        let mut all: Vec<EntitlementStatus> = self.ids.iter().map(one).collect();
        all.sort_by_key(|told| (told.renamed_to.is_none(), told.name.clone()));
        all.truncate(SHOWN);
        all
    }
}

/// Whether most of those who are remembered to hold it do.
fn is_held_by(entitlement: &ObservedEntitlement, remembered: &BTreeSet<AccountId>) -> bool {
    let holders = entitlement.holders.iter();
    let held = holders
        .filter(|holder| remembered.contains(*holder))
        .count();
    held > 0 && held * 2 >= remembered.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::Listing;
    use crate::domain::account::Completeness;
    use crate::domain::mark::Scope;

    fn seen(id: &str, name: &str, holders: &[&str]) -> ObservedEntitlement {
        ObservedEntitlement {
            id: id.into(),
            name: name.into(),
            holders: holders.iter().map(|id| AccountId::new(*id)).collect(),
            completeness: Completeness::Complete,
        }
    }

    fn holders(of: &[(&str, &[&str])]) -> Holders {
        let one = |(name, ids): &(&str, &[&str])| {
            let ids = ids.iter().map(|id| AccountId::new(*id));
            (EntitlementName::new(*name), ids.collect())
        };
        of.iter().map(one).collect()
    }

    /// One that knows `staff` as 7.
    fn knows() -> Followed {
        let mut followed = Followed::default();
        let mut inventory = Inventory::new(Scope::new("acme", "people"));
        inventory.begin_listing();
        inventory.complete_listing(Listing {
            accounts: Vec::new(),
            accounts_completeness: Completeness::Complete,
            entitlements: vec![seen("7", "staff", &["a", "b"])],
            entitlements_completeness: Completeness::Complete,
            oddities: Vec::new(),
            requests: 1,
        });
        followed.learn(
            &inventory,
            &holders(&[("staff", &["a", "b"]), ("gone", &[])]),
        );
        followed
    }

    fn names(
        followed: &mut Followed,
        listed: Vec<ObservedEntitlement>,
        held: &[(&str, &[&str])],
    ) -> Vec<String> {
        let mut listed = listed;
        followed.follow(&mut listed, &holders(held));
        listed.iter().map(|e| e.name.to_string()).collect()
    }

    #[test]
    fn one_that_was_renamed_is_known_by_its_identifier_and_its_holders() {
        let staff: &[(&str, &[&str])] = &[("staff", &["a", "b"])];
        let mut followed = knows();
        let listed = vec![
            seen("7", "personnel", &["a", "x"]),
            seen("8", "other", &["a", "b"]),
        ];
        assert_eq!(names(&mut followed, listed, staff), ["staff", "other"]);
        let told = followed.for_status();
        assert_eq!(told[0].renamed_to.as_deref(), Some("personnel"));
        // Also after a restart.
        let mut restarted = Followed::told(&told);
        let listed = vec![seen("7", "personnel", &["a", "b"])];
        assert_eq!(names(&mut restarted, listed, staff), ["staff"]);
    }

    #[test]
    fn once_manifests_use_the_new_name_it_is_called_so_at_once() {
        let staff: &[(&str, &[&str])] = &[("staff", &["a", "b"])];
        let mut followed = knows();
        let mut listed = vec![seen("7", "personnel", &["a", "b"])];
        followed.follow(&mut listed, &holders(staff));
        let mut inventory = Inventory::new(Scope::new("acme", "people"));
        inventory.begin_listing();
        inventory.complete_listing(Listing {
            accounts: Vec::new(),
            accounts_completeness: Completeness::Complete,
            entitlements: listed,
            entitlements_completeness: Completeness::Complete,
            oddities: Vec::new(),
            requests: 1,
        });
        let both: &[(&str, &[&str])] = &[("staff", &["a", "b"]), ("personnel", &[])];
        followed.take_over(&mut inventory, &holders(both));
        assert!(inventory.entitlements(&"staff".into()).is_empty());
        assert_eq!(
            inventory.entitlements(&"personnel".into())[0].id.as_str(),
            "7"
        );
        let held = inventory.held(&AccountId::new("a")).unwrap();
        assert!(held.contains("personnel") && !held.contains("staff"));
        assert!(!followed.has_renamed());
    }

    #[test]
    fn an_identifier_that_is_given_again_is_not_followed() {
        let staff: &[(&str, &[&str])] = &[("staff", &["a", "b", "c"])];
        for admins in [&["root"][..], &["a", "root"], &[]] {
            let listed = vec![seen("7", "admins", admins)];
            assert_eq!(names(&mut knows(), listed, staff), ["admins"]);
        }
        let listed = vec![seen("7", "admins", &[])];
        assert_eq!(names(&mut knows(), listed, &[("staff", &[])]), ["admins"]);
    }

    #[test]
    fn a_name_that_manifests_use_is_what_they_mean() {
        let both: &[(&str, &[&str])] = &[("staff", &["a", "b"]), ("personnel", &[])];
        let listed = vec![seen("7", "personnel", &["a", "b"])];
        assert_eq!(names(&mut knows(), listed, both), ["personnel"]);
        // Another one has the name by now.
        let listed = vec![seen("7", "personnel", &["a", "b"]), seen("9", "staff", &[])];
        let staff: &[(&str, &[&str])] = &[("staff", &["a", "b"])];
        assert_eq!(names(&mut knows(), listed, staff), ["personnel", "staff"]);
    }
}
