//! A person explained, by table.

use jiff::civil::date;

use super::{Explanation, explain, table};
use crate::api::EmployeeStatus;
use crate::domain::desired::desire;
use crate::domain::facts::Facts;
use crate::domain::fixtures::{at, connector, person, policy, template};
use crate::domain::limits::LimitSpec;
use crate::domain::record::Record;
use crate::domain::term::Term;

fn status() -> EmployeeStatus {
    serde_json::from_value(serde_json::json!({
        "observedGeneration": 3,
        "accounts": [{
            "connector": "dir", "username": "ada.lovelace", "state": "Active", "roles": ["all"],
            "entitlements": [
                {"name": "staff", "state": "Held", "roles": ["all"], "since": "2026-01-01T00:00:00Z", "approvedBy": "grace"},
                {"name": "old", "state": "Kept", "roles": ["former"], "reason": "GracePeriod", "keptUntil": "2027-02-01T00:00:00Z"},
            ],
        }],
        "orphanedCredentials": [
            {"connector": "dir", "kind": "Entitlement", "name": "root", "since": "2026-01-02T00:00:00Z"},
        ],
    }))
    .unwrap()
}

fn explained(change: impl FnOnce(&mut Facts)) -> Explanation {
    let templates = [
        template("all")
            .matching("true")
            .giving("dir", &["staff"])
            .including(&["base"]),
        template("base"),
        template("dev")
            .matching("employee.department == 'Dev'")
            .giving("git", &["push"])
            .giving("dir", &["dev"]),
        template("night").giving("dir", &["door"]),
        template("payer").conflicting(&["checker"]),
        template("checker"),
    ];
    let policy = policy(templates, [connector("dir"), connector("git")]);
    let mut facts = person("1042");
    change(&mut facts);
    let now = at("2027-01-10T00:00:00Z");
    let desired = desire(&policy, &facts, &Record::default(), now);
    explain(&policy, &facts, &desired, Some(3), &status())
}

fn night(until: jiff::civil::Date) -> impl FnOnce(&mut Facts) {
    move |facts| {
        facts.roles = ["night".into()].into();
        facts.terms = [Term {
            until: Some(until),
            approved_by: Some("grace".into()),
            ..Term::of("night".into())
        }]
        .into();
    }
}

#[track_caller]
fn role(told: &Explanation, name: &str, held: bool, parts: &[&str]) {
    let role = told.roles.iter().find(|role| role.name == name).unwrap();
    assert_eq!(role.held, held, "{role:?}");
    for part in parts {
        assert!(role.why.contains(part), "{role:?}");
    }
}

#[track_caller]
fn entitlement(told: &Explanation, connector: &str, name: &str, state: &str, parts: &[&str]) {
    let account = told.accounts.iter().find(|a| a.connector == connector);
    let mut held = account.unwrap().entitlements.iter();
    let found = held.find(|e| e.name == name).unwrap();
    assert_eq!(found.state, state, "{found:?}");
    for part in parts {
        assert!(found.why.contains(part), "{found:?}");
    }
}

#[test]
fn each_role_says_why_it_is_held_or_not() {
    let told = explained(night(date(2027, 1, 31)));
    role(&told, "all", true, &["match is true: true"]);
    role(&told, "base", true, &["all includes it"]);
    role(
        &told,
        "night",
        true,
        &["spec.roles names it", "2027-01-31", "approved by grace"],
    );
    role(
        &told,
        "dev",
        false,
        &["match is false: employee.department == 'Dev'"],
    );
    role(&told, "checker", false, &["does not name it"]);
    role(
        &explained(night(date(2027, 1, 9))),
        "night",
        false,
        &["2027-01-09"],
    );
    let conflict =
        explained(|facts| facts.roles = ["payer".into(), "checker".into(), "none".into()].into());
    for name in ["payer", "checker"] {
        role(&conflict, name, false, &["checker and payer", "neither"]);
    }
    role(&conflict, "none", false, &["no such RoleTemplate"]);
    assert!(
        conflict
            .problems
            .iter()
            .any(|p| p.contains("neither is given")),
        "{conflict:?}"
    );
}

#[test]
fn each_entitlement_says_why_it_is_there_or_not() {
    let told = explained(night(date(2027, 1, 31)));
    entitlement(
        &told,
        "dir",
        "staff",
        "Held",
        &["all", "2026-01-01", "approved by grace"],
    );
    entitlement(&told, "dir", "door", "Pending", &["night", "not there yet"]);
    entitlement(
        &told,
        "dir",
        "old",
        "Kept",
        &["former", "2027-02-01", "GracePeriod"],
    );
    entitlement(&told, "dir", "root", "Rogue", &["no role gave it"]);
    entitlement(&told, "dir", "dev", "Lacking", &["these would: dev"]);
    let git = told.accounts.iter().find(|a| a.connector == "git").unwrap();
    assert_eq!(
        (git.state.as_deref(), git.username.as_deref()),
        (None, None)
    );
    assert!(git.why.contains("these would: dev"), "{git:?}");
    assert!(told.observed);
}

#[test]
fn a_limit_says_who_is_not_given_what_and_why() {
    let mut dir = connector("dir");
    dir.limits = vec![LimitSpec {
        entitlement: "s*".to_owned(),
        max_holders: None,
        only_types: Some(["Employee".into()].into()),
    }];
    let all = template("all")
        .matching("true")
        .giving("dir", &["staff", "safe", "seats"]);
    let mut facts = person("1042");
    facts.kind = "Contractor".into();
    let now = at("2027-01-10T00:00:00Z");
    let mut status = status();
    let seats = serde_json::json!({"name": "full", "state": "Pending", "roles": ["all"], "reason": "EntitlementLimitReached"});
    let grants = &mut status.accounts[0].entitlements;
    grants.push(serde_json::from_value(seats).unwrap());
    let policy = policy([all], [dir]);
    let desired = desire(&policy, &facts, &Record::default(), now);
    let told = explain(&policy, &facts, &desired, Some(3), &status);
    let why = ["all", "for the type Employee alone", "Contractor"];
    entitlement(&told, "dir", "safe", "Lacking", &why);
    entitlement(&told, "dir", "staff", "Held", &why);
    entitlement(&told, "dir", "full", "Pending", &["as many hold it as may"]);
    assert!(told.problems.iter().any(|p| p.contains("safe")), "{told:?}");
}

#[test]
fn what_is_not_due_is_not_said_to_be_on_its_way() {
    let mut last = None;
    let told = explained(|facts| {
        facts.roles = ["night".into()].into();
        facts.end = Some(date(2026, 12, 31));
        last = facts.end;
    });
    entitlement(&told, "dir", "door", "NotDue", &["night", "Departed"]);
    let told = explained(|facts| facts.start = date(2027, 3, 1));
    entitlement(&told, "dir", "dev", "Lacking", &["dev"]);
    assert_eq!(
        (told.stage.as_str(), last),
        ("Upcoming", Some(date(2026, 12, 31)))
    );
}

#[test]
fn a_terminal_shows_it_line_by_line() {
    let told = explained(|facts| facts.display = "Ada\u{1b}[2J".into());
    let text = table(&told);
    for part in [
        "employeeId 1042",
        "ROLES",
        "ACCOUNTS",
        "dir ada.lovelace Active",
        "  staff",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains('\u{1b}'), "{text:?}");
}
