//! Access tokens by client credentials (RFC 6749 section 4.4): fetched when first needed, kept, renewed
//! before they expire, and once more when the target refuses one.

use std::fmt;
use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::form_urlencoded;

use super::config::{ClientAuthentication, OAuth2};
use super::credential;
use super::failure::{Intent, broken, refused};
use super::json::{get, text};
use crate::connectors::redact::Redactor;
use crate::connectors::{ConnectorError, ErrorKind};

/// Largest answer of a token endpoint that is taken in, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// How long before it expires a token is renewed, at most: clocks differ, and requests take time.
const MARGIN: Duration = Duration::from_mins(1);
/// Longest life that is believed. Also that of a token of which nothing is said (RFC 6749 section 5.1
/// only recommends to say it): the target's refusal ends it sooner.
const MAX_LIFE: Duration = Duration::from_hours(1);

/// A token in use. Each has a number, so that of many requests refused at once only one renews it.
#[derive(Clone)]
pub struct Token {
    /// The value of the `Authorization` header, marked as sensitive.
    pub header: HeaderValue,
    number: u64,
    renew_at: Instant,
    ends_at: Instant,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// A failure to get one, which those who waited for it share, and which a throttled endpoint prolongs.
#[derive(Clone, Debug)]
struct Setback {
    at: Instant,
    error: ConnectorError,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    setback: Option<Setback>,
    issued: u64,
}

/// Where the tokens of one connection come from.
#[derive(Debug)]
pub struct Tokens {
    config: OAuth2,
    host: String,
    // Held while a token is fetched: whoever comes meanwhile waits for that one.
    state: Mutex<State>,
}

impl Tokens {
    /// Nothing is sent until a token is needed.
    #[must_use]
    pub fn new(config: OAuth2) -> Self {
        let host = config.token_url.host_str().unwrap_or_default().to_owned();
        Self {
            config,
            host,
            state: Mutex::default(),
        }
    }

    /// The token to use now: the one at hand while it is good, else a new one.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] where the endpoint refuses the client, [`ErrorKind::Throttled`]
    /// where it asks to wait, else [`ErrorKind::Unreachable`]. Nothing was sent to the target.
    pub async fn current(
        &self,
        client: &Client,
        redactor: &Redactor,
    ) -> Result<Token, ConnectorError> {
        let came = Instant::now();
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some(token) = state.token.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.clone());
        }
        let still_good = state.token.clone().filter(|token| now < token.ends_at);
        if let Some(error) = shared(state.setback.as_ref(), came, now) {
            return still_good.ok_or(error);
        }
        match self.fetch(client, redactor).await {
            Ok((header, life)) => {
                state.issued += 1;
                state.setback = None;
                let now = Instant::now();
                let token = Token {
                    header,
                    number: state.issued,
                    renew_at: now + life.saturating_sub(MARGIN.min(life / 4)),
                    ends_at: now + life,
                };
                state.token = Some(token.clone());
                Ok(token)
            }
            Err(error) => {
                state.setback = Some(Setback {
                    at: Instant::now(),
                    error: error.clone(),
                });
                // Renewing early leaves time for another attempt.
                still_good.ok_or(error)
            }
        }
    }

    /// Forgets a token that the target refused, unless a newer one is there already.
    pub async fn refuse(&self, token: &Token) {
        let mut state = self.state.lock().await;
        if state
            .token
            .as_ref()
            .is_some_and(|t| t.number == token.number)
        {
            state.token = None;
        }
    }

    async fn fetch(
        &self,
        client: &Client,
        redactor: &Redactor,
    ) -> Result<(HeaderValue, Duration), ConnectorError> {
        let what = format!("getting an access token from {}", self.host);
        let mut request = client
            .post(self.config.token_url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        if self.config.authentication == ClientAuthentication::Header {
            request = request.header(AUTHORIZATION, basic(&self.config)?);
        }
        let request = request.body(form(&self.config));
        // A request for a token changes nothing that could be in doubt.
        let address = "spec.scim.auth.oauth2.tokenUrl";
        let lost = |error| broken(&what, error, Intent::Read, address, redactor).error;
        let mut response = request.send().await.map_err(lost)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(no_token(&what, "its answer is too large"));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            let (token, life) = read(&body).map_err(|why| no_token(&what, why))?;
            redactor.learn(&token);
            let header = credential::header(&format!("Bearer {}", token.expose_secret()));
            let header =
                header.map_err(|_| no_token(&what, "the token can't stand in an HTTP header"))?;
            return Ok((header, life));
        }
        let now = SystemTime::now();
        let failure = refused(&what, status, &headers, &body, Intent::Read, redactor, now);
        Err(as_setback(
            failure.error,
            status,
            &explained(&body, redactor),
        ))
    }
}

/// A failure that holds for one more caller: it was waiting while it happened, or the endpoint asked
/// for a pause that is not over.
fn shared(setback: Option<&Setback>, came: Instant, now: Instant) -> Option<ConnectorError> {
    let setback = setback?;
    let mut error = setback.error.clone();
    if let Some(pause) = error.retry_after {
        let left = (setback.at + pause).saturating_duration_since(now);
        error.retry_after = Some(left);
        if !left.is_zero() {
            return Some(error);
        }
    }
    (came <= setback.at).then_some(error)
}

/// What a refusal by the token endpoint means for the connection.
fn as_setback(mut error: ConnectorError, status: StatusCode, said: &str) -> ConnectorError {
    if !said.is_empty() {
        error.message = format!("{}: {said}", error.message);
    }
    let advice = match (error.kind, status.as_u16()) {
        (ErrorKind::Throttled, _) => return error,
        (_, 400 | 401 | 403) => {
            error.kind = ErrorKind::Unauthorized;
            "check spec.scim.auth.oauth2 and its Secret"
        }
        (_, 408 | 500..=599) => {
            error.kind = ErrorKind::Unreachable;
            return error;
        }
        _ => {
            error.kind = ErrorKind::Unreachable;
            "is spec.scim.auth.oauth2.tokenUrl right?"
        }
    };
    error.message = format!("{}; {advice}", error.message);
    error
}

fn no_token(what: &str, why: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Unreachable,
        format!("{what}: {why}; is spec.scim.auth.oauth2.tokenUrl right?"),
    )
}

/// `error_description` (RFC 6749 section 5.2). The word in `error` is in the message already.
fn explained(body: &[u8], redactor: &Redactor) -> String {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let said = json.as_ref().and_then(|j| get(j, "error_description"));
    redactor.clean(said.and_then(Value::as_str).unwrap_or_default())
}

/// The token and its life (RFC 6749 section 5.1).
fn read(body: &[u8]) -> Result<(SecretString, Duration), &'static str> {
    let json: Value = serde_json::from_slice(body).map_err(|_| "its answer is no JSON")?;
    let token = get(&json, "access_token")
        .and_then(Value::as_str)
        .filter(|token| !token.is_empty())
        .ok_or("its answer holds no access_token")?;
    let kind = get(&json, "token_type").and_then(Value::as_str);
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err("its token is no bearer token");
    }
    // Some write the number as a text.
    let life = get(&json, "expires_in")
        .and_then(text)
        .and_then(|seconds| seconds.parse().ok())
        .map_or(MAX_LIFE, Duration::from_secs);
    Ok((SecretString::from(token), life.min(MAX_LIFE)))
}

/// Name and secret in the header.
fn basic(config: &OAuth2) -> Result<HeaderValue, ConnectorError> {
    let pair = credential::client(config);
    credential::header(&format!("Basic {}", pair.expose_secret())).map_err(|_| {
        ConnectorError::new(ErrorKind::Invalid, "the client's name or secret is too odd")
    })
}

fn form(config: &OAuth2) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !config.scopes.is_empty() {
        form.append_pair("scope", &config.scopes.join(" "));
    }
    if let Some(audience) = &config.audience {
        form.append_pair("audience", audience);
    }
    if config.authentication == ClientAuthentication::Body {
        form.append_pair("client_id", &config.client_id);
        form.append_pair("client_secret", config.client_secret.expose_secret());
    }
    form.finish()
}
