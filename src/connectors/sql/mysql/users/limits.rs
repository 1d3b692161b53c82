//! How long names may be. Users and roles share one namespace, and one limit.

use super::flavour::Flavour;
use crate::connectors::sql::names::NameOf;
use crate::connectors::{ConnectorError, ErrorKind, Result};

/// Refuses a name that the server does not hold.
pub(super) fn check(flavour: &dyn Flavour, what: &str, name: &str, of: NameOf) -> Result<()> {
    let length = name.chars().count();
    let Some(longest) = flavour.longest(of).filter(|longest| length > *longest) else {
        return Ok(());
    };
    let told = format!(
        "{what}: the {} {name} has {length} characters, and {} keeps {longest}",
        word(of),
        flavour.name()
    );
    Err(ConnectorError::new(ErrorKind::Invalid, told).with_remedy(&of.remedy(longest)))
}

fn word(of: NameOf) -> &'static str {
    match of {
        NameOf::User => "name",
        NameOf::Role => "role",
        NameOf::Mark => "mark",
    }
}

#[cfg(test)]
mod tests {
    use super::super::of_mariadb::MariaDb;
    use super::super::of_mysql::MySql8;
    use super::*;

    #[test]
    fn what_is_too_long_is_told_with_where_to_shorten_it() {
        let users = (NameOf::User, ["the name a", "usernameRules.maxLength"]);
        let roles = (NameOf::Role, ["the role a", "spec.grants"]);
        let marks = (NameOf::Mark, ["the mark a", "spec.employeeId"]);
        let of_mariadb: (&dyn Flavour, _, _) = (&MariaDb, 128, vec![users, roles, marks]);
        let of_mysql: (&dyn Flavour, _, _) = (&MySql8, 32, vec![users, roles]);
        for (flavour, longest, cases) in [of_mariadb, of_mysql] {
            for (of, parts) in cases {
                assert!(check(flavour, "trying", &"é".repeat(longest), of).is_ok());
                let error = check(flavour, "trying", &"a".repeat(longest + 1), of).unwrap_err();
                assert_eq!(error.kind, ErrorKind::Invalid);
                let told = format!("{} characters, and {}", longest + 1, flavour.name());
                for part in parts.into_iter().chain([told.as_str()]) {
                    assert!(error.message.contains(part), "{}", error.message);
                }
            }
        }
        // It is no name there.
        assert!(check(&MySql8, "trying", &"a".repeat(200), NameOf::Mark).is_ok());
    }
}
