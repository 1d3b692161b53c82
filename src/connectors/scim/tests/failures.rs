use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};

use super::super::config::Auth;
use super::super::credential;
use super::super::failure::{Failure, Intent, refused};
use crate::connectors::ErrorKind;
use crate::connectors::redact::Redactor;

const TOKEN: &str = "s3cr3t-t0ken";

fn answered(status: u16, body: &str, intent: Intent) -> Failure {
    answered_with(status, &HeaderMap::new(), body, intent)
}

fn answered_with(status: u16, headers: &HeaderMap, body: &str, intent: Intent) -> Failure {
    let redactor = Redactor::new(vec![TOKEN.into()]);
    let status = StatusCode::from_u16(status).unwrap();
    refused(
        "creating user ada",
        status,
        headers,
        body.as_bytes(),
        intent,
        &redactor,
        SystemTime::UNIX_EPOCH,
    )
}

#[test]
fn every_status_has_its_kind() {
    use ErrorKind as K;
    use Intent::{Change, Claim, Read};
    let scim = |kind: &str, detail: &str| {
        format!(r#"{{"status":"x","scimType":"{kind}","detail":"{detail}"}}"#)
    };
    for (status, body, intent, kind) in [
        (301, String::new(), Read, K::Nonsense),
        (302, String::new(), Change, K::Nonsense),
        (400, scim("invalidValue", "no"), Claim, K::Invalid),
        (400, scim("uniqueness", "no"), Claim, K::Taken),
        (400, scim("", "userName already exists"), Claim, K::Taken),
        (400, scim("", "userName already exists"), Change, K::Invalid),
        (400, scim("invalidFilter", "x"), Read, K::Invalid),
        (401, String::new(), Read, K::Unauthorized),
        (403, String::new(), Change, K::Forbidden),
        (404, String::new(), Change, K::NotFound),
        (405, String::new(), Change, K::Unsupported),
        (409, String::new(), Claim, K::Taken),
        (409, scim("uniqueness", "x"), Change, K::Taken),
        (409, String::new(), Change, K::Changed),
        (410, String::new(), Read, K::NotFound),
        (412, String::new(), Change, K::Changed),
        (413, String::new(), Change, K::Invalid),
        (422, scim("", "duplicate key"), Claim, K::Taken),
        (429, String::new(), Claim, K::Throttled),
        (500, String::new(), Claim, K::OutcomeUnknown),
        (
            500,
            "ERROR: duplicate key value violates unique constraint".to_owned(),
            Claim,
            K::Taken,
        ),
        (
            500,
            "ERROR: duplicate key value violates unique constraint".to_owned(),
            Read,
            K::OutcomeUnknown,
        ),
        (500, "Rate limit exceeded".to_owned(), Change, K::Throttled),
        (
            500,
            "Rate limit exceeded".to_owned(),
            Claim,
            K::OutcomeUnknown,
        ),
        (501, String::new(), Change, K::Unsupported),
        (502, String::new(), Change, K::OutcomeUnknown),
        (502, String::new(), Read, K::Unreachable),
        (503, String::new(), Read, K::Throttled),
        (503, String::new(), Change, K::Throttled),
        (503, String::new(), Claim, K::OutcomeUnknown),
        (504, String::new(), Claim, K::OutcomeUnknown),
    ] {
        let failure = answered(status, &body, intent);
        assert_eq!(failure.error.kind, kind, "{status} {body} {intent:?}");
        assert!(
            failure
                .error
                .message
                .starts_with("creating user ada: the server answered "),
            "{}",
            failure.error
        );
        assert!(failure.had_status(&[status]));
    }
}

#[test]
fn keeps_the_targets_own_words_bounded_and_clean() {
    let failure = answered(
        400,
        r#"{"scimType":"invalidValue","detail":"title is\n too  long"}"#,
        Intent::Claim,
    );
    assert_eq!(
        failure.error.message,
        "creating user ada: the server answered 400 Bad Request: title is too long"
    );
    assert!(failure.is("INVALIDVALUE"));
    let long = answered(400, &"é".repeat(5000), Intent::Claim)
        .error
        .message;
    assert!(long.chars().count() < 380, "{}", long.chars().count());
    assert!(long.ends_with('…'));
    let mut html = HeaderMap::new();
    html.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    let page = answered_with(404, &html, "<h1>Not here</h1>", Intent::Read)
        .error
        .message;
    assert!(page.ends_with("404 Not Found: an HTML page"), "{page}");
    assert!(
        answered(308, "", Intent::Read)
            .error
            .message
            .contains("redirects are not followed")
    );
}

/// What was cut off in the middle is not shown as it stands.
#[test]
fn json_that_can_not_be_read_is_told_as_that() {
    for body in [r#"{"detail": "cut"#, " [1, 2", "{\u{0}}"] {
        let message = answered(500, body, Intent::Read).error.message;
        assert!(message.ends_with(": JSON that can't be read"), "{message}");
    }
    let plain = answered(500, "out of order", Intent::Read).error.message;
    assert!(plain.ends_with(": out of order"), "{plain}");
}

#[test]
fn never_repeats_a_credential() {
    let echo = format!(r#"{{"detail":"bad header Bearer {TOKEN}, again: {TOKEN}{TOKEN}"}}"#);
    let message = answered(401, &echo, Intent::Read).error.message;
    assert!(!message.contains("t0ken"), "{message}");
    assert!(
        message.contains("bad header Bearer [redacted], again"),
        "{message}"
    );
    // Cut after redaction, so that no half of it stays.
    let near = format!("{}{TOKEN}", "x ".repeat(147));
    assert!(
        !answered(400, &near, Intent::Read)
            .error
            .message
            .contains("s3cr")
    );
    let basic = Redactor::new(credential::secrets(&Auth::Basic {
        username: "ada".into(),
        password: TOKEN.into(),
    }));
    let pair = BASE64_STANDARD.encode(format!("ada:{TOKEN}"));
    assert_eq!(
        basic.clean(&format!("got {TOKEN} and Basic {pair}")),
        "got [redacted] and Basic [redacted]"
    );
    let empty = Redactor::new(vec![String::new().into()]);
    assert_eq!(empty.clean("as it is"), "as it is");
}

#[test]
fn whoever_sends_us_away_is_left_alone_for_as_long_as_asked() {
    for (value, seconds) in [(Some("7"), Some(7)), (Some("soon"), None), (None, None)] {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
        }
        let expected = seconds.map(Duration::from_secs);
        assert_eq!(
            answered_with(503, &headers, "", Intent::Change)
                .error
                .retry_after,
            expected
        );
        let may_be_made = answered_with(503, &headers, "", Intent::Claim).error;
        assert!(may_be_made.asks_for_quiet());
        assert_eq!(
            may_be_made.retry_after,
            expected.or(Some(Duration::from_secs(1)))
        );
        assert!(
            !answered_with(500, &headers, "", Intent::Claim)
                .error
                .asks_for_quiet()
        );
        assert_eq!(
            answered_with(400, &headers, "", Intent::Claim)
                .error
                .retry_after,
            None
        );
    }
}
