//! What `rollcall plan` takes for many people, without a cluster: time, and memory at its peak.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rollcall::api::{AppConnector, Employee, RoleTemplate};
use rollcall::preview::Objects;
use rollcall::preview::state::State;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::report::Report;

const CONNECTORS: [&str; 2] = ["directory", "chat"];
const DEPARTMENTS: usize = 10;

fn typed<K: DeserializeOwned>(object: Value) -> Arc<K> {
    Arc::new(serde_json::from_value(object).unwrap())
}

fn connector(name: &str) -> Value {
    json!({
        "apiVersion": "rollcall.dev/v1alpha1",
        "kind": "AppConnector",
        "metadata": {"name": name, "generation": 1},
        "spec": {
            "scim": {
                "baseUrl": format!("https://{name}.example.com/scim/v2"),
                "auth": {"bearer": {"secretKeyRef": {"name": name, "key": "token"}}},
            },
            "account": {
                "username": ["employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()"],
                "attributes": {"displayName": "employee.name.display", "title": "employee.jobTitle"},
            },
        },
        "status": {
            "observedGeneration": 1,
            "target": format!("scim https://{name}.example.com/scim/v2"),
            "accounts": 0, "orphans": 0,
            "capabilities": ["Delete", "Disable", "Entitlements", "Filter", "Mark", "Patch", "Rename"],
            "inventory": {"completeness": "Complete", "accounts": 0, "entitlements": 0},
            "entitlements": (0..DEPARTMENTS).map(|n| json!({"name": format!("d{n}"), "id": n.to_string()}))
                .chain([json!({"name": "staff", "id": "staff"}), json!({"name": "more", "id": "more"})])
                .collect::<Vec<_>>(),
        },
    })
}

fn role(n: usize, more: &[&str]) -> Value {
    let own = format!("d{n}");
    let entitlements: Vec<&str> = ["staff", own.as_str()]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    let grants = CONNECTORS.map(|name| json!({"connector": name, "entitlements": entitlements}));
    json!({
        "apiVersion": "rollcall.dev/v1alpha1",
        "kind": "RoleTemplate",
        "metadata": {"name": format!("department{n}"), "generation": 1},
        "spec": {"match": format!("employee.department == 'D{n}'"), "grants": grants},
    })
}

fn person(n: usize) -> Value {
    let department = n % DEPARTMENTS;
    let role = format!("department{department}");
    let accounts = CONNECTORS.map(|name| {
        let held = ["staff".to_owned(), format!("d{department}")];
        let held = held.map(|e| {
            json!({"name": e, "state": "Held", "roles": [role], "since": "2026-01-01T00:00:00Z"})
        });
        json!({
            "connector": name, "accountId": format!("a{n}"), "username": format!("given{n}.family{n}"),
            "state": "Active", "roles": [role], "entitlements": held,
        })
    });
    json!({
        "apiVersion": "rollcall.dev/v1alpha1",
        "kind": "Employee",
        "metadata": {"name": format!("p{n}"), "generation": 1},
        "spec": {
            "employeeId": n.to_string(),
            "name": {"given": format!("Given{n}"), "family": format!("Family{n}")},
            "department": format!("D{department}"),
            "jobTitle": "Clerk",
            "startDate": "2020-01-01",
        },
        "status": {
            "observedGeneration": 1, "stage": "Active", "accounts": accounts,
            "roles": [{"name": role, "why": "Match"}],
        },
    })
}

/// The plan of one edited template, which concerns a tenth of so many people.
pub async fn plan(report: &mut Report, people: usize, rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let named = |prefix: &str, n: usize| format!("{prefix}{n}");
    let objects = Objects {
        people: (0..people)
            .map(|n| (named("p", n), typed::<Employee>(person(n))))
            .collect(),
        roles: (0..DEPARTMENTS)
            .map(|n| (named("department", n), typed::<RoleTemplate>(role(n, &[]))))
            .collect(),
        connectors: CONNECTORS
            .iter()
            .map(|name| ((*name).to_owned(), typed::<AppConnector>(connector(name))))
            .collect::<BTreeMap<_, _>>(),
    };
    let state = State::new("people".to_owned(), objects, jiff::Timestamp::now());
    let file = folder.path().join("state.json");
    std::fs::write(&file, serde_json::to_vec(&state).unwrap()).unwrap();
    drop(state);
    let merged = folder.path().join("merged.yaml");
    std::fs::write(&merged, role(3, &["more"]).to_string()).unwrap();
    let mut runs = Vec::new();
    for _ in 0..rounds {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        command
            .args(["plan", "--output", "json", "-f"])
            .arg(&merged);
        command.arg("--offline").arg(&file).stdout(Stdio::null());
        let began = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut peak = 0;
        let code = loop {
            peak = peak.max(high_water(child.id()).unwrap_or(0));
            if let Some(status) = child.try_wait().unwrap() {
                break status.code().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        };
        assert_eq!(code, 2, "there are changes");
        runs.push((began.elapsed().as_secs_f64(), peak));
    }
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (seconds, peak) = runs[runs.len() / 2];
    let what = format!("rollcall plan for {people} people, of whom a tenth is concerned");
    report.add(&what, "time", seconds, "s", None);
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let mebibytes = peak as f64 / 1024.0;
    report.add(&what, "memory at its peak", mebibytes, "MiB", None);
}

/// The most memory that a process has had resident so far, in KiB.
fn high_water(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}
