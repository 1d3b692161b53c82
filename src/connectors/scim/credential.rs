//! How a credential is written into a request. What is sent and what is kept out of messages is made by
//! the same functions, so that neither can forget a form of the other.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{HeaderValue, InvalidHeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use url::form_urlencoded;

use super::config::OAuth2;

/// A name and a password as they stand behind `Basic` (RFC 7617 section 2).
pub(super) fn basic(name: &str, password: &str) -> SecretString {
    SecretString::from(BASE64_STANDARD.encode(format!("{name}:{password}")))
}

/// A client's name or secret as a token endpoint wants it (RFC 6749 section 2.3.1).
pub(super) fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A client's name and secret as they stand behind `Basic` at a token endpoint.
pub(super) fn client(oauth2: &OAuth2) -> SecretString {
    basic(
        &form_encoded(&oauth2.client_id),
        &form_encoded(oauth2.client_secret.expose_secret()),
    )
}

/// The value of a header that no log may show.
///
/// # Errors
/// Where the text can't stand in a header.
pub(super) fn header(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut header = HeaderValue::from_str(text)?;
    header.set_sensitive(true);
    Ok(header)
}
