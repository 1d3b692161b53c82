//! The status of a RoleTemplate: who holds it, how far they are, and who holds what it gives without
//! policy giving it to them.

use jiff::Timestamp;

use crate::api::conditions::{self, Wanted};
use crate::api::role_template::{RogueHolder, RoleTemplateStatus};
use crate::controllers::role_template::rogue::RogueHolders;
use crate::controllers::text;
use crate::controllers::world::{Provisioning, Realm, TemplateEntry};
use crate::domain::ids::RoleName;
use crate::domain::problem::{Cure, Problem};

/// The status of a template as things stand.
#[must_use]
pub fn derive(
    realm: &Realm,
    name: &RoleName,
    entry: &TemplateEntry,
    rogue: RogueHolders,
    now: Timestamp,
) -> RoleTemplateStatus {
    let (mut holders, mut provisioned, mut failures) = (0, 0, 0);
    for person in realm.people.values() {
        match person.outlook.roles.get(name) {
            None => {}
            Some(state) => {
                holders += 1;
                provisioned += i64::from(*state == Provisioning::Done);
                failures += i64::from(*state == Provisioning::Failed);
            }
        }
    }
    let RogueHolders { total, listed } = rogue;
    let problems: Vec<Problem> = match &entry.unreadable {
        Some(problem) => vec![problem.clone()],
        None => realm.policy.template_problems(name),
    };
    let mut wanted = readiness(&problems, holders);
    if total > 0 {
        wanted.push(Wanted::new(
            conditions::ORPHANED_CREDENTIALS,
            true,
            "HoldersWithoutGrant",
            text::bounded(&format!(
                "held without a grant: {}",
                text::listed(listed.iter().map(RogueHolder::told))
            )),
        ));
    }
    RoleTemplateStatus {
        observed_generation: entry.meta.generation,
        conditions: conditions::merge(
            &entry.status.newest().conditions,
            wanted,
            entry.meta.generation,
            now,
        ),
        holders,
        provisioned,
        failures,
        orphans: total,
        orphaned_credentials: listed,
        last_handled_reconcile_at: entry.request.handled(),
    }
}

fn readiness(problems: &[Problem], holders: i64) -> Vec<Wanted> {
    let first = problems
        .iter()
        .find(|p| p.cure == Cure::EditThis)
        .or(problems.first());
    let Some(problem) = first else {
        let message = match holders {
            1 => "in force; 1 employee holds it".to_owned(),
            n => format!("in force; {n} employees hold it"),
        };
        return vec![Wanted::new(conditions::READY, true, "InForce", message)];
    };
    let message = text::bounded(&text::listed(problems.iter().map(|p| p.message.clone())));
    let beside = match problem.cure {
        Cure::EditThis => conditions::STALLED,
        Cure::Elsewhere => conditions::RECONCILING,
    };
    vec![
        Wanted::new(conditions::READY, false, problem.reason, message.clone()),
        Wanted::new(beside, true, problem.reason, message),
    ]
}
