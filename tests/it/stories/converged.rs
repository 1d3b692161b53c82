//! Story 8: what is as it should be is left alone.

use std::collections::BTreeMap;

use kube::ResourceExt;
use kube::api::ListParams;
use rollcall::api::{AppConnector, Employee, RoleTemplate};
use serde_json::json;

use super::kit::{Story, cycles, employee, everyone, writes};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

/// Version of every object of the namespace, events too.
async fn versions(story: &Story) -> BTreeMap<String, String> {
    let all = ListParams::default();
    let mut out = BTreeMap::new();
    macro_rules! note {
        ($kind:ty) => {
            for object in story.ns.api::<$kind>().list(&all).await.unwrap() {
                let key = format!("{} {}", stringify!($kind), object.name_any());
                out.insert(key, object.resource_version().unwrap());
            }
        };
    }
    note!(Employee);
    note!(RoleTemplate);
    note!(AppConnector);
    note!(k8s_openapi::api::events::v1::Event);
    out
}

/// What the operator counts of its writes.
async fn counted(operator: &Operator) -> Vec<String> {
    let metrics = operator.metrics().await;
    let writes = |line: &&str| {
        line.starts_with("rollcall_kubernetes_writes_total")
            || line.starts_with("rollcall_writes_total")
    };
    let mut lines: Vec<String> = metrics.lines().filter(writes).map(str::to_owned).collect();
    lines.sort();
    lines
}

async fn everyone_is_told_of(story: &Story, people: usize) {
    story.role_says("all", "Ready", "True", "InForce").await;
    let wanted = |c: &AppConnector| {
        let status = c.status.as_ref().unwrap();
        status.accounts == i64::try_from(people).unwrap()
            && status
                .conditions
                .iter()
                .any(|c| c.type_ == "Ready" && c.status == "True")
    };
    story.connector("one", "counts everyone", wanted).await;
    story.connector("two", "counts everyone", wanted).await;
}

#[tokio::test]
pub async fn a_converged_company_is_silent() {
    let one = ScimServer::scimmy().await;
    let two = ScimServer::scim2_server().await;
    let story = Story::new("converged").await;
    // Something of everything: strangers, rogue members, a leaver, someone on leave, one to come.
    let stranger = one.create_user(json!({"userName": "stranger"})).await;
    let staff = one.create_group("staff").await;
    one.add_member(&staff, &stranger).await;
    story.connect("one", &one).await;
    story.connect("two", &two).await;
    let mut role = everyone("all", "one", &["staff", "news"]);
    role["spec"]["grants"]
        .as_array_mut()
        .unwrap()
        .push(json!({"connector": "two", "entitlements": ["mail"]}));
    story.apply_role(role).await;
    for (i, name) in ["ada", "bob", "cyd", "dan", "eve"].iter().enumerate() {
        let mut person = employee(name, &format!("{i}"), name, "Smith");
        if *name != "ada" {
            person["spec"]["managerRef"] = json!({"name": "ada"});
        }
        if *name == "eve" {
            person["spec"]["startDate"] = json!("2099-01-01");
        }
        story.apply_person(person).await;
    }
    let operator = Operator::start(&story.ns).await;
    for name in ["ada", "bob", "cyd", "dan"] {
        story.provisioned(name, 2).await;
    }
    story.ready("eve").await;
    let mut leaver = employee("dan", "3", "dan", "Smith");
    leaver["spec"]["endDate"] = json!("2021-01-01");
    story.apply_person(leaver).await;
    story
        .person_says("dan", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    let mut away = employee("cyd", "2", "cyd", "Smith");
    away["spec"]["employment"] = json!("OnLeave");
    story.apply_person(away).await;
    story
        .person("cyd", "is on leave", |s| {
            s.stage.as_deref() == Some("OnLeave")
        })
        .await;
    story.ready("cyd").await;
    everyone_is_told_of(&story, 4).await;
    // The last summaries gather for a moment; a cycle of listings is longer.
    cycles(&one, 2).await;

    let before = (versions(&story).await, counted(&operator).await);
    let sent = (writes(&one).await, writes(&two).await);
    cycles(&one, 3).await;
    cycles(&two, 1).await;
    assert_eq!((versions(&story).await, counted(&operator).await), before);
    assert_eq!((writes(&one).await, writes(&two).await), sent);

    // Started anew, it reads, and finds nothing to say.
    operator.stop().await.unwrap();
    let operator = Operator::start(&story.ns).await;
    cycles(&one, 3).await;
    cycles(&two, 1).await;
    assert_eq!(versions(&story).await, before.0);
    assert_eq!(counted(&operator).await, [""; 0]);
    assert_eq!((writes(&one).await, writes(&two).await), sent);
}
