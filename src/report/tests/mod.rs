//! What the formats show of the same people, and what they make of texts that were meant to harm.

mod cases;
mod hostile;

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{LeaverReport, csv, html, json as as_json, markdown, table};
use crate::api::Employee;

/// Somebody who left, whose status has these accounts and these offboardings of them.
fn leaver(accounts: &Value, offboarding: &Value) -> Value {
    json!({
        "apiVersion": "rollcall.dev/v1alpha1",
        "kind": "Employee",
        "metadata": {"name": "ada-lovelace", "namespace": "people", "generation": 4},
        "spec": {
            "employeeId": "1042",
            "name": {"given": "Ada", "family": "Lovelace"},
            "department": "Marketing",
            "jobTitle": "Marketing Manager",
            "startDate": "2024-01-01",
            "endDate": "2026-11-20",
            "timeZone": "Europe/Berlin",
        },
        "status": {
            "observedGeneration": 4,
            "stage": "Departed",
            "conditions": [
                condition("AccessRevoked", "True", "ReadBackDisabled", "1 of 1 accounts were read back as disabled"),
            ],
            "accounts": accounts,
            "offboarding": offboarding,
        },
    })
}

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": type_, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-20T23:00:04Z", "observedGeneration": 4,
    })
}

fn account(connector: &str, state: &str) -> Value {
    json!({
        "connector": connector, "accountId": "17", "username": "ada.lovelace", "state": state,
        "lastVerified": "2026-11-20T23:00:04Z",
    })
}

fn step(name: &str, state: &str, at: Option<&str>, message: &str) -> Value {
    let mut step = json!({"name": name, "state": state, "attempts": 1, "message": message});
    if let Some(at) = at {
        step["at"] = json!(at);
    }
    step
}

fn because(mut step: Value, reason: &str) -> Value {
    step["reason"] = json!(reason);
    step
}

fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

fn report(employee: &Value) -> LeaverReport {
    let employee: Employee = serde_json::from_value(employee.clone()).unwrap();
    LeaverReport::of(&employee, now()).unwrap()
}

fn formats(report: &LeaverReport) -> [(&'static str, String); 5] {
    [
        ("txt", table(report)),
        ("json", as_json(report).unwrap()),
        ("csv", csv(report).unwrap()),
        ("md", markdown(report)),
        ("html", html(report)),
    ]
}

/// Compares with what a person looked at; `ROLLCALL_GOLDEN=write` writes it anew, to be looked at again.
fn is_as_looked_at(case: &str, report: &LeaverReport) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/report/tests/golden");
    for (ending, text) in formats(report) {
        let file = folder.join(format!("{case}.{ending}"));
        if std::env::var("ROLLCALL_GOLDEN").as_deref() == Ok("write") {
            std::fs::write(&file, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            expected == text,
            "{} is not what is told now:\n{text}",
            file.display()
        );
    }
}
