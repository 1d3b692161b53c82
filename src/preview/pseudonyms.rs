//! Words that stand for user names, and for patterns of them, in a state that names nobody. The same name is the same
//! word, and a pattern covers as a word what it covers as it is written: so it can be told what an edit of patterns does.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::api::{AppConnector, AppConnectorSpec};
use crate::connectors::registry;
use crate::domain::patterns::Patterns;

/// What parts the word for a name from the words for patterns that cover it.
const COVERED: &str = ".like-";

/// Words of one state.
#[derive(Debug)]
pub(super) struct Pseudonyms {
    salt: String,
}

/// What a connector says of user names.
#[derive(Debug, Default)]
pub(super) struct Naming {
    patterns: Vec<(String, Patterns)>,
    own: Option<String>,
}

/// The same, by connector.
pub(super) type Namings = BTreeMap<String, Naming>;

impl Naming {
    /// What it says as it is written.
    pub(super) fn of(object: &AppConnector) -> Self {
        let mut spec = object.spec.clone();
        let mut patterns: Vec<String> = patterns(&mut spec).map(|p| p.to_lowercase()).collect();
        patterns.sort();
        patterns.dedup();
        let patterns = patterns.into_iter().filter(|pattern| is_wild(pattern));
        let patterns = patterns.map(|pattern| {
            let covers = Patterns::new([pattern.as_str()], []);
            (pattern, covers)
        });
        Self {
            patterns: patterns.collect(),
            own: registry::own_account(&spec),
        }
    }
}

/// Every pattern of user names in a spec.
fn patterns(spec: &mut AppConnectorSpec) -> impl Iterator<Item = &mut String> {
    let orphans = &mut spec.orphans;
    let exceptions = orphans.exceptions.iter_mut().map(|one| &mut one.username);
    let all = orphans.ignore.iter_mut().chain(exceptions);
    let all = all.chain(&mut spec.protected.accounts);
    all.chain(&mut spec.matching.listed)
}

/// Whether it is a pattern that covers more than one name.
pub(super) fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

impl Pseudonyms {
    /// Words that nobody knows who does not know this.
    pub(super) fn new(salt: String) -> Self {
        Self { salt }
    }

    /// What stands for something that names a person.
    pub(super) fn word(&self, what: &str, of: &str) -> String {
        format!("{what}-{}", self.digest(of, 10))
    }

    /// What stands for the identifier of an account: in many a database that is a name.
    pub(super) fn account(&self, id: &str) -> String {
        format!("account-{}", self.digest(&format!("account {id}"), 16))
    }

    /// What stands for a user name, whatever covers it.
    pub(super) fn user(&self, name: &str) -> String {
        self.word("user", &name.to_lowercase())
    }

    /// What stands for the user name of an account. The connector's own has no word: the spec names it.
    pub(super) fn username(&self, naming: Option<&Naming>, name: &str) -> String {
        let own = naming.and_then(|naming| naming.own.as_deref());
        if own.is_some_and(|own| own.to_lowercase() == name.to_lowercase()) {
            return name.to_owned();
        }
        let mut out = self.user(name);
        let patterns = naming.into_iter().flat_map(|naming| &naming.patterns);
        for (pattern, _) in patterns.filter(|(_, covers)| covers.covers(name)) {
            out.push_str(&self.like(pattern));
        }
        out
    }

    fn like(&self, pattern: &str) -> String {
        format!(
            "{COVERED}{}",
            self.digest(&format!("pattern {pattern}"), 10)
        )
    }

    /// What stands for a pattern.
    pub(super) fn pattern(&self, pattern: &str) -> String {
        if is_wild(pattern) {
            format!("*{}*", self.like(&pattern.to_lowercase()))
        } else {
            // Other patterns may cover the name as well.
            format!("{}*", self.user(pattern))
        }
    }

    /// The same of all that a spec holds.
    pub(super) fn replace(&self, spec: &mut AppConnectorSpec) {
        for pattern in patterns(spec) {
            *pattern = self.pattern(pattern);
        }
    }

    fn digest(&self, of: &str, letters: usize) -> String {
        let hash = Sha256::digest(format!("{}\n{of}", self.salt));
        format!("{hash:x}").chars().take(letters).collect()
    }
}

/// The word for a name, without what covers it.
pub(super) fn base(word: &str) -> &str {
    word.split(COVERED).next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_covers_as_a_word_what_it_covers_as_it_is_written() {
        let names = ["ada", "Ada", "svc-backup", "svc-a", "bob", "user-bob"];
        let all = ["ada", "svc-*", "SVC-?", "*", "b*", "user-*", "nobody"];
        let object = json!({"metadata": {}, "spec": {
            "account": {"username": []},
            "orphans": {"ignore": ["svc-*", "ADA"], "exceptions": [{"username": "SVC-?", "reason": "x"}]},
            "protected": {"accounts": ["*", "b*"]}, "matching": {"listed": ["nobody", "user-*"]},
        }});
        let naming = Naming::of(&serde_json::from_value(object).unwrap());
        let words = Pseudonyms::new("salt".to_owned());
        for pattern in all {
            let replaced = words.pattern(pattern);
            for name in names {
                let word = words.username(Some(&naming), name);
                let covers = |pattern: &str, name: &str| Patterns::new([pattern], []).covers(name);
                assert_eq!(
                    covers(&replaced, &word),
                    covers(pattern, name),
                    "{pattern} {name}: {replaced} {word}"
                );
                assert_eq!(base(&word), words.user(name));
            }
        }
        // One that was not known when a name was replaced covers none.
        let word = words.username(None, "svc-backup");
        assert!(!Patterns::new([words.pattern("svc-*").as_str()], []).covers(&word));
    }

    #[test]
    fn the_account_that_a_connector_is_known_by_keeps_its_name() {
        let naming = Naming {
            own: Some("Reader".to_owned()),
            ..Naming::default()
        };
        let words = Pseudonyms::new("salt".to_owned());
        assert_eq!(words.username(Some(&naming), "reader"), "reader");
        assert_ne!(words.username(Some(&naming), "readers"), "readers");
    }
}
