//! Segregation of duties is told before the merge: roles that nobody may hold both, and limits on entitlements.

use serde_json::{Value, json};

use super::super::{Preview, text};
use super::{Company, typed};

fn role(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "rollcall.dev/v1alpha1", "kind": "RoleTemplate",
        "metadata": {"name": name, "generation": 1}, "spec": spec,
    })
}

fn gives(entitlement: &str) -> Value {
    json!([{"connector": "directory", "entitlements": [entitlement]}])
}

/// What is told of a person: reasons, with what they say.
fn problems(preview: &Preview, name: &str) -> Vec<(String, String)> {
    let people = preview
        .people
        .iter()
        .filter(|person| person.employee == name);
    let problems = people.flat_map(|person| &person.problems);
    problems
        .map(|problem| (problem.reason.clone(), problem.message.clone()))
        .collect()
}

#[test]
fn who_would_hold_two_roles_that_conflict_is_named_with_both() {
    let company = Company::new(json!({}), Vec::new());
    let pays = json!({"match": "employee.employeeId == '1'", "conflictsWith": ["approves"],
        "grants": gives("vip")});
    let approves = json!({"match": "true", "grants": gives("vip")});
    let preview = company.plan(json!({}), |manifests| {
        for (name, spec) in [("pays", &pays), ("approves", &approves)] {
            let object = typed(&role(name, spec));
            manifests.roles.insert(name.to_owned(), object);
        }
    });
    let told = problems(&preview, "p1");
    assert_eq!(told.len(), 1, "{told:?}");
    let (reason, message) = &told[0];
    assert_eq!(reason, "RolesConflict");
    assert!(
        message.contains("pays") && message.contains("approves"),
        "{message}"
    );
    let of = |name: &str| preview.people.iter().find(|person| person.employee == name);
    assert!(of("p1").unwrap().changes.is_empty(), "neither is given");
    assert_eq!(
        of("p0").unwrap().changes.len(),
        1,
        "who would hold one gets it"
    );
    assert!(problems(&preview, "p0").is_empty());
    let text = text::text(&preview);
    let line = text
        .lines()
        .find(|line| line.contains("RolesConflict") || line.contains("conflict"));
    assert!(line.is_some_and(|line| line.contains("pays")), "{text}");
}

#[test]
fn who_would_not_get_what_is_limited_is_told_why() {
    let company = Company::new(json!({}), Vec::new());
    let limits = json!([{"entitlement": "vip", "maxHolders": 2}]);
    for (limits, reason) in [
        (limits, "EntitlementLimitReached"),
        (
            json!([{"entitlement": "vip", "onlyTypes": ["Board"]}]),
            "EntitlementNotForType",
        ),
    ] {
        let spec = json!({"entitlements": {"limits": limits}});
        let preview = company.plan(spec, |manifests| {
            let spec = json!({"match": "true", "grants": gives("vip")});
            let object = typed(&role("vips", &spec));
            manifests.roles.insert("vips".to_owned(), object);
        });
        let told = problems(&preview, "p2");
        assert!(told.iter().any(|(r, _)| r == reason), "{reason}: {told:?}");
        let gets = preview
            .people
            .iter()
            .filter(|person| !person.changes.is_empty());
        let wanted = if reason == "EntitlementLimitReached" {
            2
        } else {
            0
        };
        assert_eq!(gets.count(), wanted, "{reason}");
        assert!(text::text(&preview).contains("vip"));
    }
}
