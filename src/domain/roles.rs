//! Which roles a person holds, and which can't be decided.

mod conflicts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use litemap::LiteMap;

use super::cel::Subject;
use super::facts::Facts;
use super::ids::{ConnectorName, RoleName};
use super::policy::Policy;
use super::problem::Problem;
use super::record::{Record, RecordedAccount};
use super::term::End;
use conflicts::{Conflicts, Past};

/// Why a person holds a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The Employee names it.
    Explicit,
    /// The template's `match` is true.
    Match,
    /// A role that the person holds includes it.
    Included(RoleName),
}

/// What is known of a person's roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// Roles held, with the first reason in the order explicit, match, included.
    pub held: BTreeMap<RoleName, Why>,
    /// Roles that can't be decided now. Grants that they gave are kept, and none is added.
    pub undecided: BTreeMap<RoleName, Problem>,
    /// Roles held until their template, or the one that included them, disappeared. Grants that they
    /// gave are kept for a grace time.
    pub vanished: BTreeMap<RoleName, Why>,
    /// Roles that the person is to hold once what a role gave that conflicts with them is gone. What they give and the
    /// person has already stays.
    pub waiting: BTreeMap<RoleName, Problem>,
    /// Roles whose grants have to go before those are given, and wait for nothing.
    pub breaking: BTreeSet<RoleName>,
    /// When the end of a term may end a conflict.
    pub changes_at: Option<Timestamp>,
    /// Roles that are not given, as the person would hold another beside them that nobody may.
    pub refused: BTreeMap<RoleName, Problem>,
    /// Roles that are named, or that one which is held includes, and that have no template (yet).
    pub missing: BTreeSet<RoleName>,
    /// Roles that are named, and whose own time is over.
    pub over: BTreeSet<RoleName>,
    /// Who approved roles that are held, where that is said.
    pub approved: BTreeMap<RoleName, Box<str>>,
    /// What is wrong, or waited for, from this person's point of view.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explicit => f.write_str("Explicit"),
            Self::Match => f.write_str("Match"),
            Self::Included(by) => write!(f, "{INCLUDED_BY}{by}"),
        }
    }
}

const INCLUDED_BY: &str = "Included by ";

impl Why {
    /// Reads what [`fmt::Display`] wrote into a status.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "Explicit" => Some(Self::Explicit),
            "Match" => Some(Self::Match),
            _ => text
                .strip_prefix(INCLUDED_BY)
                .map(|by| Self::Included(RoleName::new(by))),
        }
    }
}

impl Resolution {
    /// Roles that are refused where none is held that they are in conflict with, and what they include: one of those in
    /// conflict is the person's, and nobody knows which.
    #[must_use]
    pub fn in_dispute<'a>(&'a self, policy: &'a Policy) -> BTreeSet<&'a RoleName> {
        let is_held = |role: &&RoleName| self.held.keys().any(|held| policy.conflict(role, held));
        let open = self.refused.keys().filter(|role| !is_held(role));
        open.flat_map(|role| included(policy, role)).collect()
    }
}

/// A role, and every role that it hands on.
fn included<'a>(policy: &'a Policy, role: &'a RoleName) -> BTreeSet<&'a RoleName> {
    let mut found = BTreeSet::from([role]);
    let mut stack = vec![role];
    while let Some(role) = stack.pop() {
        let included = policy.template(role).map(|t| &t.spec.includes);
        let more = included.into_iter().flatten();
        stack.extend(more.filter(|role| found.insert(role)));
    }
    found
}

/// Resolves the roles of one person. What is remembered tells a role that was lost from one whose template disappeared,
/// and of two that conflict the one that the person holds already.
#[must_use]
pub fn resolve(
    policy: &Policy,
    facts: &Facts,
    subject: &Subject,
    record: &Record,
    now: Timestamp,
) -> Resolution {
    resolve_after(policy, facts, subject, &record.roles, &record.accounts, now)
}

/// The same for somebody who held these roles, and has these accounts.
fn resolve_after(
    policy: &Policy,
    facts: &Facts,
    subject: &Subject,
    recorded: &LiteMap<RoleName, Why>,
    accounts: &LiteMap<ConnectorName, RecordedAccount>,
    now: Timestamp,
) -> Resolution {
    let mut out = Resolution::default();
    let mut roots: BTreeMap<RoleName, Why> = BTreeMap::new();
    let mut open: BTreeMap<RoleName, Problem> = BTreeMap::new();
    for name in facts.roles.iter().filter(|name| !facts.is_over(name, now)) {
        if policy.template(name).is_none() {
            out.problems.push(Problem::waiting(
                "RoleMissing",
                format!("spec.roles names the RoleTemplate {name}, which does not exist (yet): create it, or take the name out"),
            ));
        }
        roots.insert(name.clone(), Why::Explicit);
    }
    let mut failed = Vec::new();
    for template in policy.templates() {
        let name = &template.spec.name;
        if template.spec.match_.is_none() || roots.contains_key(name) {
            continue;
        }
        match template.rule.as_ref().filter(|_| policy.is_sound(name)) {
            None => {
                open.insert(name.clone(), broken(name));
            }
            Some(rule) => match rule.evaluate_bool(subject) {
                Ok(true) => {
                    roots.insert(name.clone(), Why::Match);
                }
                Ok(false) => {}
                Err(error) => {
                    let problem = Problem::waiting(
                        "MatchFailed",
                        format!(
                            "RoleTemplate {name}: spec.match can't be evaluated for this person, who keeps what it gave: {error}"
                        ),
                    );
                    failed.push((name.clone(), problem.clone()));
                    open.insert(name.clone(), problem);
                }
            },
        }
    }
    let mut conflicts = Conflicts::default();
    let mut taken = take(policy, roots.clone(), &conflicts);
    if policy.has_conflicts() {
        let is_open = |role: &RoleName| open.contains_key(role) || taken.broken.contains_key(role);
        let past = Past::new(policy, recorded, accounts, is_open);
        while conflicts.find(policy, &taken.held, &past) {
            taken = take(policy, roots.clone(), &conflicts);
        }
    }
    out.held = taken.held;
    out.missing = taken.missing;
    for (name, problem) in taken.broken {
        out.problems.push(problem.clone());
        open.insert(name, problem);
    }
    out.problems.extend(conflicts.problems);
    out.waiting = conflicts.waiting;
    out.refused = conflicts.refused;
    out.breaking = conflicts.breaking;
    let mut with_it: Vec<(RoleName, Problem)> = out.waiting.clone().into_iter().collect();
    // What only a role that waits would include waits with it.
    while let Some((role, problem)) = with_it.pop() {
        let included = policy.template(&role).map(|t| &t.spec.includes);
        for role in included.into_iter().flatten() {
            let known = out.held.contains_key(role) || out.refused.contains_key(role);
            if !known && !out.waiting.contains_key(role) {
                out.waiting.insert(role.clone(), problem.clone());
                with_it.push((role.clone(), problem.clone()));
            }
        }
    }
    if !out.waiting.is_empty() || !out.refused.is_empty() {
        out.changes_at = facts.term_ends(now).first().copied();
    }
    out.problems.extend(out.waiting.values().cloned());
    failed.retain(|(name, _)| !out.held.contains_key(name));
    out.problems
        .extend(failed.into_iter().map(|(_, problem)| problem));
    leave_open(policy, &mut out, open, recorded);
    out.vanished = vanished(policy, &out, recorded);
    let over = facts.roles.iter().filter(|name| facts.is_over(name, now));
    out.over = over.cloned().collect();
    out.approved = approved(facts, &out.held);
    out.problems.sort();
    out.problems.dedup();
    out
}

/// Who approved the roles that are held: of one that another includes, whoever approved that one.
fn approved(facts: &Facts, held: &BTreeMap<RoleName, Why>) -> BTreeMap<RoleName, Box<str>> {
    let approver = |role: &RoleName| {
        let mut role = role;
        // Of each role that is held the reason is one level nearer to the one that is named.
        for _ in 0..=held.len() {
            match held.get(role)? {
                Why::Included(by) => role = by,
                Why::Explicit => return facts.term(role)?.approved_by.clone(),
                Why::Match => return None,
            }
        }
        None
    };
    let roles = held.keys().filter(|_| !facts.terms.is_empty());
    roles
        .filter_map(|role| Some((role.clone(), approver(role)?)))
        .collect()
}

/// The roles, of those held now, that end because their time is over, and that nothing else gives from then on.
#[must_use]
pub fn ends(
    policy: &Policy,
    facts: &Facts,
    subject: &Subject,
    now: &Resolution,
    accounts: &LiteMap<ConnectorName, RecordedAccount>,
    at: Timestamp,
) -> Vec<End> {
    let roles = now.held.iter();
    let roles = roles.map(|(role, why)| (role.clone(), why.clone()));
    let roles: LiteMap<RoleName, Why> = roles.collect();
    let mut held: BTreeSet<&RoleName> = now.held.keys().collect();
    let mut ends = Vec::new();
    for at in facts.term_ends(at) {
        let then = resolve_after(policy, facts, subject, &roles, accounts, at).held;
        let (stay, lost): (BTreeSet<_>, BTreeSet<_>) =
            held.into_iter().partition(|role| then.contains_key(*role));
        held = stay;
        if !lost.is_empty() {
            let roles = lost.into_iter().cloned().collect();
            ends.push(End { at, roles });
        }
    }
    ends
}

/// Recorded roles that are gone because a template is: their own, or one that included them.
fn vanished(
    policy: &Policy,
    out: &Resolution,
    recorded: &LiteMap<RoleName, Why>,
) -> BTreeMap<RoleName, Why> {
    recorded
        .iter()
        .filter(|(name, _)| !out.held.contains_key(*name) && !out.undecided.contains_key(*name))
        .filter(|(name, why)| {
            let mut seen = BTreeSet::from([*name]);
            let (mut name, mut why): (&RoleName, &Why) = (name, why);
            loop {
                if policy.template(name).is_none() {
                    return true;
                }
                let Why::Included(by) = why else { return false };
                if !seen.insert(by) {
                    return false;
                }
                name = by;
                match recorded.get(by) {
                    Some(earlier) => why = earlier,
                    None => return policy.template(by).is_none(),
                }
            }
        })
        .map(|(name, why)| (name.clone(), why.clone()))
        .collect()
}

/// Roles that are held, and those that would be and are broken.
#[derive(Debug, Default)]
struct Taken {
    held: BTreeMap<RoleName, Why>,
    broken: BTreeMap<RoleName, Problem>,
    missing: BTreeSet<RoleName>,
}

/// Takes roles and, level by level, what they include, but for what conflicts keep back. Of several
/// that include the same role the first by name is told as the reason, whatever the order of input.
fn take(policy: &Policy, roots: BTreeMap<RoleName, Why>, conflicts: &Conflicts) -> Taken {
    let mut out = Taken::default();
    let mut level = roots;
    while !level.is_empty() {
        let mut next = BTreeMap::new();
        for (name, why) in level {
            let Some(template) = policy.template(&name) else {
                out.missing.insert(name);
                continue;
            };
            if conflicts.keep_back(&name) {
                continue;
            }
            if !policy.is_sound(&name) {
                let problem = broken(&name);
                out.broken.insert(name, problem);
                continue;
            }
            for included in &template.spec.includes {
                next.entry(included.clone())
                    .or_insert_with(|| Why::Included(name.clone()));
            }
            out.held.insert(name, why);
        }
        next.retain(|name, _| !out.held.contains_key(name));
        level = next;
    }
    out
}

/// Marks roles as not decidable now, with all that they include. So are recorded roles that are
/// broken, and those that came from a role that is not decidable, as its includes may be part of what
/// is broken.
fn leave_open(
    policy: &Policy,
    out: &mut Resolution,
    open: BTreeMap<RoleName, Problem>,
    recorded: &LiteMap<RoleName, Why>,
) {
    let mut stack: Vec<(RoleName, Problem)> = open.into_iter().collect();
    for name in recorded.keys() {
        if policy.template(name).is_some() && !policy.is_sound(name) {
            stack.push((name.clone(), broken(name)));
        }
    }
    while let Some((name, problem)) = stack.pop() {
        if out.held.contains_key(&name) || out.undecided.contains_key(&name) {
            continue;
        }
        let included = policy
            .template(&name)
            .into_iter()
            .flat_map(|t| &t.spec.includes);
        let came_from_it = recorded
            .iter()
            .filter(|(_, why)| **why == Why::Included(name.clone()))
            .map(|(role, _)| role);
        for role in included.chain(came_from_it) {
            stack.push((role.clone(), problem.clone()));
        }
        out.undecided.insert(name, problem);
    }
}

fn broken(name: &RoleName) -> Problem {
    Problem::waiting(
        "RoleBroken",
        format!(
            "RoleTemplate {name} can't be used until it is mended (see its status); what it gave is kept"
        ),
    )
}

#[cfg(test)]
mod tests;
