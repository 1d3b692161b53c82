//! Web servers: one request a notice, which bears the identifier of the event.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Certificate, Client, Response, StatusCode, redirect};
use secrecy::ExposeSecret as _;
use serde_json::json;
use url::Url;

use super::config::{self, Address, Webhook};
use super::sink::{Refusal, Sink};
use super::{Notice, files};
use crate::runtime::{retry_after, trust};

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Header by which a server knows what it has already.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// A web server.
pub(super) struct Hook {
    config: Webhook,
    installation: String,
    client: Client,
}

impl Hook {
    /// Nothing is sent yet.
    pub(super) fn new(config: Webhook, installation: &str) -> Result<Self, String> {
        let roots = trust::roots(config.ca_bundle.as_deref()).map_err(|why| why.to_string())?;
        let roots = roots
            .iter()
            .filter_map(|root| Certificate::from_der(root).ok());
        let client = Client::builder()
            .user_agent(concat!("rollcall/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            // A proxy named in the environment would see the token.
            .no_proxy()
            .retry(reqwest::retry::never())
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE)
            // A request on a connection that is just being closed would be lost, and nobody knew whether it arrived.
            .pool_max_idle_per_host(0)
            .tls_certs_only(roots)
            .build();
        Ok(Self {
            client: client.map_err(|error| format!("the TLS client can't be set up: {error}"))?,
            config,
            installation: installation.to_owned(),
        })
    }

    fn address(&self) -> Result<Url, Refusal> {
        let file = match &self.config.address {
            Address::Known(url) => return Ok(url.clone()),
            Address::InFile(file) => file,
        };
        let text = files::secret(file).map_err(|why| format!("the file {why}"));
        let url = text
            .and_then(|text| config::address(text.expose_secret(), self.config.allow_unencrypted));
        url.map_err(|why| Refusal::later(format!("urlFile of {}: {why}", self.config.name)))
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, Refusal> {
        let Some(file) = &self.config.bearer_token else {
            return Ok(None);
        };
        let wrong = |why| Refusal::later(format!("bearerTokenFile of {}: {why}", self.config.name));
        let token = files::secret(file).map_err(|why| wrong(format!("the file {why}")))?;
        let value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
        let mut value =
            value.map_err(|_| wrong("it holds what can't stand in a header".to_owned()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

#[async_trait]
impl Sink for Hook {
    fn name(&self) -> &str {
        &self.config.name
    }

    async fn deliver(&self, notice: &Notice) -> Result<(), Refusal> {
        let body = json!({
            "id": notice.id.as_str(),
            "event": notice.occasion,
            "installation": self.installation,
            "subject": notice.subject,
            "text": notice.text,
            "data": notice.json,
        });
        let mut request = self
            .client
            .post(self.address()?)
            .header(IDEMPOTENCY_KEY, notice.id.as_str())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        if let Some(value) = self.authorization()? {
            request = request.header(AUTHORIZATION, value);
        }
        let answer = request.send().await;
        // The address may be a credential.
        let answer = answer.map_err(|error| lost(&error.without_url()))?;
        judge(&answer)
    }
}

/// What an answer means. What else it says is not looked at.
fn judge(answer: &Response) -> Result<(), Refusal> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let why = format!("the server answers {status}");
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Err(later(answer, why))
        }
        // Somebody may renew the token.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(later(
            answer,
            format!("{why}: renew what bearerTokenFile, or urlFile, holds"),
        )),
        _ if status.is_server_error() => Err(later(answer, why)),
        _ if status.is_redirection() => Err(Refusal::Never(format!(
            "{why}, and no redirect is followed: give the address that it leads to"
        ))),
        _ => Err(Refusal::Never(why)),
    }
}

fn later(answer: &Response, why: String) -> Refusal {
    Refusal::Later {
        why,
        after: retry_after::asked(answer.headers(), SystemTime::now()),
    }
}

/// A request that was not answered.
fn lost(error: &reqwest::Error) -> Refusal {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    if error.is_connect() {
        return Refusal::later(format!("no connection: {deepest}"));
    }
    if error.is_builder() {
        return Refusal::Never(format!("the request can't be made: {deepest}"));
    }
    Refusal::Uncertain(format!(
        "the notice was sent, and the answer was lost: {deepest}"
    ))
}

#[cfg(test)]
mod tests;
