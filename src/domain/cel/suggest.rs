//! Guesses at what was meant.

/// The candidate that a misspelt name most resembles, if any does. Case, `_` and `-` count for
/// nothing; among equals the first wins.
pub(super) fn closest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let name = folded(name);
    // One slip in three characters is a misspelling, more is another word.
    let allowed = name.chars().count() / 3;
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&name, &folded(c)), c))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// What other languages call a function that exists here.
pub(super) fn synonym(function: &str) -> Option<&'static str> {
    Some(match folded(function).as_str() {
        "lower" | "tolower" | "tolowercase" | "lowercase" | "downcase" => "lowerAscii",
        "upper" | "toupper" | "touppercase" | "uppercase" | "upcase" => "upperAscii",
        "length" | "len" | "count" => "size",
        "includes" | "has" => "contains",
        "hasprefix" | "beginswith" | "prefix" => "startsWith",
        "hassuffix" | "suffix" => "endsWith",
        "match" | "regex" | "test" => "matches",
        "strip" => "trim",
        "substr" | "slice" => "substring",
        "any" | "some" => "exists",
        "every" => "all",
        "transliterate" | "toascii" | "unidecode" | "deunicode" | "slugify" => "ascii",
        "str" | "tostring" => "string",
        "replaceall" => "replace",
        _ => return None,
    })
}

/// Whether a function of this name would read a clock or handle time.
pub(super) fn is_about_time(function: &str) -> bool {
    let name = function.to_ascii_lowercase();
    ["now", "today", "timestamp", "duration", "date", "time"].contains(&name.as_str())
        || (name.starts_with("get")
            && [
                "year", "month", "day", "hours", "date", "minutes", "seconds",
            ]
            .iter()
            .any(|p| name.contains(p)))
}
