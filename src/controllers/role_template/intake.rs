//! From a RoleTemplate object, as written, to its compiled part of the policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::RoleTemplateSpec;
use crate::domain::ids::{ConnectorName, EntitlementName, RoleName};
use crate::domain::policy::{Template, TemplateSpec};
use crate::domain::problem::Problem;

/// Compiles a template. Faults are kept in it.
#[must_use]
pub fn compile(name: &RoleName, spec: &RoleTemplateSpec) -> Arc<Template> {
    let mut grants: BTreeMap<ConnectorName, _> = BTreeMap::new();
    for grant in &spec.grants {
        grants
            .entry(ConnectorName::new(&grant.connector))
            .or_insert_with(std::collections::BTreeSet::new)
            .extend(grant.entitlements.iter().map(EntitlementName::new));
    }
    Arc::new(Template::compile(TemplateSpec {
        name: name.clone(),
        match_: spec.match_.clone(),
        includes: spec.includes.iter().map(RoleName::new).collect(),
        grants,
    }))
}

/// A template that can't be read: it is known, and nobody can be said to hold it or not.
#[must_use]
pub fn broken(name: &RoleName, problem: Option<&Problem>) -> Arc<Template> {
    let mut template = Template::compile(TemplateSpec {
        name: name.clone(),
        match_: None,
        includes: Vec::new(),
        grants: BTreeMap::new(),
    });
    template.faults.extend(problem.cloned());
    Arc::new(template)
}
