//! Segregation of duties: roles that nobody may hold both of.
//!
//! What somebody holds is never taken away because of a conflict, and nothing is added that makes one. Of two that are both
//! new none is given. A role that takes the place of one that it conflicts with waits until that one's grants are gone:
//! here breaking comes before making.

use std::collections::{BTreeMap, BTreeSet};

use super::Why;
use crate::domain::ids::RoleName;
use crate::domain::policy::Policy;
use crate::domain::problem::Problem;
use crate::domain::record::Record;

/// Two roles that the person would hold both of.
pub(super) const ROLES_CONFLICT: &str = "RolesConflict";

/// What comes of conflicts between roles.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    /// Roles that are not given, as the person would hold one beside them.
    pub(super) refused: BTreeMap<RoleName, Problem>,
    /// Roles that are given once what another gave is gone.
    pub(super) waiting: BTreeMap<RoleName, Problem>,
    /// What an edit has to cure.
    pub(super) problems: Vec<Problem>,
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
        record: &Record,
    ) -> bool {
        let before = self.refused.len() + self.waiting.len();
        let new: BTreeSet<&RoleName> = held
            .keys()
            .filter(|role| !record.roles.contains_key(*role))
            .collect();
        for one in held.keys() {
            for other in held.range(one.clone()..).map(|(role, _)| role) {
                if policy.conflict(one, other) {
                    let problem = both(one, other, &new);
                    for role in [one, other].into_iter().filter(|role| new.contains(role)) {
                        self.refused.insert(role.clone(), problem.clone());
                    }
                    self.problems.push(problem);
                }
            }
        }
        let standing = standing(record);
        let lost = standing
            .into_iter()
            .filter(|role| !held.contains_key(*role));
        let lost: Vec<&RoleName> = lost.filter(|role| !self.keep_back(role)).collect();
        for old in lost {
            let replacing = new.iter().filter(|role| policy.conflict(role, old));
            for role in replacing {
                self.waiting.insert((*role).clone(), waits_for(role, old));
            }
        }
        self.waiting
            .retain(|role, _| !self.refused.contains_key(role));
        self.refused.len() + self.waiting.len() > before
    }
}

/// Roles that gave what the person has still.
fn standing(record: &Record) -> BTreeSet<&RoleName> {
    let given = record.accounts.values().flat_map(|account| {
        let usable = account.verified_disabled.is_none();
        let account_roles = account.roles.iter().filter(move |_| usable);
        let grants = account.grants.values();
        account_roles.chain(grants.flat_map(|grant| &grant.roles))
    });
    given.collect()
}

fn both(one: &RoleName, other: &RoleName, new: &BTreeSet<&RoleName>) -> Problem {
    let outcome = match (new.contains(one), new.contains(other)) {
        (true, true) => "neither is given".to_owned(),
        (true, false) => format!("{other} stays and {one} is not given"),
        (false, true) => format!("{one} stays and {other} is not given"),
        (false, false) => "both stay, as they were given before that was so".to_owned(),
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
