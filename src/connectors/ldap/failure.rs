//! From a result code (RFC 4511 section 4.1.9 and appendix A.2) or a broken connection to an error that the
//! rest of the program acts on. What servers mean by a code stands in the tables below, one a dialect.

use std::time::Duration;

use ldap3::{LdapError, LdapResult};

use super::dialect::Dialect;
use crate::connectors::redact::Redactor;
use crate::connectors::{ConnectorError, ErrorKind};

/// What a server that is busy gets.
const PAUSE: Duration = Duration::from_secs(1);

/// What an operation was meant to do, as far as its failure reads differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Nothing changes.
    Read,
    /// Something changes.
    Write,
}

/// A failed operation: the error, and what the connector itself needs to know to try another way.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The error as the caller gets it.
    pub error: ConnectorError,
    /// The result code. `None` when there was no answer.
    pub code: Option<u32>,
    /// Whether the connection is of no use any more.
    pub broken: bool,
}

impl Failure {
    /// Whether the server answered with one of these codes.
    #[must_use]
    pub fn had(&self, codes: &[u32]) -> bool {
        self.code.is_some_and(|code| codes.contains(&code))
    }
}

impl From<ConnectorError> for Failure {
    fn from(error: ConnectorError) -> Self {
        Self {
            error,
            code: None,
            broken: false,
        }
    }
}

impl From<Failure> for ConnectorError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Result codes that the connector itself acts on.
pub mod code {
    /// operationsError
    pub const OPERATIONS_ERROR: u32 = 1;
    /// timeLimitExceeded
    pub const TIME_LIMIT: u32 = 3;
    /// sizeLimitExceeded
    pub const SIZE_LIMIT: u32 = 4;
    /// strongerAuthRequired
    pub const STRONGER_AUTH_REQUIRED: u32 = 8;
    /// adminLimitExceeded
    pub const ADMIN_LIMIT: u32 = 11;
    /// confidentialityRequired
    pub const CONFIDENTIALITY_REQUIRED: u32 = 13;
    /// noSuchAttribute: also a value that is not there, when it is to be deleted
    pub const NO_SUCH_ATTRIBUTE: u32 = 16;
    /// undefinedAttributeType
    pub const UNDEFINED_TYPE: u32 = 17;
    /// inappropriateMatching: the attribute has no rule to compare its values by
    pub const INAPPROPRIATE_MATCHING: u32 = 18;
    /// noSuchObject
    pub const NO_SUCH_OBJECT: u32 = 32;
    /// invalidDNSyntax
    pub const INVALID_DN: u32 = 34;
    /// attributeOrValueExists
    pub const VALUE_EXISTS: u32 = 20;
    /// constraintViolation
    pub const CONSTRAINT_VIOLATION: u32 = 19;
    /// invalidCredentials
    pub const INVALID_CREDENTIALS: u32 = 49;
    /// insufficientAccessRights
    pub const INSUFFICIENT_ACCESS: u32 = 50;
    /// unwillingToPerform: also Active Directory's word for a member that is not there
    pub const UNWILLING: u32 = 53;
    /// namingViolation
    pub const NAMING_VIOLATION: u32 = 64;
    /// objectClassViolation: also a group that would have no member
    pub const CLASS_VIOLATION: u32 = 65;
    /// notAllowedOnRDN
    pub const NOT_ALLOWED_ON_RDN: u32 = 67;
    /// entryAlreadyExists
    pub const ALREADY_EXISTS: u32 = 68;
    /// other
    pub const OTHER: u32 = 80;
    /// assertionFailed (RFC 4528): there stands another entry now
    pub const ASSERTION_FAILED: u32 = 122;
}

/// What a code means.
#[derive(Clone, Copy)]
struct Meaning {
    code: u32,
    /// What the server's words must hold for it to mean that.
    saying: &'static str,
    kind: ErrorKind,
    /// The code's own name.
    name: &'static str,
}

const fn means(code: u32, name: &'static str, kind: ErrorKind) -> Meaning {
    Meaning {
        code,
        saying: "",
        kind,
        name,
    }
}

const fn saying(saying: &'static str, meaning: Meaning) -> Meaning {
    Meaning { saying, ..meaning }
}

/// What the standard has.
const STANDARD: &[Meaning] = &[
    means(1, "operationsError", ErrorKind::OutcomeUnknown),
    means(2, "protocolError", ErrorKind::Unsupported),
    means(3, "timeLimitExceeded", ErrorKind::Throttled),
    means(4, "sizeLimitExceeded", ErrorKind::Forbidden),
    means(7, "authMethodNotSupported", ErrorKind::Unauthorized),
    means(8, "strongerAuthRequired", ErrorKind::Unauthorized),
    means(10, "referral", ErrorKind::Unsupported),
    means(11, "adminLimitExceeded", ErrorKind::Forbidden),
    means(12, "unavailableCriticalExtension", ErrorKind::Unsupported),
    means(13, "confidentialityRequired", ErrorKind::Unauthorized),
    means(16, "noSuchAttribute", ErrorKind::Changed),
    means(17, "undefinedAttributeType", ErrorKind::Invalid),
    means(18, "inappropriateMatching", ErrorKind::Invalid),
    means(19, "constraintViolation", ErrorKind::Invalid),
    means(20, "attributeOrValueExists", ErrorKind::Changed),
    means(21, "invalidAttributeSyntax", ErrorKind::Invalid),
    means(32, "noSuchObject", ErrorKind::NotFound),
    means(34, "invalidDNSyntax", ErrorKind::Invalid),
    means(36, "aliasDereferencingProblem", ErrorKind::Forbidden),
    means(48, "inappropriateAuthentication", ErrorKind::Unauthorized),
    means(49, "invalidCredentials", ErrorKind::Unauthorized),
    means(50, "insufficientAccessRights", ErrorKind::Forbidden),
    means(51, "busy", ErrorKind::Throttled),
    means(52, "unavailable", ErrorKind::Throttled),
    means(53, "unwillingToPerform", ErrorKind::Forbidden),
    means(64, "namingViolation", ErrorKind::Invalid),
    means(65, "objectClassViolation", ErrorKind::Invalid),
    means(66, "notAllowedOnNonLeaf", ErrorKind::Forbidden),
    means(67, "notAllowedOnRDN", ErrorKind::Invalid),
    means(68, "entryAlreadyExists", ErrorKind::Taken),
    means(69, "objectClassModsProhibited", ErrorKind::Invalid),
    means(71, "affectsMultipleDSAs", ErrorKind::Unsupported),
    means(80, "other", ErrorKind::OutcomeUnknown),
    means(122, "assertionFailed", ErrorKind::Changed),
];

/// slapd: the overlay `unique` has no code of its own, and the password policy neither.
const OPEN_LDAP: &[Meaning] = &[
    // "some attributes not unique", "non-unique attributes found with".
    saying("unique", means(19, "constraintViolation", ErrorKind::Taken)),
    // Longer than the database takes for a name.
    saying("DN index", means(80, "other", ErrorKind::Invalid)),
    saying(
        "shadow context",
        means(53, "unwillingToPerform", ErrorKind::Unsupported),
    ),
];

/// 389 Directory Server: the plug-in `attribute uniqueness`.
const DIRECTORY_SERVER_389: &[Meaning] = &[
    saying(
        "already exists",
        means(19, "constraintViolation", ErrorKind::Taken),
    ),
    saying(
        "inactivated",
        means(53, "unwillingToPerform", ErrorKind::Unauthorized),
    ),
];

/// Active Directory: an error of Windows stands in the text (MS-ERREF 2.2).
const ACTIVE_DIRECTORY: &[Meaning] = &[
    // ERROR_DS_OPERATIONS_ERROR: a successful bind must be completed on the connection.
    saying(
        "000004DC",
        means(1, "operationsError", ErrorKind::Unauthorized),
    ),
    saying(
        "successful bind",
        means(1, "operationsError", ErrorKind::Unauthorized),
    ),
    // ERROR_USER_EXISTS, ERROR_DS_ATTRIBUTE_OWNED_BY_SAM where a user name is taken.
    saying(
        "00000524",
        means(68, "entryAlreadyExists", ErrorKind::Taken),
    ),
    saying(
        "000021C8",
        means(19, "constraintViolation", ErrorKind::Taken),
    ),
    saying(
        "already in use",
        means(19, "constraintViolation", ErrorKind::Taken),
    ),
    saying(
        "00000008",
        means(53, "unwillingToPerform", ErrorKind::Throttled),
    ),
    // A password that the domain's policy refuses, and an account that would have none.
    means(53, "unwillingToPerform", ErrorKind::Invalid),
];

fn table(dialect: Dialect) -> &'static [Meaning] {
    match dialect {
        Dialect::Standard => &[],
        Dialect::OpenLdap => OPEN_LDAP,
        Dialect::DirectoryServer389 => DIRECTORY_SERVER_389,
        Dialect::ActiveDirectory => ACTIVE_DIRECTORY,
    }
}

/// Reads an answer that is no success. `what` says what was tried: `making uid=ada,ou=people,dc=example`.
#[must_use]
pub fn refused(
    what: &str,
    result: &LdapResult,
    intent: Intent,
    dialect: Dialect,
    redactor: &Redactor,
) -> Failure {
    let meaning = table(dialect)
        .iter()
        .chain(STANDARD)
        .find(|m| m.code == result.rc && result.text.contains(m.saying));
    let (mut kind, name) = meaning.map_or((ErrorKind::OutcomeUnknown, "unknown"), |meaning| {
        (meaning.kind, meaning.name)
    });
    if intent == Intent::Read && kind == ErrorKind::OutcomeUnknown {
        kind = ErrorKind::Unreachable;
    }
    let said = redactor.clean(&result.text);
    let mut message = format!("{what}: the server answers {name} ({})", result.rc);
    if !said.is_empty() {
        message.push_str(": ");
        message.push_str(&said);
    }
    if let Some(referral) = result.refs.first() {
        let elsewhere = redactor.clean(referral);
        message =
            format!("{message}. It points to {elsewhere}: name that server in spec.ldap.servers");
    }
    let retry_after = (kind == ErrorKind::Throttled).then_some(PAUSE);
    Failure {
        error: ConnectorError {
            retry_after,
            ..ConnectorError::new(kind, message)
        },
        code: Some(result.rc),
        broken: false,
    }
}

/// Reads the end of a connection, or of our patience.
#[must_use]
pub fn broken(what: &str, error: &LdapError, intent: Intent, redactor: &Redactor) -> Failure {
    let (sent, why) = match error {
        LdapError::Timeout { .. } => (true, "no answer in time".to_owned()),
        LdapError::OpSend { .. } | LdapError::IdScrubSend { .. } => {
            (false, "the connection has ended".to_owned())
        }
        LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
            (true, "the connection ended before the answer".to_owned())
        }
        LdapError::FilterParsing => {
            let why = format!("{what}: the filter can't be read");
            return ConnectorError::new(ErrorKind::Invalid, why).into();
        }
        other => (true, other.to_string()),
    };
    let kind = if sent && intent == Intent::Write {
        ErrorKind::OutcomeUnknown
    } else {
        ErrorKind::Unreachable
    };
    Failure {
        error: ConnectorError::new(kind, format!("{what}: {}", redactor.clean(&why))),
        code: None,
        broken: true,
    }
}
