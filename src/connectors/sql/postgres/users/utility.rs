//! Statements that take no parameters, such as `CREATE ROLE`. Names and texts are put into them quoted as the
//! server's own client library does (`PQescapeIdentifier`, `PQescapeLiteral`).

use postgres_protocol::escape::{escape_identifier, escape_literal};
use tokio_postgres::Transaction;

use super::PostgresUsers;
use crate::connectors::sql::names::NameOf;
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, Result};

/// Longest name, in bytes. A longer one would be cut without a word.
const LONGEST: usize = 63;

/// Refuses a name that the server would cut, or can't hold.
pub(super) fn checked(name: &str, of: NameOf) -> Result<&str> {
    if name.len() > LONGEST {
        let told = format!(
            "the name {name} has {} bytes, and PostgreSQL keeps {LONGEST}",
            name.len()
        );
        return Err(ConnectorError::new(ErrorKind::Invalid, told).with_remedy(&of.remedy(LONGEST)));
    }
    if name.is_empty() || name.contains('\0') {
        return Err(ConnectorError::new(
            ErrorKind::Invalid,
            "a name is empty, or holds a zero byte",
        ));
    }
    Ok(name)
}

/// A name as it stands in a statement.
pub(super) fn quoted(name: &str) -> String {
    escape_identifier(name)
}

/// A text as it stands in a statement.
pub(super) fn literal(text: &str) -> String {
    escape_literal(text)
}

impl PostgresUsers {
    /// Runs a statement, or several, within a transaction.
    pub(super) async fn utility(
        &self,
        what: &str,
        transaction: &Transaction<'_>,
        statements: &str,
    ) -> Result<()> {
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        transaction.batch_execute(statements).await.map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_end_nothing() {
        for (text, name, value) in [
            ("ada", "\"ada\"", "'ada'"),
            ("o'hara", "\"o'hara\"", "'o''hara'"),
            ("a\"b", "\"a\"\"b\"", "'a\"b'"),
            (r"back\slash", r#""back\slash""#, r" E'back\\slash'"),
            (
                "; DROP ROLE x; --",
                "\"; DROP ROLE x; --\"",
                "'; DROP ROLE x; --'",
            ),
        ] {
            assert_eq!(quoted(text), name);
            assert_eq!(literal(text), value);
        }
    }

    #[test]
    fn what_a_name_can_not_be_is_refused() {
        let too_long = "é".repeat(32);
        for (name, of, part) in [
            ("", NameOf::User, "empty"),
            ("a\0b", NameOf::User, "zero byte"),
            (&too_long, NameOf::User, "64 bytes"),
            (&too_long, NameOf::User, "usernameRules.maxLength"),
            (&too_long, NameOf::Role, "RoleTemplate"),
        ] {
            let error = checked(name, of).unwrap_err();
            assert!(error.message.contains(part), "{}", error.message);
        }
        assert!(checked(&"é".repeat(31), NameOf::User).is_ok());
    }
}
