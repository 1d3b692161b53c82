//! Who else an account may be: people whom the rules of a connector find by the same value. Made when it is
//! asked for first, and kept in step with the people and the policy from then on.

use std::collections::HashMap;

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
    by_clue: HashMap<(ConnectorName, Clue), SmallSet<EmployeeId>>,
    of: HashMap<EmployeeId, Vec<(ConnectorName, Clue)>>,
}

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
        for clue in clues {
            for other in known.by_clue.get(&clue).into_iter().flatten() {
                if other != employee {
                    concerned.insert(other.clone());
                }
            }
        }
        concerned
    }

    /// Others with a clue.
    pub fn of<'a>(
        &'a self,
        employee: &'a EmployeeId,
        connector: &ConnectorName,
        clue: &Clue,
    ) -> impl Iterator<Item = &'a EmployeeId> {
        let key = (connector.clone(), clue.clone());
        let known = self.0.as_ref();
        let all = known.and_then(|known| known.by_clue.get(&key));
        all.into_iter()
            .flatten()
            .filter(move |other| *other != employee)
    }
}

impl Known {
    fn put(&mut self, policy: &Policy, facts: &Facts) -> Vec<(ConnectorName, Clue)> {
        let rules = policy.connectors().filter(|c| !c.matching.is_empty());
        let mut all = Vec::new();
        let mut subject = None;
        for connector in rules {
            let subject = subject.get_or_insert_with(|| Subject::new(facts));
            for clue in clues::of(connector, subject).all {
                let key = (connector.spec.name.clone(), clue);
                let people = self.by_clue.entry(key.clone()).or_default();
                people.insert(facts.employee_id.clone());
                all.push(key);
            }
        }
        if !all.is_empty() {
            self.of.insert(facts.employee_id.clone(), all.clone());
        }
        all
    }

    fn take(&mut self, employee: &EmployeeId) -> Vec<(ConnectorName, Clue)> {
        let all = self.of.remove(employee).unwrap_or_default();
        for key in &all {
            if let Some(people) = self.by_clue.get_mut(key) {
                people.remove(employee);
                if people.is_empty() {
                    self.by_clue.remove(key);
                }
            }
        }
        all
    }
}
