//! Limits, by table.

use std::sync::Arc;

use super::*;
use crate::domain::desired::{Desired, desire};
use crate::domain::fixtures::{at, connector, person, policy, template};
use crate::domain::record::{Record, RecordedAccount, RecordedGrant};

fn limit(entitlement: &str, max: Option<usize>, types: &[&str]) -> LimitSpec {
    let types = types.iter().map(|kind| Arc::from(*kind)).collect();
    LimitSpec {
        entitlement: entitlement.to_owned(),
        max_holders: max,
        only_types: Some(types).filter(|types: &BTreeSet<Arc<str>>| !types.is_empty()),
    }
}

#[test]
fn of_several_limits_each_holds() {
    let limits = Limits::new(&[
        limit("prod-*", Some(5), &["Employee", "Intern"]),
        limit("*-admins", Some(2), &[]),
        limit("prod-admins", None, &["Employee"]),
    ]);
    let max = |name: &str| limits.max_holders(&name.into());
    assert_eq!(max("prod-admins"), Some(2));
    assert_eq!(max("PROD-readers"), Some(5));
    assert_eq!(max("staff"), None);
    assert!(limits.counts_holders());
    let barred = |name: &str, kind: &str| {
        let roles = BTreeSet::from(["ops".into()]);
        let barred = limits.bars(&"dir".into(), &name.into(), &roles, kind);
        barred.map(|barred| barred.problem.message)
    };
    assert_eq!(barred("prod-admins", "Employee"), None);
    assert_eq!(barred("prod-readers", "Intern"), None);
    assert_eq!(barred("staff", "Contractor"), None);
    let told = barred("prod-admins", "Intern").unwrap();
    for part in [
        "prod-admins",
        "dir",
        "the type Employee alone",
        "the type Intern",
        "ops",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(
        barred("prod-readers", "employee").is_some(),
        "types are compared as they are"
    );
    assert!(!Limits::new(&[limit("a", None, &["Employee"])]).counts_holders());
}

fn desired(kind: &str, record: &Record) -> Desired {
    let mut dir = connector("dir");
    dir.limits = vec![limit("keys", None, &["Employee"])];
    let all = template("all")
        .matching("true")
        .giving("dir", &["staff", "keys"]);
    let mut ada = person("1");
    ada.kind = kind.into();
    desire(
        &policy([all], [dir]),
        &ada,
        record,
        at("2026-06-15T00:00:00Z"),
    )
}

#[test]
fn what_is_not_for_a_type_is_set_apart_and_told() {
    let told = desired("Contractor", &Record::default());
    let account = &told.accounts["dir"];
    let given: Vec<&str> = account
        .entitlements
        .keys()
        .map(EntitlementName::as_str)
        .collect();
    assert_eq!(given, ["staff"]);
    assert!(account.barred.contains_key("keys"));
    let problems: Vec<&Problem> = told.problems().collect();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].reason, NOT_FOR_TYPE);
    assert_eq!(problems[0].cure, crate::domain::problem::Cure::EditThis);

    let told = desired("Employee", &Record::default());
    assert!(told.accounts["dir"].entitlements.contains_key("keys"));
    assert_eq!(told.problems().count(), 0);
}

/// Whether it stays is what the application shows to be there, which the plan looks at.
#[test]
fn whoever_has_it_is_told_as_well() {
    let grant = RecordedGrant {
        roles: [RoleName::new("all")].into_iter().collect(),
        since: Some(at("2026-01-01T00:00:00Z")),
        ..RecordedGrant::default()
    };
    let account = RecordedAccount {
        id: Some("a".into()),
        grants: [("keys".into(), Arc::new(grant))].into_iter().collect(),
        ..RecordedAccount::default()
    };
    let record = Record {
        accounts: [("dir".into(), account)].into_iter().collect(),
        ..Record::default()
    };
    let told = desired("Contractor", &record);
    assert_eq!(told.problems().next().map(|p| p.reason), Some(NOT_FOR_TYPE));
}
