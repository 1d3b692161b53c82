//! What a target is checked with: accounts as the connector's own mapping makes them of people who do not
//! exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::api::EmployeeSpec;
use crate::connectors::InitialPassword;
use crate::connectors::conformance::{PEOPLE, Sample, Samples};
use crate::controllers::employee::intake;
use crate::controllers::words::Words;
use crate::domain::account::Attributes;
use crate::domain::desired::{DesiredAccount, desire};
use crate::domain::facts::Facts;
use crate::domain::ids::{EmployeeName, RoleName};
use crate::domain::policy::{Connector, Policy, Template, TemplateSpec};
use crate::domain::record::Record;
use crate::domain::usernames;

/// Values that targets and connectors stumble over.
fn peculiar() -> [(&'static str, String); 4] {
    [
        ("letters of many scripts", "Åsa Łukasz λ Ж 王 😀".to_owned()),
        (
            "quotes and backslashes",
            r#"O'Neil "Countess" \ back"#.to_owned(),
        ),
        (
            "signs that mean something elsewhere",
            "a*b(c)=d,e+f;g<h>&%20#".to_owned(),
        ),
        ("255 letters", "x".repeat(255)),
    ]
}

/// The samples of a connector. The same in every run.
pub(super) fn of(
    prefix: &str,
    connector: &Arc<Connector>,
    password: Option<InitialPassword>,
) -> Result<Samples, String> {
    let policy = policy(connector);
    let mut taken = BTreeSet::new();
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        let account = mapped(&policy, connector, &facts(prefix, n)?)?;
        let free = |name: &_| taken.contains(name);
        let username = usernames::choose(&account.usernames, &connector.spec.rules, free)
            .map_err(|why| why.to_string())?;
        taken.insert(username.clone());
        people.push(Sample {
            username,
            attributes: set(account),
        });
    }
    let mut odd = Vec::new();
    for (what, text) in peculiar() {
        let mut facts = facts(prefix, 0)?;
        for field in [
            &mut facts.given,
            &mut facts.family,
            &mut facts.display,
            &mut facts.preferred,
        ] {
            *field = text.as_str().into();
        }
        for field in [
            &mut facts.department,
            &mut facts.job_title,
            &mut facts.location,
            &mut facts.cost_center,
        ] {
            *field = text.as_str().into();
        }
        odd.push((what, set(mapped(&policy, connector, &facts)?)));
    }
    Ok(Samples {
        prefix: prefix.to_owned(),
        people,
        password,
        peculiar: odd,
    })
}

/// A role that everybody holds and that gives an account.
fn policy(connector: &Arc<Connector>) -> Policy {
    let role = Template::compile(TemplateSpec {
        name: RoleName::new("everybody"),
        match_: Some("true".to_owned()),
        includes: Vec::new(),
        conflicts: BTreeSet::new(),
        grants: [(connector.spec.name.clone(), BTreeSet::new())].into(),
        days_before_start: None,
        grace: SignedDuration::ZERO,
    });
    Policy::new([Arc::new(role)], [Arc::clone(connector)])
}

fn facts(prefix: &str, n: usize) -> Result<Facts, String> {
    let name = format!("{prefix}-{n}");
    let spec: EmployeeSpec = serde_json::from_value(json!({
        "employeeId": name,
        "name": {"given": name, "family": "Check", "preferred": format!("Check {n}")},
        "email": format!("{name}@example.com"),
        "personalEmail": format!("{name}@example.org"),
        "department": format!("Department {n}"),
        "jobTitle": format!("Title {n}"),
        "location": format!("Location {n}"),
        "costCenter": format!("{n}"),
        "startDate": "2020-01-01",
    }))
    .map_err(|error| error.to_string())?;
    intake::facts(&EmployeeName::new(&name), &spec, &mut Words::default())
        .map_err(|problem| problem.message)
}

fn mapped(policy: &Policy, connector: &Connector, facts: &Facts) -> Result<DesiredAccount, String> {
    let mut desired = desire(policy, facts, &Record::default(), Timestamp::UNIX_EPOCH);
    let account = desired.accounts.remove(&connector.spec.name);
    let account = account.ok_or("no account is given")?;
    match account.problems.first() {
        Some(problem) => Err(problem.message.clone()),
        None => Ok(account),
    }
}

/// Attributes that are set: an empty one says that there is none.
fn set(account: DesiredAccount) -> Attributes {
    let attributes = account.attributes.into_iter();
    attributes.filter(|(_, value)| !value.is_empty()).collect()
}
