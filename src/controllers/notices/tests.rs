//! What is told of which status, and when.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Outlook, connector, employee};
use crate::notify::Occasion;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn person(spec: &Value, status: &Value) -> Value {
    let mut person = json!({
        "apiVersion": "rollcall.dev/v1alpha1", "kind": "Employee",
        "metadata": {"name": "ada", "namespace": "people", "uid": "u1", "generation": 1,
                     "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"employeeId": "1", "name": {"given": "Ada"}, "department": "d", "jobTitle": "j",
                 "startDate": "2026-01-02", "timeZone": "Europe/Berlin"},
        "status": {"observedGeneration": 1, "stage": "Departed"},
    });
    for (part, more) in [("spec", spec), ("status", status)] {
        for (key, value) in more.as_object().unwrap() {
            person[part][key] = value.clone();
        }
    }
    person
}

fn of_person(person: &Value, now: &str) -> Outlook {
    let person = serde_json::from_value(person.clone()).unwrap();
    employee::outlook(&person, SignedDuration::from_hours(24), at(now))
}

fn ids(outlook: &Outlook) -> Vec<&str> {
    outlook
        .due
        .iter()
        .map(|notice| notice.id.as_str())
        .collect()
}

fn condition(type_: &str, reason: &str) -> Value {
    json!([{"type": type_, "status": "False", "reason": reason, "message": "see Ready",
            "lastTransitionTime": "2026-11-20T10:00:00Z"}])
}

#[test]
fn a_leaving_is_reported_when_it_is_complete_and_once() {
    let gone = json!({"endDate": "2026-11-20"});
    let done = json!({"offboarding": {"completedAt": "2026-11-20T23:00:10Z"}});
    let told = of_person(&person(&gone, &done), "2026-11-20T23:00:10Z");
    assert_eq!(ids(&told), ["LeaverReport/people/ada/2026-11-20/u1"]);
    assert_eq!(told.next, None);
    let notice = &told.due[0];
    assert!(notice.text.starts_with("LEAVER") && notice.html.is_some());
    assert_eq!(notice.json["kind"], "LeaverReport");
    // Found again after a restart, it is the same; after a fortnight it is no news.
    let later = of_person(&person(&gone, &done), "2026-12-03T00:00:00Z");
    assert_eq!(ids(&later), ids(&told));
    assert!(
        of_person(&person(&gone, &done), "2026-12-05T00:00:00Z")
            .due
            .is_empty()
    );
}

#[test]
fn one_that_is_not_complete_is_told_at_the_deadline() {
    let gone = json!({"endDate": "2026-11-20"});
    let open = person(&gone, &json!({}));
    let before = of_person(&open, "2026-11-21T22:59:59Z");
    assert!(before.due.is_empty());
    assert_eq!(before.next, Some(at("2026-11-21T23:00:00Z")));
    let told = of_person(&open, "2026-11-21T23:00:00Z");
    assert_eq!(ids(&told), ["LeaverOverdue/people/ada/2026-11-20/u1"]);
    assert!(told.due[0].subject.starts_with("OVERDUE: Leaver Ada"));
}

#[test]
fn whoever_has_not_left_is_looked_at_again_when_the_last_day_is_over() {
    let leaves = person(
        &json!({"endDate": "2026-11-20"}),
        &json!({"stage": "Active"}),
    );
    let outlook = of_person(&leaves, "2026-11-20T22:00:00Z");
    assert!(outlook.due.is_empty());
    assert_eq!(outlook.next, Some(at("2026-11-20T23:00:00Z")));
    let stays = of_person(&person(&json!({}), &json!({})), "2026-11-20T22:00:00Z");
    assert!(stays.due.is_empty() && stays.next.is_none());
}

#[test]
fn a_first_day_that_lacks_something_is_told_when_that_lasts() {
    let starts = json!({"startDate": "2026-11-20"});
    let lacks = |reason: &str| {
        let status = json!({"stage": "Active", "conditions": condition("DayOneReady", reason)});
        person(&starts, &status)
    };
    let early = of_person(&lacks("NotInPlace"), "2026-11-19T23:00:10Z");
    assert!(early.due.is_empty());
    assert_eq!(early.next, Some(at("2026-11-19T23:15:00Z")));
    let told = of_person(&lacks("NotInPlace"), "2026-11-19T23:15:00Z");
    assert_eq!(ids(&told), ["NotReadyOnDayOne/people/ada/2026-11-20/u1"]);
    assert!(
        of_person(&lacks("Preparing"), "2026-11-19T23:15:00Z")
            .due
            .is_empty()
    );
    // Whoever has worked here for years, and is declared now, does not begin today.
    let mut old = lacks("NotInPlace");
    old["spec"]["startDate"] = json!("2020-01-01");
    old["metadata"]["creationTimestamp"] = json!("2026-11-20T00:00:00Z");
    let outlook = of_person(&old, "2026-11-20T10:00:00Z");
    assert!(outlook.due.is_empty() && outlook.next.is_none());
}

fn of_connector(status: &Value, now: &str) -> Outlook {
    let connector = serde_json::from_value(json!({
        "apiVersion": "rollcall.dev/v1alpha1", "kind": "AppConnector",
        "metadata": {"name": "chat", "namespace": "people", "uid": "u2"},
        "spec": {"account": {"username": ["employee.employeeId"]}}, "status": status,
    }));
    connector::outlook(&connector.unwrap(), at(now))
}

#[test]
fn a_connector_in_trouble_is_told_when_that_lasts() {
    let down = json!({"conditions": condition("Ready", "TargetUnreachable")});
    let early = of_connector(&down, "2026-11-20T10:14:59Z");
    assert!(early.due.is_empty());
    assert_eq!(early.next, Some(at("2026-11-20T10:15:00Z")));
    let told = of_connector(&down, "2026-11-20T10:15:00Z");
    assert_eq!(
        ids(&told),
        ["ConnectorTrouble/people/chat/2026-11-20T10:00:00Z/u2"]
    );
    assert!(told.due[0].text.contains("TargetUnreachable"));
    assert!(
        of_connector(&json!({}), "2026-11-20T10:15:00Z")
            .due
            .is_empty()
    );
}

#[test]
fn orphans_that_come_together_are_told_together_when_they_last() {
    let orphan = |name: &str, since: &str| json!({"accountId": name, "username": name, "kind": "Undeclared", "since": since});
    let status = json!({"orphanedAccounts": [
        orphan("a", "2026-11-20T10:01:00Z"),
        orphan("b", "2026-11-20T10:14:00Z"),
        orphan("c", "2026-11-20T10:16:00Z"),
    ]});
    assert_eq!(
        of_connector(&status, "2026-11-20T10:20:00Z").next,
        Some(at("2026-11-20T10:30:00Z"))
    );
    let told = of_connector(&status, "2026-11-20T10:30:00Z");
    assert_eq!(
        ids(&told),
        ["NewOrphans/people/chat/2026-11-20T10:15:00Z/u2"]
    );
    assert_eq!(told.due[0].occasion, Occasion::NewOrphans);
    let text = &told.due[0].text;
    assert!(
        text.contains("2 new things") && text.contains("account a") && !text.contains("account c"),
        "{text}"
    );
    assert_eq!(told.next, Some(at("2026-11-20T10:45:00Z")));
    let credential = json!([{"connector": "chat", "kind": "Entitlement", "name": "admins", "since": "2026-11-20T10:01:00Z"}]);
    let person = person(
        &json!({}),
        &json!({"stage": "Active", "orphanedCredentials": credential}),
    );
    let told = of_person(&person, "2026-11-20T10:30:00Z");
    assert_eq!(
        ids(&told),
        ["NewOrphans/people/ada/2026-11-20T10:15:00Z/u1"]
    );
}
