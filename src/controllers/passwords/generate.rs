//! Passwords as a policy wants them.

use secrecy::SecretString;

use crate::connectors::random;
use crate::dispatch::passwords::PasswordPolicy;

/// A password as a policy wants it.
///
/// # Errors
/// The system has no randomness to give.
pub(super) fn password(policy: &PasswordPolicy) -> Result<SecretString, getrandom::Error> {
    random::password(policy.length.into(), &policy.punctuation)
}

/// Whether one that was made earlier is as a policy wants it now: the one before may have been mended because the
/// target refused what it gave.
pub(super) fn is_of(policy: &PasswordPolicy, password: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || policy.punctuation.contains(c);
    password.chars().count() == random::least(policy.length.into()) && password.chars().all(allowed)
}

#[cfg(test)]
mod tests {
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
    fn one_of_another_policy_is_known() {
        let made = password(&policy(20, "-")).unwrap();
        let made = made.expose_secret();
        assert!(is_of(&policy(20, "-"), made));
        assert!(is_of(&policy(20, "_-"), made));
        assert!(!is_of(&policy(20, "_"), made));
        assert!(!is_of(&policy(21, "-"), made));
        assert!(!is_of(&policy(19, "-"), made));
    }
}
