//! What the API server would refuse, and what does not fit the schema of this version.

use serde_json::json;

use super::super::state::{State, UnfitObject};
use super::super::{Objects, Preview, Settings, Totals, Verdict, preview};
use super::{Company, NOW, typed};
use crate::domain::fixtures::at;
use crate::domain::guard::Limits;

fn company() -> Company {
    Company::new(json!({}), Vec::new())
}

#[test]
fn what_never_changes_can_not_be_changed() {
    let company = company();
    let plan = company.plan(json!({}), |objects| {
        let mut person = company.person(0);
        person["spec"]["employeeId"] = json!("77");
        objects.people.insert("p0".to_owned(), typed(&person));
    });
    assert_eq!(plan.verdict, Verdict::Broken);
    let problem = &plan.problems[0];
    assert_eq!(
        (
            problem.kind.as_str(),
            problem.name.as_str(),
            problem.reason.as_str()
        ),
        ("Employee", "p0", "Immutable")
    );
    let said =
        "spec.employeeId is immutable, and the manifests change it: the API server refuses that";
    assert!(problem.message.starts_with(said), "{}", problem.message);
    assert!(plan.people.is_empty(), "{:?}", plan.people);

    let purpose = json!({"account": {"username": ["employee.employeeId"], "purpose": "admin"}});
    let plan = company.plan(purpose, |_| {});
    assert_eq!(plan.verdict, Verdict::Broken);
    assert_eq!(plan.problems[0].kind, "AppConnector");
    assert!(plan.people.is_empty(), "{:?}", plan.people);
}

/// The plan of a cluster in which one object does not fit.
fn with_unfit(kind: &str, name: &str, manifests: &Objects) -> Preview {
    let mut objects = company().objects();
    objects.people.remove(name);
    objects.roles.remove(name);
    objects.connectors.remove(name);
    let mut state = State::new("people".to_owned(), objects, at(NOW));
    state.unfit = vec![UnfitObject {
        kind: kind.to_owned(),
        name: name.to_owned(),
        why: "what it says makes no sense".to_owned(),
    }];
    let state = State::read(&serde_json::to_string(&state).unwrap()).unwrap();
    let settings = Settings {
        prune: false,
        limits: Limits::NONE,
        now: at(NOW),
    };
    preview(state, manifests, &settings)
}

#[test]
fn one_object_that_does_not_fit_takes_nothing_from_anybody() {
    for (kind, name) in [
        ("Employee", "p1"),
        ("RoleTemplate", "all"),
        ("AppConnector", "directory"),
    ] {
        let plan = with_unfit(kind, name, &Objects::default());
        let note = format!(
            "{kind} {name} in the cluster does not fit the schema of this version (what it says makes no sense): it is left as it is"
        );
        assert!(plan.notes.contains(&note), "{:?}", plan.notes);
        assert_eq!(plan.totals, Totals::default(), "{kind}: {plan:#?}");
        let mut changes = plan.people.iter().flat_map(|person| &person.changes);
        assert!(changes.next().is_none(), "{kind}: {plan:#?}");
    }
}

#[test]
fn manifests_mend_what_does_not_fit() {
    let plan = with_unfit("RoleTemplate", "all", &company().objects());
    let note = "RoleTemplate all in the cluster does not fit the schema of this version (what it says makes no sense): what it has is not known, and it is planned as if it was new";
    assert_eq!(plan.notes, [note]);
    assert_eq!(plan.verdict, Verdict::Nothing, "{plan:#?}");
}
