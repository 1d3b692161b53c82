//! Texts that many objects have in common, such as names of departments, roles and groups: each is kept
//! once, however many people have it.

use std::collections::HashSet;
use std::sync::Arc;

/// Below this many it is not worth looking for those that nobody uses any more.
const FEW: usize = 1024;

/// Texts in use.
#[derive(Debug, Default)]
pub struct Words {
    known: HashSet<Arc<str>>,
    /// How many there were after those that nobody used were last dropped.
    in_use: usize,
}

impl Words {
    /// The text that everybody shares who has it.
    pub fn share<T: From<Arc<str>>>(&mut self, text: &str) -> T {
        if let Some(known) = self.known.get(text) {
            return T::from(Arc::clone(known));
        }
        if self.known.len() >= FEW.max(2 * self.in_use) {
            self.known.retain(|text| Arc::strong_count(text) > 1);
            self.in_use = self.known.len();
        }
        let new: Arc<str> = Arc::from(text);
        self.known.insert(Arc::clone(&new));
        T::from(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_and_what_nobody_uses_is_dropped() {
        let mut words = Words::default();
        let [one, two]: [Arc<str>; 2] = ["Marketing", "Marketing"].map(|text| words.share(text));
        assert!(Arc::ptr_eq(&one, &two));
        for n in 0..10 * FEW {
            let _: Arc<str> = words.share(&n.to_string());
        }
        assert!(words.known.len() <= FEW, "{}", words.known.len());
        assert!(Arc::ptr_eq(&one, &words.share::<Arc<str>>("Marketing")));
    }
}
