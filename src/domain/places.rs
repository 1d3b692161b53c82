//! The places in an entitlement that only so many may hold: who has one, who gets the next one.
//!
//! Whoever holds it has a place, and keeps it. Those that are free go to those who should get it, by `employeeId`: the
//! answer depends on who is there and on nothing else, such as who came first.

use std::collections::{BTreeMap, BTreeSet};

use super::ids::{AccountId, EmployeeId};

/// How somebody stands towards an entitlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Holds it, or may be given it at this instant; by which account, where that is known.
    Holds(Option<AccountId>),
    /// Should get it, and nothing else is in the way.
    Asks,
    /// Should get it, and something else is in the way: what is left over once nobody asks any more is theirs.
    Hindered,
}

/// Whether somebody may be given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is a place for them.
    Place,
    /// There is none.
    Full {
        /// How many places there are.
        max: usize,
        /// How many of them are taken, or about to be.
        taken: usize,
    },
    /// Nobody has counted since they asked.
    Uncounted,
}

/// Those who hold one entitlement, and those who should.
#[derive(Clone, Debug, Default)]
pub struct Places(BTreeMap<EmployeeId, (Standing, Option<Answer>)>);

impl Places {
    /// How somebody stands from now on; `None` is not at all. Tells whether places have to be allotted anew.
    pub fn put(&mut self, id: &EmployeeId, standing: Option<Standing>) -> bool {
        let Some(standing) = standing else {
            return self.0.remove(id).is_some();
        };
        match self.0.get_mut(id) {
            Some((known, _)) if *known == standing => false,
            Some((known, answer)) => {
                let before = std::mem::replace(known, standing);
                match (before, &*known) {
                    // Who takes the place that was theirs takes it from nobody.
                    (Standing::Asks | Standing::Hindered, Standing::Holds(_)) => {
                        answer.take() != Some(Answer::Place)
                    }
                    (Standing::Holds(_), _) => {
                        *answer = None;
                        true
                    }
                    _ => true,
                }
            }
            None => {
                self.0.insert(id.clone(), (standing, None));
                true
            }
        }
    }

    /// Whether somebody may be given it.
    #[must_use]
    pub fn answer(&self, id: &EmployeeId) -> Answer {
        match self.0.get(id) {
            Some((Standing::Holds(_), _)) => Answer::Place,
            Some((_, Some(answer))) => *answer,
            Some((_, None)) | None => Answer::Uncounted,
        }
    }

    /// Somebody has to be answered anew, whatever the answer was.
    pub fn forget_answer(&mut self, id: &EmployeeId) {
        if let Some((_, answer)) = self.0.get_mut(id) {
            *answer = None;
        }
    }

    /// Whether somebody holds it.
    #[must_use]
    pub fn holds(&self, id: &EmployeeId) -> bool {
        matches!(self.0.get(id), Some((Standing::Holds(_), _)))
    }

    /// Everybody who holds it or should.
    pub fn people(&self) -> impl Iterator<Item = &EmployeeId> {
        self.0.keys()
    }

    /// Whether nobody holds it or should.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Allots so many places, of which those are taken as well whose accounts the application shows as holders.
    /// Answers whose answer is another one now.
    pub fn allot(&mut self, max: usize, shown: &BTreeSet<&AccountId>) -> Vec<EmployeeId> {
        let holding = |(standing, _): &(Standing, Option<Answer>)| match standing {
            Standing::Holds(account) => Some(account.clone()),
            Standing::Asks | Standing::Hindered => None,
        };
        let held: Vec<Option<AccountId>> = self.0.values().filter_map(holding).collect();
        let known: BTreeSet<&AccountId> = held.iter().flatten().collect();
        let taken = held.len() + shown.difference(&known).count();
        let asking = self.0.len() - held.len();
        let given = max.saturating_sub(taken).min(asking);
        let full = Answer::Full {
            max,
            taken: taken + given,
        };
        let mut left = given;
        let mut changed = Vec::new();
        for standing in [Standing::Asks, Standing::Hindered] {
            let in_turn = self.0.iter_mut().filter(|(_, (s, _))| *s == standing);
            for (id, (_, answer)) in in_turn {
                let now = Some(if left > 0 { Answer::Place } else { full });
                left = left.saturating_sub(1);
                if *answer != now {
                    *answer = now;
                    changed.push(id.clone());
                }
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests;
