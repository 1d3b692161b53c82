//! Why a role is held, or not.

use std::collections::BTreeSet;

use super::RoleTold;
use crate::domain::desired::Desired;
use crate::domain::facts::Facts;
use crate::domain::ids::RoleName;
use crate::domain::policy::Policy;
use crate::domain::roles::Why;

/// Every role that there is, and every one that is named; those that are held first.
pub(super) fn told(policy: &Policy, facts: &Facts, desired: &Desired) -> Vec<RoleTold> {
    let there = policy.templates().map(|template| &template.spec.name);
    let names: BTreeSet<&RoleName> = there.chain(&facts.roles).collect();
    let mut told: Vec<RoleTold> = names
        .into_iter()
        .map(|name| {
            let held = desired.roles.held.get(name);
            RoleTold {
                name: name.to_string(),
                held: held.is_some(),
                why: match held {
                    Some(why) => held_as(policy, facts, name, why),
                    None => not_held(policy, facts, desired, name),
                },
            }
        })
        .collect();
    told.sort_by_key(|role| !role.held);
    told
}

fn held_as(policy: &Policy, facts: &Facts, name: &RoleName, why: &Why) -> String {
    match why {
        Why::Explicit => named(facts, name),
        Why::Match => format!("its match is true: {}", rule(policy, name)),
        Why::Included(by) => format!("{by} includes it"),
    }
}

/// That the Employee names it, and on which terms.
fn named(facts: &Facts, name: &RoleName) -> String {
    let mut said = vec!["spec.roles names it".to_owned()];
    if let Some(term) = facts.term(name) {
        said.extend(term.until.map(|day| format!("until the end of {day}")));
        let terms = [
            ("approved by", &term.approved_by),
            ("ticket", &term.ticket),
            ("reason:", &term.reason),
        ];
        let terms = terms.into_iter();
        said.extend(terms.filter_map(|(what, text)| Some(format!("{what} {}", text.as_ref()?))));
    }
    said.join(", ")
}

fn not_held(policy: &Policy, facts: &Facts, desired: &Desired, name: &RoleName) -> String {
    let roles = &desired.roles;
    let problem = roles
        .refused
        .get(name)
        .or(roles.waiting.get(name))
        .or(roles.undecided.get(name));
    if let Some(problem) = problem {
        return problem.message.clone();
    }
    if roles.over.contains(name) {
        let until = facts.term(name).and_then(|term| term.until);
        let until = until.map(|day| format!(", which was {day}"));
        return format!(
            "spec.roles names it until its last day{}",
            until.unwrap_or_default()
        );
    }
    let Some(template) = policy.template(name) else {
        return "spec.roles names it, and there is no such RoleTemplate (yet)".to_owned();
    };
    if template.spec.match_.is_some() {
        return format!("its match is false: {}", rule(policy, name));
    }
    "spec.roles does not name it, it has no match, and no role that is held includes it".to_owned()
}

fn rule<'a>(policy: &'a Policy, name: &RoleName) -> &'a str {
    let template = policy.template(name);
    let rule = template.and_then(|template| template.spec.match_.as_deref());
    rule.unwrap_or_default()
}
