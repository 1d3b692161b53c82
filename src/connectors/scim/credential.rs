//! How a credential is written into a request. What is sent and what is kept out of messages is made by
//! the same functions, so that neither can forget a form of the other.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{HeaderValue, InvalidHeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use url::form_urlencoded;

use super::config::{Auth, OAuth2};

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

/// What must not be repeated, for a way of authenticating.
pub(super) fn secrets(auth: &Auth) -> Vec<SecretString> {
    match auth {
        Auth::Bearer(token) => vec![token.clone()],
        Auth::Basic { username, password } => {
            let pair = basic(username, password.expose_secret());
            vec![password.clone(), pair]
        }
        Auth::OAuth2(oauth2) => {
            let secret = &oauth2.client_secret;
            let sent = form_encoded(secret.expose_secret());
            vec![secret.clone(), sent.into(), client(oauth2)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::redact::Redactor;
    use crate::connectors::scim::ClientAuthentication;

    #[test]
    fn no_form_of_a_client_is_repeated() {
        let secret = "cl1ent+/s3cret&%";
        let redactor = Redactor::new(secrets(&Auth::OAuth2(OAuth2 {
            token_url: "https://login.example.com/token".parse().unwrap(),
            client_id: "roll call".to_owned(),
            client_secret: secret.into(),
            scopes: vec![],
            audience: None,
            authentication: ClientAuthentication::Header,
        })));
        let sent = form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
        for shown in [
            secret.to_owned(),
            sent.clone(),
            BASE64_STANDARD.encode(secret),
            BASE64_STANDARD.encode(format!("roll+call:{sent}")),
        ] {
            let clean = redactor.clean(&shown);
            // The last letter depends on what follows, and on two bits of the secret.
            assert!(clean.starts_with("[redacted]"), "{shown}: {clean}");
            assert!(clean.len() <= "[redacted]Q==".len(), "{shown}: {clean}");
        }
    }
}
