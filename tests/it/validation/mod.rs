//! What the real API server refuses, and what it then says; what it accepts; what it fills in.

use futures::StreamExt;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use rollcall::api::{AppConnector, Employee, RoleTemplate};
use serde_json::{Value, json};

use self::cases::{accepted, refused};
use self::coverage::Coverage;
use self::objects::{connector, employee, role, with};
use crate::support::namespace::Namespace;

mod cases;
mod coverage;
mod guard_cases;
mod ldap_cases;
mod matching_cases;
mod objects;
mod orphan_cases;
mod sql_cases;

/// Asks the API server what it would do with a new object.
async fn try_create(client: &Client, namespace: &str, object: &Value) -> Result<Value, String> {
    let kind = object["kind"].as_str().unwrap();
    let plural = kind.to_lowercase() + "s";
    let url = format!(
        "/apis/rollcall.dev/v1alpha1/namespaces/{namespace}/{plural}?dryRun=All&fieldValidation=Strict"
    );
    let request = http::Request::post(url)
        .header("Content-Type", "application/json")
        .body(serde_json::to_vec(object).unwrap())
        .unwrap();
    match client.request::<Value>(request).await {
        Ok(made) => Ok(made),
        Err(kube::Error::Api(status)) => Err(status.message),
        Err(e) => panic!("{e}"),
    }
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_what_to_do() {
    let namespace = Namespace::new("refused").await;
    let client = namespace.client();
    let outcomes: Vec<_> = futures::stream::iter(refused())
        .map(async |(object, says)| {
            let outcome = try_create(&client, &namespace.name, &object).await;
            (object, says, outcome)
        })
        .buffer_unordered(8)
        .collect()
        .await;
    let mut wrong = Vec::new();
    let mut coverage = Coverage::default();
    for (object, says, outcome) in outcomes {
        match outcome {
            Err(message) => {
                if !message.contains(says) {
                    wrong.push(format!("{object}\n  must say: {says}\n  says: {message}"));
                }
                if planned(std::slice::from_ref(&object)).is_ok() {
                    wrong.push(format!("{object}\n  can be planned, and: {message}"));
                }
                coverage.note(&object, &message);
            }
            Ok(_) => wrong.push(format!("{object}\n  must say: {says}\n  was accepted")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(coverage.missing(), [""; 0], "rules that no case breaks");
}

#[tokio::test]
async fn what_can_work_is_accepted() {
    let namespace = Namespace::new("accepted").await;
    for object in accepted() {
        if let Err(message) = try_create(&namespace.client(), &namespace.name, &object).await {
            panic!("{object}: {message}");
        }
    }
}

/// What `rollcall plan` says of manifests where there is nothing yet: the plan, or why there is none.
fn planned(objects: &[Value]) -> Result<Value, String> {
    let folder = tempfile::TempDir::new().unwrap();
    let manifests = folder.path().join("manifests");
    std::fs::create_dir(&manifests).unwrap();
    for (n, object) in objects.iter().enumerate() {
        let mut object = object.clone();
        if objects.len() > 1 {
            object["metadata"]["name"] = json!(format!("object-{n}"));
        }
        std::fs::write(manifests.join(format!("{n}.json")), object.to_string()).unwrap();
    }
    let state = json!({
        "version": 2, "takenAt": "2026-01-01T00:00:00Z", "namespace": "people", "redacted": false,
        "employees": [], "roleTemplates": [], "appConnectors": [],
    });
    let file = folder.path().join("state.json");
    std::fs::write(&file, state.to_string()).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(["plan", "--output", "json", "--filename"]);
    command.arg(&manifests).arg("--offline").arg(&file);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.is_empty() {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        Err(said)
    }
}

/// `rollcall plan` holds manifests to the schemas and rules by itself: it may refuse nothing that the API server takes.
#[test]
fn what_is_accepted_can_be_planned() {
    let plan = planned(&accepted()).unwrap();
    assert_eq!(plan["namespace"], "people");
}

/// The rule is a list of areas and of names without one: none that exists may be missing from it.
#[tokio::test]
async fn every_zone_of_the_database_is_accepted() {
    let namespace = Namespace::new("zones").await;
    let client = namespace.client();
    let zones: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.as_str().to_owned())
        // Machines may hold these beside the database; they are no zones of the world.
        .filter(|name| {
            !matches!(
                name.as_str(),
                "Factory" | "localtime" | "posixrules" | "Etc/Unknown"
            )
        })
        .collect();
    assert!(zones.len() > 400, "{}", zones.len());
    let wrong: Vec<String> = futures::stream::iter(zones)
        .map(async |zone| {
            let object = with(employee(), "/spec/timeZone", json!(zone));
            let outcome = try_create(&client, &namespace.name, &object).await;
            outcome.err()
        })
        .buffer_unordered(8)
        .filter_map(async |w| w)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_employee_id_never_changes() {
    let namespace = Namespace::new("immutable").await;
    let api: Api<Employee> = namespace.api();
    let made: Employee = serde_json::from_value(employee()).unwrap();
    api.create(&PostParams::default(), &made).await.unwrap();
    let change = |id: &str, title: &str| {
        Patch::Merge(json!({"spec": {"employeeId": id, "jobTitle": title}}))
    };
    let parameters = PatchParams::default();
    let refused = api
        .patch("ada-lovelace", &parameters, &change("1043", "CEO"))
        .await;
    let message = refused.unwrap_err().to_string();
    assert!(
        message.contains("employeeId is immutable: accounts are found by it"),
        "{message}"
    );
    assert!(
        message.contains("delete this Employee and create another"),
        "{message}"
    );
    let accepted = api
        .patch("ada-lovelace", &parameters, &change("1042", "CEO"))
        .await;
    assert_eq!(accepted.unwrap().spec.job_title, "CEO");
}

/// kstatus takes an object without status for done: each must have one that says otherwise.
#[tokio::test]
async fn a_new_object_reads_as_never_observed() {
    let namespace = Namespace::new("defaults").await;
    for object in [employee(), role(), connector()] {
        let made = try_create(&namespace.client(), &namespace.name, &object)
            .await
            .unwrap();
        assert_eq!(
            made["status"],
            json!({"observedGeneration": -1}),
            "{}",
            object["kind"]
        );
    }
}

#[tokio::test]
async fn what_is_left_out_is_filled_in_safely() {
    let namespace = Namespace::new("defaults").await;
    let client = namespace.client();
    let made = try_create(&client, &namespace.name, &employee())
        .await
        .unwrap();
    assert_eq!(made["spec"]["type"], "Employee");
    assert_eq!(made["spec"]["employment"], "Active");
    let made = try_create(&client, &namespace.name, &connector())
        .await
        .unwrap();
    let spec = &made["spec"];
    assert_eq!(spec["mode"], "Enforce");
    assert_eq!(spec["orphans"]["policy"], "Report");
    assert_eq!(spec["deletion"]["policy"], "Release");
    assert_eq!(spec["entitlements"]["missing"], "Report");
    assert_eq!(spec["moves"]["hold"], "24h");
    assert_eq!(spec["scim"]["allowLinkLocal"], false);
    assert_eq!(
        spec["sync"],
        json!({"interval": "10m", "timeout": "30s", "pageSize": 200, "concurrency": 8, "membershipBatch": 100, "allowLinkLocal": false})
    );
    let rules = json!({"allowedPunctuation": ".-_@", "maxLength": 64, "letterCase": "Lower"});
    assert_eq!(spec["account"]["usernameRules"], rules);
}

#[tokio::test]
async fn kubectl_shows_what_a_person_asks() {
    let namespace = Namespace::new("columns").await;
    namespace.apply::<Employee>(employee()).await.unwrap();
    namespace.apply::<RoleTemplate>(role()).await.unwrap();
    namespace.apply::<AppConnector>(connector()).await.unwrap();
    let columns = [
        ("employees", "NAME STAGE READY ACCOUNTS NEXT AGE"),
        (
            "roletemplates",
            "NAME READY HOLDERS PROVISIONED FAILURES ORPHANS AGE",
        ),
        (
            "appconnectors",
            "NAME TYPE READY ACCOUNTS ORPHANS INVENTORY MODE AGE",
        ),
    ];
    for (plural, header) in columns {
        let shown = namespace.kubectl_ok(&["get", plural]).await;
        let first: Vec<&str> = shown.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(first.join(" "), header);
    }
    for short in ["emp", "rt", "appcon"] {
        let shown = namespace.kubectl_ok(&["get", short, "-o", "name"]).await;
        assert_eq!(shown.lines().count(), 1, "{shown}");
    }
    let all = namespace
        .kubectl_ok(&["get", "rollcall", "-o", "name"])
        .await;
    let mut all: Vec<&str> = all.lines().collect();
    all.sort_unstable();
    assert_eq!(
        all,
        [
            "appconnector.rollcall.dev/directory",
            "employee.rollcall.dev/ada-lovelace",
            "roletemplate.rollcall.dev/marketing",
        ]
    );
}

/// CEL cost limits hold only where sizes are bounded, and so does the memory of whoever lists.
#[test]
fn every_size_in_a_spec_is_bounded() {
    let mut unbounded = Vec::new();
    let mut looked_at = 0;
    for crd in rollcall::api::crds::all() {
        let crd = serde_json::to_value(&crd).unwrap();
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let spec = &schema["properties"]["spec"];
        walk(
            spec,
            &format!("{kind}.spec"),
            &mut looked_at,
            &mut unbounded,
        );
    }
    assert!(unbounded.is_empty(), "{unbounded:#?}");
    assert!(looked_at > 60, "only {looked_at} schemas were found");
}

fn walk(schema: &Value, path: &str, looked_at: &mut usize, unbounded: &mut Vec<String>) {
    *looked_at += 1;
    let lacks = |key: &str| schema.get(key).is_none();
    match schema["type"].as_str() {
        Some("string") if lacks("maxLength") && lacks("enum") => unbounded.push(path.to_owned()),
        Some("integer") if lacks("maximum") || lacks("minimum") => unbounded.push(path.to_owned()),
        Some("array") if lacks("maxItems") => unbounded.push(path.to_owned()),
        Some("string" | "integer" | "array" | "boolean" | "object") => {}
        other => unbounded.push(format!("{path}: of type {other:?}")),
    }
    if let Some(values) = schema.get("additionalProperties") {
        let rules = schema["x-kubernetes-validations"].to_string();
        if lacks("maxProperties") || !rules.contains("size(k) <=") {
            unbounded.push(path.to_owned());
        }
        walk(values, &format!("{path}[*]"), looked_at, unbounded);
    }
    if let Some(items) = schema.get("items") {
        walk(items, &format!("{path}[]"), looked_at, unbounded);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(property, &format!("{path}.{name}"), looked_at, unbounded);
    }
}
