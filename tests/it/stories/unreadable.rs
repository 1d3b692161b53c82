//! Objects that an earlier version of the schema let through, and that this version can't read.

use rollcall::api::employee::EmployeeStatus;
use serde_json::{Value, json};

use super::kit::{Story, cycles, employee, everyone, tells, writes};
use super::planned::{PullRequest, plan, told};
use crate::support::controlplane::control_plane;
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

/// An object as the API server shows it, whether or not it fits our types.
async fn shown(story: &Story, what: &str) -> Value {
    let out = story.ns.kubectl_ok(&["get", what, "-o", "json"]).await;
    serde_json::from_str(&out).unwrap()
}

/// Waits until the operator says that it can't read an object, and returns its words.
async fn stalled(story: &Story, what: &str) -> String {
    eventually("it is told as unreadable", async || {
        let seen = shown(story, what).await;
        let conditions = seen["status"]["conditions"].as_array();
        let found = conditions
            .into_iter()
            .flatten()
            .find(|c| c["type"] == "Stalled" && c["reason"] == "Unreadable");
        match found {
            Some(c) => Ok(c["message"].as_str().unwrap().to_owned()),
            None => Err(seen),
        }
    })
    .await
}

/// Nobody loses anything by it, not even what a status remembers, and others go on.
#[tokio::test]
async fn what_can_not_be_read_is_left_as_it_is() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("unreadable").await;
    let operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let ada = employee("ada", "1", "Ada", "Lovelace");
    story.apply_person(ada).await;
    let before = story.provisioned("ada", 1).await;
    story.role_says("all", "Ready", "True", "InForce").await;
    cycles(&server, 1).await;
    let sent = writes(&server).await;

    let place = format!("employees/{}/ada", story.ns.name);
    control_plane()
        .await
        .smuggle(&place, |o| o["spec"]["employment"] = json!("Sabbatical"))
        .await;
    let message = stalled(&story, "employee/ada").await;
    tells(&message, &["Sabbatical", "mend it", "upgrade"]);
    cycles(&server, 1).await;

    // Someone who never saw it whole knows as much.
    operator.stop().await.unwrap();
    let _operator = Operator::start(&story.ns).await;
    story
        .apply_role(everyone("more", "directory", &["news"]))
        .await;
    story
        .apply_person(employee("bob", "2", "Bob", "Noyce"))
        .await;
    story.provisioned("bob", 1).await;
    stalled(&story, "employee/ada").await;
    let ada = shown(&story, "employee/ada").await;
    let ada: EmployeeStatus = serde_json::from_value(ada["status"].clone()).unwrap();
    assert_eq!(ada.accounts, before.accounts);
    assert_eq!(ada.roles, before.roles);
    assert_eq!(ada.stage, before.stage);
    cycles(&server, 2).await;
    let id = before.accounts[0].account_id.clone().unwrap();
    let hers = |w: &&crate::support::targets::LoggedRequest| w.path.contains(&id);
    let now = writes(&server).await;
    assert_eq!(
        now.iter().filter(hers).count(),
        sent.iter().filter(hers).count()
    );
    assert!(server.group_members("staff").await.contains("ada.lovelace"));

    // It keeps nobody from a plan, and a file of it says the same.
    let merged = [
        employee("sue", "3", "Sue", "Black"),
        everyone("more", "directory", &["news"]),
    ];
    let pull_request = PullRequest::of(&merged);
    let (code, planned) = plan(&story, &pull_request).await;
    assert_eq!(code, 2, "{planned:#}");
    assert_eq!(planned["people"][0]["employee"], "sue");
    assert_eq!(
        planned["people"].as_array().unwrap().len(),
        1,
        "{planned:#}"
    );
    tells(
        &planned["notes"].to_string(),
        &[
            "Employee ada in the cluster does not fit",
            "Sabbatical",
            "left as it is",
        ],
    );
    let (code, state) = told(&story, &["export"], true).await;
    assert_eq!(code, 0, "{state}");
    assert!(!state.contains("Sabbatical"), "{state}");

    // Mended, all goes on.

    let place = format!("employees/{}/ada", story.ns.name);
    control_plane()
        .await
        .smuggle(&place, |o| o["spec"]["employment"] = json!("Active"))
        .await;
    let status = story.provisioned("ada", 1).await;
    let held: Vec<_> = status.accounts[0]
        .entitlements
        .iter()
        .map(|e| e.name.as_str())
        .collect();
    assert_eq!(held, ["news", "staff"]);
}

/// A rule of the schema reads the field that has the wrong type: the API server refuses every status of
/// such an object, and an event tells instead.
#[tokio::test]
async fn where_no_status_can_be_written_an_event_tells() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("wrong-type").await;
    let _operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story.role_says("all", "Ready", "True", "InForce").await;
    let place = format!("roletemplates/{}/all", story.ns.name);
    control_plane()
        .await
        .smuggle(&place, |o| o["spec"]["includes"] = json!("everyone"))
        .await;
    let message = eventually("an event tells", async || {
        let events = shown(&story, "events").await;
        let items = events["items"].as_array();
        let found = items
            .into_iter()
            .flatten()
            .find(|e| e["involvedObject"]["name"] == "all" && e["reason"] == "Stalled");
        match found {
            Some(event) => Ok(event["message"].as_str().unwrap().to_owned()),
            None => Err(events.clone()),
        }
    })
    .await;
    tells(&message, &["does not fit", "mend it"]);
}
