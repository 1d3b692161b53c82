//! A change of policy reaches those whom it concerns, and nobody else is looked at.

use serde_json::{Value, json};

use super::{Bench, account, connector, employee};
use crate::controllers::engine::Work;
use crate::domain::account::Activity;
use crate::domain::ids::EmployeeName;

/// A company with a developer and a marketer, each in an application of their own, all of it settled.
fn company() -> Bench {
    let mut bench = Bench::new();
    bench.secret("token");
    for (name, port) in [("git", 1), ("chat", 2)] {
        let mut object = connector("token");
        object["spec"]["scim"]["baseUrl"] = format!("https://localhost:{port}/scim/v2").into();
        bench.connector(name, &object);
    }
    bench.template("dev", &role("Dev", "git"));
    bench.template("marketing", &role("Marketing", "chat"));
    for (name, id, department) in [("ada", "1", "Dev"), ("bob", "2", "Marketing")] {
        let mut object = employee(id);
        object["spec"]["department"] = department.into();
        bench.employee(name, &object);
    }
    bench.work();
    bench.waiting();
    bench
}

fn role(department: &str, connector: &str) -> Value {
    json!({
        "metadata": {},
        "spec": {
            "match": format!("employee.department == '{department}'"),
            "grants": [{"connector": connector}],
        },
    })
}

/// Who is looked at next.
fn looked_at(bench: &mut Bench) -> Vec<EmployeeName> {
    bench.engine.refresh_policies();
    let people = bench.waiting().into_iter().filter_map(|work| match work {
        Work::Person(_, _, name) => Some(name),
        _ => None,
    });
    let mut people: Vec<_> = people.collect();
    people.sort();
    people
}

/// Whose status is told anew, once the time for it has come.
fn summaries(bench: &mut Bench) -> Vec<String> {
    let all = std::iter::from_fn(|| bench.engine.queue.pop(jiff::Timestamp::MAX));
    let mut told: Vec<_> = all
        .filter_map(|(work, _)| match work {
            Work::TemplateStatus(_, name) => Some(name.to_string()),
            Work::ConnectorStatus(_, name) => Some(name.to_string()),
            Work::Person(..)
            | Work::Connector(..)
            | Work::Leavers(..)
            | Work::Wave(..)
            | Work::Held(..)
            | Work::Places(_) => None,
        })
        .collect();
    told.sort();
    told
}

#[tokio::test]
async fn a_template_reaches_its_holders_and_those_who_become_some() {
    let mut bench = company();
    bench.template("dev", &role("Dev", "chat"));
    assert_eq!(looked_at(&mut bench), ["ada".into()]);
    bench.template("marketing", &role("Sales", "chat"));
    assert_eq!(looked_at(&mut bench), ["bob".into()]);
    bench.template("sales", &role("Sales", "chat"));
    assert_eq!(looked_at(&mut bench), []);
    bench.template("broken", &role("'", "chat"));
    assert_eq!(looked_at(&mut bench), []);
    bench.template("all", &json!({"metadata": {}, "spec": {"match": "true"}}));
    assert_eq!(looked_at(&mut bench), ["ada".into(), "bob".into()]);
}

#[tokio::test]
async fn a_template_changes_its_own_status_and_that_of_the_connectors_it_names() {
    let mut bench = company();
    summaries(&mut bench);
    bench.template("dev", &role("Dev", "git"));
    bench.engine.refresh_policies();
    assert_eq!(summaries(&mut bench), ["dev", "git"]);
}

#[tokio::test]
async fn a_connector_reaches_those_who_have_or_are_to_have_an_account_there() {
    let mut bench = company();
    let mut object = connector("token");
    object["spec"]["account"]["attributes"] = json!({"displayName": "employee.name.display"});
    bench.connector("git", &object);
    assert_eq!(looked_at(&mut bench), ["ada".into()]);

    // One more of which nobody has anything.
    object["spec"]["scim"]["baseUrl"] = "https://localhost:3/scim/v2".into();
    bench.connector("wiki", &object);
    assert_eq!(looked_at(&mut bench), []);
}

/// Where no role gives anything, an account that bears somebody's mark is a reason to look.
#[tokio::test]
async fn a_connector_that_moves_or_goes_reaches_those_whose_accounts_it_showed() {
    let mut bench = company();
    bench.work();
    let stray = account(&bench, "b", "2", Activity::Active);
    bench.listed("git", vec![stray]);
    bench.waiting();
    let mut object = connector("token");
    object["spec"]["scim"]["baseUrl"] = "https://localhost:4/scim/v2".into();
    bench.connector("git", &object);
    assert_eq!(looked_at(&mut bench), ["ada".into(), "bob".into()]);
}

#[tokio::test]
async fn whoever_must_be_out_is_looked_at_whatever_connector_changes() {
    let mut bench = company();
    let mut object = employee("3");
    object["spec"]["endDate"] = "2024-06-30".into();
    bench.employee("eve", &object);
    bench.work();
    bench.waiting();
    bench.connector("git", &connector("other"));
    assert_eq!(looked_at(&mut bench), ["ada".into(), "eve".into()]);
}
