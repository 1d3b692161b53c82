//! From an answer or a broken connection to an error that the rest of the program acts on.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::json::get;
use crate::connectors::redact::Redactor;
use crate::connectors::{ConnectorError, ErrorKind, tls};
use crate::runtime::retry_after;

/// What a target that is overwhelmed gets where it does not say how long.
const UNASKED_PAUSE: Duration = Duration::from_secs(1);

/// What a request was meant to do, as far as its failure reads differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Nothing changes.
    Read,
    /// Something changes that can't clash with another record.
    Change,
    /// A record or a name comes into being, and may be taken already.
    Claim,
}

/// A failed request: the error, and what the connector itself needs to know to try another way.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The error as the caller gets it.
    pub error: ConnectorError,
    /// The status of the answer. `None` when there was no answer.
    pub status: Option<StatusCode>,
    /// SCIM's own word for it, such as `noTarget` (RFC 7644 section 3.12).
    pub scim_type: Option<String>,
    /// The answer was larger than we take.
    pub too_large: bool,
}

impl Failure {
    /// A failure without more to know.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        ConnectorError::new(kind, message).into()
    }

    /// Whether the server named this reason.
    #[must_use]
    pub fn is(&self, scim_type: &str) -> bool {
        self.scim_type
            .as_deref()
            .is_some_and(|t| t.eq_ignore_ascii_case(scim_type))
    }

    /// Whether the answer had one of these statuses.
    #[must_use]
    pub fn had_status(&self, statuses: &[u16]) -> bool {
        self.status
            .is_some_and(|status| statuses.contains(&status.as_u16()))
    }
}

impl From<ConnectorError> for Failure {
    fn from(error: ConnectorError) -> Self {
        Self {
            error,
            status: None,
            scim_type: None,
            too_large: false,
        }
    }
}

impl From<Failure> for ConnectorError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Reads an answer that is no success.
#[must_use]
pub fn refused(
    what: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    intent: Intent,
    redactor: &Redactor,
    now: SystemTime,
) -> Failure {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let field = |name: &str| {
        json.as_ref()
            .and_then(|j| get(j, name))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let scim_type = field("scimType");
    let said = match &json {
        Some(_) => field("detail")
            .or_else(|| field("message"))
            .or_else(|| field("error"))
            .unwrap_or_default(),
        None if is_html(headers, body) => "an HTML page".to_owned(),
        // Cut off, or broken: what it says where can't be told apart any more.
        None if is_meant_as_json(headers, body) => "JSON that can't be read".to_owned(),
        None => String::from_utf8_lossy(body).into_owned(),
    };
    let kind = kind_of(status, scim_type.as_deref(), &said, intent);
    let mut message = format!("{what}: the server answered {}", status.as_u16());
    if let Some(reason) = status.canonical_reason() {
        message = format!("{message} {reason}");
    }
    let said = redactor.clean(&said);
    if !said.is_empty() {
        message = format!("{message}: {said}");
    }
    if status.is_redirection() {
        message.push_str("; redirects are not followed, so that the credential goes to no other host. Is the base URL right?");
    }
    let mut error = ConnectorError::new(kind, message);
    if kind == ErrorKind::Throttled {
        error.retry_after = retry_after::asked(headers, now);
    } else if kind == ErrorKind::OutcomeUnknown && overwhelmed(status, &said) {
        error.retry_after = Some(retry_after::asked(headers, now).unwrap_or(UNASKED_PAUSE));
    }
    Failure {
        error,
        status: Some(status),
        scim_type,
        too_large: false,
    }
}

fn kind_of(status: StatusCode, scim_type: Option<&str>, said: &str, intent: Intent) -> ErrorKind {
    let uniqueness = scim_type.is_some_and(|t| t.eq_ignore_ascii_case("uniqueness"));
    // A clash may come as 409 without a word, or as 400 or 500 in plain words.
    let taken = intent == Intent::Claim && (uniqueness || speaks_of(said, &CLASH));
    match status.as_u16() {
        400 | 409 | 422 | 500 if taken => ErrorKind::Taken,
        409 if uniqueness || intent == Intent::Claim => ErrorKind::Taken,
        300..=399 => ErrorKind::Nonsense,
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 | 410 => ErrorKind::NotFound,
        405 | 501 => ErrorKind::Unsupported,
        409 | 412 => ErrorKind::Changed,
        429 => ErrorKind::Throttled,
        // What stands before a server answers so as well, also where it is the connection to the
        // server that broke, after the request was applied. A change may go again; a second record
        // may not come of it.
        500 | 503 if overwhelmed(status, said) && intent != Intent::Claim => ErrorKind::Throttled,
        408 | 502 | 504 if intent == Intent::Read => ErrorKind::Unreachable,
        408 | 500..=599 => ErrorKind::OutcomeUnknown,
        _ => ErrorKind::Invalid,
    }
}

/// Whether this says, in its number or in plain words, that requests come too fast.
fn overwhelmed(status: StatusCode, said: &str) -> bool {
    let said_so = || speaks_of(said, &THROTTLE);
    status == StatusCode::SERVICE_UNAVAILABLE
        || (status == StatusCode::INTERNAL_SERVER_ERROR && said_so())
}

const CLASH: [&str; 6] = [
    "already exist",
    "already taken",
    "already in use",
    "duplicate",
    "unique",
    "conflict",
];
const THROTTLE: [&str; 3] = ["rate limit", "too many requests", "throttl"];

fn speaks_of(said: &str, words: &[&str]) -> bool {
    let said = said.to_lowercase();
    words.iter().any(|word| said.contains(word))
}

/// Whether this is a page for a browser, such as a login form.
#[must_use]
pub fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let declared = headers
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("text/html"));
    declared || body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// Whether this begins like JSON, or is declared to be some.
fn is_meant_as_json(headers: &HeaderMap, body: &[u8]) -> bool {
    let declared = headers
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().contains("json"));
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    (declared && first.is_some()) || matches!(first, Some(b'{' | b'['))
}

/// Reads a request that got no (whole) answer. `address` is the field that says where it was sent.
#[must_use]
pub fn broken(
    what: &str,
    error: reqwest::Error,
    intent: Intent,
    address: &str,
    redactor: &Redactor,
) -> Failure {
    let sent = !(error.is_connect() || error.is_builder());
    let timed_out = error.is_timeout();
    let kind = if sent && intent != Intent::Read {
        ErrorKind::OutcomeUnknown
    } else {
        ErrorKind::Unreachable
    };
    // The address may carry what was searched for, and a person knows where they pointed us.
    let error = error.without_url();
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let why = redactor.clean(&deepest.to_string());
    let message = match (sent, timed_out) {
        (_, true) => format!("{what}: no answer in time ({why})"),
        (true, false) => {
            format!("{what}: the connection broke before the answer was complete ({why})")
        }
        (false, false) => format!("{what}: no connection ({why})"),
    };
    let told = ConnectorError::new(kind, message);
    if sent {
        return told.into();
    }
    let remedy = tls::remedy(&error, address)
        .unwrap_or_else(|| format!("correct {address}, or let it be reached from here"));
    told.with_remedy(&remedy).into()
}
