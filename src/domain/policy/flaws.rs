//! How templates go together, and what can't: those that include themselves, and those that give what nobody may hold
//! both of.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::Template;
use crate::domain::ids::RoleName;
use crate::domain::problem::Problem;

type Templates = BTreeMap<RoleName, Arc<Template>>;

/// What is wrong with one of them.
pub(super) fn of(templates: &Templates, name: &RoleName) -> Option<Problem> {
    cycle_through(templates, name).or_else(|| conflict_within(templates, name))
}

/// Two roles that a template gives together, itself among them, and that nobody may hold both of.
fn conflict_within(templates: &Templates, start: &RoleName) -> Option<Problem> {
    let mut given = BTreeSet::from([start]);
    let mut stack = vec![start];
    while let Some(name) = stack.pop() {
        let included = templates.get(name).map(|t| &t.spec.includes);
        let new = included.into_iter().flatten();
        let new: Vec<_> = new.filter(|name| given.insert(*name)).collect();
        stack.extend(new);
    }
    let (one, other) = given.iter().find_map(|one| {
        let conflicts = &templates.get(*one)?.spec.conflicts;
        Some((*one, conflicts.iter().find(|other| given.contains(other))?))
    })?;
    Some(Problem::edit(
        "IncludesConflict",
        format!(
            "holders would hold both {one} and {other}, of which {one} says in spec.conflictsWith that nobody may: take one of the two out of spec.includes, or the conflict out of {one}"
        ),
    ))
}

/// The shortest cycle of includes through a template, told as a problem.
fn cycle_through(templates: &Templates, start: &RoleName) -> Option<Problem> {
    let mut paths = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop_front() {
        let last = path.last()?;
        let Some(template) = templates.get(*last) else {
            continue;
        };
        for next in &template.spec.includes {
            if next == start {
                let mut told: Vec<&str> = path.iter().map(|n| n.as_str()).collect();
                told.push(start.as_str());
                return Some(Problem::edit(
                    "IncludesCycle",
                    format!(
                        "spec.includes goes round in a circle, {}: take one of these out",
                        told.join(" includes ")
                    ),
                ));
            }
            if seen.insert(next) {
                let mut longer = path.clone();
                longer.push(next);
                paths.push_back(longer);
            }
        }
    }
    None
}
