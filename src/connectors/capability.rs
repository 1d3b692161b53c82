//! What a target can do, as it says or as was found out.

use std::collections::BTreeSet;

use crate::domain::credentials::CredentialKind;

/// What a target can do. A verb that is missing is reported as missing, never faked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "a table of independent yes-or-no facts"
)]
pub struct Capabilities {
    /// Accounts can be disabled and enabled.
    pub disable: bool,
    /// User names can be changed.
    pub rename: bool,
    /// Accounts can be deleted.
    pub delete: bool,
    /// Records can be changed in part (SCIM PATCH).
    pub patch: bool,
    /// Accounts can be searched by a key.
    pub filter: bool,
    /// There are entitlements, and they can be given and taken.
    pub entitlements: bool,
    /// Our mark can be stored.
    pub mark: bool,
    /// Kinds of credentials that can be taken away from an account.
    pub revokes: BTreeSet<CredentialKind>,
    /// What an account owns is known, and can be handed to another.
    pub ownership: bool,
    /// Records in one answer, at most, where the target says.
    pub max_page: Option<u32>,
    /// Further facts worth showing to an administrator, such as `Bulk` or `ETag`.
    pub notes: Vec<String>,
}

impl Capabilities {
    /// Names of what is there, sorted, for status.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = [
            (self.disable, "Disable"),
            (self.rename, "Rename"),
            (self.delete, "Delete"),
            (self.patch, "Patch"),
            (self.filter, "Filter"),
            (self.entitlements, "Entitlements"),
            (self.mark, "Mark"),
            (self.ownership, "TransferOwnership"),
        ]
        .into_iter()
        .filter(|(there, _)| *there)
        .map(|(_, name)| name.to_owned())
        .chain(self.revokes.iter().map(|kind| format!("Revoke{kind}")))
        .chain(self.notes.iter().cloned())
        .collect();
        names.sort();
        names
    }
}
