//! Segregation of duties: roles that nobody may hold both of.
//!
//! What somebody holds is never taken away because of a conflict, and nothing is added that makes one. Of two that are both
//! new none is given. A role that takes the place of one that it conflicts with waits until that one's grants are gone:
//! here breaking comes before making.

use std::collections::{BTreeMap, BTreeSet};

use litemap::LiteMap;

use super::{Why, included};
use crate::domain::ids::{ConnectorName, RoleName};
use crate::domain::policy::Policy;
use crate::domain::problem::Problem;
use crate::domain::record::RecordedAccount;
use crate::domain::small_set::SmallSet;

/// Two roles that the person would hold both of.
pub(super) const ROLES_CONFLICT: &str = "RolesConflict";

/// What comes of conflicts between roles.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    /// Roles that are not given, as the person would hold one beside them.
    pub(super) refused: BTreeMap<RoleName, Problem>,
    /// Roles that are given once what another gave is gone.
    pub(super) waiting: BTreeMap<RoleName, Problem>,
    /// Roles that are not held any more, and whose grants have to go before those that wait are given.
    pub(super) breaking: BTreeSet<RoleName>,
    /// What an edit has to cure.
    pub(super) problems: Vec<Problem>,
}

/// What the person held so far.
#[derive(Debug)]
pub(super) struct Past<'a> {
    policy: &'a Policy,
    /// Roles held.
    roles: &'a LiteMap<RoleName, Why>,
    /// Roles that gave an entitlement which the target shows, or did once.
    given: BTreeSet<&'a RoleName>,
    /// The roles that give each account which is in use.
    used: Vec<&'a SmallSet<RoleName>>,
    /// Roles that gave what is there still, each with itself and those that hand it on.
    standing: BTreeMap<&'a RoleName, BTreeSet<&'a RoleName>>,
    /// Roles of which it can't be told whether they are held.
    undecided: BTreeSet<&'a RoleName>,
}

impl<'a> Past<'a> {
    pub(super) fn new(
        policy: &'a Policy,
        roles: &'a LiteMap<RoleName, Why>,
        accounts: &'a LiteMap<ConnectorName, RecordedAccount>,
        is_open: impl Fn(&RoleName) -> bool,
    ) -> Self {
        let standing = accounts.values().flat_map(|account| {
            let usable = account.verified_disabled.is_none();
            let account_roles = account.roles.iter().filter(move |_| usable);
            let grants = account.grants.values();
            account_roles.chain(grants.flat_map(|grant| &grant.roles))
        });
        let unsound = |role: &RoleName| policy.template(role).is_some() && !policy.is_sound(role);
        let open = |role: &RoleName| is_open(role) || unsound(role);
        let used = accounts.values().filter(|account| account.is_usable());
        let grants = accounts.values().flat_map(|a| a.grants.values());
        let given = grants.filter(|grant| grant.since.is_some());
        let undecided = roles.keys().filter(|role| {
            let mut role = *role;
            // What only an undecided role includes is as little decided.
            for _ in 0..=roles.len() {
                if open(role) {
                    return true;
                }
                match roles.get(role) {
                    Some(Why::Included(by)) => role = by,
                    Some(Why::Explicit | Why::Match) | None => return false,
                }
            }
            false
        });
        Self {
            policy,
            roles,
            given: given.flat_map(|grant| &grant.roles).collect(),
            used: used.map(|account| &account.roles).collect(),
            standing: standing
                .map(|role| (role, includers(policy, role)))
                .collect(),
            undecided: undecided.collect(),
        }
    }

    fn held(&self, role: &RoleName) -> bool {
        self.roles.contains_key(role)
    }

    /// Whether, of two roles, this one was there first: it was held, or its grants are there and nothing is of the other. Of two
    /// that were held both, as nobody knew yet that they conflict, those were there of which something was given.
    fn is_elder(&self, role: &RoleName, other: &RoleName) -> bool {
        let uses = |role| self.used.iter().any(|roles| roles.contains(role));
        // What is asked for and never came stands for nothing.
        let stands = |role| self.given.contains(role) || uses(role);
        match (self.held(role), self.held(other)) {
            (true, true) => !self.is_only_promised(role, other),
            (true, false) => true,
            (false, true) => false,
            (false, false) => stands(role) && !stands(other),
        }
    }

    /// Whether a role gives entitlements, by itself or by what it includes, of which none was given so far; nor an account that is in
    /// use, which nobody loses by a conflict. What both of them include tells nothing.
    fn is_only_promised(&self, role: &RoleName, other: &RoleName) -> bool {
        let (of, others) = (included(self.policy, role), included(self.policy, other));
        let alone: BTreeSet<&RoleName> = of.difference(&others).copied().collect();
        let gives = |role: &&RoleName| {
            let grants = self.policy.template(role).map(|t| &t.spec.grants);
            grants.is_some_and(|grants| grants.values().any(|names| !names.is_empty()))
        };
        let rests_on_it = |roles: &&SmallSet<RoleName>| {
            let of_both = |role| of.contains(role) || others.contains(role);
            roles.iter().any(|role| alone.contains(role)) && roles.iter().all(of_both)
        };
        alone.iter().any(gives)
            && self.given.is_disjoint(&alone)
            && !self.used.iter().any(rests_on_it)
    }
}

/// A role, and every template that hands it on to its holders.
fn includers<'a>(policy: &'a Policy, role: &'a RoleName) -> BTreeSet<&'a RoleName> {
    let mut found = BTreeSet::from([role]);
    let mut stack = vec![role];
    while let Some(included) = stack.pop() {
        for template in policy.templates() {
            let name = &template.spec.name;
            if template.spec.includes.contains(included) && found.insert(name) {
                stack.push(name);
            }
        }
    }
    found
}

impl Conflicts {
    /// Whether a role is not given now.
    pub(super) fn keep_back(&self, role: &RoleName) -> bool {
        self.refused.contains_key(role) || self.waiting.contains_key(role)
    }

    /// Adds what these roles are in conflict with. Tells whether one more is kept back.
    pub(super) fn find(
        &mut self,
        policy: &Policy,
        held: &BTreeMap<RoleName, Why>,
        past: &Past<'_>,
    ) -> bool {
        let before = self.refused.len() + self.waiting.len();
        for one in held.keys() {
            for other in held.range(one.clone()..).map(|(role, _)| role) {
                if policy.conflict(one, other) {
                    let stay = [past.is_elder(one, other), past.is_elder(other, one)];
                    let problem = both(one, other, stay);
                    for (role, stays) in [one, other].into_iter().zip(stay) {
                        if !stays {
                            self.refused.insert(role.clone(), problem.clone());
                        }
                    }
                    self.problems.push(problem);
                }
            }
        }
        let new: Vec<&RoleName> = held.keys().filter(|role| !past.held(role)).collect();
        let gone = |role: &RoleName| !held.contains_key(role);
        for (old, includers) in &past.standing {
            if !gone(old) || self.keep_back(old) {
                continue;
            }
            for by in includers.iter().filter(|by| gone(by)) {
                for role in new.iter().filter(|role| policy.conflict(role, by)) {
                    self.waiting.insert((*role).clone(), waits_for(role, by));
                    self.breaking.insert((*old).clone());
                }
            }
        }
        for old in past.undecided.iter().filter(|role| gone(role)) {
            for role in new.iter().filter(|role| policy.conflict(role, old)) {
                self.waiting.insert((*role).clone(), waits_for(role, old));
            }
        }
        self.waiting
            .retain(|role, _| !self.refused.contains_key(role));
        self.refused.len() + self.waiting.len() > before
    }
}

fn both(one: &RoleName, other: &RoleName, stay: [bool; 2]) -> Problem {
    let outcome = match stay {
        [false, false] => "neither is given".to_owned(),
        [false, true] => format!("{other} stays and {one} is not given"),
        [true, false] => format!("{one} stays and {other} is not given"),
        [true, true] => "both stay, as they were given before that was so".to_owned(),
    };
    Problem::edit(
        ROLES_CONFLICT,
        format!(
            "nobody may hold both of the RoleTemplates {one} and {other} (spec.conflictsWith), and this person would: {outcome}; take one of the two out of spec.roles, or correct what makes the other match"
        ),
    )
}

fn waits_for(role: &RoleName, old: &RoleName) -> Problem {
    Problem::waiting(
        "ConflictStanding",
        format!(
            "the RoleTemplate {role} is given once everything that {old} gave is taken away, as nobody may hold both (spec.conflictsWith)"
        ),
    )
}
