//! A set of few things. There are many of these for each person, and most hold one element: a tree or a
//! table would take ten times the room.

use std::borrow::Borrow;
use std::fmt;

use litemap::LiteMap;

/// A map of few things, with no more room than they need.
#[must_use]
pub fn exact<K, V>(map: LiteMap<K, V>) -> LiteMap<K, V> {
    let mut pairs = map.into_tuple_vec();
    pairs.shrink_to_fit();
    LiteMap::from_sorted_store_unchecked(pairs)
}

/// A set as a sorted vector.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SmallSet<T>(Vec<T>);

impl<T: Ord> SmallSet<T> {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many elements it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Its elements, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    fn place<Q: Ord + ?Sized>(&self, element: &Q) -> Result<usize, usize>
    where
        T: Borrow<Q>,
    {
        self.0.binary_search_by(|one| one.borrow().cmp(element))
    }

    /// Whether an element is in it.
    #[must_use]
    pub fn contains<Q: Ord + ?Sized>(&self, element: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.place(element).is_ok()
    }

    /// Puts an element in.
    pub fn insert(&mut self, element: T) {
        if let Err(at) = self.place(&element) {
            // One more is the most that most of these ever get.
            self.0.reserve_exact(1);
            self.0.insert(at, element);
        }
    }

    /// Takes an element out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, element: &Q)
    where
        T: Borrow<Q>,
    {
        if let Ok(at) = self.place(element) {
            self.0.remove(at);
        }
    }
}

impl<T> Default for SmallSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: fmt::Debug> fmt::Debug for SmallSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.0).finish()
    }
}

impl<T: Ord> FromIterator<T> for SmallSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut all: Vec<T> = elements.into_iter().collect();
        all.sort();
        all.dedup();
        all.shrink_to_fit();
        Self(all)
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for SmallSet<T> {
    fn from(elements: [T; N]) -> Self {
        elements.into_iter().collect()
    }
}

impl<'a, T> IntoIterator for &'a SmallSet<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T> IntoIterator for SmallSet<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_tree_would(steps in proptest::collection::vec((any::<bool>(), 0..12_u8), 0..40)) {
            let (mut small, mut tree) = (SmallSet::default(), BTreeSet::new());
            for (puts, n) in steps {
                if puts {
                    small.insert(n);
                    tree.insert(n);
                } else {
                    small.remove(&n);
                    tree.remove(&n);
                }
                prop_assert_eq!(small.contains(&n), tree.contains(&n));
                prop_assert!(small.iter().eq(&tree));
            }
            prop_assert_eq!((small.len(), small.is_empty()), (tree.len(), tree.is_empty()));
            prop_assert_eq!(tree.into_iter().rev().collect::<SmallSet<u8>>(), small);
        }
    }
}
