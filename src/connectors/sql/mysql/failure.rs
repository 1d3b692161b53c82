//! From an error of MySQL or MariaDB (by its number, or else by its SQLSTATE), or a broken connection, to an
//! error that the rest of the program acts on.

use std::time::Duration;

use mysql_async::{DriverError, Error, IoError, ServerError};

use crate::connectors::redact::Redactor;
use crate::connectors::sql::server::{
    ADDRESS, NO_DATABASE, NOT_ENCRYPTED, NOT_LET_IN, NOT_REACHED, Stage,
};
use crate::connectors::{ConnectorError, ErrorKind, tls};

/// What a server that has no room gets.
const PAUSE: Duration = Duration::from_secs(1);

/// Numbers of MariaDB's and MySQL's manuals. Those that both have mean the same in both.
const NUMBERS: &[(u16, ErrorKind)] = &[
    (1040, ErrorKind::Throttled),    // too many connections
    (1044, ErrorKind::Forbidden),    // no access to the database
    (1045, ErrorKind::Unauthorized), // no access with that password
    (1049, ErrorKind::Unreachable),  // no such database
    (1053, ErrorKind::Unreachable),  // shutting down
    (1062, ErrorKind::Taken),        // a duplicate
    (1129, ErrorKind::Unreachable),  // our host was blocked
    (1130, ErrorKind::Unauthorized), // our host is not allowed
    (1142, ErrorKind::Forbidden),    // no right to a table
    (1143, ErrorKind::Forbidden),    // no right to a column
    (1203, ErrorKind::Throttled),    // too many connections of one user
    (1205, ErrorKind::Changed),      // waited too long for a lock
    (1213, ErrorKind::Changed),      // a deadlock
    (1226, ErrorKind::Throttled),    // a limit of one user
    (1227, ErrorKind::Forbidden),    // no such privilege
    (1290, ErrorKind::Unreachable),  // read-only for now
    (1317, ErrorKind::Throttled),    // ended by somebody
    (1370, ErrorKind::Forbidden),    // no right to a routine
    (1470, ErrorKind::Invalid),      // a name is too long
    (1586, ErrorKind::Taken),        // a duplicate, with the key's name
    (1698, ErrorKind::Unauthorized), // no access without a password
    (1820, ErrorKind::Unauthorized), // the password must be changed
    (1862, ErrorKind::Unauthorized), // the password has expired
    (1827, ErrorKind::Invalid),      // no password is compared with that (MySQL)
    (1959, ErrorKind::Invalid),      // no such role, or none that we may give
    (1969, ErrorKind::Throttled),    // took too long (MariaDB)
    (3024, ErrorKind::Throttled),    // took too long (MySQL)
    (3118, ErrorKind::Unauthorized), // the account is locked (MySQL)
    (3523, ErrorKind::Changed),      // no such user or role (MySQL)
    (3530, ErrorKind::Changed),      // a role that was not given (MySQL)
    (3532, ErrorKind::Invalid),      // a user that others have as a role is not renamed (MySQL)
    (4006, ErrorKind::Forbidden),    // something runs with its rights (MySQL)
    (4151, ErrorKind::Unauthorized), // the account is locked (MariaDB)
];

/// Classes of SQLSTATE, for other numbers.
const CLASSES: &[(&str, ErrorKind)] = &[
    ("08", ErrorKind::Unreachable),
    ("21", ErrorKind::Invalid),
    ("22", ErrorKind::Invalid),
    ("23", ErrorKind::Invalid),
    ("28", ErrorKind::Unauthorized),
    ("40", ErrorKind::Changed),
    ("42", ErrorKind::Invalid),
    ("45", ErrorKind::Invalid),
];

fn meaning(error: &ServerError) -> Option<ErrorKind> {
    let number = NUMBERS.iter().find(|(number, _)| *number == error.code);
    let class = || {
        CLASSES
            .iter()
            .find(|(class, _)| error.state.starts_with(class))
    };
    number
        .map(|(_, kind)| *kind)
        .or_else(|| class().map(|(_, kind)| *kind))
}

/// Reads an error of a statement. `what` says what was tried.
pub(super) fn read(what: &str, error: &Error, stage: Stage, redactor: &Redactor) -> ConnectorError {
    match error {
        Error::Server(answer) => {
            let mut error = answered(what, answer, stage, redactor);
            if error.kind == ErrorKind::Unauthorized {
                // Whoever was let in is told so where a right is missing.
                error.kind = ErrorKind::Forbidden;
            }
            error
        }
        other => broken(what, other, stage.cut_off(), redactor),
    }
}

/// Reads an error of a connection that was to be opened, with what to do about it.
pub(super) fn refused(what: &str, error: &Error, redactor: &Redactor) -> ConnectorError {
    match error {
        Error::Server(answer) => {
            let told = answered(what, answer, Stage::Undone, redactor);
            match (answer.code, told.kind) {
                // No access to the database, no such database.
                (1044 | 1049, _) => told.with_remedy(NO_DATABASE),
                (_, ErrorKind::Unauthorized) => told.with_remedy(NOT_LET_IN),
                _ => told,
            }
        }
        // MySQL asks for any way to sign in of a user that it does not have, so as not to say that.
        Error::Driver(DriverError::UnknownAuthPlugin { name }) => {
            let message = format!(
                "{what}: the server asks for the plugin {}, which is not spoken here, as it may where there is no such user (caching_sha2_password and mysql_native_password are)",
                redactor.clean(name)
            );
            ConnectorError::new(ErrorKind::Unauthorized, message).with_remedy(NOT_LET_IN)
        }
        other => {
            let told = broken(what, other, ErrorKind::Unreachable, redactor);
            let remedy = match other {
                Error::Driver(DriverError::NoClientSslFlagFromServer) => NOT_ENCRYPTED.to_owned(),
                _ => tls::remedy(other, ADDRESS).unwrap_or_else(|| NOT_REACHED.to_owned()),
            };
            told.with_remedy(&remedy)
        }
    }
}

fn answered(what: &str, answer: &ServerError, stage: Stage, redactor: &Redactor) -> ConnectorError {
    let kind = match (meaning(answer), stage) {
        (Some(ErrorKind::Unreachable) | None, Stage::Committing) => ErrorKind::OutcomeUnknown,
        (Some(kind), _) => kind,
        // It says itself that nothing was done.
        (None, Stage::Undone) => ErrorKind::Invalid,
    };
    let message = format!(
        "{what}: the server answers {} ({})",
        redactor.clean(&answer.message),
        answer.code
    );
    ConnectorError {
        retry_after: (kind == ErrorKind::Throttled).then_some(PAUSE),
        ..ConnectorError::new(kind, message)
    }
}

fn broken(what: &str, error: &Error, kind: ErrorKind, redactor: &Redactor) -> ConnectorError {
    let why = match error {
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            "the server offers no encryption".to_owned()
        }
        Error::Io(IoError::Io(error)) => error.to_string(),
        Error::Io(IoError::Tls(error)) => error.to_string(),
        other => other.to_string(),
    };
    ConnectorError::new(kind, format!("{what}: {}", redactor.clean(&why)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_before_its_class() {
        for (code, state, kind) in [
            (1062, "23000", ErrorKind::Taken),
            (1048, "23000", ErrorKind::Invalid),
            (1045, "28000", ErrorKind::Unauthorized),
            (1213, "40001", ErrorKind::Changed),
            (1205, "HY000", ErrorKind::Changed),
            (1146, "42S02", ErrorKind::Invalid),
            (1142, "42000", ErrorKind::Forbidden),
            (1040, "08004", ErrorKind::Throttled),
            (1644, "45000", ErrorKind::Invalid),
        ] {
            let error = ServerError {
                code,
                message: String::new(),
                state: state.to_owned(),
            };
            assert_eq!(meaning(&error), Some(kind), "{code}");
        }
    }

    #[test]
    fn what_is_known_about_no_number_depends_on_how_far_it_had_come() {
        let error = Error::Server(ServerError {
            code: 1105,
            message: "unknown".to_owned(),
            state: "HY000".to_owned(),
        });
        let redactor = Redactor::new(Vec::new());
        let read = |stage| read("trying", &error, stage, &redactor).kind;
        assert_eq!(read(Stage::Undone), ErrorKind::Invalid);
        assert_eq!(read(Stage::Committing), ErrorKind::OutcomeUnknown);
    }

    #[test]
    fn a_way_to_sign_in_that_is_not_spoken_is_told_as_a_user_that_is_not_let_in() {
        let error = Error::Driver(DriverError::UnknownAuthPlugin {
            name: "sha256_password".to_owned(),
        });
        let told = refused("connecting", &error, &Redactor::new(Vec::new()));
        assert_eq!(told.kind, ErrorKind::Unauthorized);
        assert!(told.message.contains("sha256_password"), "{}", told.message);
    }

    #[test]
    fn a_right_that_is_missing_is_no_wrong_credential() {
        let error = Error::Server(ServerError {
            code: 1698,
            message: "Access denied for user 'rollcall'@'%'".to_owned(),
            state: "28000".to_owned(),
        });
        let redactor = Redactor::new(Vec::new());
        let told = read("giving", &error, Stage::Undone, &redactor);
        assert_eq!(told.kind, ErrorKind::Forbidden);
        let told = refused("connecting", &error, &redactor);
        assert_eq!(told.kind, ErrorKind::Unauthorized);
    }
}
