//! What a directory refuses of an account, told with where it comes from.

use super::LdapConnector;
use super::config::USERNAME;
use super::dn;
use super::failure::{Failure, code};
use super::passwords::NOT_BY_POLICY;
use crate::connectors::error::UNFIT_ATTRIBUTE;
use crate::connectors::{ConnectorError, ErrorKind};

/// Answers that are about the name of an entry.
const OF_A_NAME: [u32; 5] = [
    code::INVALID_DN,
    code::NAMING_VIOLATION,
    code::NOT_ALLOWED_ON_RDN,
    code::OTHER,
    code::OPERATIONS_ERROR,
];
/// Answers of servers that say nothing more of what their database does not hold: slapd says `other`, 389 Directory
/// Server `operationsError`.
const WITHOUT_A_WORD: [u32; 2] = [code::OTHER, code::OPERATIONS_ERROR];
/// What Active Directory says of a password (ERROR_PASSWORD_RESTRICTION).
const OF_A_PASSWORD: &str = "0000052D";
/// Bytes of a name within its parent that every database holds. That of slapd (LMDB) takes 511 bytes for two forms
/// of it, and what is longer is answered with `other` and not a word.
const HELD_BY_ALL: usize = 200;
/// Characters of a name that stand in a message.
const IN_WORDS: usize = 160;

impl LdapConnector {
    /// What to do about what was refused.
    pub(super) fn unfit(&self, failure: Failure) -> ConnectorError {
        let error = &failure.error;
        if error.kind != ErrorKind::Invalid {
            return failure.error;
        }
        let template = &self.config.accounts.template;
        let of_name = failure.had(&OF_A_NAME) || speaks_of(&error.message, template.attribute());
        let remedy = if of_name && template.is_just(USERNAME) {
            "set a lower spec.account.usernameRules.maxLength"
        } else if of_name {
            "mend or shorten what spec.ldap.accounts.dn fills in"
        } else if failure.had(&[code::UNWILLING]) || error.message.contains(OF_A_PASSWORD) {
            NOT_BY_POLICY
        } else {
            UNFIT_ATTRIBUTE
        };
        failure.error.with_remedy(remedy)
    }
}

/// A server that says nothing more of a very long name than that something is wrong won't take it another time.
pub(super) fn named_too_long(mut failure: Failure, to: &str) -> Failure {
    let length = dn::split(to).0.len();
    let is_unexplained = failure.had(&WITHOUT_A_WORD);
    if is_unexplained && length > HELD_BY_ALL {
        failure.error.kind = ErrorKind::Invalid;
        failure.error.message = format!(
            "{}. Its name has {length} bytes, more than the directory's database seems to hold",
            failure.error.message
        );
    }
    failure
}

/// A name as it stands in a message, where it must leave room for what is said of it.
pub(super) fn in_words(dn: &str) -> String {
    if dn.chars().count() <= IN_WORDS {
        return dn.to_owned();
    }
    let cut: String = dn.chars().take(IN_WORDS - 1).collect();
    format!("{cut}…")
}

/// Whether a server says that it is about an attribute: Samba writes `attribute 'CN'`, Active Directory `Att 3 (cn)`.
fn speaks_of(said: &str, attribute: &str) -> bool {
    let said = said.to_ascii_lowercase();
    let name = attribute.to_ascii_lowercase();
    said.contains(&format!("attribute '{name}'")) || said.contains(&format!("({name})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unexplained(code: u32) -> Failure {
        Failure {
            code: Some(code),
            ..ConnectorError::new(ErrorKind::OutcomeUnknown, "the server answers other (80)").into()
        }
    }

    #[test]
    fn only_of_a_long_name_is_another_error_one_of_the_name() {
        let long = format!("uid={},ou=people", "x".repeat(250));
        for code in WITHOUT_A_WORD {
            let told = named_too_long(unexplained(code), &long).error;
            assert_eq!(told.kind, ErrorKind::Invalid);
            assert!(told.message.contains("254 bytes"), "{}", told.message);
            let short = named_too_long(unexplained(code), "uid=ada,ou=people").error;
            assert_eq!(short.kind, ErrorKind::OutcomeUnknown);
        }
    }

    #[test]
    fn a_server_says_which_attribute_it_is_about() {
        assert!(speaks_of("attribute 'CN' on entry", "cn"));
        assert!(speaks_of("data 0, Att 3 (cn):len 130", "CN"));
        assert!(!speaks_of("making CN=ada: attribute 'title'", "CN"));
    }
}
