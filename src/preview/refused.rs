//! Edits that the API server refuses as they change what never changes. Other rules of the schemas it alone checks.

use std::sync::Arc;

use super::objects::Objects;
use super::told::ObjectProblem;

/// What would be refused. It is taken out of the manifests: the objects stay as they are.
pub(super) fn take_out(before: &Objects, manifests: &mut Objects) -> Refused {
    let mut refused = Refused::default();
    let Objects {
        people, connectors, ..
    } = manifests;
    people.retain(|name, written| {
        let known = before.people.get(name);
        let known = known.filter(|known| known.spec.employee_id != written.spec.employee_id);
        if let Some(known) = known {
            let stays = &mut refused.stay.people;
            stays.insert(name.clone(), Arc::clone(known));
            refused
                .problems
                .push(immutable("Employee", name, "employeeId"));
        }
        known.is_none()
    });
    connectors.retain(|name, written| {
        let known = before.connectors.get(name);
        let known = known.filter(|k| k.spec.account.purpose != written.spec.account.purpose);
        if let Some(known) = known {
            let stays = &mut refused.stay.connectors;
            stays.insert(name.clone(), Arc::clone(known));
            let problem = immutable("AppConnector", name, "account.purpose");
            refused.problems.push(problem);
        }
        known.is_none()
    });
    refused
}

/// What would be refused, and what is there instead.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// Objects that stay as they are.
    pub(super) stay: Objects,
    /// Why.
    pub(super) problems: Vec<ObjectProblem>,
}

fn immutable(kind: &str, name: &str, field: &str) -> ObjectProblem {
    ObjectProblem {
        kind: kind.to_owned(),
        name: name.to_owned(),
        reason: "Immutable".to_owned(),
        message: format!(
            "spec.{field} is immutable, and the manifests change it: the API server refuses that; to replace it, delete this {kind} and create another"
        ),
        broken: true,
    }
}
