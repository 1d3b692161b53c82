//! Names in other letters: to the server they are two, to everybody else one.

use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;

use super::PostgresUsers;
use crate::connectors::sql::postgres::prepared::Param;
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, Result};
use crate::domain::ids::Username;

/// What stands before a [`pattern`]. With its collation, as that of names differs from version to version.
pub(super) const ALIKE: &str = "lower(role.rolname::text COLLATE \"C\") LIKE";

/// What `LIKE` takes for more than itself.
const SPECIAL: [char; 3] = ['\\', '%', '_'];

/// A pattern that a name fits which is this one in other letters. The server compares small letters of ASCII; others may
/// be anything, and are compared here.
pub(super) fn pattern(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len());
    for letter in name.chars() {
        if SPECIAL.contains(&letter) {
            pattern.push('\\');
        }
        pattern.push(if letter.is_ascii() {
            letter.to_ascii_lowercase()
        } else {
            '%'
        });
    }
    pattern
}

/// Told where another role has the name, in whatever letters.
pub(super) fn must_differ<'n>(
    what: &str,
    name: &str,
    others: impl IntoIterator<Item = &'n str>,
) -> Result<()> {
    let name = Username::new(name);
    let same = |other: &&str| Username::new(other) == name;
    others.into_iter().find(same).map_or(Ok(()), |other| {
        Err(ConnectorError::new(
            ErrorKind::Taken,
            format!("{what}: there is a role {other}"),
        ))
    })
}

impl PostgresUsers {
    /// Refuses a name that another role has.
    pub(super) async fn must_be_free(
        &self,
        what: &str,
        client: &impl GenericClient,
        name: &str,
        own: u32,
    ) -> Result<()> {
        let text = format!(
            "SELECT role.rolname::text FROM pg_roles role WHERE {ALIKE} $1 AND role.oid <> $2"
        );
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let pattern = pattern(name);
        let params: [Param<'_>; 2] = [(&pattern, Type::TEXT), (&own, Type::OID)];
        let found = client.query_typed(&text, &params).await.map_err(failed)?;
        let others = found.iter().map(|row| row.try_get(0).map_err(failed));
        let others: Vec<&str> = others.collect::<Result<_>>()?;
        must_differ(what, name, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_small_letters_and_leaves_open_what_the_server_does_not_know() {
        for (name, wanted) in [
            ("Ada.Lovelace", "ada.lovelace"),
            ("a_b%c\\d", "a\\_b\\%c\\\\d"),
            ("Éva", "%va"),
            ("ÉÀva%É", "%%va\\%%"),
            ("", ""),
        ] {
            assert_eq!(pattern(name), wanted);
        }
    }

    #[test]
    fn a_name_is_taken_in_whatever_letters() {
        for (name, other, is_free) in [
            ("ada", "ADA", false),
            ("Éva", "éva", false),
            ("ÉVA", "Éva", false),
            ("éva", "öva", true),
            ("ada", "adam", true),
        ] {
            let free = must_differ("making it", name, [other]);
            assert_eq!(free.is_ok(), is_free, "{name} beside {other}");
        }
        let told = must_differ("making role ada", "ada", ["grace", "ADA"]).unwrap_err();
        assert_eq!(told.kind, ErrorKind::Taken);
        assert_eq!(told.message, "making role ada: there is a role ADA");
    }
}
