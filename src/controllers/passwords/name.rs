//! What the Secret of an account's initial password is called.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::domain::ids::{ConnectorName, EmployeeId};

/// Longest name of an object (RFC 1123 subdomain).
const LONGEST: usize = 253;

/// `<connector>.<employee id>.initial-password`. Where that is no name that a Secret can have, the identifier
/// is written in lower case, and a few letters that only it has are added.
#[must_use]
pub fn secret_name(connector: &ConnectorName, employee: &EmployeeId) -> String {
    let plain = format!("{connector}.{employee}.initial-password");
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    let is_divided = |text: &str| {
        text.split('.')
            .all(|part| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-'))
    };
    // A dot within could be the one between.
    let is_plain_name = !connector.as_str().contains('.') && !employee.as_str().contains('.');
    if plain.len() <= LONGEST && is_plain_name && plain.chars().all(is_plain) && is_divided(&plain)
    {
        return plain;
    }
    let mut hash = Sha256::new();
    hash.update(connector.as_str());
    hash.update([0]);
    hash.update(employee.as_str());
    let mut short = String::new();
    for byte in hash.finalize().iter().take(5) {
        // Writing into a text can't fail.
        let _ = write!(short, "{byte:02x}");
    }
    let letters = employee.as_str().to_ascii_lowercase();
    let id: String = letters
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let end = format!(".{}-{short}.initial-password", id.trim_matches('-'));
    let room = LONGEST.saturating_sub(end.len());
    let begin: String = connector.as_str().chars().take(room).collect();
    format!("{}{end}", begin.trim_end_matches(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(connector: &str, employee: &str) -> String {
        secret_name(&connector.into(), &employee.into())
    }

    #[test]
    fn can_be_foretold_and_is_nobody_elses() {
        assert_eq!(name("directory", "1042"), "directory.1042.initial-password");
        let names = [
            name("directory", "DE-1042"),
            name("directory", "de-1042"),
            name("directory", "DE_1042"),
            name("a.b", "c"),
            name("a", "b.c"),
            name("directory", "a..b"),
            name("directory", "a.-b"),
            name(&"d".repeat(253), "1042"),
            name(&"d".repeat(253), "1043"),
        ];
        for (i, one) in names.iter().enumerate() {
            assert!(one.len() <= LONGEST, "{one}");
            let parts = one.split('.').all(|part| {
                let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                !part.is_empty()
                    && part.chars().all(inner)
                    && !part.starts_with('-')
                    && !part.ends_with('-')
            });
            assert!(parts, "{one}");
            assert!(names.iter().skip(i + 1).all(|other| other != one), "{one}");
        }
        assert!(names[0].starts_with("directory.de-1042-"), "{}", names[0]);
    }
}
