//! Who looks like whom, among all people of a namespace: for rehires under another `employeeId`.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::domain::facts::Facts;
use crate::domain::ids::EmployeeName;
use crate::domain::rehire;

/// People by what they are compared by. There is an entry or two for everybody, so that texts are kept as numbers; whoever
/// finds two people under one compares them.
#[derive(Debug, Default)]
pub struct Namesakes(BTreeSet<(u64, EmployeeName)>);

impl Namesakes {
    /// Somebody came or changed.
    pub fn put(&mut self, facts: &Facts) {
        for number in numbers(facts) {
            self.0.insert((number, facts.object.clone()));
        }
    }

    /// Somebody changed or went.
    pub fn take(&mut self, facts: &Facts) {
        for number in numbers(facts) {
            self.0.remove(&(number, facts.object.clone()));
        }
    }

    /// People who may look like one, that one left out.
    #[must_use]
    pub fn of(&self, facts: &Facts) -> BTreeSet<EmployeeName> {
        let numbers = numbers(facts);
        let alike = numbers.flat_map(|number| {
            let first = (number, EmployeeName::new(""));
            let all = self.0.range(first..);
            all.take_while(move |(one, _)| *one == number)
        });
        let names = alike.map(|(_, name)| name);
        names
            .filter(|name| **name != facts.object)
            .cloned()
            .collect()
    }
}

fn numbers(facts: &Facts) -> impl Iterator<Item = u64> {
    rehire::traits(facts).into_iter().map(|one| {
        let mut hasher = DefaultHasher::new();
        one.hash(&mut hasher);
        hasher.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::person;

    #[test]
    fn people_are_found_by_what_they_have_in_common() {
        let mut namesakes = Namesakes::default();
        let (ada, other) = (person("1"), person("2"));
        let married = Facts {
            family: "King".into(),
            personal_email: "ada@example.org".into(),
            ..person("3")
        };
        for one in [&ada, &other, &married] {
            namesakes.put(one);
        }
        let found = |facts| namesakes.of(facts).into_iter().collect::<Vec<_>>();
        assert_eq!(found(&ada), std::slice::from_ref(&other.object));
        assert_eq!(found(&married), []);
        let back = Facts {
            personal_email: "Ada@example.org".into(),
            ..person("4")
        };
        assert_eq!(
            found(&back),
            [&ada, &other, &married].map(|f| f.object.clone())
        );
        namesakes.take(&other);
        assert_eq!(namesakes.of(&ada), BTreeSet::new());
    }
}
