//! Names and texts within statements that take no parameters. Sessions of ours have `NO_BACKSLASH_ESCAPES`, so
//! that in a quote nothing but the quote itself has a meaning; it is doubled.

use std::fmt;

use crate::domain::ids::AccountId;

/// A text as it stands in a statement.
pub(super) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as it stands in a statement.
pub(super) fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A user, whose name counts together with from where they sign in; in MySQL also a role, which is one as well.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct User {
    /// The name.
    pub name: String,
    /// From where; of a role of MariaDB it is empty.
    pub host: String,
}

impl User {
    /// What identifies one that has no mark of ours.
    pub fn id(&self) -> AccountId {
        AccountId::new(format!("{}@{}", self.name, self.host))
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", text(&self.name), text(&self.host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_quote_is_doubled() {
        assert_eq!(text("O'Brien\\"), "'O''Brien\\'");
        assert_eq!(name("a`b\"c"), "`a``b\"c`");
        let user = User {
            name: "a'@'b".to_owned(),
            host: "%".to_owned(),
        };
        assert_eq!(user.to_string(), "'a''@''b'@'%'");
    }
}
