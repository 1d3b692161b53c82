//! Texts without what people write differently: case, accents, punctuation and spaces.

use deunicode::deunicode;

/// Letters and digits alone, in ASCII and lower case.
#[must_use]
pub fn folded(text: &str) -> String {
    let ascii = deunicode(text);
    let signs = ascii.chars().filter(char::is_ascii_alphanumeric);
    signs.map(|c| c.to_ascii_lowercase()).collect()
}
