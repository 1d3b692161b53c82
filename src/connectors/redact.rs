//! Keeps credentials out of what others say to us.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};

/// Tokens that are remembered: the one in use, and some that a target may still speak of.
const MAX_TOKENS: usize = 4;

/// Longest text of a target that is kept, in characters.
const MAX_CHARS: usize = 300;

/// Knows what must not be repeated.
pub struct Redactor {
    secrets: Vec<SecretString>,
    /// Every form of each token that was obtained, newest last.
    tokens: RwLock<VecDeque<Vec<SecretString>>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Does not repeat these, in any form.
    #[must_use]
    pub fn new(secrets: Vec<SecretString>) -> Self {
        Self {
            secrets: forms(secrets),
            tokens: RwLock::default(),
        }
    }

    /// From here on, this token is not repeated either.
    pub fn learn(&self, token: &SecretString) {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() == MAX_TOKENS {
            tokens.pop_front();
        }
        tokens.push_back(forms(vec![token.clone()]));
    }

    /// Whether a text holds a credential, in any form.
    #[must_use]
    pub fn finds_in(&self, text: &str) -> bool {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let mut secrets = self.secrets.iter().chain(tokens.iter().flatten());
        secrets.any(|secret| text.contains(secret.expose_secret()))
    }

    /// The text without credentials, else as it is.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        for secret in self.secrets.iter().chain(tokens.iter().flatten()) {
            text = text.replace(secret.expose_secret(), "[redacted]");
        }
        text
    }

    /// What a target says, without credentials and control characters, cut to a bounded length.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let text = self.hide(text);
        let printable: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let words = printable.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.chars().count() <= MAX_CHARS {
            return words;
        }
        let mut cut: String = words.chars().take(MAX_CHARS - 1).collect();
        cut.push('…');
        cut
    }
}

/// Each secret and its encoded forms, the longest first, as one may be a part of another.
fn forms(secrets: Vec<SecretString>) -> Vec<SecretString> {
    let mut forms: Vec<SecretString> = secrets
        .into_iter()
        .filter(|s| !s.expose_secret().is_empty())
        .flat_map(|secret| {
            let encoded = encoded(secret.expose_secret());
            std::iter::once(secret).chain(encoded)
        })
        .collect();
    forms.sort_by_key(|s| std::cmp::Reverse(s.expose_secret().len()));
    forms
}

/// Shortest encoded form that is looked for: a shorter one may be a part of any word.
const MIN_ENCODED: usize = 8;

/// A secret as it may stand in an address, in JSON within text, or in base64, also as a part of
/// something longer.
fn encoded(secret: &str) -> Vec<SecretString> {
    let percent = |digits: fn(u8) -> String| {
        let keep = |b: &u8| b.is_ascii_alphanumeric() || b"-._~".contains(b);
        let bytes = secret.bytes();
        let parts = bytes.map(|b| {
            if keep(&b) {
                char::from(b).to_string()
            } else {
                digits(b)
            }
        });
        parts.collect::<String>()
    };
    let mut forms = vec![
        percent(|b| format!("%{b:02X}")),
        percent(|b| format!("%{b:02x}")),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
    ];
    if let Ok(json) = serde_json::to_string(secret) {
        forms.push(json.trim_matches('"').to_owned());
    }
    for before in 0..3 {
        // Three bytes are four letters, so what stands before decides where the secret's own begin.
        let padded = [vec![0; before], secret.as_bytes().to_vec()].concat();
        let begin = (before * 8).div_ceil(6);
        let end = padded.len() * 8 / 6;
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let letters = engine.encode(&padded);
            forms.extend(letters.get(begin..end).map(str::to_owned));
        }
    }
    forms.retain(|form| form.len() >= MIN_ENCODED && form != secret);
    forms.sort();
    forms.dedup();
    forms.into_iter().map(SecretString::from).collect()
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn no_form_of_a_credential_is_repeated() {
        let secret = "t0k3n/with-\"all\\of\"-them&more";
        let redactor = Redactor::new(vec![secret.into()]);
        let query = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
        let shown = [
            secret.to_owned(),
            query.clone(),
            query.replace("%2F", "%2f").replace("%5C", "%5c"),
            serde_json::to_string(secret).unwrap(),
            BASE64_STANDARD.encode(secret),
            BASE64_URL_SAFE_NO_PAD.encode(secret),
            BASE64_STANDARD.encode(format!("a{secret}b")),
            BASE64_STANDARD.encode(format!("Bearer {secret} of bob")),
            BASE64_STANDARD.encode(format!("{{\"token\":\"{secret}\"}}")),
        ];
        for shown in shown {
            let clean = redactor.clean(&format!("got {shown}, sorry"));
            assert!(clean.contains("[redacted]"), "{shown}: {clean}");
            assert!(clean.len() < 60, "{shown}: {clean}");
        }
        let short = Redactor::new(vec!["abc".into()]);
        assert_eq!(
            short.clean("YWJj is a word, abc is not"),
            "YWJj is a word, [redacted] is not"
        );
    }

    #[test]
    fn tokens_that_were_obtained_are_not_repeated_either() {
        let redactor = Redactor::new(Vec::new());
        let tokens: Vec<String> = (0..MAX_TOKENS).map(|i| format!("eyJ{i}.{i}.s1g")).collect();
        for token in &tokens {
            redactor.learn(&token.as_str().into());
        }
        for token in &tokens {
            assert_eq!(redactor.clean(token), "[redacted]");
        }
    }
}
