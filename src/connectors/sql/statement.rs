//! Statements with named parameters, as they stand in a manifest: `UPDATE users SET name = :username WHERE
//! id = :id`. Values never become part of the text: each name becomes a place that the driver fills.

use std::collections::BTreeSet;

use super::dialect::Dialect;

/// A statement, taken apart where its parameters stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Texts before, between and after the parameters.
    texts: Vec<String>,
    /// The parameters in order.
    names: Vec<String>,
}

impl Statement {
    /// Reads a statement.
    ///
    /// # Errors
    /// A sentence: it is not one statement, or a quote or comment has no end.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, String> {
        let text = text.trim().trim_end_matches(';').trim_end();
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        let mut texts = vec![String::new()];
        let mut names = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let before = texts.last().and_then(|text| text.chars().last());
            let (skipped, after) = literal(rest, before, dialect)?;
            if !skipped.is_empty() {
                push(&mut texts, skipped);
                rest = after;
                continue;
            }
            if let Some(after) = rest.strip_prefix("::") {
                push(&mut texts, "::");
                rest = after;
            } else if let Some(name) = parameter(rest) {
                names.push(name.to_owned());
                texts.push(String::new());
                rest = &rest[1 + name.len()..];
            } else if dialect == Dialect::MySql && rest.starts_with('?') {
                return Err("a `?` is no place for a value: write :name".to_owned());
            } else if dialect == Dialect::Postgres
                && rest.starts_with('$')
                && rest[1..].starts_with(|c: char| c.is_ascii_digit())
                && !before.is_some_and(is_inner)
            {
                return Err("a `$` with a number is no place for a value: write :name".to_owned());
            } else if rest.starts_with(';') {
                return Err("it must be one statement, and a `;` divides it".to_owned());
            } else {
                let end = rest.chars().next().map_or(1, char::len_utf8);
                push(&mut texts, &rest[..end]);
                rest = &rest[end..];
            }
        }
        Ok(Self { texts, names })
    }

    /// Names of its parameters, each once.
    #[must_use]
    pub fn parameters(&self) -> BTreeSet<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    /// The text with places for the parameters, and which parameter belongs to which place.
    #[must_use]
    pub fn placed(&self, dialect: Dialect) -> (String, Vec<&str>) {
        let mut text = self.texts.first().cloned().unwrap_or_default();
        let mut order: Vec<&str> = Vec::new();
        for (name, after) in self.names.iter().zip(self.texts.iter().skip(1)) {
            let known = order.iter().position(|known| known == name);
            let at = known
                .filter(|_| dialect.shares_places())
                .unwrap_or_else(|| {
                    order.push(name);
                    order.len() - 1
                });
            text.push_str(&dialect.place(at + 1));
            text.push_str(after);
        }
        (text, order)
    }
}

fn push(texts: &mut [String], part: &str) {
    if let Some(last) = texts.last_mut() {
        last.push_str(part);
    }
}

/// The name of the parameter that a text begins with.
fn parameter(text: &str) -> Option<&str> {
    let name = text.strip_prefix(':')?;
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = name.find(|c| !inner(c)).unwrap_or(name.len());
    let name = &name[..end];
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        .then_some(name)
}

/// Whether a sign can stand within a name.
fn is_inner(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_' || sign == '$'
}

/// What a text begins with that is to be left alone: a quoted text or name, or a comment; and what follows.
/// `before` is the sign before it.
fn literal(text: &str, before: Option<char>, dialect: Dialect) -> Result<(&str, &str), String> {
    let to = |close: &str, from: usize, what: &str| {
        let end = text[from..].find(close).map(|at| from + at + close.len());
        end.ok_or_else(|| format!("{what} has no end"))
    };
    let end = match text.as_bytes() {
        [quote @ (b'\'' | b'"' | b'`'), ..] if dialect.escapes(*quote, before) => {
            escaped(text, char::from(*quote))?
        }
        [quote @ (b'\'' | b'"' | b'`'), ..] => {
            let close = char::from(*quote).to_string();
            to(&close, 1, "a quote")?
        }
        // A comment may end with the statement.
        _ if dialect.begins_comment(text) => text.find('\n').unwrap_or(text.len()),
        [b'/', b'*', ..] if dialect.nests_comments() => comment(text)?,
        [b'/', b'*', ..] => to("*/", 2, "a comment")?,
        [b'$', ..] if dialect.has_dollar_quotes() && !before.is_some_and(is_inner) => {
            match dollar(text) {
                Some(tag) => to(tag, tag.len(), "a dollar quote")?,
                None => 0,
            }
        }
        _ => 0,
    };
    Ok(text.split_at(end))
}

/// Where a quote with escapes ends.
fn escaped(text: &str, quote: char) -> Result<usize, String> {
    let mut skip = false;
    for (at, sign) in text.char_indices().skip(1) {
        match sign {
            _ if skip => skip = false,
            '\\' => skip = true,
            sign if sign == quote => return Ok(at + 1),
            _ => {}
        }
    }
    Err("a quote has no end".to_owned())
}

/// Where a comment ends; one may stand in another.
fn comment(text: &str) -> Result<usize, String> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at + 1 < bytes.len() {
        match (bytes[at], bytes[at + 1]) {
            (b'/', b'*') => {
                depth += 1;
                at += 2;
            }
            (b'*', b'/') => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Ok(at);
                }
            }
            _ => at += 1,
        }
    }
    Err("a comment has no end".to_owned())
}

/// The tag that a dollar quote begins with: `$$`, `$body$`.
fn dollar(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('$')?;
    let end = inner.find('$')?;
    let is_tag = inner[..end]
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_number = inner.starts_with(|c: char| c.is_ascii_digit());
    (is_tag && !is_number).then(|| &text[..end + 2])
}
