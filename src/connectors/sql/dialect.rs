//! How databases differ in the text of statements.

/// The SQL that a database reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL's.
    Postgres,
    /// That of MySQL and MariaDB.
    MySql,
}

impl Dialect {
    /// The place of a value: `$1`, the same one for the same parameter, or `?`, each time another.
    #[must_use]
    pub fn place(self, number: usize) -> String {
        match self {
            Self::Postgres => format!("${number}"),
            Self::MySql => "?".to_owned(),
        }
    }

    /// Whether a parameter that stands in a statement twice has one place.
    pub(super) fn shares_places(self) -> bool {
        self == Self::Postgres
    }

    /// The type that a text is cast to.
    #[must_use]
    pub fn text_type(self) -> &'static str {
        match self {
            Self::Postgres => "text",
            Self::MySql => "char",
        }
    }

    /// Whether a backslash within a quote escapes what follows. (Of PostgreSQL only within `E'…'`.)
    pub(super) fn escapes(self, quote: u8, before: Option<char>) -> bool {
        match self {
            Self::Postgres => {
                quote == b'\'' && before.is_some_and(|sign| matches!(sign, 'e' | 'E'))
            }
            Self::MySql => quote != b'`',
        }
    }

    /// Whether one comment may stand in another.
    pub(super) fn nests_comments(self) -> bool {
        self == Self::Postgres
    }

    /// Whether `$tag$` begins a quote.
    pub(super) fn has_dollar_quotes(self) -> bool {
        self == Self::Postgres
    }

    /// Whether a text begins with a comment to the end of its line.
    pub(super) fn begins_comment(self, text: &str) -> bool {
        match self {
            Self::Postgres => text.starts_with("--"),
            // `5--1` is a number less a negative one.
            Self::MySql => {
                let dashes = text.strip_prefix("--");
                text.starts_with('#')
                    || dashes.is_some_and(|after| {
                        after.is_empty() || after.starts_with(char::is_whitespace)
                    })
            }
        }
    }
}
