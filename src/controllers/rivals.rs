//! Who else an account may be: people whom the rules of a connector find by the same value. Made when it is
//! asked for first, and kept in step with the people and the policy from then on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::controllers::world::{Person, Realm};
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
    doubts: Doubts,
}

/// What of it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubts {
    /// People whose facts can't be used: nothing is known of what is theirs.
    pub unfit: BTreeSet<EmployeeId>,
    /// People for whom a rule of a connector can't be evaluated.
    pub failed: BTreeMap<ConnectorName, BTreeSet<EmployeeId>>,
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

impl Doubts {
    /// Whether somebody's facts can't be used, and of which connectors rules fail: as long as that is the same, so is
    /// what waits for it.
    #[must_use]
    pub fn outline(&self) -> (bool, Vec<ConnectorName>) {
        (
            !self.unfit.is_empty(),
            self.failed.keys().cloned().collect(),
        )
    }
}

/// An object that claims an id, and its facts where they can be used.
type Claimant<'a> = (&'a EmployeeId, Option<&'a Facts>);

fn claimant(person: &Person) -> Claimant<'_> {
    (&person.employee_id, person.facts.as_deref().ok())
}

/// Takes everybody of a namespace in, unless that was done.
pub fn know(realm: &mut Realm) {
    let Realm {
        people,
        policy,
        rivals,
        ..
    } = realm;
    rivals.know(policy, people.values().map(|person| claimant(person)));
}

/// Somebody of an id came, changed or went. Answers who had or has a clue in common with them.
pub fn changed(realm: &mut Realm, id: &EmployeeId) -> SmallSet<EmployeeId> {
    let Realm {
        people,
        by_id,
        policy,
        rivals,
        ..
    } = realm;
    // Each of several objects of one id may be right about what is theirs.
    let names = by_id.get(id).into_iter().flat_map(SmallSet::iter);
    let claimants = names.filter_map(|name| people.get(name));
    rivals.changed(policy, id, claimants.map(|person| claimant(person)))
}

impl Rivals {
    /// Nothing is known any more: the policy changed.
    pub fn forget(&mut self) {
        self.0 = None;
    }

    /// What is not known; `None` where nobody was taken in yet.
    #[must_use]
    pub fn doubts(&self) -> Option<&Doubts> {
        self.0.as_ref().map(|known| &known.doubts)
    }

    fn know<'a>(&mut self, policy: &Policy, people: impl Iterator<Item = Claimant<'a>>) {
        if self.0.is_none() {
            let mut known = Known::default();
            for claimant in people {
                known.put(policy, claimant);
            }
            self.0 = Some(known);
        }
    }

    fn changed<'a>(
        &mut self,
        policy: &Policy,
        employee: &EmployeeId,
        claimants: impl Iterator<Item = Claimant<'a>>,
    ) -> SmallSet<EmployeeId> {
        let mut concerned = SmallSet::default();
        let Some(known) = &mut self.0 else {
            return concerned;
        };
        let mut clues = known.take(employee);
        for claimant in claimants {
            clues.extend(known.put(policy, claimant));
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
    fn put(&mut self, policy: &Policy, (id, facts): Claimant<'_>) -> Vec<Key> {
        let Some(facts) = facts else {
            self.doubts.unfit.insert(id.clone());
            return Vec::new();
        };
        let rules = policy.connectors().filter(|c| !c.matching.is_empty());
        let mut all = Vec::new();
        let mut subject = None;
        for connector in rules {
            let subject = subject.get_or_insert_with(|| Subject::new(facts));
            let name = &connector.spec.name;
            let clues = clues::of(connector, subject);
            if clues.failed.is_some() {
                let failed = self.doubts.failed.entry(name.clone()).or_default();
                failed.insert(id.clone());
            }
            let clues = clues.all.into_iter();
            all.extend(clues.map(|clue| Key::Clue(name.clone(), clue)));
        }
        for link in &facts.links {
            let said = link.account.iter();
            all.extend(said.map(|said| Key::Link(link.connector.clone(), Clue::normal(said))));
        }
        for key in &all {
            let people = self.by_key.entry(key.clone()).or_default();
            people.insert(id.clone());
        }
        if !all.is_empty() {
            let of = self.of.entry(id.clone()).or_default();
            of.extend(all.iter().cloned());
        }
        all
    }

    fn take(&mut self, employee: &EmployeeId) -> Vec<Key> {
        self.doubts.unfit.remove(employee);
        self.doubts.failed.retain(|_, people| {
            people.remove(employee);
            !people.is_empty()
        });
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
