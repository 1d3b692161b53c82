//! What the chart takes as values, and what it says of those that it doesn't.

use serde_json::{Value, json};

use crate::support::helm::{Helm, chart, text, values};
use crate::support::process::repository;

/// The least values, changed at a path such as `watch.namespaces`.
fn with(path: &str, value: Value) -> Value {
    let mut values = values();
    let mut place = &mut values;
    for part in path.split('.') {
        place = &mut place[part];
    }
    *place = value;
    values
}

#[tokio::test]
async fn lint_has_nothing_to_say() {
    let helm = Helm::alone().await;
    let chart = chart();
    let arguments = ["lint", "--strict", text(&chart)];
    let said = helm.ok(&arguments, Some(&values())).await;
    assert!(said.contains("0 chart(s) failed"), "{said}");
}

/// A path, a value that makes no sense there, and what is said of it.
type Nonsense = (&'static str, Value, Vec<&'static str>);

fn nonsense() -> Vec<Nonsense> {
    let long = "x".repeat(64);
    let mut all = in_the_head(&long);
    all.extend(in_the_rest());
    all
}

fn in_the_head(long: &str) -> Vec<Nonsense> {
    vec![
        (
            "installation",
            json!(""),
            vec!["installation is required", "the mark"],
        ),
        ("installation", json!("Acme"), vec!["/installation", "Acme"]),
        ("installation", json!(long), vec!["/installation"]),
        (
            "image.repository",
            json!(""),
            vec!["image.repository is required", "Dockerfile"],
        ),
        ("image.repository", json!("a b"), vec!["/image/repository"]),
        ("image.digest", json!("sha256:1"), vec!["/image/digest"]),
        (
            "image.pullPolicy",
            json!("Sometimes"),
            vec!["/image/pullPolicy", "IfNotPresent"],
        ),
        ("image.taag", json!("1"), vec!["/image", "taag"]),
        (
            "imagePullSecrets",
            json!(["name"]),
            vec!["/imagePullSecrets/0"],
        ),
        ("replica", json!(2), vec!["replica"]),
        ("replicas", json!("two"), vec!["/replicas"]),
        ("replicas", json!(-1), vec!["/replicas"]),
        (
            "watch.namespaces",
            json!("people"),
            vec!["/watch/namespaces"],
        ),
        (
            "watch.namespaces",
            json!(["a", "a"]),
            vec!["/watch/namespaces"],
        ),
        (
            "watch.namespaces",
            json!(["Bad_Name"]),
            vec!["/watch/namespaces/0", "Bad_Name"],
        ),
        ("crds.install", json!("yes"), vec!["/crds/install"]),
    ]
}

fn in_the_rest() -> Vec<Nonsense> {
    vec![
        (
            "serviceAccount.nam",
            json!("x"),
            vec!["/serviceAccount", "nam"],
        ),
        ("rbac.create", json!(1), vec!["/rbac/create"]),
        (
            "admission.failurePolicy",
            json!("Maybe"),
            vec!["/admission/failurePolicy", "Ignore"],
        ),
        (
            "admission.actions",
            json!(["Deny", "Warn"]),
            vec!["/admission/actions"],
        ),
        ("admission.actions", json!([]), vec!["/admission/actions"]),
        (
            "admission.approvals",
            json!({"recordApprover": "Always"}),
            vec!["/admission/approvals/recordApprover", "Never"],
        ),
        (
            "admission.status",
            json!({"writers": "restorer"}),
            vec!["/admission/status/writers"],
        ),
        (
            "admission.privileged",
            json!({"entitlements": [{"connector": "vault", "entitlements": ["x"]}]}),
            vec!["/admission/privileged/entitlements/0", "entitlements"],
        ),
        (
            "admission.privileged",
            json!({"entitlements": [{}]}),
            vec!["/admission/privileged/entitlements/0"],
        ),
        (
            "admission.privileged",
            json!({"entitlements": [{"connector": "a/b"}]}),
            vec!["/admission/privileged/entitlements/0/connector"],
        ),
        (
            "leaderElection.leaseDuration",
            json!("15"),
            vec!["/leaderElection/leaseDuration"],
        ),
        (
            "leaderElection.leaseDuration",
            json!(15),
            vec!["/leaderElection/leaseDuration"],
        ),
        ("log.format", json!("xml"), vec!["/log/format"]),
        ("listen.port", json!(0), vec!["/listen/port"]),
        (
            "listen.address",
            json!("localhost"),
            vec!["/listen/address"],
        ),
        (
            "extraEnv",
            json!([{"value": "x"}]),
            vec!["/extraEnv/0", "name"],
        ),
        ("podLabels", json!({"a": 1}), vec!["/podLabels/a"]),
        (
            "terminationGracePeriodSeconds",
            json!(5),
            vec!["/terminationGracePeriodSeconds"],
        ),
        (
            "podDisruptionBudget.maxUnavailable",
            json!("half"),
            vec!["/podDisruptionBudget/maxUnavailable"],
        ),
        (
            "networkPolicy.egress",
            json!({}),
            vec!["/networkPolicy/egress"],
        ),
        (
            "podMonitor.interval",
            json!("soon"),
            vec!["/podMonitor/interval"],
        ),
    ]
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    let helm = Helm::alone().await;
    for (path, value, parts) in nonsense() {
        let said = helm.template(&with(path, value.clone())).await;
        let why = said.expect_err(&format!("{path}={value} was taken"));
        for part in parts {
            assert!(why.contains(part), "{path}={value}: no {part:?} in {why}");
        }
    }
    let mut two = with("replicas", json!(2));
    two["leaderElection"] = json!({"enabled": false});
    let why = helm.template(&two).await.unwrap_err();
    assert!(
        why.contains("replicas must be 1 where leaderElection.enabled is false"),
        "{why}"
    );
}

/// Each object of the schema knows all its fields; those where Kubernetes knows better are free.
fn closed(schema: &Value, at: &str, open: &mut Vec<String>) {
    if let Some(properties) = schema["properties"]
        .as_object()
        .filter(|_| schema["additionalProperties"] == false)
    {
        for (name, property) in properties {
            closed(property, &format!("{at}.{name}"), open);
        }
    } else if schema["type"] == "object" {
        open.push(at.trim_start_matches('.').to_owned());
    }
}

#[test]
fn the_schema_is_closed_and_knows_every_value() {
    let read = |name: &str| std::fs::read_to_string(chart().join(name)).unwrap();
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let mut open = Vec::new();
    closed(&schema, "", &mut open);
    assert_eq!(
        open,
        [
            "affinity",
            "global",
            "nodeSelector",
            "podAnnotations",
            "podLabels",
            "podMonitor.labels",
            "podSecurityContext",
            "resources",
            "securityContext",
            "serviceAccount.annotations",
        ]
    );
    let defaults: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let names = |value: &Value| -> Vec<String> {
        let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    let mut known = names(&schema["properties"]);
    known.retain(|name| name != "global");
    assert_eq!(names(&defaults), known);
    for (name, value) in defaults.as_object().unwrap() {
        let schema = &schema["properties"][name];
        if schema["additionalProperties"] == false {
            assert_eq!(names(value), names(&schema["properties"]), "{name}");
        }
    }
}

#[test]
fn the_chart_is_of_this_version() {
    let chart = std::fs::read_to_string(repository("charts/rollcall/Chart.yaml")).unwrap();
    let chart: Value = serde_saphyr::from_str(&chart).unwrap();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}
