//! What the chart makes of its values.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::helm::{Helm, of_kind, values};

async fn made(more: Value) -> Vec<Value> {
    let mut values = values();
    for (key, value) in more.as_object().unwrap() {
        values[key] = value.clone();
    }
    Helm::alone().await.template(&values).await.unwrap()
}

fn named<'a>(objects: &[&'a Value]) -> BTreeMap<&'a str, &'a Value> {
    let name = |o: &&'a Value| (o["metadata"]["name"].as_str().unwrap(), *o);
    objects.iter().map(name).collect()
}

#[tokio::test]
async fn crds_are_the_generated_ones_and_stay() {
    let objects = made(json!({})).await;
    let crds = of_kind(&objects, "CustomResourceDefinition");
    let crds = named(&crds);
    let wanted = rollcall::api::crds::all();
    assert_eq!(crds.len(), wanted.len());
    for crd in wanted {
        let name = crd.metadata.name.clone().unwrap();
        let there = crds[name.as_str()];
        assert_eq!(
            there["metadata"]["annotations"]["helm.sh/resource-policy"],
            "keep"
        );
        // Read as its type, so that 64 and 64.0 are one.
        let spec = serde_json::from_value(there["spec"].clone()).unwrap();
        assert_eq!(crd.spec, spec, "{name}");
    }
    let without = made(json!({"crds": {"install": false}})).await;
    assert_eq!(of_kind(&without, "CustomResourceDefinition").len(), 0);
}

#[tokio::test]
async fn rights_end_at_the_namespaces_that_are_named() {
    let objects = made(json!({"watch": {"namespaces": ["people", "staff"]}})).await;
    let at = |kind: &str| -> Vec<(String, String)> {
        let objects = of_kind(&objects, kind);
        let part = |o: &Value, name: &str| o["metadata"][name].as_str().unwrap().to_owned();
        let place = |o: &&Value| (part(o, "namespace"), part(o, "name"));
        objects.iter().map(place).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        pairs.iter().map(own).collect()
    };
    let expected = pairs(&[
        ("ops", "it-rollcall-leader-election"),
        ("people", "it-rollcall"),
        ("staff", "it-rollcall"),
    ]);
    let mut roles = at("Role");
    roles.sort();
    let mut bindings = at("RoleBinding");
    bindings.sort();
    assert_eq!((&roles, &bindings), (&expected, &expected));
    for binding in of_kind(&objects, "RoleBinding") {
        assert_eq!(binding["roleRef"]["name"], binding["metadata"]["name"]);
        let account =
            json!([{"kind": "ServiceAccount", "name": "it-rollcall", "namespace": "ops"}]);
        assert_eq!(binding["subjects"], account);
    }
    assert_eq!(of_kind(&objects, "ClusterRoleBinding").len(), 0);
    let cluster = of_kind(&objects, "ClusterRole");
    let names: Vec<&str> = named(&cluster).into_keys().collect();
    let people = ["admin", "approver", "edit", "view"].map(|role| format!("it-rollcall-{role}"));
    assert_eq!(names, people, "only those for people");

    let all = made(json!({"rbac": {"aggregateRoles": false}})).await;
    assert_eq!(of_kind(&all, "ClusterRole").len(), 1);
    assert_eq!(of_kind(&all, "ClusterRoleBinding").len(), 1);
    let none = json!({"rbac": {"create": false, "aggregateRoles": false}});
    let none = made(none).await;
    for kind in ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"] {
        assert_eq!(of_kind(&none, kind).len(), 0, "{kind}");
    }
}

#[tokio::test]
async fn people_read_and_write_the_kinds_and_never_a_status() {
    let objects = made(json!({"watch": {"namespaces": ["people"]}})).await;
    let roles = of_kind(&objects, "ClusterRole");
    let roles = named(&roles);
    let kinds = json!(["employees", "roletemplates", "appconnectors"]);
    for (name, verbs, aggregated) in [
        ("it-rollcall-view", json!(["get", "list", "watch"]), 3),
        (
            "it-rollcall-edit",
            json!(["create", "update", "patch", "delete"]),
            2,
        ),
        ("it-rollcall-admin", json!(["deletecollection"]), 1),
    ] {
        let rule = json!([{"apiGroups": ["rollcall.dev"], "resources": kinds, "verbs": verbs}]);
        assert_eq!(roles[name]["rules"], rule, "{name}");
        let labels = roles[name]["metadata"]["labels"].as_object().unwrap();
        let to = ["admin", "edit", "view"].map(|role| {
            let label = format!("rbac.authorization.k8s.io/aggregate-to-{role}");
            labels.get(&label).is_some_and(|v| v == "true")
        });
        let expected = [true, aggregated > 1, aggregated > 2];
        assert_eq!(to, expected, "{name}");
    }
}

#[tokio::test]
async fn the_deployment_is_confined_and_probed() {
    let objects = made(json!({"replicas": 2})).await;
    let deployment = of_kind(&objects, "Deployment")[0];
    let spec = &deployment["spec"];
    assert_eq!(spec["strategy"]["type"], "RollingUpdate");
    assert_eq!(spec["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
    let pod = &spec["template"]["spec"];
    // Ten seconds for requests in flight, five for statuses, three for the Lease.
    assert!(pod["terminationGracePeriodSeconds"].as_i64().unwrap() > 18);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let container = &pod["containers"][0];
    let confined = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]},
    });
    assert_eq!(container["securityContext"], confined);
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        let get = json!({"path": path, "port": "http"});
        assert_eq!(container[probe]["httpGet"], get);
    }
    let port = json!([{"name": "http", "containerPort": 8080}]);
    assert_eq!(container["ports"], port);
    assert_eq!(
        container["image"],
        concat!("registry.example.com/rollcall:", env!("CARGO_PKG_VERSION"))
    );
    let args: Vec<&str> = container["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a.as_str().unwrap())
        .collect();
    for arg in [
        "run",
        "--installation=acme",
        "--all-namespaces",
        "--log-format=json",
        "--leader-elect",
    ] {
        assert!(args.contains(&arg), "{arg} is not in {args:?}");
    }
    // What selects pods is on them.
    let labels = spec["template"]["metadata"]["labels"].as_object().unwrap();
    for (name, value) in spec["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(labels.get(name), Some(value));
    }

    let alone = made(json!({"leaderElection": {"enabled": false}})).await;
    let deployment = of_kind(&alone, "Deployment")[0];
    assert_eq!(deployment["spec"]["strategy"], json!({"type": "Recreate"}));
    let args = deployment["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    assert!(!args.contains("leader-elect"), "{args}");
    assert!(!args.contains("--paused"), "{args}");
    let paused = made(json!({"paused": true})).await;
    let deployment = of_kind(&paused, "Deployment")[0];
    let args = deployment["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    assert!(args.contains("--paused"), "{args}");
    assert_eq!(of_kind(&alone, "Role").len(), 0);
}

#[tokio::test]
async fn what_people_add_arrives() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let objects = made(json!({
        "image": {"repository": "registry.example.com/rollcall", "tag": "x", "digest": digest},
        "imagePullSecrets": [{"name": "registry"}],
        "podLabels": {"team": "identity"},
        "podAnnotations": {"note": "yes"},
        "priorityClassName": "high",
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"}],
        "resources": {"limits": {"cpu": "1"}},
        "podSecurityContext": {"runAsUser": 1000},
        "serviceAccount": {"create": true, "name": "own", "annotations": {"role": "arn"}},
        "listen": {"address": "::", "port": 9090},
        "networkPolicy": {"enabled": true, "ingressFrom": [{"podSelector": {}}]},
        "podMonitor": {"enabled": true, "labels": {"release": "prometheus"}},
        "replicas": 3,
    }))
    .await;
    let deployment = of_kind(&objects, "Deployment")[0];
    let template = &deployment["spec"]["template"];
    assert_eq!(template["metadata"]["labels"]["team"], "identity");
    assert_eq!(template["metadata"]["annotations"]["note"], "yes");
    let pod = &template["spec"];
    let container = &pod["containers"][0];
    assert_eq!(
        container["image"],
        format!("registry.example.com/rollcall@{digest}")
    );
    for (there, wanted) in [
        (&pod["imagePullSecrets"][0]["name"], json!("registry")),
        (&pod["priorityClassName"], json!("high")),
        (&pod["nodeSelector"]["disk"], json!("ssd")),
        (&pod["tolerations"][0]["operator"], json!("Exists")),
        (&pod["affinity"], json!({"podAntiAffinity": {}})),
        (
            &pod["topologySpreadConstraints"][0]["topologyKey"],
            json!("zone"),
        ),
        (&pod["securityContext"]["runAsUser"], json!(1000)),
        (&pod["securityContext"]["runAsNonRoot"], json!(true)),
        (&pod["serviceAccountName"], json!("own")),
        (&container["resources"]["limits"]["cpu"], json!("1")),
        (&container["resources"]["limits"]["memory"], json!("512Mi")),
        (&container["env"][3]["name"], json!("HTTPS_PROXY")),
        (&container["ports"][0]["containerPort"], json!(9090)),
    ] {
        assert_eq!(*there, wanted);
    }
    assert!(container["args"].to_string().contains("--listen=[::]:9090"));
    let account = of_kind(&objects, "ServiceAccount")[0];
    assert_eq!(account["metadata"]["name"], "own");
    assert_eq!(account["metadata"]["annotations"]["role"], "arn");
    let monitor = of_kind(&objects, "PodMonitor")[0];
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    for object in of_kind(&objects, "PodDisruptionBudget")
        .iter()
        .chain(&of_kind(&objects, "PodMonitor"))
    {
        assert_eq!(object["spec"]["selector"], deployment["spec"]["selector"]);
    }
    let policy = of_kind(&objects, "NetworkPolicy")[0];
    assert_eq!(
        policy["spec"]["podSelector"],
        deployment["spec"]["selector"]
    );
    assert_eq!(
        policy["spec"]["ingress"][0]["from"],
        json!([{"podSelector": {}}])
    );

    let plain = made(json!({})).await;
    for kind in ["PodDisruptionBudget", "NetworkPolicy", "PodMonitor"] {
        assert_eq!(
            of_kind(&plain, kind).len(),
            0,
            "{kind} is asked for, or there is none"
        );
    }
}
