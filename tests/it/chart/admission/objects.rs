//! What the chart makes of `admission`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::helm::{Helm, chart, of_kind, text, values};
use crate::support::process::repository;

/// What Helm makes, where it thinks that the API server has this.
async fn made(more: Value, has: Option<&str>) -> Vec<Value> {
    let mut values = values();
    for (key, value) in more.as_object().unwrap() {
        values[key] = value.clone();
    }
    let chart = chart();
    let has = has.map(|kind| format!("--api-versions={kind}"));
    let mut arguments = vec!["template", "it", text(&chart), "--namespace", "ops"];
    arguments.extend(has.as_deref());
    let out = Helm::alone().await.ok(&arguments, Some(&values)).await;
    let objects: Vec<Value> = serde_saphyr::from_multiple(&out).unwrap();
    objects.into_iter().filter(|o| !o.is_null()).collect()
}

fn names(objects: &[Value], kind: &str) -> BTreeSet<String> {
    let name = |o: &&Value| o["metadata"]["name"].as_str().unwrap().to_owned();
    of_kind(objects, kind).iter().map(name).collect()
}

fn all(of: &[&str]) -> BTreeSet<String> {
    of.iter()
        .map(|name| format!("it-rollcall-{name}"))
        .collect()
}

const POLICY: &str = "ValidatingAdmissionPolicy";
const BINDING: &str = "ValidatingAdmissionPolicyBinding";

#[tokio::test]
async fn each_rule_is_made_where_it_is_wanted() {
    let plain = made(json!({}), None).await;
    let usual = all(&["approvals", "conflicts", "status"]);
    assert_eq!(names(&plain, POLICY), usual);
    assert_eq!(names(&plain, BINDING), usual);
    let privileged = json!({"entitlements": [{"connector": "vault"}]});
    let more = made(json!({"admission": {"privileged": privileged}}), None).await;
    let ceilings = all(&[
        "privileged-grants",
        "privileged-includes",
        "privileged-roles",
    ]);
    let every: BTreeSet<String> = usual.union(&ceilings).cloned().collect();
    assert_eq!(names(&more, POLICY), every);
    let granter = "it-rollcall-privileged-granter";
    assert!(names(&more, "ClusterRole").contains(granter));

    for rule in ["approvals", "conflicts", "status"] {
        let without = made(json!({"admission": {rule: {"enabled": false}}}), None).await;
        let mut left = usual.clone();
        left.remove(&format!("it-rollcall-{rule}"));
        assert_eq!(
            (names(&without, POLICY), names(&without, BINDING)),
            (left.clone(), left)
        );
    }
    let none = json!({"admission": {"enabled": false, "privileged": privileged}});
    let none = made(
        none,
        Some("admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"),
    )
    .await;
    for object in &none {
        let version = object["apiVersion"].as_str().unwrap();
        assert!(!version.starts_with("admissionregistration"), "{object}");
        assert_ne!(object["metadata"]["name"], "it-rollcall-approver");
    }
}

#[tokio::test]
async fn rules_hold_in_the_namespaces_that_are_looked_after() {
    let privileged = json!({"entitlements": [{"connector": "vault"}]});
    let named = json!({
        "watch": {"namespaces": ["people", "staff"]},
        "admission": {"failurePolicy": "Ignore", "privileged": privileged},
    });
    let has = Some("admissionregistration.k8s.io/v1/MutatingAdmissionPolicy");
    let objects = made(named, has).await;
    let expressions = json!([{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["people", "staff"]}]);
    let bindings = [BINDING, "MutatingAdmissionPolicyBinding"].map(|kind| of_kind(&objects, kind));
    let bindings = bindings.concat();
    assert_eq!(bindings.len(), 7);
    for binding in bindings {
        let spec = &binding["spec"];
        assert_eq!(spec["policyName"], binding["metadata"]["name"]);
        let there = &spec["matchResources"]["namespaceSelector"]["matchExpressions"];
        assert_eq!(there, &expressions);
    }
    for policy in of_kind(&objects, POLICY) {
        assert_eq!(policy["spec"]["failurePolicy"], "Ignore");
    }
    // Where a rule gives way, nobody is given a right on its strength.
    let roles = of_kind(&objects, "ClusterRole");
    let approver = roles
        .iter()
        .find(|r| r["metadata"]["name"] == "it-rollcall-approver");
    let verbs = &approver.unwrap()["rules"][0]["verbs"];
    assert_eq!(verbs, &json!(["get", "list", "watch", "approve"]));

    let everywhere = made(json!({}), None).await;
    for binding in of_kind(&everywhere, BINDING) {
        assert_eq!(binding["spec"].get("matchResources"), None);
        assert_eq!(binding["spec"]["validationActions"], json!(["Deny"]));
    }
}

#[tokio::test]
async fn the_approver_is_written_down_where_the_api_server_can() {
    let kind = "MutatingAdmissionPolicy";
    for version in ["v1", "v1beta1"] {
        let version = format!("admissionregistration.k8s.io/{version}");
        let has = format!("{version}/{kind}");
        let objects = made(json!({}), Some(&has)).await;
        for kind in [kind, "MutatingAdmissionPolicyBinding"] {
            let there = of_kind(&objects, kind);
            assert_eq!(there.len(), 1, "{kind}");
            assert_eq!(there[0]["apiVersion"], version.as_str());
        }
        let never = json!({"admission": {"approvals": {"recordApprover": "Never"}}});
        let objects = made(never, Some(&has)).await;
        assert_eq!(of_kind(&objects, kind).len(), 0);
    }
    assert_eq!(of_kind(&made(json!({}), None).await, kind).len(), 0);
}

#[tokio::test]
async fn statuses_are_for_the_account_that_the_operator_has() {
    let users = async |more: Value| -> String {
        let objects = made(more, None).await;
        let policies = of_kind(&objects, POLICY);
        let status = policies
            .iter()
            .find(|p| p["metadata"]["name"] == "it-rollcall-status");
        let rule = &status.unwrap()["spec"]["validations"][0]["expression"];
        rule.as_str().unwrap().to_owned()
    };
    let own = users(json!({})).await;
    assert!(
        own.ends_with("in [\"system:serviceaccount:ops:it-rollcall\"]"),
        "{own}"
    );
    let another = json!({
        "serviceAccount": {"create": false, "name": "there-already"},
        "admission": {"status": {"writers": ["restorer"]}},
    });
    let another = users(another).await;
    let expected = "in [\"system:serviceaccount:ops:there-already\",\"restorer\"]";
    assert!(another.ends_with(expected), "{another}");
}

/// Paths of what has a value in `values.yaml`.
fn paths(value: &Value, at: &str) -> Vec<String> {
    match value.as_object().filter(|fields| !fields.is_empty()) {
        Some(fields) => fields
            .iter()
            .flat_map(|(name, value)| paths(value, &format!("{at}.{name}")))
            .collect(),
        None => vec![at.trim_start_matches('.').to_owned()],
    }
}

#[tokio::test]
async fn the_page_tells_of_each_rule_and_each_value() {
    let page = std::fs::read_to_string(repository("docs/admission.md")).unwrap();
    let privileged = json!({"entitlements": [{"connector": "vault"}]});
    let every = made(json!({"admission": {"privileged": privileged}}), None).await;
    for name in names(&every, POLICY) {
        let rule = name.trim_start_matches("it-rollcall-");
        assert!(page.contains(&format!("| `{rule}` |")), "{rule}");
    }
    let values = std::fs::read_to_string(chart().join("values.yaml")).unwrap();
    let values: Value = serde_saphyr::from_str(&values).unwrap();
    let paths = paths(&values["admission"], "");
    assert!(paths.len() > 6, "{paths:?}");
    for path in paths {
        assert!(page.contains(&format!("`{path}`")), "{path}");
    }
}
