use ldap3::LdapResult;

use crate::connectors::ErrorKind;
use crate::connectors::ldap::Dialect;
use crate::connectors::ldap::failure::{Failure, Intent, refused};
use crate::connectors::redact::Redactor;

fn answered(dialect: Dialect, code: u32, text: &str, intent: Intent) -> Failure {
    let result = LdapResult {
        rc: code,
        matched: String::new(),
        text: text.to_owned(),
        refs: Vec::new(),
        ctrls: Vec::new(),
    };
    let redactor = Redactor::new(vec!["s3cret-password".into()]);
    refused("making uid=ada", &result, intent, dialect, &redactor)
}

#[test]
fn a_code_means_what_its_server_means() {
    use Dialect::{ActiveDirectory, DirectoryServer389, OpenLdap, Standard};
    use ErrorKind::{
        Changed, Forbidden, Invalid, NotFound, OutcomeUnknown, Taken, Throttled, Unauthorized,
        Unsupported,
    };
    for (dialect, code, text, kind) in [
        (Standard, 19, "some attributes not unique", Invalid),
        (OpenLdap, 19, "some attributes not unique", Taken),
        (
            OpenLdap,
            19,
            "non-unique attributes found with (|(uid=ada))",
            Taken,
        ),
        (
            OpenLdap,
            19,
            "Password fails quality checking policy",
            Invalid,
        ),
        (OpenLdap, 80, "DN index add failed", Invalid),
        (OpenLdap, 80, "internal error", OutcomeUnknown),
        (
            OpenLdap,
            53,
            "shadow context; no update referral",
            Unsupported,
        ),
        (
            DirectoryServer389,
            19,
            "Another entry with the same attribute value already exists",
            Taken,
        ),
        (
            ActiveDirectory,
            1,
            "000004DC: LdapErr: DSID-0C0909A2, comment: In order to perform this operation a successful bind must be completed on the connection., data 0",
            Unauthorized,
        ),
        (
            ActiveDirectory,
            19,
            "0000052D: Constraint violation - check_password_restrictions",
            Invalid,
        ),
        (
            ActiveDirectory,
            19,
            "000021C8: AtrErr: DSID-03200EFC",
            Taken,
        ),
        (
            ActiveDirectory,
            53,
            "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM)",
            Invalid,
        ),
        (
            ActiveDirectory,
            68,
            "00000524: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS)",
            Taken,
        ),
        (Standard, 3, "", Throttled),
        (Standard, 10, "", Unsupported),
        (Standard, 16, "", Changed),
        (Standard, 32, "", NotFound),
        (Standard, 49, "", Unauthorized),
        (Standard, 50, "", Forbidden),
        (Standard, 51, "", Throttled),
        (Standard, 64, "", Invalid),
        (
            Standard,
            65,
            "object class 'inetOrgPerson' requires attribute 'sn'",
            Invalid,
        ),
        (Standard, 68, "", Taken),
        (Standard, 122, "", Changed),
        (Standard, 4711, "", OutcomeUnknown),
    ] {
        let failure = answered(dialect, code, text, Intent::Write);
        assert_eq!(failure.error.kind, kind, "{dialect:?} {code} {text}");
        assert!(failure.had(&[code]) && failure.error.message.contains(text));
    }
    // Nothing changes by reading, so that nothing can be unknown about it.
    let read = answered(Standard, 80, "", Intent::Read);
    assert_eq!(read.error.kind, ErrorKind::Unreachable);
}

#[test]
fn what_a_server_repeats_of_our_password_is_not_repeated() {
    let failure = answered(Dialect::OpenLdap, 49, "not s3cret-password", Intent::Read);
    assert!(
        failure.error.message.ends_with("not [redacted]"),
        "{}",
        failure.error
    );
}
