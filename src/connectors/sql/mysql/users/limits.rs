//! How long names may be. Users and roles share one namespace, and one limit.

use crate::connectors::{ConnectorError, ErrorKind, Result};

/// Longest name of a user or role, in characters (`mysql.global_priv.User`).
const LONGEST: usize = 128;

/// Whose name it is, which says where to shorten it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameOf {
    /// A user.
    User,
    /// A role that is given.
    Role,
    /// The role that is our mark.
    Mark,
}

impl NameOf {
    fn word(self) -> &'static str {
        match self {
            Self::User => "name",
            Self::Role => "role",
            Self::Mark => "mark",
        }
    }

    fn remedy(self) -> String {
        match self {
            Self::User => format!("set spec.account.usernameRules.maxLength to {LONGEST} or less"),
            Self::Role => "name a shorter one in spec.grants of the RoleTemplate".to_owned(),
            Self::Mark => {
                "it is a role there, made of the installation, the namespace, spec.account.purpose and spec.employeeId: let one of them be shorter"
                    .to_owned()
            }
        }
    }
}

/// Refuses a name that the server does not hold.
pub(super) fn checked<'a>(what: &str, name: &'a str, of: NameOf) -> Result<&'a str> {
    let length = name.chars().count();
    if length <= LONGEST {
        return Ok(name);
    }
    let told = format!(
        "{what}: the {} {name} has {length} characters, and MariaDB keeps {LONGEST}",
        of.word()
    );
    Err(ConnectorError::new(ErrorKind::Invalid, told).with_remedy(&of.remedy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_told_with_where_to_shorten_it() {
        assert!(checked("trying", &"é".repeat(128), NameOf::Role).is_ok());
        for (of, parts) in [
            (NameOf::User, ["the name a", "usernameRules.maxLength"]),
            (NameOf::Role, ["the role a", "spec.grants"]),
            (NameOf::Mark, ["the mark a", "spec.employeeId"]),
        ] {
            let error = checked("trying", &"a".repeat(129), of).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
            for part in parts.into_iter().chain(["129 characters"]) {
                assert!(error.message.contains(part), "{}", error.message);
            }
        }
    }
}
