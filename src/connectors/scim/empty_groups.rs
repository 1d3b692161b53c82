//! Which groups were read by themselves and had no members.
//!
//! Most servers leave `members` out of a group that has none, and some leave it out of lists although
//! there are members: only a direct read tells the one from the other. So that a hundred empty groups
//! do not cost a hundred reads at each listing, what a read showed stands while the row in the list
//! stays as it is, where the row states a version (RFC 7643 section 3.1, `meta.version` and
//! `meta.lastModified`).

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

use super::json::get;
use crate::domain::ids::EntitlementId;

/// Listings after which everything is read again: a server may change members and not the version.
const TRUSTED_FOR: u32 = 12;

/// A row of a list that states its version, as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(u64);

impl Stamp {
    /// The stamp of a row; none where it states no version.
    #[must_use]
    pub fn of(row: &Value) -> Option<Self> {
        let meta = get(row, "meta")?;
        get(meta, "version").or_else(|| get(meta, "lastModified"))?;
        let mut hasher = DefaultHasher::new();
        row.to_string().hash(&mut hasher);
        Some(Self(hasher.finish()))
    }
}

/// Groups that were seen to be empty, with the row that the list had for them then.
#[derive(Debug, Default)]
pub struct EmptyGroups {
    known: HashMap<EntitlementId, Stamp>,
    listings: u32,
}

impl EmptyGroups {
    /// A listing begins.
    pub fn begin_listing(&mut self) {
        self.listings += 1;
        if self.listings.is_multiple_of(TRUSTED_FOR) {
            self.known.clear();
        }
    }

    /// Whether the group was empty, and its row is the same as then.
    #[must_use]
    pub fn knows(&self, group: &EntitlementId, row: Option<Stamp>) -> bool {
        row.is_some() && self.known.get(group).copied() == row
    }

    /// A direct read showed that the group of this row is empty.
    pub fn saw(&mut self, group: &EntitlementId, row: Option<Stamp>) {
        match row {
            Some(row) => self.known.insert(group.clone(), row),
            None => self.known.remove(group),
        };
    }

    /// The group may have members now.
    pub fn forget(&mut self, group: &EntitlementId) {
        self.known.remove(group);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_is_trusted_while_it_states_the_same_version() {
        let row = |version: &str| Stamp::of(&json!({"id": "g", "meta": {"version": version}}));
        let mut empty = EmptyGroups::default();
        let group = EntitlementId::new("g");
        assert!(!empty.knows(&group, row("1")));
        empty.saw(&group, row("1"));
        assert!(empty.knows(&group, row("1")));
        assert!(!empty.knows(&group, row("2")));
        empty.forget(&group);
        assert!(!empty.knows(&group, row("1")));
    }

    #[test]
    fn a_row_without_a_version_is_never_trusted() {
        let row = Stamp::of(&json!({"id": "g", "meta": {"resourceType": "Group"}}));
        assert_eq!(row, None);
        let mut empty = EmptyGroups::default();
        let group = EntitlementId::new("g");
        empty.saw(&group, row);
        assert!(!empty.knows(&group, row));
    }

    #[test]
    fn nothing_is_trusted_for_ever() {
        let row = Stamp::of(&json!({"meta": {"lastModified": "2026-01-01T00:00:00Z"}}));
        let mut empty = EmptyGroups::default();
        let group = EntitlementId::new("g");
        empty.saw(&group, row);
        for _ in 0..TRUSTED_FOR - 1 {
            empty.begin_listing();
            assert!(empty.knows(&group, row));
        }
        empty.begin_listing();
        assert!(!empty.knows(&group, row));
    }
}
