//! Installing, upgrading, uninstalling, in a control plane of its own: CRDs belong to everyone.

use std::path::Path;
use std::sync::Arc;

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use rollcall::api::Employee;
use serde_json::{Value, json};

use crate::support::controlplane::ControlPlane;
use crate::support::deployed::{Deployed, Release};
use crate::support::helm::{Helm, chart, text, values};
use crate::support::namespace::Namespace;
use crate::support::proxy::Verdict;
use crate::support::wait::{eventually, wait_for};

/// A control plane that ends with the test process.
async fn control_plane() -> &'static ControlPlane {
    Box::leak(Box::new(ControlPlane::without_crds().await))
}

/// The chart as an earlier version would have been: its Employees have no `personalEmail`.
fn earlier_chart(folder: &Path) {
    copy(&chart(), folder);
    let path = folder.join("files/crds/rollcall.dev_employees.yaml");
    let crd = std::fs::read_to_string(&path).unwrap();
    let mut crd: Value = serde_saphyr::from_str(&crd).unwrap();
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let fields = schema["properties"]["spec"]["properties"]
        .as_object_mut()
        .unwrap();
    fields.remove("personalEmail").unwrap();
    std::fs::write(&path, serde_saphyr::to_string(&crd).unwrap()).unwrap();
    let path = folder.join("Chart.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let old = text.replace("\nversion: ", "\nversion: 0.0.1-before-");
    std::fs::write(&path, old).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn person(email: Option<&str>) -> Value {
    let mut spec = json!({
        "employeeId": "1",
        "name": {"given": "Ada", "family": "Lovelace"},
        "department": "Marketing",
        "jobTitle": "Manager",
        "startDate": "2020-01-01",
    });
    if let Some(email) = email {
        spec["personalEmail"] = json!(email);
    }
    json!({"metadata": {"name": "ada"}, "spec": spec})
}

async fn established(control_plane: &ControlPlane) {
    let crds: Api<CustomResourceDefinition> = Api::all(control_plane.client());
    for crd in rollcall::api::crds::all() {
        wait_for(
            &crds,
            &crd.name_any(),
            "is established",
            |crd: &CustomResourceDefinition| {
                let conditions = crd
                    .status
                    .iter()
                    .flat_map(|s| s.conditions.iter().flatten());
                conditions
                    .into_iter()
                    .any(|c| c.type_ == "Established" && c.status == "True")
            },
        )
        .await;
    }
}

#[tokio::test]
async fn install_upgrade_uninstall() {
    let control_plane = control_plane().await;
    let people = Namespace::new_in(control_plane, "people").await;
    let ops = Namespace::new_in(control_plane, "ops").await;
    let helm = Helm::of(control_plane.kubeconfig()).await;
    let folder = tempfile::tempdir().unwrap();
    earlier_chart(folder.path());

    let at = ["rollcall", "--namespace", &ops.name, "--set"];
    let set = format!("watch.namespaces={{{}}}", people.name);
    let run = async |verb: &str, chart: &Path, set: &str| {
        let mut arguments = vec![verb, at[0], text(chart)];
        arguments.extend(&at[1..]);
        arguments.push(set);
        helm.ok(&arguments, Some(&values())).await
    };
    let notes = run("install", folder.path(), &set).await;
    for part in [
        "installation \"acme\"",
        &people.name,
        "label secret",
        "DryRun",
    ] {
        assert!(notes.contains(part), "{part:?} is not in {notes}");
    }
    established(control_plane).await;
    let first: Employee = people.apply(person(None)).await.unwrap();
    let status = serde_json::to_value(&first).unwrap()["status"].clone();
    assert_eq!(
        status,
        json!({"observedGeneration": -1}),
        "nobody has looked yet"
    );
    let error = people
        .apply::<Employee>(person(Some("ada@example.org")))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("personalEmail"), "{error}");

    let set_replicas = format!("{set},replicas=2");
    let chart = chart();
    run("upgrade", &chart, &set_replicas).await;
    let deployment: Deployment = ops.api().get("rollcall").await.unwrap();
    assert_eq!(deployment.spec.unwrap().replicas, Some(2));
    ops.api::<PodDisruptionBudget>()
        .get("rollcall")
        .await
        .unwrap();
    eventually("the new field is taken", async || {
        people
            .apply::<Employee>(person(Some("ada@example.org")))
            .await
            .map(drop)
    })
    .await;
    let crds: Api<CustomResourceDefinition> = Api::all(control_plane.client());
    for wanted in rollcall::api::crds::all() {
        let there = crds.get(&wanted.name_any()).await.unwrap();
        let schema = |crd: CustomResourceDefinition| crd.spec.versions[0].schema.clone();
        assert_eq!(schema(there), schema(wanted));
    }

    helm.ok(&["uninstall", at[0], at[1], at[2]], None).await;
    for crd in rollcall::api::crds::all() {
        let there = crds.get(&crd.name_any()).await.unwrap();
        let deleted = there.metadata.deletion_timestamp;
        assert!(
            deleted.is_none(),
            "{} goes with the release",
            crd.name_any()
        );
    }
    assert!(
        ops.api::<Deployment>()
            .get_opt("rollcall")
            .await
            .unwrap()
            .is_none()
    );
    let roles: Api<ClusterRole> = Api::all(control_plane.client());
    assert!(roles.get_opt("rollcall-view").await.unwrap().is_none());
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(control_plane.client());
    let left = policies.list(&ListParams::default()).await.unwrap();
    assert_eq!(left.items, [], "rules go with the release");
    let ada = people.api::<Employee>().get("ada").await.unwrap();
    assert_eq!(ada.spec.personal_email.as_deref(), Some("ada@example.org"));

    // Installed again, it takes over the CRDs that it left behind. Statuses are its own to write, and those of
    // another release that looks after the same namespace.
    let all = Namespace::new_in(control_plane, "all").await;
    let account = format!("system:serviceaccount:{0}:{0}-rollcall", all.name);
    let set_writers = format!("{set},admission.status.writers={{{account}}}");
    run("install", &chart, &set_writers).await;
    every_namespace(control_plane, all, &people).await;
}

/// Without namespaces it looks after all of them; a release of another name does not get in the way.
async fn every_namespace(control_plane: &'static ControlPlane, ops: Namespace, people: &Namespace) {
    let more = json!({"crds": {"install": false}});
    let release = Arc::new(Release::install(ops, more).await);
    let name = release.deployment.name_any();
    let bindings: Api<ClusterRoleBinding> = Api::all(control_plane.client());
    bindings.get(&name).await.unwrap();
    let mut operator = Deployed::of(release, "0", |_| Verdict::Pass).await;
    operator.leads().await;
    wait_for(&people.api(), "ada", "was looked at", |ada: &Employee| {
        let seen = ada.status.as_ref().map(|s| s.observed_generation);
        seen == ada.metadata.generation
    })
    .await;
}

/// The Pod Security Standard "restricted" as the API server enforces it.
#[tokio::test]
async fn pods_are_admitted_where_only_restricted_ones_are() {
    let control_plane = crate::support::controlplane::control_plane().await;
    let ops = Namespace::new("restricted").await;
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(control_plane.client());
    let label =
        json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    namespaces
        .patch(&ops.name, &PatchParams::default(), &Patch::Merge(label))
        .await
        .unwrap();
    let objects = Helm::alone().await.template(&values()).await.unwrap();
    let deployment = crate::support::helm::of_kind(&objects, "Deployment")[0];
    let template = &deployment["spec"]["template"];
    let pod = |name: &str, spec: &Value| -> Pod {
        let labels = &template["metadata"]["labels"];
        let pod = json!({"metadata": {"name": name, "labels": labels}, "spec": spec});
        serde_json::from_value(pod).unwrap()
    };
    let pods = ops.api::<Pod>();
    let mut loose = template["spec"].clone();
    loose["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
    let parameters = PostParams::default();
    let error = pods
        .create(&parameters, &pod("loose", &loose))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("PodSecurity"), "{error}");
    let confined = pod("confined", &template["spec"]);
    pods.create(&parameters, &confined).await.unwrap();
}
