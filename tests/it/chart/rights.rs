//! The operator's rights are what it needs, no less and no more: a whole working life is told with
//! the chart's own ServiceAccount, and what was asked of the API server meanwhile is compared with what
//! the chart grants.

use std::collections::BTreeSet;

use k8s_openapi::api::rbac::v1::{PolicyRule, Role};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use rollcall::api::{AppConnector, Employee};
use serde_json::json;

use crate::stories::kit::{Story, connector, employee, everyone};
use crate::support::deployed::{Deployed, Release};
use crate::support::proxy::{Forwarded, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

/// Namespace, API group, resource with its subresource, verb.
type Right = (String, String, String, String);

/// What a request needs (Kubernetes, "Determine the request verb").
fn needed(request: &Forwarded) -> Right {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _version, rest @ ..] => (*group, rest),
        _ => panic!("no resource: {request:?}"),
    };
    let ["namespaces", namespace, resource, rest @ ..] = rest else {
        panic!("in no namespace: {request:?}");
    };
    let verb = match (request.method.as_str(), rest.is_empty()) {
        ("GET", true) if query.contains("watch=true") => "watch",
        ("GET", true) => "list",
        ("GET", false) => "get",
        ("POST", true) => "create",
        ("PUT", false) => "update",
        ("PATCH", false) => "patch",
        ("DELETE", false) => "delete",
        _ => panic!("which verb is {request:?}"),
    };
    let resource = match rest {
        [_, subresource] => format!("{resource}/{subresource}"),
        _ => (*resource).to_owned(),
    };
    let text = |text: &str| text.to_owned();
    (text(namespace), text(group), resource, text(verb))
}

/// What rules grant in a namespace.
fn granted(namespace: &str, rules: &[PolicyRule]) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for rule in rules {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for verb in &rule.verbs {
                    let right = (
                        namespace.to_owned(),
                        group.clone(),
                        resource.clone(),
                        verb.clone(),
                    );
                    rights.insert(right);
                }
            }
        }
    }
    rights
}

async fn change(story: &Story, person: &str, spec: serde_json::Value) {
    let patch = Patch::Merge(json!({"spec": spec}));
    let people = story.ns.api::<Employee>();
    people
        .patch(person, &PatchParams::default(), &patch)
        .await
        .unwrap();
}

/// Joining, moving, leaving twice, a dry run, a deletion that has to act first, a new credential.
pub(super) async fn working_life(story: &Story, server: &ScimServer) {
    let mut object = connector("directory", server);
    object["spec"]["deletion"] = json!({"policy": "Disable"});
    story.credential("directory", server).await;
    story.apply_connector(object.clone()).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let mut sales = everyone("sales", "directory", &["sales"]);
    sales["spec"]["match"] = json!("employee.department == 'Sales'");
    story.apply_role(sales).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story
        .apply_person(employee("bob", "2", "Bob", "Noyce"))
        .await;
    story.provisioned("ada", 1).await;
    story.provisioned("bob", 1).await;

    change(story, "ada", json!({"department": "Sales"})).await;
    story
        .person("ada", "holds the new group", |s| {
            s.accounts[0].entitlements.iter().any(|e| e.name == "sales")
        })
        .await;

    // Told twice of the same person, so that the event becomes a series.
    for _ in 0..2 {
        change(story, "bob", json!({"endDate": "2021-01-01"})).await;
        story
            .person_says("bob", "AccessRevoked", "True", "ReadBackDisabled")
            .await;
        change(story, "bob", json!({"endDate": null})).await;
        story.provisioned("bob", 1).await;
    }

    object["spec"]["mode"] = json!("DryRun");
    story.apply_connector(object.clone()).await;
    story
        .apply_person(employee("cyd", "3", "Cyd", "Marsh"))
        .await;
    story
        .person("cyd", "is told what would be done", |s| {
            s.accounts
                .first()
                .is_some_and(|a| a.reason.as_deref() == Some("DryRun"))
        })
        .await;
    object["spec"]["mode"] = json!("Enforce");
    story.apply_connector(object).await;
    story.provisioned("cyd", 1).await;

    let people = story.ns.api::<Employee>();
    people
        .delete("cyd", &DeleteParams::default())
        .await
        .unwrap();
    eventually("the object is gone", async || {
        match people.get_opt("cyd").await.unwrap() {
            None => Ok(()),
            Some(person) => Err(person.metadata),
        }
    })
    .await;
    let account = server.user_by_name("cyd.marsh").await.unwrap();
    assert_eq!(account["active"], false, "disabled first");

    let refused = async |token: &str| story.ns.credential("directory", token, server.host()).await;
    refused("wrong-wrong").await;
    story
        .connector_says("directory", "Connected", "False", "Unauthorized")
        .await;
    story.credential("directory", server).await;
    story
        .connector("directory", "is in order again", |c: &AppConnector| {
            let status = c.status.as_ref().unwrap();
            crate::stories::kit::is(&status.conditions, "Ready", "True")
        })
        .await;
}

#[tokio::test]
async fn are_what_is_needed_no_less_and_no_more() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("rights").await;
    let release = Release::for_people(&story.ns.name).await;
    let operator = Deployed::start(&story.ns).await;
    working_life(&story, &server).await;
    were_needed(&story, &release, operator).await;
}

/// Fails unless what an operator asked for is what it was granted, no less and no more.
pub(super) async fn were_needed(story: &Story, release: &Release, mut operator: Deployed) {
    // The Lease is renewed, too.
    eventually("everything was asked for", async || {
        let asked = operator.asked();
        if asked.iter().any(|r| r.method == "PUT") {
            Ok(())
        } else {
            Err(asked.len())
        }
    })
    .await;
    operator.process().kill();
    let asked = operator.asked();
    let used: BTreeSet<Right> = asked.iter().map(needed).collect();

    let mut rights = BTreeSet::new();
    for namespace in [&story.ns, &release.ops] {
        let roles = namespace
            .api::<Role>()
            .list(&ListParams::default())
            .await
            .unwrap();
        assert_eq!(roles.items.len(), 1);
        for role in roles {
            rights.extend(granted(&namespace.name, &role.rules.unwrap()));
        }
    }
    let used: Vec<_> = used.into_iter().collect();
    let rights: Vec<_> = rights.into_iter().collect();
    assert_eq!(used, rights, "used, and granted");
    assert!(operator.refused().is_empty());
}

/// The watch above would see a right that is missing, and `/readyz` says which one it is.
#[tokio::test]
async fn one_that_is_missing_is_told() {
    let story = Story::new("no-secrets").await;
    let release = Release::for_people(&story.ns.name).await;
    let roles = story.ns.api::<Role>();
    let name = release.deployment.metadata.name.clone().unwrap();
    let mut role = roles.get(&name).await.unwrap();
    role.rules.as_mut().unwrap().retain(|rule| {
        let resources = rule.resources.as_deref().unwrap_or_default();
        !resources.contains(&"secrets".to_owned())
    });
    roles
        .replace(&name, &kube::api::PostParams::default(), &role)
        .await
        .unwrap();

    let mut operator = Deployed::of(release, "0", |_| Verdict::Pass).await;
    let url = format!("http://{}/readyz", operator.address());
    eventually("it says what it may not", async || {
        let answer = reqwest::get(&url).await.map_err(|e| e.to_string())?;
        let code = answer.status().as_u16();
        let words = answer.text().await.unwrap();
        let told = ["secrets", "forbidden"]
            .iter()
            .all(|part| words.contains(part));
        if code == 503 && told {
            Ok(())
        } else {
            Err(words)
        }
    })
    .await;
    let refused = operator.refused();
    assert!(!refused.is_empty());
    assert!(
        refused.iter().all(|r| needed(r).2 == "secrets"),
        "{refused:?}"
    );
}
