//! What is known of one server's ways.

use serde_json::Value;

use super::json::{get, truth};

/// What is known of one server's ways: what it announces, and what its answers taught.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// What the last probe read.
    pub announced: Announced,
    /// What answers showed. Outlives the next probe.
    pub learnt: Learnt,
}

/// What a server says of itself (RFC 7643 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "a table of independent yes-or-no facts"
)]
pub struct Announced {
    /// Records can be changed in part.
    pub patch: bool,
    /// Lists can be filtered.
    pub filter: bool,
    /// Records have versions, and `If-Match` is honoured.
    pub etag: bool,
    /// Several operations fit into one request.
    pub bulk: bool,
    /// Passwords can be set.
    pub passwords: bool,
    /// There are groups.
    pub groups: bool,
    /// Lists are paged by cursor (RFC 9865).
    pub cursor: bool,
    /// Records in one answer, at most.
    pub max_results: Option<u32>,
}

impl Default for Announced {
    /// For a server that says nothing: PATCH, filters and groups are tried, as each has a way out
    /// when it is refused; versions are not relied upon, nor is it that passwords can be set.
    fn default() -> Self {
        Self {
            patch: true,
            filter: true,
            etag: false,
            bulk: false,
            passwords: false,
            groups: true,
            cursor: false,
            max_results: None,
        }
    }
}

/// What answers showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "a table of independent yes-or-no facts"
)]
pub struct Learnt {
    /// PATCH of users was refused as such (405 or 501), whatever was announced.
    pub user_patch_refused: bool,
    /// The same of groups.
    pub group_patch_refused: bool,
    /// A filter was answered with records that don't match it.
    pub filter_ignored: bool,
    /// A member that is added again stands there twice.
    pub repeats_members: bool,
    /// A removal by filter was seen to work.
    pub removal_proved: bool,
}

impl Dialect {
    /// Whether changes of users go by PATCH rather than by reading and putting back.
    #[must_use]
    pub fn patches_users(&self) -> bool {
        self.announced.patch && !self.learnt.user_patch_refused
    }

    /// The same of groups.
    #[must_use]
    pub fn patches_groups(&self) -> bool {
        self.announced.patch && !self.learnt.group_patch_refused
    }

    /// Whether records can be searched by a key.
    #[must_use]
    pub fn filters(&self) -> bool {
        self.announced.filter && !self.learnt.filter_ignored
    }
}

impl Announced {
    /// Reads a `ServiceProviderConfig`. What it leaves out keeps its default.
    #[must_use]
    pub fn read(config: &Value) -> Self {
        let default = Self::default();
        let supported = |name: &str| {
            get(config, name)
                .and_then(|f| get(f, "supported"))
                .and_then(truth)
        };
        let size = |of: &str, name: &str| {
            get(config, of)
                .and_then(|of| get(of, name))
                .and_then(Value::as_u64)
                .filter(|max| *max > 0)
                .map(|max| u32::try_from(max).unwrap_or(u32::MAX))
        };
        let sizes = [
            size("filter", "maxResults"),
            size("pagination", "maxPageSize"),
        ];
        Self {
            patch: supported("patch").unwrap_or(default.patch),
            filter: supported("filter").unwrap_or(default.filter),
            etag: supported("etag").unwrap_or(default.etag),
            bulk: supported("bulk").unwrap_or(default.bulk),
            passwords: supported("changePassword").unwrap_or(default.passwords),
            groups: default.groups,
            cursor: get(config, "pagination")
                .and_then(|paging| get(paging, "cursor"))
                .and_then(truth)
                .unwrap_or(default.cursor),
            max_results: sizes.into_iter().flatten().min(),
        }
    }
}

/// Whether a list of resource types names one with this endpoint. `None` where it names none at all.
#[must_use]
pub fn names_endpoint(types: &Value, endpoint: &str) -> Option<bool> {
    let list = get(types, "Resources").unwrap_or(types).as_array()?;
    let endpoints: Vec<&str> = list
        .iter()
        .filter_map(|kind| get(kind, "endpoint").and_then(Value::as_str))
        .map(|named| {
            named
                .rsplit('/')
                .find(|part| !part.is_empty())
                .unwrap_or(named)
        })
        .collect();
    (!endpoints.is_empty()).then(|| {
        endpoints
            .iter()
            .any(|named| named.eq_ignore_ascii_case(endpoint))
    })
}
