//! `initialPasswords.enabled`: what the operator may do to Secrets then, and what a manager may who is to hand
//! one password over.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use serde_json::{Value, json};

use super::rights::{were_needed, working_life};
use crate::directories::kit::openldap;
use crate::stories::kit::{Story, clerk, template};
use crate::support::deployed::{Deployed, Release};
use crate::support::helm::{Helm, of_kind, values};
use crate::support::openldap::OpenLdap;
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const MEANT: &str = "entry.ida.initial-password";

/// Rules about Secrets in each role that the chart makes.
async fn about_secrets(more: &Value) -> Vec<(String, Vec<Value>)> {
    let mut values = values();
    for (key, value) in more.as_object().unwrap() {
        values[key] = value.clone();
    }
    let objects = Helm::alone().await.template(&values).await.unwrap();
    let mut found = Vec::new();
    for role in ["Role", "ClusterRole"]
        .map(|kind| of_kind(&objects, kind))
        .concat()
    {
        let rules = role["rules"].as_array().into_iter().flatten().cloned();
        let of_secrets = |rule: &Value| {
            let resources = rule["resources"].as_array().unwrap();
            resources
                .iter()
                .any(|name| name == "secrets" || name == "*")
        };
        let rules: Vec<Value> = rules.filter(of_secrets).collect();
        if !rules.is_empty() {
            found.push((role["metadata"]["name"].as_str().unwrap().to_owned(), rules));
        }
    }
    found
}

fn rule(verbs: &[&str]) -> Value {
    json!({"apiGroups": [""], "resources": ["secrets"], "verbs": verbs})
}

#[tokio::test]
async fn are_no_right_to_any_secret_unless_they_are_wanted() {
    let reading = rule(&["list", "watch"]);
    let keeping = rule(&["get", "create", "patch", "delete"]);
    let some = json!({"namespaces": ["people"]});
    for (watch, enabled, wanted) in [
        (json!({}), false, vec![reading.clone()]),
        (some.clone(), false, vec![reading.clone()]),
        (json!({}), true, vec![reading.clone(), keeping.clone()]),
        (some, true, vec![reading, keeping]),
    ] {
        let more = json!({"watch": watch, "initialPasswords": {"enabled": enabled}});
        let found = about_secrets(&more).await;
        assert_eq!(found, [("it-rollcall".to_owned(), wanted)], "{more}");
    }
}

/// As an attempt that failed long ago has left it, or one whose time is over.
fn kept(name: &str, employee: &str, expires: &str) -> Value {
    json!({
        "metadata": {
            "name": name,
            "labels": {rollcall::api::INITIAL_PASSWORD_LABEL: "true"},
            "annotations": {
                rollcall::api::EXPIRES_ANNOTATION: expires,
                "rollcall.dev/connector": "entry", "rollcall.dev/employee-id": employee,
            },
        },
        "type": "kubernetes.io/basic-auth",
        "stringData": {"username": format!("{employee}.example"), "password": "Left-from-attempt-22"},
    })
}

/// The operator needs each of these rights. A manager who may read one Secret by its name reads that one, and
/// neither another nor the list of them.
#[tokio::test]
async fn are_kept_with_no_more_rights_than_that_takes() {
    let (server, directory) = (ScimServer::scimmy().await, OpenLdap::start().await);
    let story = Story::new("initial-rights").await;
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(10);
    let long_ago = "2020-01-01T00:00:00Z";
    for (employee, expires) in [("eva", &*soon.to_string()), ("gone", long_ago)] {
        let name = format!("entry.{employee}.initial-password");
        let secret = kept(&name, employee, expires);
        story.ns.apply::<Secret>(secret).await.unwrap();
    }
    let flag = json!({"initialPasswords": {"enabled": true}});
    let release = Release::for_people_with(&story.ns.name, flag).await;
    let operator = Deployed::start(&story.ns).await;

    let mut entry = openldap("entry", &directory);
    entry["spec"]["account"]["initialPassword"] = json!({"mustChange": false, "keepFor": "2d"});
    let hosts = directory.hosts();
    let credential = story.ns.credential("entry", directory.password(), &hosts);
    credential.await;
    story.apply_connector(entry).await;
    let rule = "employee.department == 'Directory'";
    story
        .apply_role(template("entry", rule, &[("entry", &[])]))
        .await;
    for name in ["ida", "eva"] {
        story
            .apply_person(clerk(name, name, "Directory", json!({})))
            .await;
        story.provisioned(name, 1).await;
    }
    working_life(&story, &server).await;
    let secrets = story.ns.api::<Secret>();
    eventually("the one whose time is over is deleted", async || {
        let there = secrets
            .get_opt("entry.gone.initial-password")
            .await
            .unwrap();
        match there {
            None => Ok(()),
            there => Err(there.map(|secret| secret.metadata)),
        }
    })
    .await;
    handed_over(&story).await;
    were_needed(&story, &release, operator).await;
}

/// By impersonation, as the API server decides.
async fn handed_over(story: &Story) {
    let role = json!({
        "metadata": {"name": "hands-over"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [MEANT], "verbs": ["get"]}],
    });
    story.ns.apply::<Role>(role).await.unwrap();
    let binding = json!({
        "metadata": {"name": "hands-over"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "hands-over"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "manager"}],
    });
    story.ns.apply::<RoleBinding>(binding).await.unwrap();
    let password = "--output=go-template={{.data.password | base64decode}}";
    let words = ["get", "secret", MEANT, password, "--as=manager"];
    let read = eventually("the manager reads the password", async || {
        let said = story.ns.kubectl(&words).await;
        if said.ok { Ok(said.out) } else { Err(said.err) }
    })
    .await;
    assert_eq!(read.len(), 20, "a password of the usual length");
    for words in [
        &[
            "get",
            "secret",
            "entry.eva.initial-password",
            "--as=manager",
        ][..],
        &["get", "secret", "entry", "--as=manager"],
        &["get", "secrets", "--as=manager"],
        &["get", "secret", MEANT, "--watch", "--as=manager"],
        &["delete", "secret", MEANT, "--as=manager"],
        &["get", "secret", MEANT, "--as=somebody"],
    ] {
        let said = story.ns.kubectl(words).await;
        assert!(
            !said.ok && said.err.contains("Forbidden"),
            "{words:?}: {said:?}"
        );
    }
    let words = ["delete", "role/hands-over", "rolebinding/hands-over"];
    story.ns.kubectl_ok(&words).await;
}
