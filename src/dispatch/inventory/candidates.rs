//! Accounts that bear nobody's mark, by the attributes that may tell whose they are.

use std::collections::HashMap;

use crate::domain::account::ObservedAccount;
use crate::domain::clues;
use crate::domain::ids::{AccountId, AttributeName};
use crate::domain::mark::{Marking, Scope};
use crate::domain::small_set::SmallSet;

/// An index of what is in the table already. Of accounts that are somebody's it has nothing.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    attributes: Vec<AttributeName>,
    by_value: HashMap<(AttributeName, Box<str>), SmallSet<AccountId>>,
}

impl Candidates {
    /// Attributes that tell.
    pub(super) fn attributes(&self) -> &[AttributeName] {
        &self.attributes
    }

    /// Nothing of these attributes yet.
    pub(super) fn by(attributes: Vec<AttributeName>) -> Self {
        Self {
            attributes,
            by_value: HashMap::new(),
        }
    }

    /// Accounts with a value, given in lower case.
    pub(super) fn with(&self, attribute: &AttributeName, value: &str) -> Vec<AccountId> {
        let key = (attribute.clone(), Box::from(value));
        let found = self.by_value.get(&key).into_iter().flatten();
        found.cloned().collect()
    }

    pub(super) fn put(&mut self, scope: &Scope, account: &ObservedAccount) {
        for key in self.keys(scope, account) {
            self.by_value
                .entry(key)
                .or_default()
                .insert(account.id.clone());
        }
    }

    pub(super) fn take(&mut self, scope: &Scope, account: &ObservedAccount) {
        for key in self.keys(scope, account) {
            if let Some(ids) = self.by_value.get_mut(&key) {
                ids.remove(&account.id);
                if ids.is_empty() {
                    self.by_value.remove(&key);
                }
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.by_value.clear();
    }

    fn keys(&self, scope: &Scope, account: &ObservedAccount) -> Vec<(AttributeName, Box<str>)> {
        if scope.read(account.mark.as_deref()) != Marking::None {
            return Vec::new();
        }
        let attributes = self.attributes.iter();
        let keys = attributes.flat_map(|attribute| {
            clues::values(account, attribute).map(|value| (attribute.clone(), value))
        });
        keys.collect()
    }
}
