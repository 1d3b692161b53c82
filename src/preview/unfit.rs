//! Objects of the cluster that do not fit the schema of this version: they are broken, and not gone.

use std::sync::Arc;

use super::company::{Company, Inputs};
use super::state::UnfitObject;
use crate::api::{AppConnectorStatus, RoleTemplateStatus};
use crate::controllers::watch::meta_of;
use crate::controllers::world::{ConnectorEntry, Request, TemplateEntry, Tracked};
use crate::controllers::{gate, role_template};
use crate::domain::ids::{ConnectorName, RoleName};
use crate::domain::policy::Template;
use crate::domain::problem::Problem;

/// The role templates among them: who holds one keeps it.
pub(super) fn templates(
    unfit: &[UnfitObject],
) -> impl Iterator<Item = (RoleName, Problem, Arc<Template>)> {
    let unfit = unfit.iter().filter(|one| one.kind == "RoleTemplate");
    unfit.map(|one| {
        let name = RoleName::new(&one.name);
        let problem = Problem::edit("Unreadable", said(one));
        let broken = role_template::intake::broken(&name, Some(&problem), None);
        (name, problem, broken)
    })
}

/// Lays them into the company, as far as they stay, and notes what that means.
pub(super) fn take(company: &mut Company, inputs: &Inputs<'_>) {
    let Inputs {
        state,
        manifests,
        prune,
        ..
    } = *inputs;
    let written = |one: &UnfitObject| match one.kind.as_str() {
        "Employee" => manifests.people.contains_key(&one.name),
        "RoleTemplate" => manifests.roles.contains_key(&one.name),
        _ => manifests.connectors.contains_key(&one.name),
    };
    for one in &state.unfit {
        let then = match () {
            () if written(one) => "what it has is not known, and it is planned as if it was new",
            () if prune => "it is deleted, and what comes of that is not known",
            () => "it is left as it is",
        };
        company.notes.push(format!("{}: {then}", said(one)));
    }
    if prune {
        return;
    }
    let realm = &mut company.realm;
    let meta = || meta_of(&kube::core::ObjectMeta::default());
    for (name, problem, broken) in templates(&state.unfit) {
        let status = RoleTemplateStatus::default();
        let entry = || TemplateEntry {
            meta: meta(),
            compiled: Some(broken),
            unreadable: Some(problem),
            rogue: role_template::rogue::told_by(&status),
            request: Request::default(),
            status: Tracked::new(&status),
        };
        realm.templates.entry(name).or_insert_with(entry);
    }
    for one in state.unfit.iter().filter(|one| one.kind == "AppConnector") {
        let name = ConnectorName::new(&one.name);
        let scope = realm.scope.clone();
        let gate = gate::restored(&realm.namespace, &name, "", None);
        let status = AppConnectorStatus::default();
        let entry = || ConnectorEntry::new(meta(), scope, gate, &status);
        realm.connectors.entry(name).or_insert_with(entry);
    }
}

fn said(one: &UnfitObject) -> String {
    format!(
        "{} {} in the cluster does not fit the schema of this version ({})",
        one.kind, one.name, one.why
    )
}
