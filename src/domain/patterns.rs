//! Patterns of names: `*` stands for any letters, `?` for one. Compared without case.

/// Names, as patterns and as they are.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    patterns: Vec<Vec<char>>,
    names: Vec<String>,
}

impl Patterns {
    /// Patterns, and names in which `*` and `?` mean themselves.
    #[must_use]
    pub fn new<'a>(
        patterns: impl IntoIterator<Item = &'a str>,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let patterns = patterns.into_iter();
        Self {
            patterns: patterns
                .map(|p| p.to_lowercase().chars().collect())
                .collect(),
            names: names.into_iter().map(str::to_lowercase).collect(),
        }
    }

    /// Whether a name is one of those.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let letters: Vec<char> = name.chars().collect();
        self.names.contains(&name) || self.patterns.iter().any(|p| matches(p, &letters))
    }
}

/// Goes along both, and where it fails lets the last `*` take one letter more.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut last_star = None;
    while let Some(letter) = name.get(n) {
        match pattern.get(p) {
            Some('*') => {
                last_star = Some((p, n));
                p += 1;
            }
            Some(sign) if *sign == '?' || sign == letter => {
                p += 1;
                n += 1;
            }
            _ => match &mut last_star {
                None => return false,
                Some((star, taken)) => {
                    *taken += 1;
                    (p, n) = (*star + 1, *taken);
                }
            },
        }
    }
    pattern.iter().skip(p).all(|sign| *sign == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_signs_have_a_meaning_and_no_other() {
        let patterns = [
            "svc-*",
            "break-glass-?",
            "[root]",
            "a.b",
            "x/y*z",
            "\u{c4}rzte*",
        ];
        let patterns = Patterns::new(patterns, ["o*"]);
        for name in [
            "svc-",
            "SVC-backup",
            "svc-a/b",
            "Break-Glass-1",
            "break-glass-\u{e9}",
            "[root]",
            "a.b",
            "x/yz",
            "x/yazbz",
            "\u{e4}rzte-admins",
            "O*",
        ] {
            assert!(patterns.covers(name), "{name}");
        }
        for name in [
            "svc",
            "my-svc-1",
            "break-glass-10",
            "break-glass-",
            "r",
            "acb",
            "x/yzb",
            "",
            "ox",
        ] {
            assert!(!patterns.covers(name), "{name}");
        }
        assert!(!Patterns::default().covers(""));
    }

    proptest! {
        #[test]
        fn it_is_what_a_regular_expression_says(pattern in "[ab*?.]{0,8}", name in "[ab.]{0,8}") {
            let expression = regex::escape(&pattern).replace(r"\*", ".*").replace(r"\?", ".");
            let expression = regex::Regex::new(&format!("^{expression}$")).unwrap();
            let patterns = Patterns::new([pattern.as_str()], []);
            prop_assert_eq!(patterns.covers(&name), expression.is_match(&name));
        }
    }
}
