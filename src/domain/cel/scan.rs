//! A look at the text before it is parsed: bounds, and the mistakes that a parser explains badly.

use super::error::{CelError, CelReason, Position};

/// Most bytes of an expression; the schema admits no more characters either.
pub(super) const MAX_LENGTH: usize = 4096;
/// Most tokens of an expression. Bounds the stack and the time that parsing takes.
pub(super) const MAX_TOKENS: usize = 1024;
/// Most brackets and conditions inside each other.
pub(super) const MAX_NESTING: usize = 24;

/// What was seen on the way.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Scan {
    /// The first word of another language that CEL spells otherwise, and how.
    pub(super) foreign_word: Option<(&'static str, &'static str)>,
}

/// Looks through an expression.
pub(super) fn scan(source: &str) -> Result<Scan, CelError> {
    if source.len() > MAX_LENGTH {
        return Err(CelError::new(
            CelReason::CelTooLong,
            Position::of(source, MAX_LENGTH),
            format!(
                "the expression is longer than {MAX_LENGTH} bytes: split it into several role templates or shorten it"
            ),
        ));
    }
    let mut scanner = Scanner {
        source,
        at: 0,
        tokens: 0,
        open: Vec::new(),
        conditions: 0,
        scan: Scan::default(),
    };
    scanner.run()?;
    Ok(scanner.scan)
}

struct Scanner<'a> {
    source: &'a str,
    at: usize,
    tokens: usize,
    open: Vec<(char, usize)>,
    conditions: usize,
    scan: Scan,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn error(&self, reason: CelReason, at: usize, message: impl Into<String>) -> CelError {
        CelError::new(reason, Position::of(self.source, at), message)
    }

    fn syntax(&self, at: usize, message: impl Into<String>) -> CelError {
        self.error(CelReason::CelSyntax, at, message)
    }

    fn run(&mut self) -> Result<(), CelError> {
        while let Some(c) = self.rest().chars().next() {
            if c.is_ascii_whitespace() {
                self.at += 1;
                continue;
            }
            if self.rest().starts_with("//") {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                continue;
            }
            self.tokens += 1;
            if self.tokens > MAX_TOKENS {
                return Err(self.error(
                    CelReason::CelTooLong,
                    self.at,
                    format!("the expression has more than {MAX_TOKENS} parts: split it into several role templates or shorten it"),
                ));
            }
            match c {
                '\'' | '"' => self.text(false)?,
                'a'..='z' | 'A'..='Z' | '_' | '0'..='9' => self.word()?,
                _ => self.mark(c)?,
            }
        }
        if self.tokens == 0 {
            return Err(self.syntax(
                0,
                "the expression is empty: write one, or leave the field out",
            ));
        }
        match self.open.last() {
            Some(&(bracket, at)) => Err(self.syntax(
                at,
                format!("'{bracket}' is never closed: add '{}'", closing(bracket)),
            )),
            None => Ok(()),
        }
    }

    /// A name, a number, or the prefix of a text.
    fn word(&mut self) -> Result<(), CelError> {
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default().to_owned();
        let quoted = rest
            .get(length..)
            .is_some_and(|r| r.starts_with(['\'', '"']));
        self.at += length;
        if quoted && matches!(word.to_ascii_lowercase().as_str(), "r" | "b" | "br") {
            return self.text(word.contains(['r', 'R']));
        }
        let selected = self
            .source
            .get(..start)
            .is_some_and(|b| b.trim_end().ends_with('.'));
        if self.scan.foreign_word.is_none() && !selected {
            self.scan.foreign_word = [
                ("and", "&&"),
                ("or", "||"),
                ("not", "!"),
                ("AND", "&&"),
                ("OR", "||"),
                ("NOT", "!"),
            ]
            .into_iter()
            .find(|(foreign, _)| *foreign == word);
        }
        Ok(())
    }

    /// A quoted text, from its first quote on.
    fn text(&mut self, raw: bool) -> Result<(), CelError> {
        let start = self.at;
        let quote = if self.rest().starts_with('"') {
            "\""
        } else {
            "'"
        };
        let triple = quote.repeat(3);
        let end = if self.rest().starts_with(&triple) {
            triple.as_str()
        } else {
            quote
        };
        self.at += end.len();
        loop {
            let rest = self.rest();
            if rest.starts_with(end) {
                self.at += end.len();
                return Ok(());
            }
            let mut chars = rest.chars();
            match chars.next() {
                Some('\\') if !raw => {
                    let escaped = chars.next();
                    self.escape(escaped)?;
                    self.at += 1 + escaped.map_or(0, char::len_utf8);
                }
                Some('\n' | '\r') if end.len() == 1 => return Err(self.unclosed(start, end)),
                Some(c) => self.at += c.len_utf8(),
                None => return Err(self.unclosed(start, end)),
            }
        }
    }

    fn unclosed(&self, start: usize, end: &str) -> CelError {
        self.syntax(
            start,
            format!("the text that begins here is never closed: end it with {end}"),
        )
    }

    /// Checks the character behind a backslash.
    fn escape(&self, escaped: Option<char>) -> Result<(), CelError> {
        match escaped {
            Some(c) if !"abfnrtv\\?\"'`xXuU0123".contains(c) => Err(self.syntax(
                self.at,
                format!("\\{c} means nothing in a text: write \\\\{c} for a backslash and {c}, or put r before the quote, as in r'\\d+'"),
            )),
            _ => Ok(()),
        }
    }

    /// Brackets and operators.
    fn mark(&mut self, c: char) -> Result<(), CelError> {
        let at = self.at;
        self.at += c.len_utf8();
        let doubled = self.rest().starts_with(c);
        match c {
            '(' | '[' | '{' => self.open.push((c, at)),
            ')' | ']' | '}' => match self.open.pop() {
                Some((bracket, _)) if closing(bracket) == c => {}
                Some((bracket, _)) => {
                    return Err(self.syntax(
                        at,
                        format!(
                            "'{c}' does not close '{bracket}': write '{}'",
                            closing(bracket)
                        ),
                    ));
                }
                None => return Err(self.syntax(at, format!("'{c}' closes nothing: remove it"))),
            },
            '?' => self.conditions += 1,
            '&' | '|' if doubled => self.at += 1,
            '=' if doubled => {
                self.at += 1;
                if self.rest().starts_with('=') {
                    return Err(self
                        .syntax(at, "CEL compares with == and not ===")
                        .meaning("=="));
                }
            }
            '&' | '|' => {
                return Err(self
                    .syntax(at, format!("'{c}' is no operator"))
                    .meaning(format!("{c}{c}")));
            }
            '=' => {
                return Err(self
                    .syntax(at, "'=' is no operator: nothing can be assigned")
                    .meaning("=="));
            }
            '!' | '<' | '>' => {
                if self.rest().starts_with('=') {
                    self.at += 1;
                }
            }
            '.' | ',' | ':' | '+' | '-' | '*' | '/' | '%' => {}
            '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => {
                return Err(self
                    .syntax(at, format!("{c} is a typographic quote"))
                    .meaning("'"));
            }
            _ => {
                return Err(self.syntax(
                    at,
                    format!(
                        "unexpected {c:?}: outside of quoted texts it means nothing, so remove it"
                    ),
                ));
            }
        }
        if self.open.len() + self.conditions > MAX_NESTING {
            return Err(self.error(
                CelReason::CelTooDeep,
                at,
                format!(
                    "more than {MAX_NESTING} brackets and conditions inside each other: use fewer"
                ),
            ));
        }
        Ok(())
    }
}

fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}
