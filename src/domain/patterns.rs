//! Patterns of names: `*` stands for any letters, `?` for one. Compared without case.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// A set of patterns.
#[derive(Clone, Debug)]
pub struct Patterns(GlobSet);

impl Patterns {
    /// Nothing but `*` and `?` has a meaning of its own in them.
    #[must_use]
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let mut plain = String::with_capacity(pattern.len());
            for c in pattern.chars() {
                if matches!(c, '[' | ']' | '{' | '}' | '\\' | ',' | '!') {
                    plain.push('\\');
                }
                plain.push(c);
            }
            if let Ok(glob) = GlobBuilder::new(&plain)
                .case_insensitive(true)
                .backslash_escape(true)
                .build()
            {
                set.add(glob);
            }
        }
        Self(set.build().unwrap_or_else(|_| GlobSet::empty()))
    }

    /// Whether a name is one of those.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_signs_have_a_meaning_and_no_other() {
        let patterns = Patterns::new(["svc-*", "break-glass-?", "[root]", "a,b", "x/y*"]);
        for name in [
            "svc-",
            "SVC-backup",
            "svc-a/b",
            "Break-Glass-1",
            "[root]",
            "a,b",
            "x/yz",
        ] {
            assert!(patterns.covers(name), "{name}");
        }
        for name in [
            "svc",
            "my-svc-1",
            "break-glass-10",
            "r",
            "root",
            "a",
            "b",
            "",
        ] {
            assert!(!patterns.covers(name), "{name}");
        }
        assert!(!Patterns::new([]).covers(""));
    }
}
