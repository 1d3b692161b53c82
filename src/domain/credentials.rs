//! Kinds of credentials by which an account is used.

use std::fmt;

/// A kind of credential by which an account is used. Each is taken away by itself, as disabling an account ends none
/// of them in many a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialKind {
    /// What somebody who is signed in works with, until it ends.
    Sessions,
    /// What a program signs in with on somebody's behalf.
    Tokens,
    /// Public keys and certificates that the target believes.
    Keys,
    /// What somebody types to sign in.
    Passwords,
}

impl CredentialKind {
    /// Every kind, those first that are used at this moment.
    pub const ALL: [Self; 4] = [Self::Sessions, Self::Tokens, Self::Keys, Self::Passwords];

    /// The word in manifests and status.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sessions => "Sessions",
            Self::Tokens => "Tokens",
            Self::Keys => "Keys",
            Self::Passwords => "Passwords",
        }
    }

    /// The kind of a word, as [`CredentialKind::word`] gives it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The word within a sentence.
    #[must_use]
    pub fn within_a_sentence(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Tokens => "tokens",
            Self::Keys => "keys",
            Self::Passwords => "passwords",
        }
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for kind in CredentialKind::ALL {
            assert_eq!(CredentialKind::parse(kind.word()), Some(kind));
            assert_eq!(kind.word().to_lowercase(), kind.within_a_sentence());
        }
        assert_eq!(CredentialKind::parse("sessions"), None);
    }
}
