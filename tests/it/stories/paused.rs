//! In the operator's hands: one person, one connector or everything is paused. Nothing is written,
//! the status goes on saying what would be, and what changed meanwhile is caught up.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use rollcall::api::employee::EmployeeStatus;
use rollcall::api::{Employee, FINALIZER, PAUSED_ANNOTATION};
use serde_json::{Value, json};

use super::kit::{
    Story, connector, cycles, employee, everyone, is, message, tells, usernames, writes,
};
use crate::support::operator::{Operator, OperatorProcess};
use crate::support::targets::{LoggedRequest, ScimServer};
use crate::support::wait::eventually;

fn leaver(mut manifest: Value) -> Value {
    manifest["spec"]["endDate"] = json!("2021-01-01");
    manifest
}

fn paused(mut manifest: Value) -> Value {
    manifest["metadata"]["annotations"] = json!({PAUSED_ANNOTATION: "true"});
    manifest
}

async fn pause(story: &Story, object: &str) {
    story
        .annotate(object, PAUSED_ANNOTATION, Some("true"))
        .await;
}

async fn resume(story: &Story, object: &str) {
    story.annotate(object, PAUSED_ANNOTATION, None).await;
}

/// Waits until a person says that a pause keeps something back, which is named. Nobody works on it.
async fn waits(story: &Story, name: &str, parts: &[&str]) -> EmployeeStatus {
    let status = story
        .person(name, "says what waits for the end of the pause", |s| {
            // What is taken elsewhere is gathered for a moment.
            let is_quiet = !is(&s.conditions, "Reconciling", "True");
            is_quiet
                && s.conditions.iter().any(|c| {
                    (&*c.type_, &*c.status, &*c.reason) == ("Ready", "False", "Paused")
                        && parts.iter().all(|part| c.message.contains(part))
                })
        })
        .await;
    assert!(!is(&status.conditions, "Stalled", "True"), "{status:?}");
    status
}

/// Waits until a leaver says that the pause keeps access open, which an event warns of as well.
async fn held(story: &Story, name: &str) {
    let message = story
        .person_says(name, "Ready", "False", "LeaverHeld")
        .await;
    tells(&message, &["access has ended", "disable", "paused"]);
    story
        .person_says(name, "AccessRevoked", "False", "LeaverHeld")
        .await;
    let api = story.ns.api::<Event>();
    eventually("an event warns of it", async || {
        let events = api.list(&ListParams::default()).await.unwrap().items;
        let warns = events.iter().any(|event| {
            let about = event.regarding.as_ref().and_then(|r| r.name.as_deref());
            let is = (event.reason.as_deref(), event.type_.as_deref());
            about == Some(name) && is == (Some("LeaverHeld"), Some("Warning"))
        });
        if warns { Ok(()) } else { Err(events) }
    })
    .await;
}

async fn id_of(server: &ScimServer, username: &str) -> String {
    let user = server.user_by_name(username).await.unwrap();
    user["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_person() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("paused-person").await;
    let operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for (name, id, given, family) in [
        ("ada", "1", "Ada", "Lovelace"),
        ("bob", "2", "Bob", "Noyce"),
    ] {
        story.apply_person(employee(name, id, given, family)).await;
        story.provisioned(name, 1).await;
    }
    let ada = id_of(&server, "ada.lovelace").await;

    // Nothing is to be done for her: she is ready, and says that she is paused.
    pause(&story, "employee/ada").await;
    let says_paused = |s: &EmployeeStatus| message(&s.conditions, "Ready").contains("paused");
    let status = story.person("ada", "says so", says_paused).await;
    assert!(is(&status.conditions, "Ready", "True"));
    let before = writes(&server).await.len();

    // A move, a policy edit and a joiner. Everyone else gets theirs.
    let mut promoted = paused(employee("ada", "1", "Ada", "Lovelace"));
    promoted["spec"]["jobTitle"] = json!("Director");
    story.apply_person(promoted.clone()).await;
    story
        .apply_role(everyone("all", "directory", &["news"]))
        .await;
    story
        .apply_person(paused(employee("cyd", "3", "Cyd", "Marsh")))
        .await;
    story
        .person("bob", "has what is new", |s| {
            let held = s.accounts.first().map(|a| &a.entitlements);
            is(&s.conditions, "Ready", "True")
                && held.is_some_and(|held| held.len() == 1 && held[0].name == "news")
        })
        .await;
    waits(
        &story,
        "ada",
        &["paused by", "title", "add news", "remove staff"],
    )
    .await;
    waits(&story, "cyd", &["create cyd.marsh", "add news"]).await;

    // The pause survives a restart, and holds a leaver.
    operator.stop().await.unwrap();
    let _operator = Operator::start(&story.ns).await;
    story.apply_person(leaver(promoted)).await;
    held(&story, "ada").await;
    cycles(&server, 2).await;
    let hers = |r: &LoggedRequest| r.path.contains(&ada);
    let after = writes(&server).await.split_off(before);
    assert!(!after.iter().any(hers), "{after:?}");
    assert_eq!(usernames(&server).await, ["ada.lovelace", "bob.noyce"]);
    let user = server.user_by_name("ada.lovelace").await.unwrap();
    assert_eq!(
        (&user["active"], &user["title"]),
        (&json!(true), &json!("Manager"))
    );
    assert_eq!(server.group_member_ids("staff").await, [ada.as_str()]);

    resume(&story, "employee/cyd").await;
    story.provisioned("cyd", 1).await;
    resume(&story, "employee/ada").await;
    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    story.ready("ada").await;
    assert!(server.group_member_ids("staff").await.is_empty());
    assert_eq!(server.group_member_ids("news").await.len(), 2);
}

#[tokio::test]
async fn one_connector() {
    let server = ScimServer::scimmy().await;
    let chat = ScimServer::scim2_server().await;
    let story = Story::new("paused-connector").await;
    let operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story.connect("chat", &chat).await;
    let role = |name: &str, department: &str, connector: &str| {
        let mut role = everyone(name, connector, &["staff"]);
        role["spec"]["match"] = json!(format!("employee.department == '{department}'"));
        role
    };
    story
        .apply_role(role("marketing", "Marketing", "directory"))
        .await;
    story.apply_role(role("sales", "Sales", "chat")).await;
    let mut bob = employee("bob", "2", "Bob", "Noyce");
    bob["spec"]["department"] = json!("Sales");
    let cyd = employee("cyd", "3", "Cyd", "Marsh");
    story.apply_person(bob.clone()).await;
    story.apply_person(cyd.clone()).await;
    story.provisioned("bob", 1).await;
    story.provisioned("cyd", 1).await;

    pause(&story, "appconnector/directory").await;
    story
        .connector_says("directory", "Ready", "True", "Paused")
        .await;
    let columns = story.ns.kubectl_ok(&["get", "appconnectors"]).await;
    let line = columns.lines().find(|line| line.starts_with("directory"));
    tells(line.unwrap(), &["Paused"]);
    let before = writes(&server).await;

    // A joiner, a mover, a leaver, a policy edit, and a credential that is away for a while.
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    bob["spec"]["department"] = json!("Marketing");
    story.apply_person(bob).await;
    story.apply_person(leaver(cyd)).await;
    let mut marketing = role("marketing", "Marketing", "directory");
    marketing["spec"]["grants"][0]["entitlements"] = json!(["staff", "news"]);
    story.apply_role(marketing).await;
    waits(&story, "ada", &["create ada.lovelace", "news"]).await;
    held(&story, "cyd").await;
    // Nobody waits for what is paused: what the mover lost in the chat is taken away.
    let status = waits(&story, "bob", &["directory", "create bob.noyce"]).await;
    assert!(status.accounts.iter().any(|a| a.connector == "chat"));
    eventually("the chat has let him go", async || {
        let user = chat.user_by_name("bob.noyce").await.unwrap();
        if user["active"] == json!(false) {
            Ok(())
        } else {
            Err(user)
        }
    })
    .await;
    let secrets = story.ns.api::<Secret>();
    secrets
        .delete("directory", &DeleteParams::default())
        .await
        .unwrap();
    story
        .connector_says("directory", "Ready", "False", "SecretMissing")
        .await;
    story.credential("directory", &server).await;
    story
        .connector_says("directory", "Ready", "True", "Paused")
        .await;
    let seen = story
        .connector("directory", "counts what would be done", |c| {
            let counts = c.status.as_ref().and_then(|s| s.dry_run.as_ref());
            counts.is_some_and(|d| (d.create, d.disable, d.add_entitlements) == (2, 1, 4))
        })
        .await;
    assert_eq!(seen.status.unwrap().mode.as_deref(), Some("Paused"));
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, before);

    resume(&story, "appconnector/directory").await;
    story.provisioned("ada", 1).await;
    story.ready("bob").await;
    story
        .person_says("cyd", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    story
        .connector("directory", "enforces, and counts no longer", |c| {
            let status = c.status.as_ref().unwrap();
            status.mode.as_deref() == Some("Enforce") && status.dry_run.is_none()
        })
        .await;
    assert_eq!(server.group_member_ids("staff").await.len(), 2);
    assert_eq!(server.group_member_ids("news").await.len(), 2);
    operator.stop().await.unwrap();
}

/// Paused by the operator's own flag. Whoever is as desired is not written to for it.
#[tokio::test]
async fn everything() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("paused-all").await;
    let mut operator = OperatorProcess::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for (name, id) in [("bob", "2"), ("cyd", "3")] {
        story.apply_person(employee(name, id, name, "Noyce")).await;
        story.provisioned(name, 1).await;
    }
    assert!(operator.terminate().await);
    let people = story.ns.api::<Employee>();
    let version = async || people.get("bob").await.unwrap().metadata.resource_version;
    let (before, bob) = (writes(&server).await, version().await);

    let mut operator = OperatorProcess::start_as(&story.ns, &["--paused"], &[]).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story
        .apply_person(leaver(employee("cyd", "3", "cyd", "Noyce")))
        .await;
    waits(
        &story,
        "ada",
        &["everything is paused", "create ada.lovelace"],
    )
    .await;
    held(&story, "cyd").await;
    story
        .connector_says("directory", "Ready", "True", "Paused")
        .await;
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, before);
    assert_eq!(version().await, bob);
    assert!(operator.terminate().await);

    let _operator =
        OperatorProcess::start_as(&story.ns, &[], &[("ROLLCALL_PAUSED", "false")]).await;
    story.provisioned("ada", 1).await;
    story
        .person_says("cyd", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    story
        .connector_says("directory", "Ready", "True", "InOrder")
        .await;
    assert_eq!(version().await, bob);
}

const STORM: usize = 200;

/// What waits in the queue is taken back, also by the hundred.
#[tokio::test]
async fn in_the_middle_of_a_storm() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("paused-storm").await;
    let mut object = connector("directory", &server);
    object["spec"]["sync"] = json!({"interval": "1s", "requestsPerSecond": 10, "concurrency": 4});
    story.credential("directory", &server).await;
    story.apply_connector(object).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let names: Vec<String> = (0..STORM).map(|i| format!("person-{i}")).collect();
    for (i, name) in names.iter().enumerate() {
        let person = employee(name, &i.to_string(), "Pat", &format!("Smith{i}"));
        story.apply_person(person).await;
    }
    let _operator = Operator::start(&story.ns).await;
    eventually("accounts are made", async || {
        let seen = writes(&server).await.len();
        if seen > 20 { Ok(()) } else { Err(seen) }
    })
    .await;
    pause(&story, "appconnector/directory").await;
    story
        .connector_says("directory", "Ready", "True", "Paused")
        .await;
    // Two listings on: whatever was in flight has ended.
    cycles(&server, 1).await;
    let before = writes(&server).await;
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, before);
    let made = server.users().await.len();
    assert!((20..STORM).contains(&made), "{made} were made");

    let faster = json!({"spec": {"sync": {"requestsPerSecond": null}}});
    story
        .ns
        .api::<rollcall::api::AppConnector>()
        .patch("directory", &PatchParams::default(), &Patch::Merge(faster))
        .await
        .unwrap();
    resume(&story, "appconnector/directory").await;
    for name in &names {
        story.provisioned(name, 1).await;
    }
    assert_eq!(server.users().await.len(), STORM);
    assert_eq!(server.group_member_ids("staff").await.len(), STORM);
}

/// A deletion that a policy acts on waits for the end of the pause.
#[tokio::test]
async fn a_deletion_waits() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("paused-deletion").await;
    let _operator = Operator::start(&story.ns).await;
    let mut object = connector("directory", &server);
    object["spec"]["deletion"] = json!({"policy": "Disable"});
    story.credential("directory", &server).await;
    story.apply_connector(object).await;
    story.apply_role(everyone("all", "directory", &[])).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story.provisioned("ada", 1).await;
    pause(&story, "employee/ada").await;
    let people = story.ns.api::<Employee>();
    people
        .delete("ada", &DeleteParams::default())
        .await
        .unwrap();
    let message = story.person_says("ada", "Ready", "False", "Deleting").await;
    tells(&message, &["paused by", "disable the account"]);
    cycles(&server, 2).await;
    let object = people.get("ada").await.unwrap();
    assert_eq!(object.metadata.finalizers.unwrap(), [FINALIZER]);
    let active = async || server.user_by_name("ada.lovelace").await.unwrap()["active"].clone();
    assert_eq!(active().await, json!(true));

    resume(&story, "employee/ada").await;
    eventually("the object is gone", async || {
        match people.get_opt("ada").await.unwrap() {
            None => Ok(()),
            Some(object) => Err(object),
        }
    })
    .await;
    assert_eq!(active().await, json!(false));
}
