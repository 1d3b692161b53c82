//! Keeps credentials out of what others say to us.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use super::config::Auth;

/// Longest text of a target that is kept, in characters.
const MAX_CHARS: usize = 300;

/// Knows what must not be repeated.
pub struct Redactor {
    secrets: Vec<SecretString>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// What must not be repeated for this way of authenticating.
    #[must_use]
    pub fn new(auth: &Auth) -> Self {
        let secrets = match auth {
            Auth::Bearer(token) => vec![token.clone()],
            Auth::Basic { username, password } => {
                let pair =
                    BASE64_STANDARD.encode(format!("{username}:{}", password.expose_secret()));
                vec![password.clone(), SecretString::from(pair)]
            }
        };
        let secrets = secrets
            .into_iter()
            .filter(|s| !s.expose_secret().is_empty())
            .collect();
        Self { secrets }
    }

    /// The text without credentials and control characters, cut to a bounded length.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.expose_secret(), "[redacted]");
        }
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
