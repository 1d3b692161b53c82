//! Files that a Secret or a ConfigMap is mounted as.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use secrecy::SecretString;

/// Largest secret, in bytes.
const MAX_SECRET: u64 = 64 * 1024;

/// The text of a file of bounded size.
pub(super) fn text(file: &Path, limit: u64) -> Result<String, String> {
    let unread = |error: std::io::Error| format!("can't be read: {error}");
    let mut text = String::new();
    let file = File::open(file).map_err(unread)?;
    file.take(limit + 1)
        .read_to_string(&mut text)
        .map_err(unread)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > limit {
        return Err(format!("has more than {limit} bytes"));
    }
    Ok(text)
}

/// A secret, without the end of line that editors leave behind it. What it is never stands in an error.
pub(super) fn secret(file: &Path) -> Result<SecretString, String> {
    let text = text(file, MAX_SECRET)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err("is empty".to_owned());
    }
    if secret.contains(char::is_control) {
        return Err("holds several lines, or what is no text".to_owned());
    }
    Ok(SecretString::from(secret))
}
