//! What MySQL compares a password with (`caching_sha2_password`): SHA-256 crypt, as in "Unix crypt using SHA-256 and
//! SHA-512" by Ulrich Drepper, with a salt of twenty characters. So that no log has a password in clear.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::connectors::{ConnectorError, ErrorKind, Result};

/// What no password is like: what MySQL itself writes for users that nobody signs in as.
pub(super) const NO_PASSWORD: &str =
    "$A$005$THISISACOMBINATIONOFINVALIDSALTANDPASSWORDTHATMUSTNEVERBRBEUSED";

/// Digest by SHA-256, in as many thousands of rounds as every version takes.
const HEAD: &str = "$A$005$";
const ROUNDS: usize = 5000;
const SALT: usize = 20;
/// The sixty-four digits of crypt.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Which bytes of the digest go together into four of those; the last two into three.
const ORDER: [[usize; 3]; 10] = [
    [0, 10, 20],
    [21, 1, 11],
    [12, 22, 2],
    [3, 13, 23],
    [24, 4, 14],
    [15, 25, 5],
    [6, 16, 26],
    [27, 7, 17],
    [18, 28, 8],
    [9, 19, 29],
];

/// What a password is compared with, with a salt of its own.
///
/// # Errors
/// Where the system has no random numbers.
pub(super) fn hash(password: &SecretString) -> Result<String> {
    let mut random = [0; SALT];
    getrandom::fill(&mut random).map_err(|error| {
        ConnectorError::new(
            ErrorKind::Unreachable,
            format!("no random numbers for the salt of a password: {error}"),
        )
    })?;
    // A part of the digits only would be enough; these need no quotes in a statement.
    let salt = random.map(|byte| DIGITS[usize::from(byte % 64)]);
    Ok(salted(password, &salt))
}

fn salted(password: &SecretString, salt: &[u8; SALT]) -> String {
    let digest = crypt(password.expose_secret().as_bytes(), salt);
    let mut text = format!("{HEAD}{}", String::from_utf8_lossy(salt));
    for [first, second, third] in ORDER {
        push(&mut text, [digest[first], digest[second], digest[third]], 4);
    }
    push(&mut text, [0, digest[31], digest[30]], 3);
    text
}

/// Writes three bytes as so many digits, the lowest first.
fn push(text: &mut String, [high, middle, low]: [u8; 3], digits: usize) {
    let mut number = u32::from_be_bytes([0, high, middle, low]);
    for _ in 0..digits {
        let [digit, ..] = (number & 63).to_le_bytes();
        text.push(char::from(DIGITS[usize::from(digit)]));
        number >>= 6;
    }
}

/// As many bytes of a digest, over and over, as there are in what stands for them.
fn repeated(digest: &[u8], length: usize) -> Vec<u8> {
    digest.iter().copied().cycle().take(length).collect()
}

fn crypt(password: &[u8], salt: &[u8]) -> [u8; 32] {
    let other = Sha256::digest([password, salt, password].concat());
    let mut sum = Sha256::new();
    sum.update(password);
    sum.update(salt);
    sum.update(repeated(&other, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        if bits & 1 == 1 {
            sum.update(other);
        } else {
            sum.update(password);
        }
        bits >>= 1;
    }
    let mut digest: [u8; 32] = sum.finalize().into();

    let of_password = Sha256::digest(password.repeat(password.len()));
    let of_password = repeated(&of_password, password.len());
    let of_salt = Sha256::digest(salt.repeat(16 + usize::from(digest[0])));
    let of_salt = repeated(&of_salt, salt.len());
    for round in 0..ROUNDS {
        let mut sum = Sha256::new();
        let (first, last): (&[u8], &[u8]) = if round % 2 == 1 {
            (&of_password, &digest)
        } else {
            (&digest, &of_password)
        };
        sum.update(first);
        if round % 3 != 0 {
            sum.update(&of_salt);
        }
        if round % 7 != 0 {
            sum.update(&of_password);
        }
        sum.update(last);
        digest = sum.finalize().into();
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both let in at MySQL 9.7.
    #[test]
    fn a_password_is_hashed_as_the_server_does() {
        for (password, salt, stored) in [
            (
                "password",
                b"abcdefghijklmnopqrst",
                "$A$005$abcdefghijklmnopqrst5h1v5FsOOkZe9oB5eilHTkorw62QcaKthhxPA7B5ukD",
            ),
            (
                "a password that is longer than one digest",
                b"./0123456789ABCDEFGH",
                "$A$005$./0123456789ABCDEFGH9vgQHXUWBXaBHpXj13CjyskPaEFt4r7mr909eZaef01",
            ),
        ] {
            assert_eq!(salted(&SecretString::from(password), salt), stored);
        }
    }

    #[test]
    fn each_has_a_salt_of_its_own_and_nobody_has_none() {
        let password = SecretString::from("password");
        let (one, another) = (hash(&password).unwrap(), hash(&password).unwrap());
        assert_ne!(one, another);
        assert_eq!(one.len(), NO_PASSWORD.len());
    }
}
