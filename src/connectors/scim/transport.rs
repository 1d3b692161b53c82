//! HTTP: one client, bounded answers, and no way for a credential to end up elsewhere.

use std::time::{Duration, SystemTime};

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH, LOCATION,
};
use reqwest::{Certificate, Client, Method, StatusCode, redirect};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use url::Url;

use super::config::{Auth, ScimConfig};
use super::credential;
use super::failure::{Failure, Intent, broken, is_html, refused};
use super::filter::set_query;
use super::resource::is_addressable;
use super::token::{Token, Tokens};
use crate::connectors::address::{GuardedResolver, check_literal};
use crate::connectors::redact::Redactor;
use crate::connectors::{ConnectorError, ErrorKind};

/// Largest answer that is taken in, after decompression, in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// Largest part of an answer that is looked at for words of explanation, in bytes.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// Idle connections are closed before the server does it: Node closes after five seconds, and a
/// request on a connection that is just being closed is lost with an unknown outcome.
const IDLE: Duration = Duration::from_secs(4);

/// What to do about a credential that is refused.
const RENEW: &str = "renew the credential in the Secret that spec.scim.auth names";

/// A request to be sent.
#[derive(Debug)]
pub struct Request<'a> {
    /// Method.
    pub method: Method,
    /// Segments after the base URL, such as `Users` and an identifier.
    pub path: &'a [&'a str],
    /// Parameters of the query.
    pub query: &'a [(&'a str, &'a str)],
    /// JSON body.
    pub body: Option<&'a Value>,
    /// Version that the record must still have.
    pub if_match: Option<&'a str>,
    /// What it is meant to do.
    pub intent: Intent,
    /// The same in words, for messages: `creating user ada`.
    pub what: &'a str,
}

/// A success.
#[derive(Debug)]
pub struct Answer {
    /// The JSON body, if there was a body.
    pub json: Option<Value>,
    /// Where the record is.
    pub location: Option<String>,
    /// Version of the record.
    pub etag: Option<String>,
}

/// The way to one server.
#[derive(Debug)]
pub struct Transport {
    client: Client,
    base: Url,
    redactor: Redactor,
    /// Where there is no credential for good.
    tokens: Option<Tokens>,
}

impl Transport {
    /// Prepares the client; nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a base URL, credential or CA bundle that can't work.
    pub fn new(config: &ScimConfig) -> Result<Self, ConnectorError> {
        let invalid = |message: String| ConnectorError::new(ErrorKind::Invalid, message);
        let base = &config.base_url;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(invalid(
                "baseUrl must be an http or https URL such as https://example.com/scim/v2"
                    .to_owned(),
            ));
        }
        let plain = base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !plain {
            return Err(invalid(
                "baseUrl must carry no user, query or fragment; credentials belong into auth"
                    .to_owned(),
            ));
        }
        let mut builder = Client::builder()
            .user_agent(concat!("rollcall/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(&config.auth)?)
            .redirect(redirect::Policy::none())
            // A proxy named in the environment would see the credential, and resolve names unchecked.
            .no_proxy()
            .timeout(config.timeout)
            .connect_timeout(config.timeout)
            .pool_idle_timeout(IDLE);
        if !config.allow_link_local {
            check_literal("baseUrl", base)?;
            if let Auth::OAuth2(oauth2) = &config.auth {
                check_literal("tokenUrl", &oauth2.token_url)?;
            }
            builder = builder.dns_resolver(GuardedResolver);
        }
        if let Some(pem) = &config.ca_bundle {
            let roots = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
            if roots.is_empty() {
                return Err(invalid(
                    "caBundle holds no readable PEM certificate".to_owned(),
                ));
            }
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder.build().map_err(|error| {
            let mut deepest: &dyn std::error::Error = &error;
            while let Some(source) = deepest.source() {
                deepest = source;
            }
            invalid(format!(
                "the TLS client can't be set up, check caBundle: {deepest}"
            ))
        })?;
        Ok(Self {
            client,
            base: base.clone(),
            redactor: Redactor::new(credential::secrets(&config.auth)),
            tokens: match &config.auth {
                Auth::OAuth2(oauth2) => Some(Tokens::new(oauth2.clone())),
                Auth::Bearer(_) | Auth::Basic { .. } => None,
            },
        })
    }

    /// A target's own words, fit to be shown.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        self.redactor.clean(text)
    }

    /// Whether a text of the target holds our credential.
    #[must_use]
    pub fn holds_credential(&self, text: &str) -> bool {
        self.redactor.finds_in(text)
    }

    /// Sends a request and reads its whole answer.
    ///
    /// # Errors
    /// A [`Failure`] for anything but a success with a body that is empty or JSON.
    pub async fn send(&self, request: Request<'_>) -> Result<Answer, Failure> {
        let Some(tokens) = &self.tokens else {
            return self.attempt(&request, None).await;
        };
        let token = tokens.current(&self.client, &self.redactor).await?;
        match self.attempt(&request, Some(&token)).await {
            // Refused unseen, so it can be sent again, whatever it is. A second refusal is final.
            Err(failure) if failure.had_status(&[401]) => {
                tokens.refuse(&token).await;
                let token = tokens.current(&self.client, &self.redactor).await?;
                self.attempt(&request, Some(&token)).await
            }
            result => result,
        }
    }

    async fn attempt(
        &self,
        request: &Request<'_>,
        token: Option<&Token>,
    ) -> Result<Answer, Failure> {
        let what = request.what;
        let url = self.address(request)?;
        let mut builder = self.client.request(request.method.clone(), url);
        if let Some(token) = token {
            builder = builder.header(AUTHORIZATION, token.header.clone());
        }
        if let Some(version) = request.if_match.and_then(|v| HeaderValue::from_str(v).ok()) {
            builder = builder.header(IF_MATCH, version);
        }
        if let Some(body) = request.body {
            builder = builder
                .header(CONTENT_TYPE, "application/scim+json")
                .body(body.to_string());
        }
        let lost = |error| {
            broken(
                what,
                error,
                request.intent,
                "spec.scim.baseUrl",
                &self.redactor,
            )
        };
        let mut response = builder.send().await.map_err(lost)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let limit = if status.is_success() {
            MAX_BODY
        } else {
            MAX_ERROR_BODY
        };
        let mut body = Vec::new();
        let mut too_large = false;
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > limit => {
                    too_large = true;
                    break;
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                // The status says what happened, with or without its explanation.
                Err(_) if !status.is_success() => break,
                Err(error) => return Err(lost(error)),
            }
        }
        if !status.is_success() {
            let now = SystemTime::now();
            let intent = request.intent;
            let failure = refused(what, status, &headers, &body, intent, &self.redactor, now);
            return Err(if failure.error.kind == ErrorKind::Unauthorized {
                Failure {
                    error: failure.error.with_remedy(RENEW),
                    ..failure
                }
            } else {
                failure
            });
        }
        if too_large {
            let kind = if request.intent == Intent::Read {
                ErrorKind::Nonsense
            } else {
                ErrorKind::OutcomeUnknown
            };
            let mut failure = Failure::new(
                kind,
                format!(
                    "{what}: the answer is larger than {} MiB",
                    MAX_BODY / 1024 / 1024
                ),
            );
            failure.too_large = true;
            return Err(failure);
        }
        let json = parse(what, status, &headers, &body, request.intent)?;
        let header = |name| {
            headers
                .get(name)
                .and_then(|v: &HeaderValue| v.to_str().ok())
                .map(str::to_owned)
        };
        Ok(Answer {
            json,
            location: header(LOCATION),
            etag: header(ETAG),
        })
    }

    fn address(&self, request: &Request<'_>) -> Result<Url, Failure> {
        let mut url = self.base.clone();
        if let Some(bad) = request.path.iter().find(|segment| !is_addressable(segment)) {
            let message = format!(
                "{}: the identifier {:?} can't stand in an address",
                request.what,
                self.clean(bad)
            );
            return Err(Failure::new(ErrorKind::Invalid, message));
        }
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(request.path);
        }
        if !request.query.is_empty() {
            set_query(&mut url, request.query);
        }
        Ok(url)
    }
}

fn parse(
    what: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    intent: Intent,
) -> Result<Option<Value>, Failure> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    if is_html(headers, body) {
        let message = format!(
            "{what}: the server answered {} with an HTML page; is the base URL right?",
            status.as_u16()
        );
        return Err(Failure {
            status: Some(status),
            ..Failure::new(ErrorKind::Nonsense, message)
        });
    }
    match serde_json::from_slice(body) {
        Ok(json) => Ok(Some(json)),
        // It was done, but what was done can't be seen.
        Err(_) if intent != Intent::Read => Err(Failure::new(
            ErrorKind::OutcomeUnknown,
            format!(
                "{what}: the server answered {} with broken JSON",
                status.as_u16()
            ),
        )),
        Err(error) => Err(Failure::new(
            ErrorKind::Nonsense,
            format!("{what}: the answer is no JSON ({error})"),
        )),
    }
}

fn headers(auth: &Auth) -> Result<HeaderMap, ConnectorError> {
    let mut headers = HeaderMap::new();
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("application/scim+json, application/json"),
    );
    let secret = match auth {
        Auth::Bearer(secret)
        | Auth::Basic {
            password: secret, ..
        } => secret,
        Auth::OAuth2(oauth2) => &oauth2.client_secret,
    };
    if secret.expose_secret().is_empty() {
        return Err(ConnectorError::new(
            ErrorKind::Invalid,
            "the credential is empty; check the Secret",
        ));
    }
    let credential = match auth {
        Auth::Bearer(token) => format!("Bearer {}", token.expose_secret()),
        Auth::Basic { username, .. } if username.contains(':') => {
            return Err(ConnectorError::new(
                ErrorKind::Invalid,
                "auth.basic.username must not hold a colon (RFC 7617 section 2)",
            ));
        }
        Auth::Basic { username, password } => {
            let pair = credential::basic(username, password.expose_secret());
            format!("Basic {}", pair.expose_secret())
        }
        // Each request gets the token of its time.
        Auth::OAuth2(_) => return Ok(headers),
    };
    let credential = credential::header(&credential).map_err(|_| {
        ConnectorError::new(
            ErrorKind::Invalid,
            "the credential holds characters that no HTTP header can carry, such as a line break; check the Secret",
        )
    })?;
    headers.insert(AUTHORIZATION, credential);
    Ok(headers)
}
