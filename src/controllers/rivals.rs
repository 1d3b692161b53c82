//! Who else an account may be: people whom the rules of a connector find by the same value. Made when it is
//! asked for first, and kept in step with the people and the policy from then on.

use std::collections::{BTreeSet, HashMap};

use crate::domain::account::ObservedAccount;
use crate::domain::cel::Subject;
use crate::domain::clues::{self, Clue};
use crate::domain::facts::Facts;
use crate::domain::ids::{ConnectorName, EmployeeId};
use crate::domain::policy::Policy;
use crate::domain::small_set::SmallSet;

/// What everybody's clues are.
#[derive(Debug, Default)]
pub struct Rivals(Option<Known>);

#[derive(Debug, Default)]
struct Known {
    by_key: HashMap<Key, BTreeSet<EmployeeId>>,
    of: HashMap<EmployeeId, Vec<Key>>,
}

/// What people may have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// A clue of a rule of a connector.
    Clue(ConnectorName, Clue),
    /// An account that links name, by hand, in lower case.
    Link(ConnectorName, Box<str>),
}

/// People with one thing in common who are told of, at most.
const TOLD: usize = 10;

impl Rivals {
    /// Nothing is known any more: the policy changed.
    pub fn forget(&mut self) {
        self.0 = None;
    }

    /// Takes everybody in, unless that was done.
    pub fn know<'a>(&mut self, policy: &Policy, people: impl Iterator<Item = &'a Facts>) {
        if self.0.is_none() {
            let mut known = Known::default();
            for facts in people {
                known.put(policy, facts);
            }
            self.0 = Some(known);
        }
    }

    /// Somebody came, changed or, where there are no facts, went. Answers who had or has a clue in common with them.
    pub fn changed(
        &mut self,
        policy: &Policy,
        employee: &EmployeeId,
        facts: Option<&Facts>,
    ) -> SmallSet<EmployeeId> {
        let mut concerned = SmallSet::default();
        let Some(known) = &mut self.0 else {
            return concerned;
        };
        let mut clues = known.take(employee);
        if let Some(facts) = facts {
            clues.extend(known.put(policy, facts));
        }
        for key in clues {
            let others = known.by_key.get(&key).into_iter().flatten();
            for other in others.filter(|other| *other != employee).take(TOLD) {
                concerned.insert(other.clone());
            }
        }
        concerned
    }

    /// People with a clue, some of them.
    pub fn with<'a>(
        &'a self,
        connector: &ConnectorName,
        clue: &Clue,
    ) -> impl Iterator<Item = &'a EmployeeId> + use<'a> {
        self.keyed(&Key::Clue(connector.clone(), clue.clone()))
    }

    /// People whose links name an account, some of them.
    pub fn naming<'a>(
        &'a self,
        connector: &ConnectorName,
        account: &ObservedAccount,
    ) -> impl Iterator<Item = &'a EmployeeId> + use<'a> {
        let names = [account.id.as_str(), account.username.as_str()];
        let [id, name] = names.map(|said| Key::Link(connector.clone(), Clue::normal(said)));
        self.keyed(&id).chain(self.keyed(&name))
    }

    fn keyed<'a>(&'a self, key: &Key) -> impl Iterator<Item = &'a EmployeeId> + use<'a> {
        let known = self.0.as_ref();
        let all = known.and_then(|known| known.by_key.get(key));
        // One more than is told of, as the one who asks may be among them.
        all.into_iter().flatten().take(TOLD + 1)
    }
}

impl Known {
    fn put(&mut self, policy: &Policy, facts: &Facts) -> Vec<Key> {
        let rules = policy.connectors().filter(|c| !c.matching.is_empty());
        let mut all = Vec::new();
        let mut subject = None;
        for connector in rules {
            let subject = subject.get_or_insert_with(|| Subject::new(facts));
            let clues = clues::of(connector, subject).all.into_iter();
            all.extend(clues.map(|clue| Key::Clue(connector.spec.name.clone(), clue)));
        }
        for link in &facts.links {
            let said = link.account.iter();
            all.extend(said.map(|said| Key::Link(link.connector.clone(), Clue::normal(said))));
        }
        for key in &all {
            let people = self.by_key.entry(key.clone()).or_default();
            people.insert(facts.employee_id.clone());
        }
        if !all.is_empty() {
            self.of.insert(facts.employee_id.clone(), all.clone());
        }
        all
    }

    fn take(&mut self, employee: &EmployeeId) -> Vec<Key> {
        let all = self.of.remove(employee).unwrap_or_default();
        for key in &all {
            if let Some(people) = self.by_key.get_mut(key) {
                people.remove(employee);
                if people.is_empty() {
                    self.by_key.remove(key);
                }
            }
        }
        all
    }
}
