//! From an error of PostgreSQL (SQLSTATE, appendix A of its manual) or a broken connection to an error that
//! the rest of the program acts on.

use std::error::Error as _;
use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::connectors::redact::Redactor;
use crate::connectors::sql::server::{
    ADDRESS, NO_DATABASE, NOT_ENCRYPTED, NOT_LET_IN, NOT_REACHED, Stage,
};
use crate::connectors::{ConnectorError, ErrorKind, tls};

/// What a server that has no room gets.
const PAUSE: Duration = Duration::from_secs(1);

/// What a class or code means: the longest beginning that fits counts.
const MEANINGS: &[(&str, ErrorKind)] = &[
    ("08", ErrorKind::Unreachable),
    ("22", ErrorKind::Invalid),
    ("23", ErrorKind::Invalid),
    ("23505", ErrorKind::Taken),
    ("28", ErrorKind::Unauthorized),
    ("2BP01", ErrorKind::Forbidden),
    ("3D000", ErrorKind::Unreachable),
    ("40", ErrorKind::Changed),
    ("42", ErrorKind::Invalid),
    ("42501", ErrorKind::Forbidden),
    ("42710", ErrorKind::Taken),
    ("53", ErrorKind::Throttled),
    ("55", ErrorKind::Changed),
    ("57", ErrorKind::Unreachable),
    ("57014", ErrorKind::Throttled),
    ("P0001", ErrorKind::Invalid),
];

fn meaning(code: &str) -> ErrorKind {
    let fits = MEANINGS.iter().filter(|(begin, _)| code.starts_with(begin));
    let longest = fits.max_by_key(|(begin, _)| begin.len());
    longest.map_or(ErrorKind::OutcomeUnknown, |(_, kind)| *kind)
}

/// Reads an error. `what` says what was tried.
#[must_use]
pub fn read(what: &str, error: &Error, stage: Stage, redactor: &Redactor) -> ConnectorError {
    let Some(answer) = error.as_db_error() else {
        return broken(what, error, stage, redactor);
    };
    let code = answer.code().code();
    let mut kind = meaning(code);
    if kind == ErrorKind::OutcomeUnknown && stage == Stage::Undone {
        // It says itself that nothing was done.
        kind = ErrorKind::Invalid;
    }
    if kind == ErrorKind::Unreachable && stage == Stage::Committing {
        kind = ErrorKind::OutcomeUnknown;
    }
    let mut message = format!(
        "{what}: the server answers {} ({code})",
        redactor.clean(answer.message())
    );
    // The details of a violation repeat the whole row, with whatever else stands in it.
    let detail = answer
        .detail()
        .filter(|_| !code.starts_with("23") && !code.starts_with("22"));
    for more in [detail, answer.hint()].into_iter().flatten() {
        message.push_str(". ");
        message.push_str(&redactor.clean(more));
    }
    for (what, name) in [
        ("column", answer.column()),
        ("constraint", answer.constraint()),
    ] {
        if let Some(name) = name.filter(|name| !message.contains(name)) {
            message = format!("{message} ({what} {name})");
        }
    }
    ConnectorError {
        retry_after: (kind == ErrorKind::Throttled).then_some(PAUSE),
        ..ConnectorError::new(kind, message)
    }
}

/// Reads an error of a connection that was to be opened, with what to do about it.
#[must_use]
pub fn refused(what: &str, error: &Error, redactor: &Redactor) -> ConnectorError {
    let told = read(what, error, Stage::Undone, redactor);
    let remedy = match error.code().map(SqlState::code) {
        Some(code) if code.starts_with("28") => NOT_LET_IN.to_owned(),
        // invalid_catalog_name, insufficient_privilege
        Some("3D000" | "42501") => NO_DATABASE.to_owned(),
        Some(_) => return told,
        None if told.message.contains("does not support TLS") => NOT_ENCRYPTED.to_owned(),
        None => tls::remedy(error, ADDRESS).unwrap_or_else(|| NOT_REACHED.to_owned()),
    };
    told.with_remedy(&remedy)
}

fn broken(what: &str, error: &Error, stage: Stage, redactor: &Redactor) -> ConnectorError {
    let mut why = error.to_string();
    if let Some(source) = error.source() {
        why = format!("{why}: {source}");
    }
    let kind = match stage {
        // A value that can't be written in the form that a place wants.
        _ if why.contains("serializing parameter") => ErrorKind::Invalid,
        stage => stage.cut_off(),
    };
    ConnectorError::new(kind, format!("{what}: {}", redactor.clean(&why)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_meaning_counts() {
        for (code, kind) in [
            ("23505", ErrorKind::Taken),
            ("23502", ErrorKind::Invalid),
            ("28P01", ErrorKind::Unauthorized),
            ("42710", ErrorKind::Taken),
            ("42501", ErrorKind::Forbidden),
            ("42601", ErrorKind::Invalid),
            ("40001", ErrorKind::Changed),
            ("53300", ErrorKind::Throttled),
            ("57P01", ErrorKind::Unreachable),
            ("XX000", ErrorKind::OutcomeUnknown),
        ] {
            assert_eq!(meaning(code), kind, "{code}");
        }
    }
}
