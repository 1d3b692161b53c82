//! Whom a change of policy concerns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Policy, Template};
use crate::domain::cel::Subject;
use crate::domain::facts::Facts;
use crate::domain::ids::{ConnectorName, RoleName};
use crate::domain::record::Record;
use crate::domain::roles::Why;

/// What is different between two policies.
#[derive(Debug)]
pub struct PolicyChange<'a> {
    before: &'a Policy,
    after: &'a Policy,
    /// Templates whose holders get something else: those that changed, those that give something in a
    /// connector that changed, and all that include one of these.
    templates: BTreeSet<RoleName>,
    /// These, and what those of them that can't be used include: it can't be decided for anybody.
    remembered: BTreeSet<RoleName>,
    /// Connectors that came, went or are mapped differently.
    connectors: BTreeSet<ConnectorName>,
}

impl<'a> PolicyChange<'a> {
    /// Compares two policies by their compiled parts: one that was compiled anew counts as changed.
    #[must_use]
    pub fn between(before: &'a Policy, after: &'a Policy) -> Self {
        let connectors = changed(&before.connectors, &after.connectors);
        let mut templates = changed(&before.templates, &after.templates);
        let both = || before.templates().chain(after.templates());
        let gives = |t: &&Template| t.spec.grants.keys().any(|c| connectors.contains(c));
        templates.extend(both().filter(gives).map(|t| t.spec.name.clone()));
        // Whoever includes one of them hands it on, and is part of each circle that it closes.
        loop {
            let includes = |t: &&Template| t.spec.includes.iter().any(|i| templates.contains(i));
            let more: Vec<_> = both()
                .filter(includes)
                .map(|t| t.spec.name.clone())
                .filter(|name| !templates.contains(name))
                .collect();
            if more.is_empty() {
                break;
            }
            templates.extend(more);
        }
        let mut remembered = templates.clone();
        for policy in [before, after] {
            let unsound = templates.iter().filter(|name| !policy.is_sound(name));
            let mut stack: Vec<&RoleName> = unsound.collect();
            let mut seen = BTreeSet::new();
            while let Some(name) = stack.pop() {
                let includes = policy.template(name).map(|t| &t.spec.includes);
                for included in includes.into_iter().flatten() {
                    if seen.insert(included) {
                        stack.push(included);
                    }
                }
            }
            remembered.extend(seen.into_iter().cloned());
        }
        Self {
            before,
            after,
            templates,
            remembered,
            connectors,
        }
    }

    /// Templates of which something is different for their holders, or for their own status.
    #[must_use]
    pub fn templates(&self) -> &BTreeSet<RoleName> {
        &self.templates
    }

    /// Connectors of which something is different.
    #[must_use]
    pub fn connectors(&self) -> &BTreeSet<ConnectorName> {
        &self.connectors
    }

    /// Connectors in which a template that changed gives something, or gave it.
    #[must_use]
    pub fn given_in(&self) -> BTreeSet<ConnectorName> {
        self.versions()
            .flat_map(|template| template.spec.grants.keys().cloned())
            .collect()
    }

    /// Whether one person may desire something else than before, or be told something else. Who is not
    /// concerned desires the same under both policies, which a property test holds it to.
    #[must_use]
    pub fn concerns(&self, facts: &Facts, record: &Record) -> bool {
        let accounts = record.accounts.keys();
        self.is_remembered(facts, record)
            || accounts.into_iter().any(|c| self.connectors.contains(c))
            || self.may_match(facts)
    }

    fn is_remembered(&self, facts: &Facts, record: &Record) -> bool {
        let held = record.roles.iter().flat_map(|(name, why)| {
            let by = match why {
                Why::Included(by) => Some(by),
                Why::Explicit | Why::Match => None,
            };
            [name].into_iter().chain(by)
        });
        let given = record.accounts.values().flat_map(|account| {
            let grants = account.grants.values().flat_map(|grant| &grant.roles);
            account.roles.iter().chain(grants)
        });
        facts
            .roles
            .iter()
            .chain(held)
            .chain(given)
            .any(|name| self.remembered.contains(name))
    }

    /// A rule that fails for a person is told to them, so it concerns them like one that matches. A
    /// template that can't be compiled concerns only those who are remembered to hold it.
    fn may_match(&self, facts: &Facts) -> bool {
        let subject = Subject::new(facts);
        self.versions()
            .filter_map(|template| template.rule.as_ref())
            .any(|rule| rule.evaluate_bool(&subject) != Ok(false))
    }

    /// The concerned templates as they were and as they are.
    fn versions(&self) -> impl Iterator<Item = &Template> {
        let of = |policy: &'a Policy| {
            self.templates
                .iter()
                .filter_map(|name| policy.template(name))
        };
        of(self.before).chain(of(self.after))
    }
}

/// Names that are only in one of two maps, or stand for something else in the other.
fn changed<K: Ord + Clone, V>(
    before: &BTreeMap<K, Arc<V>>,
    after: &BTreeMap<K, Arc<V>>,
) -> BTreeSet<K> {
    let same = |name: &K| match (before.get(name), after.get(name)) {
        (Some(before), Some(after)) => Arc::ptr_eq(before, after),
        _ => false,
    };
    before
        .keys()
        .chain(after.keys())
        .filter(|name| !same(name))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests;
