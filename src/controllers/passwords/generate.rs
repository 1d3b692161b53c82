//! Passwords that nobody can guess.

use secrecy::SecretString;

use crate::dispatch::passwords::PasswordPolicy;

/// Letters and digits that are not mistaken for each other on paper.
const UPPER: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijkmnopqrstuvwxyz";
const DIGITS: &str = "23456789";
/// Kinds of signs, each of which must appear: what directories ask for.
const KINDS: usize = 4;

/// A password from the system's source of randomness. It has a letter of each case, a digit and one of the
/// signs.
///
/// # Errors
/// The system has no randomness to give.
pub(super) fn password(policy: &PasswordPolicy) -> Result<SecretString, getrandom::Error> {
    let kinds: Vec<Vec<char>> = [UPPER, LOWER, DIGITS, &policy.punctuation]
        .iter()
        .map(|signs| signs.chars().collect::<Vec<char>>())
        .filter(|signs| !signs.is_empty())
        .collect();
    let all: Vec<char> = kinds.iter().flatten().copied().collect();
    let length = length(policy);
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

fn length(policy: &PasswordPolicy) -> usize {
    usize::from(policy.length).max(KINDS)
}

/// Whether one that was made earlier is as a policy wants it now: the one before may have been mended because the
/// target refused what it gave.
pub(super) fn is_of(policy: &PasswordPolicy, password: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || policy.punctuation.contains(c);
    password.chars().count() == length(policy) && password.chars().all(allowed)
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
    use std::time::Duration;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn policy(length: u16, punctuation: &str) -> PasswordPolicy {
        PasswordPolicy {
            length,
            punctuation: punctuation.to_owned(),
            must_change: true,
            keep_for: Duration::from_secs(1),
        }
    }

    #[test]
    fn has_every_kind_and_is_never_the_same() {
        let mut seen = BTreeSet::new();
        for _ in 0..500 {
            let password = password(&policy(12, "-_!")).unwrap();
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
        let plain = password(&policy(1, "")).unwrap();
        assert!(
            plain
                .expose_secret()
                .chars()
                .all(|c| c.is_ascii_alphanumeric())
        );
    }

    #[test]
    fn one_of_another_policy_is_known() {
        let made = password(&policy(20, "-")).unwrap();
        let made = made.expose_secret();
        assert!(is_of(&policy(20, "-"), made));
        assert!(is_of(&policy(20, "_-"), made));
        assert!(!is_of(&policy(20, "_"), made));
        assert!(!is_of(&policy(21, "-"), made));
        assert!(!is_of(&policy(19, "-"), made));
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
