//! Texts of others, made fit to be shown: manifests and applications may put anything into a name.

/// A text without what a terminal or a page would obey: it stays on its line, and reads in its order.
pub(crate) fn line(text: &str) -> String {
    let clean = text.chars().map(|c| match c {
        c if c.is_control() => ' ',
        // Line and paragraph separators.
        '\u{2028}' | '\u{2029}' => ' ',
        // Marks that turn the direction of what follows, so that it reads as something else.
        '\u{061C}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c => c,
    });
    let clean: String = clean.collect();
    clean.trim().to_owned()
}

/// A cell that no spreadsheet takes for a formula.
pub(super) fn cell(text: &str) -> String {
    let clean = line(text);
    // The full-width forms too, as some programs take them for the same.
    let is_formula = clean.starts_with([
        '=', '+', '-', '@', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}',
    ]);
    if is_formula {
        format!("'{clean}")
    } else {
        clean
    }
}

/// A text that Markdown shows as it is, wherever it stands within a line or in a table.
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::new();
    let clean = line(text);
    for (at, c) in clean.char_indices() {
        let is_mark = matches!(
            c,
            '\\' | '`'
                | '*'
                | '_'
                | '['
                | ']'
                | '<'
                | '>'
                | '#'
                | '|'
                | '~'
                | '&'
                | '!'
                | '$'
                | '@'
        );
        let before = &clean[..at];
        // A bare address would become a link.
        let is_address = match c {
            ':' => clean[at..].starts_with("://"),
            '.' => before.to_ascii_lowercase().ends_with("www"),
            _ => false,
        };
        if is_mark || is_address {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
