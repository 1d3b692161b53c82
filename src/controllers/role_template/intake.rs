//! From a RoleTemplate object, as written, to its compiled part of the policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use crate::api::{RoleTemplateSpec, duration};
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
            .or_insert_with(BTreeSet::new)
            .extend(grant.entitlements.iter().map(EntitlementName::new));
    }
    let availability = &spec.availability;
    let grace = availability.grace_after_loss.as_deref().map(grace);
    let (grace, fault) = match grace.transpose() {
        Ok(grace) => (grace.unwrap_or_default(), None),
        Err(fault) => (SignedDuration::ZERO, Some(fault)),
    };
    let mut template = Template::compile(TemplateSpec {
        name: name.clone(),
        match_: spec.match_.clone(),
        includes: spec.includes.iter().map(RoleName::new).collect(),
        conflicts: spec.conflicts_with.iter().map(RoleName::new).collect(),
        grants,
        days_before_start: availability.days_before_start,
        grace,
    });
    template.faults.extend(fault);
    Arc::new(template)
}

fn grace(text: &str) -> Result<SignedDuration, Problem> {
    let grace = duration::parse(text).map_err(|wrong| {
        Problem::edit(
            "NotADuration",
            format!("spec.availability.graceAfterLoss: {wrong}"),
        )
    })?;
    Ok(SignedDuration::try_from(grace).unwrap_or(SignedDuration::MAX))
}

/// A template that can't be read (any more): it is known, and nobody can be said to hold it or not. What it could not be
/// held beside stays so.
#[must_use]
pub fn broken(
    name: &RoleName,
    problem: Option<&Problem>,
    before: Option<&Template>,
) -> Arc<Template> {
    let mut template = Template::compile(TemplateSpec {
        name: name.clone(),
        match_: None,
        includes: Vec::new(),
        conflicts: before
            .map(|template| template.spec.conflicts.clone())
            .unwrap_or_default(),
        grants: BTreeMap::new(),
        days_before_start: None,
        grace: SignedDuration::ZERO,
    });
    template.faults.extend(problem.cloned());
    Arc::new(template)
}
