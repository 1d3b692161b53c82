//! User names: what a name may look like, and which one a person gets.
//!
//! A name is allocated once and stays. Whoever asks first among those who have none is decided by the
//! caller, by `employeeId`; a name that someone holds is never taken from them.

use std::collections::BTreeSet;

use deunicode::deunicode;

use super::ids::Username;

/// What a user name may look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// ASCII punctuation allowed beside letters and digits.
    pub punctuation: BTreeSet<char>,
    /// Longest name in characters, an added number included.
    pub max_length: usize,
    /// Whether upper-case letters are kept.
    pub preserve_case: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            punctuation: BTreeSet::from(['.', '-', '_', '@']),
            max_length: 64,
            preserve_case: false,
        }
    }
}

/// Highest number that is added to a name before allocation gives up.
pub const MAX_NUMBER: u32 = 9_999;

/// A name in the making: what stands before the `@`, if there is one, and the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shape {
    local: String,
    domain: String,
}

/// Brings a text into the shape of a user name: transliterated to ASCII, reduced to the allowed
/// characters, without punctuation at either end, and cut to length. `None` where nothing is left.
#[must_use]
pub fn normalise(text: &str, rules: &Rules) -> Option<Username> {
    shape(text, rules).map(|shape| fit(&shape, "", rules))
}

fn shape(text: &str, rules: &Rules) -> Option<Shape> {
    let clean: String = deunicode(text)
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || rules.punctuation.contains(c))
        .map(|c| {
            if rules.preserve_case {
                c
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    let (local, domain) = match clean.split_once('@') {
        Some((local, domain)) if !domain.is_empty() => (local, format!("@{domain}")),
        _ => (clean.as_str(), String::new()),
    };
    let local = local.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let domain = domain.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    // A domain that leaves no room for a name is not worth keeping.
    let domain = if domain.len() + 5 > rules.max_length {
        ""
    } else {
        domain
    };
    (!local.is_empty()).then(|| Shape {
        local: local.to_owned(),
        domain: domain.to_owned(),
    })
}

/// Everything is ASCII here, so bytes are characters.
fn fit(shape: &Shape, number: &str, rules: &Rules) -> Username {
    let room = rules
        .max_length
        .saturating_sub(shape.domain.len() + number.len())
        .max(1);
    let mut local = shape.local.as_str();
    if local.len() > room {
        local = local[..room].trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    }
    Username::new(format!("{local}{number}{}", shape.domain))
}

/// Picks the first name that is free: each candidate in turn, then the first one with a number from
/// 2 upwards. The answer depends on nothing but the arguments.
///
/// # Errors
/// [`NoUsername`] where no candidate leaves a usable name, or every number is taken.
pub fn choose(
    candidates: &[String],
    rules: &Rules,
    is_taken: impl Fn(&Username) -> bool,
) -> Result<Username, NoUsername> {
    let mut names = given(candidates, rules).peekable();
    names.peek().ok_or(NoUsername::NothingLeft)?;
    names
        .find(|name| !is_taken(name))
        .ok_or(NoUsername::Exhausted)
}

/// Every name that candidates give, in the order in which they are tried: each as it is, then the first with a number.
pub fn given(candidates: &[String], rules: &Rules) -> impl Iterator<Item = Username> {
    let shapes: Vec<Shape> = candidates.iter().filter_map(|c| shape(c, rules)).collect();
    let first = shapes.first().cloned();
    let plain = shapes.into_iter().map(|shape| fit(&shape, "", rules));
    let numbered = first
        .into_iter()
        .flat_map(move |first| (2..=MAX_NUMBER).map(move |n| fit(&first, &n.to_string(), rules)));
    plain.chain(numbered)
}

/// Former user names that are remembered of one account, at most. More of them are no person's life, but a mapping that
/// follows something which never rests.
pub const MAX_FORMER: usize = 16;

/// What becomes of user names when the facts change that they were made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Renaming {
    /// They stay.
    #[default]
    Never,
    /// They follow.
    Follow,
    /// They should follow, and the application can't rename accounts.
    NotPossible,
}

/// Whether a name is one that the candidates give: one of them, or the first with a number.
#[must_use]
pub fn fits(candidates: &[String], rules: &Rules, name: &Username) -> bool {
    let shapes: Vec<Shape> = candidates.iter().filter_map(|c| shape(c, rules)).collect();
    let plain = shapes.iter().any(|shape| fit(shape, "", rules) == *name);
    plain
        || shapes.first().is_some_and(|first| {
            let local = name.folded().split('@').next().unwrap_or_default();
            let letters = local.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            // Digits may be the end of what the expression gives, and the number.
            (letters..local.len()).any(|at| {
                let number = local[at..].parse().unwrap_or(0);
                (2..=MAX_NUMBER).contains(&number)
                    && fit(first, &number.to_string(), rules) == *name
            })
        })
}

/// What an account is to be called whose user name follows the facts, where it can't stay as it is: the name that is
/// remembered of it is none that they give any more. One that the account shows already, and that they give, is taken over;
/// else one is picked like that of a new account.
///
/// # Errors
/// Those of [`choose`].
pub fn follow(
    candidates: &[String],
    rules: &Rules,
    remembered: &Username,
    shown: &Username,
    is_taken: impl Fn(&Username) -> bool,
) -> Option<Result<Username, NoUsername>> {
    if fits(candidates, rules, remembered) {
        return None;
    }
    if fits(candidates, rules, shown) {
        return Some(Ok(shown.clone()));
    }
    Some(choose(candidates, rules, is_taken))
}

/// Why no user name can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoUsername {
    /// Every expression gave a text without an allowed letter or digit.
    #[error(
        "none of spec.account.username of the AppConnector gives this person a letter or digit that is allowed: add an expression that does, such as employee.employeeId"
    )]
    NothingLeft,
    /// All numbers up to [`MAX_NUMBER`] are taken.
    #[error(
        "every name that spec.account.username of the AppConnector gives this person is taken, up to the number 9999: add an expression that tells people apart, such as employee.employeeId"
    )]
    Exhausted,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn name(text: &str) -> String {
        normalise(text, &Rules::default()).map_or_else(String::new, |n| n.as_str().to_owned())
    }

    #[test]
    fn names_are_brought_into_shape() {
        for (text, wants) in [
            ("Ada.Lovelace", "ada.lovelace"),
            ("Siobhán.O'Brien", "siobhan.obrien"),
            ("Łukasz.Żółć", "lukasz.zolc"),
            ("Ζωή.Παπαδοπούλου", "zoe.papadopoulou"),
            ("王.小明", "wang.xiaoming"),
            ("  .mary ann.  ", "maryann"),
            ("Ada@Example.com", "ada@example.com"),
            ("-.-", ""),
            ("", ""),
            ("Ada@", "ada"),
        ] {
            assert_eq!(name(text), wants, "{text}");
        }
    }

    #[test]
    fn long_names_are_cut_and_numbers_still_fit() {
        let rules = Rules {
            max_length: 10,
            ..Rules::default()
        };
        let long = "a".repeat(200);
        let taken: HashSet<Username> = ["a".repeat(10), format!("{}2", "a".repeat(9))]
            .iter()
            .map(Username::new)
            .collect();
        let got = choose(&[long], &rules, |n| taken.contains(n)).unwrap();
        assert_eq!(got.as_str(), "aaaaaaaaa3");
    }

    #[test]
    fn numbers_go_before_the_at_sign() {
        let taken = |n: &Username| n.as_str() == "ada@example.com";
        let got = choose(&["ada@example.com".into()], &Rules::default(), taken).unwrap();
        assert_eq!(got.as_str(), "ada2@example.com");
    }

    #[test]
    fn later_candidates_come_before_numbers() {
        let candidates = ["ada.lovelace".to_owned(), "a.lovelace".to_owned()];
        let taken = |n: &Username| n.as_str() == "ada.lovelace";
        let got = choose(&candidates, &Rules::default(), taken).unwrap();
        assert_eq!(got.as_str(), "a.lovelace");
    }

    #[test]
    fn a_name_fits_with_and_without_a_number() {
        let candidates = ["ada.king@example.com".to_owned(), "aking7".to_owned()];
        for (name, wants) in [
            ("ada.king@example.com", true),
            ("Ada.King@example.com", true),
            ("ada.king2@example.com", true),
            ("ada.king9999@example.com", true),
            ("aking7", true),
            ("ada.king1@example.com", false),
            ("ada.king02@example.com", false),
            ("ada.king10000@example.com", false),
            ("ada.king", false),
            // Numbers are added to the first alone.
            ("aking72", false),
            ("ada.lovelace@example.com", false),
        ] {
            let name = Username::new(name);
            let fits = fits(&candidates, &Rules::default(), &name);
            assert_eq!(fits, wants, "{name}");
        }
        let digits = ["agent12".to_owned()];
        assert!(fits(&digits, &Rules::default(), &Username::new("agent123")));
        assert!(!fits(&[], &Rules::default(), &Username::new("ada")));
    }

    #[test]
    fn a_name_follows_only_where_it_must() {
        let king = ["ada.king".to_owned(), "aking".to_owned()];
        let follow = |remembered, shown| {
            let (remembered, shown) = (Username::new(remembered), Username::new(shown));
            let taken = |name: &Username| name.as_str() == "ada.king";
            follow(&king, &Rules::default(), &remembered, &shown, taken)
        };
        // It fits, also where a better one is free again, and where somebody renamed the account by hand.
        assert_eq!(follow("aking", "aking"), None);
        assert_eq!(follow("ada.king3", "somebody"), None);
        // What the facts gave before was taken by others.
        let picked = Some(Ok(Username::new("aking")));
        assert_eq!(follow("ada.lovelace", "ada.lovelace"), picked);
        // The account has its new name already, and that was not recorded.
        let shown = Some(Ok(Username::new("ada.king4")));
        assert_eq!(follow("ada.lovelace", "ada.king4"), shown);
    }

    #[test]
    fn nothing_left_and_exhausted_are_told_apart() {
        let rules = Rules::default();
        assert_eq!(
            choose(&["'".into()], &rules, |_| false),
            Err(NoUsername::NothingLeft)
        );
        assert_eq!(
            choose(&["ada".into()], &rules, |_| true),
            Err(NoUsername::Exhausted)
        );
    }
}
