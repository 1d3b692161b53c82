//! Names that a server does not hold.

/// Whose name it is, which says where to shorten it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameOf {
    /// An account.
    User,
    /// A role that is given.
    Role,
    /// The role that is our mark.
    Mark,
}

impl NameOf {
    /// What to do about one that is longer than the longest.
    pub(super) fn remedy(self, longest: usize) -> String {
        match self {
            Self::User => format!("set spec.account.usernameRules.maxLength to {longest} or less"),
            Self::Role => "name a shorter one in spec.grants of the RoleTemplate".to_owned(),
            Self::Mark => {
                "it is a role there, made of the installation, the namespace, spec.account.purpose and spec.employeeId: let one of them be shorter"
                    .to_owned()
            }
        }
    }
}
