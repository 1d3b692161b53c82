//! Passwords that nobody can guess.

use secrecy::SecretString;

use super::{ConnectorError, ErrorKind, InitialPassword};

/// Letters and digits that are not mistaken for each other on paper.
const UPPER: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijkmnopqrstuvwxyz";
const DIGITS: &str = "23456789";
/// Kinds of signs, each of which must appear: what directories ask for.
const KINDS: usize = 4;

/// Characters of a password that nobody knows: more than anybody tries, and no more than applications take.
const UNKNOWN_LENGTH: usize = 32;
/// Signs in it. None of them has a meaning in any syntax that it may pass through.
const UNKNOWN_SIGNS: &str = "-._";

/// A password from the system's source of randomness. It has a letter of each case, a digit and one of the
/// signs.
///
/// # Errors
/// The system has no randomness to give.
pub fn password(length: usize, signs: &str) -> Result<SecretString, getrandom::Error> {
    let kinds: Vec<Vec<char>> = [UPPER, LOWER, DIGITS, signs]
        .iter()
        .map(|signs| signs.chars().collect::<Vec<char>>())
        .filter(|signs| !signs.is_empty())
        .collect();
    let all: Vec<char> = kinds.iter().flatten().copied().collect();
    let length = least(length);
    // Drawn again until every kind is there, so that no place is known to hold a certain kind.
    loop {
        let mut text = String::with_capacity(length);
        for _ in 0..length {
            text.push(all[below(all.len())?]);
        }
        if kinds.iter().all(|kind| text.contains(kind.as_slice())) {
            return Ok(text.into());
        }
    }
}

/// Characters that a password has, where this many are wanted.
#[must_use]
pub fn least(length: usize) -> usize {
    length.max(KINDS)
}

/// A password that is set and kept nowhere, so that nobody knows it.
pub(super) fn nobodys_password(what: &str) -> Result<InitialPassword, ConnectorError> {
    let secret = password(UNKNOWN_LENGTH, UNKNOWN_SIGNS).map_err(|error| {
        let why = format!("{what}: the system has no randomness to give: {error}");
        ConnectorError::new(ErrorKind::PasswordNotKept, why)
    })?;
    Ok(InitialPassword {
        secret,
        must_change: false,
    })
}

/// A number below another, each as likely as the others.
fn below(end: usize) -> Result<usize, getrandom::Error> {
    let end = u32::try_from(end).unwrap_or(u32::MAX).max(1);
    let fair = u32::MAX - u32::MAX % end;
    loop {
        let number = getrandom::u32()?;
        if number < fair {
            return Ok((number % end) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn has_every_kind_and_is_never_the_same() {
        let mut seen = BTreeSet::new();
        for _ in 0..500 {
            let password = password(12, "-_!").unwrap();
            let text = password.expose_secret().to_owned();
            assert_eq!(text.chars().count(), 12);
            for kind in [UPPER, LOWER, DIGITS, "-_!"] {
                assert!(text.contains(|c| kind.contains(c)), "{text} of {kind}");
            }
            assert!(text.chars().all(|c| {
                [UPPER, LOWER, DIGITS, "-_!"]
                    .iter()
                    .any(|kind| kind.contains(c))
            }));
            assert!(seen.insert(text));
        }
        let plain = password(1, "").unwrap();
        assert!(
            plain
                .expose_secret()
                .chars()
                .all(|c| c.is_ascii_alphanumeric())
        );
    }

    #[test]
    fn what_nobody_knows_is_shown_to_nobody() {
        let password = nobodys_password("trying").unwrap();
        assert_eq!(password.secret.expose_secret().len(), UNKNOWN_LENGTH);
        assert!(!format!("{password:?}").contains(password.secret.expose_secret()));
    }

    #[test]
    fn every_number_is_drawn_about_as_often() {
        let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
        for _ in 0..60_000 {
            *counts.entry(below(60).unwrap()).or_default() += 1;
        }
        assert_eq!(counts.len(), 60);
        // Six times the standard deviation of a fair draw.
        assert!(
            counts.values().all(|n| (810..1190).contains(n)),
            "{counts:?}"
        );
    }
}
