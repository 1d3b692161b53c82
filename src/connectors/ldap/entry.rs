//! An entry as a search shows it. Names of attributes compare without case (RFC 4512 section 2.5).

use std::collections::HashMap;

use ldap3::{ResultEntry, SearchEntry};

use super::dn;

/// An entry: its name, and the attributes that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Its name as the server writes it.
    pub dn: String,
    texts: HashMap<String, Vec<String>>,
    bytes: HashMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// From an answer to a search.
    #[must_use]
    pub fn of_search(found: ResultEntry) -> Self {
        let SearchEntry {
            dn,
            attrs,
            bin_attrs,
        } = SearchEntry::construct(found);
        Self::new(dn, attrs, bin_attrs)
    }

    /// From its parts.
    #[must_use]
    pub fn new(
        dn: String,
        texts: HashMap<String, Vec<String>>,
        bytes: HashMap<String, Vec<Vec<u8>>>,
    ) -> Self {
        Self { dn, texts, bytes }
    }

    /// Values of an attribute that are text.
    #[must_use]
    pub fn all(&self, name: &str) -> &[String] {
        find(&self.texts, name).map_or(&[], Vec::as_slice)
    }

    /// The first of them.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// A value of an attribute; where there are several, the one that the entry is named by.
    #[must_use]
    pub fn named(&self, attribute: &str) -> Option<String> {
        let all = self.all(attribute);
        let named = dn::naming(&self.dn)
            .filter(|(name, value)| name.eq_ignore_ascii_case(attribute) && all.contains(value));
        named
            .map(|(_, value)| value)
            .or_else(|| all.first().cloned())
    }

    /// The first value of an attribute, whatever it is.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        let binary = find(&self.bytes, name).and_then(|values| values.first());
        binary
            .map(Vec::as_slice)
            .or_else(|| self.first(name).map(str::as_bytes))
    }

    /// A part of the values of an attribute, where the server gives them in parts (`member;range=0-1499`,
    /// MS-ADTS 3.1.1.3.1.3.3): the values, and where the next part begins.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<(&[String], Option<usize>)> {
        self.texts.iter().find_map(|(key, values)| {
            let (attribute, range) = key.split_once(';')?;
            if !attribute.eq_ignore_ascii_case(name) {
                return None;
            }
            let end = range.strip_prefix("range=")?.split_once('-')?.1;
            let next = end
                .parse::<usize>()
                .ok()
                .and_then(|last| last.checked_add(1));
            Some((values.as_slice(), next))
        })
    }
}

fn find<'a, T>(map: &'a HashMap<String, T>, name: &str) -> Option<&'a T> {
    map.get(name).or_else(|| {
        let mut all = map.iter();
        all.find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}
