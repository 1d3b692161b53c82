//! Distinguished names (RFC 4514), as far as a client needs them: taken apart, compared, and made from a
//! template.

use ldap3::dn_escape;

/// The name of an entry within its parent, and the name of the parent, as they are written.
#[must_use]
pub fn split(dn: &str) -> (&str, &str) {
    match positions(dn, ",;").next() {
        Some(comma) => (trimmed(&dn[..comma]), dn[comma + 1..].trim_start()),
        None => (dn, ""),
    }
}

/// The form in which names are compared: without case, and without spaces that mean nothing. The same for
/// every way of writing one name.
#[must_use]
pub fn key(dn: &str) -> String {
    let rdns = parts(dn, ",;").into_iter().map(|rdn| {
        let mut pairs: Vec<String> = parts(rdn, "+").into_iter().map(pair_key).collect();
        pairs.sort();
        pairs.join("+")
    });
    rdns.collect::<Vec<_>>().join(",")
}

/// Whether an entry is another one, or stands below it.
#[must_use]
pub fn is_within(dn: &str, base: &str) -> bool {
    let (dn, base) = (key(dn), key(base));
    dn.strip_suffix(&base)
        .is_some_and(|rest| rest.is_empty() || base.is_empty() || rest.ends_with(','))
}

/// The first attribute and value of a name, the value as it is meant.
#[must_use]
pub fn naming(dn: &str) -> Option<(&str, String)> {
    pairs(dn).next()
}

/// Whether an attribute is one of those that name an entry.
#[must_use]
pub fn is_named_by(dn: &str, attribute: &str) -> bool {
    pairs(dn).any(|(name, _)| name.eq_ignore_ascii_case(attribute))
}

fn pairs(dn: &str) -> impl Iterator<Item = (&str, String)> {
    parts(split(dn).0, "+").into_iter().filter_map(|pair| {
        let (attribute, value) = pair.split_once('=')?;
        Some((attribute.trim(), unescape(trimmed(value.trim_start()))))
    })
}

/// Without spaces at the end, but for one that is escaped.
fn trimmed(text: &str) -> &str {
    let short = text.trim_end();
    let slashes = short.len() - short.trim_end_matches('\\').len();
    if slashes % 2 == 1 && short.len() < text.len() {
        return &text[..=short.len()];
    }
    short
}

fn pair_key(pair: &str) -> String {
    let Some((attribute, value)) = pair.split_once('=') else {
        return pair.trim().to_lowercase();
    };
    let value = unescape(trimmed(value.trim_start())).to_lowercase();
    let words = value.split_whitespace().collect::<Vec<_>>().join(" ");
    format!(
        "{}={}",
        attribute.trim().to_ascii_lowercase(),
        dn_escape(words)
    )
}

/// Where one of the signs stands that is neither escaped nor quoted.
fn positions<'a>(text: &'a str, signs: &'a str) -> impl Iterator<Item = usize> + 'a {
    let (mut escaped, mut quoted) = (false, false);
    text.char_indices().filter_map(move |(at, sign)| {
        if escaped {
            escaped = false;
            return None;
        }
        match sign {
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if !quoted && signs.contains(sign) => return Some(at),
            _ => {}
        }
        None
    })
}

fn parts<'a>(text: &'a str, signs: &'a str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut from = 0;
    for at in positions(text, signs) {
        parts.push(&text[from..at]);
        from = at + 1;
    }
    parts.push(&text[from..]);
    parts
}

/// What an escaped or quoted value means.
fn unescape(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = inner.unwrap_or(value).as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let digit = |at: usize| char::from(*tail.get(at)?).to_digit(16);
        if let (Some(high), Some(low)) = (digit(0), digit(1)) {
            bytes.push(u8::try_from(high << 4 | low).unwrap_or_default());
            rest = &tail[2..];
        } else if let [escaped, tail @ ..] = tail {
            bytes.push(*escaped);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A name with the values of an account to be filled in, such as
/// `uid={username},ou={ou},dc=example,dc=org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    attribute: String,
    value: Vec<Piece>,
    parent: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(String),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (rdn, parent) = split(text);
        let (attribute, value) = rdn.split_once('=').ok_or_else(|| {
            format!("`{rdn}` is no attribute with a value, such as uid={{username}}")
        })?;
        if positions(rdn, "+").next().is_some() {
            return Err(format!(
                "`{rdn}` names entries by several attributes: use one"
            ));
        }
        if parent.is_empty() {
            return Err("it names no entry to stand below, such as ou=people".to_owned());
        }
        let value: Vec<Piece> = pieces(value.trim())?
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => Piece::Text(unescape(&text)),
                value @ Piece::Value(_) => value,
            })
            .collect();
        if !value.iter().any(|piece| matches!(piece, Piece::Value(_))) {
            return Err(format!(
                "`{rdn}` would be the same for everybody: fill something in, such as {{username}}"
            ));
        }
        Ok(Self {
            attribute: attribute.trim().to_owned(),
            value,
            parent: pieces(parent)?,
        })
    }

    /// The attribute that names entries.
    #[must_use]
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// What is filled in, anywhere.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.value.iter().chain(&self.parent).filter_map(named)
    }

    /// Whether an entry's name within its parent is this value and nothing else.
    #[must_use]
    pub fn is_just(&self, name: &str) -> bool {
        matches!(self.value.as_slice(), [Piece::Value(only)] if only.eq_ignore_ascii_case(name))
    }

    /// Whether the parent depends on a value.
    #[must_use]
    pub fn parent_needs(&self, name: &str) -> bool {
        needs(&self.parent, name)
    }

    /// Whether an entry's name within its parent depends on a value.
    #[must_use]
    pub fn name_needs(&self, name: &str) -> bool {
        needs(&self.value, name)
    }

    /// The value that names an entry.
    ///
    /// # Errors
    /// The name of a value that is missing.
    pub fn value(&self, lookup: &Lookup<'_>) -> Result<String, String> {
        fill(&self.value, lookup, str::to_owned)
    }

    /// An entry's name within its parent, for a value that names it.
    #[must_use]
    pub fn name(&self, value: &str) -> String {
        format!("{}={}", self.attribute, dn_escape(value))
    }

    /// The parent's name.
    ///
    /// # Errors
    /// The name of a value that is missing.
    pub fn parent(&self, lookup: &Lookup<'_>) -> Result<String, String> {
        fill(&self.parent, lookup, |value| dn_escape(value).into_owned())
    }
}

/// Finds a value to be filled in.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

fn named(piece: &Piece) -> Option<&str> {
    match piece {
        Piece::Value(name) => Some(name),
        Piece::Text(_) => None,
    }
}

fn needs(pieces: &[Piece], name: &str) -> bool {
    let mut names = pieces.iter().filter_map(named);
    names.any(|needed| needed.eq_ignore_ascii_case(name))
}

fn fill(
    pieces: &[Piece],
    lookup: &Lookup<'_>,
    written: impl Fn(&str) -> String,
) -> Result<String, String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Value(name) => {
                let value = lookup(name).filter(|value| !value.is_empty());
                text.push_str(&written(&value.ok_or_else(|| name.clone())?));
            }
        }
    }
    Ok(text)
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| format!("a {{ has no }} in `{text}`"))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!("{{{name}}} names no attribute"));
        }
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Value(name.to_owned()));
        rest = after;
    }
    if rest.contains('}') {
        return Err(format!("a }} has no {{ in `{text}`"));
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}
