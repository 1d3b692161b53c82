//! The identifier that a directory gave to an entry, which stays through every rename.

use std::fmt::Write as _;

use ldap3::ldap_escape;

use super::entry::Entry;

/// The attribute that holds the identifier, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdAttribute {
    name: String,
    is_guid: bool,
}

impl IdAttribute {
    /// The attribute of a name. `objectGUID` holds sixteen bytes, every other one a text.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_guid: name.eq_ignore_ascii_case("objectGUID"),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The identifier of an entry.
    #[must_use]
    pub fn of(&self, entry: &Entry) -> Option<String> {
        if !self.is_guid {
            return entry.first(&self.name).map(str::to_owned);
        }
        let bytes: [u8; 16] = entry.bytes(&self.name)?.try_into().ok()?;
        Some(shown(bytes))
    }

    /// A filter that finds this entry and no other.
    #[must_use]
    pub fn filter_of(&self, entry: &Entry) -> Option<String> {
        self.filter(&self.of(entry)?)
    }

    /// A filter that finds the entry. `None` where nothing can have that identifier.
    #[must_use]
    pub fn filter(&self, id: &str) -> Option<String> {
        if !self.is_guid {
            return Some(format!("({}={})", self.name, ldap_escape(id)));
        }
        let mut filter = format!("({}=", self.name);
        for byte in parsed(id)? {
            write!(filter, "\\{byte:02x}").ok()?;
        }
        filter.push(')');
        Some(filter)
    }
}

/// Which byte stands where in the written form: the first three fields are little-endian (MS-DTYP 2.3.4.2).
const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

fn shown(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (n, at) in ORDER.into_iter().enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing into a text can't fail.
        let _ = write!(text, "{:02x}", bytes[at]);
    }
    text
}

fn parsed(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b'-').collect();
    if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; 16];
    for (two, at) in digits.chunks(2).zip(ORDER) {
        bytes[at] = u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_written_as_the_tools_of_active_directory_write_it() {
        let bytes = [
            0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
            0xee, 0xff,
        ];
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        assert_eq!(shown(bytes), text);
        assert_eq!(parsed(text), Some(bytes));
        let filter = IdAttribute::new("objectguid").filter(text).unwrap();
        assert!(
            filter.starts_with("(objectguid=\\33\\22\\11\\00\\55\\44\\77"),
            "{filter}"
        );
        for nonsense in ["", "00112233", "00112233-4455-6677-8899-aabbccddeefg", "*"] {
            assert_eq!(IdAttribute::new("objectGUID").filter(nonsense), None);
        }
    }

    #[test]
    fn a_text_is_escaped() {
        let filter = IdAttribute::new("entryUUID").filter("a*)(b\\").unwrap();
        assert_eq!(filter, "(entryUUID=a\\2a\\29\\28b\\5c)");
    }
}
