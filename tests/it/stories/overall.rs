//! A mistake in small portions, each within the limits of its application: the operator has a limit over all of them.

use rollcall::api::{APPROVED_BY_ANNOTATION, APPROVED_REMOVALS_ANNOTATION};
use serde_json::{Value, json};

use super::kit::{Story, approval, clerk, tells, template};
use super::planned::{PullRequest, told};
use crate::support::operator::OperatorProcess;
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const TARGETS: [&str; 2] = ["chat", "directory"];

/// Who has what in an application: those of a department of the same name.
fn role(target: &str, rule: &str) -> Value {
    template(target, rule, &[(target, &["vip"])])
}

fn all_of(target: &str) -> String {
    format!("employee.department == '{target}'")
}

/// Three people in each of two applications, and an operator that lets two of them all lose something.
async fn company(name: &str, servers: &[ScimServer; 2]) -> (Story, OperatorProcess) {
    let story = Story::new(name).await;
    let limit = ["--guard-max-removals", "2"];
    let operator = OperatorProcess::start_as(&story.ns, &limit, &[]).await;
    for (target, server) in TARGETS.iter().zip(servers) {
        story.connect(target, server).await;
        story.apply_role(role(target, &all_of(target))).await;
        for n in 0..3 {
            let name = format!("{target}{n}");
            let person = clerk(&name, &name, target, json!({}));
            story.apply_person(person).await;
        }
    }
    for target in TARGETS {
        for n in 0..3 {
            story.provisioned(&format!("{target}{n}"), 1).await;
        }
        story
            .connector_says(target, "InventoryComplete", "True", "Complete")
            .await;
    }
    (story, operator)
}

async fn vips(server: &ScimServer) -> usize {
    server.group_member_ids("vip").await.len()
}

#[tokio::test]
async fn what_all_applications_lose_together_is_limited_and_approved_by_the_command_in_the_message()
{
    let servers = [ScimServer::scimmy().await, ScimServer::scim2_server().await];
    let (story, operator) = company("overall", &servers).await;

    // Two leave the one department: as many as may.
    for n in 0..2 {
        let name = format!("chat{n}");
        let moved = clerk(&name, &name, "Nowhere", json!({}));
        story.apply_person(moved).await;
    }
    eventually("one has it still", async || match vips(&servers[0]).await {
        1 => Ok(()),
        n => Err(n),
    })
    .await;

    // One in another application is one too many.
    let moved = clerk("directory0", "directory0", "Nowhere", json!({}));
    story.apply_person(moved).await;
    let told = story.held("directory").await;
    tells(&told, &["2 may of 6 people by the operator's own limit"]);
    assert_eq!(vips(&servers[1]).await, 3);

    // What the message says is typed as it stands there.
    let words = approval(&told);
    let approved = words.last().unwrap();
    assert!(approved.contains(APPROVED_REMOVALS_ANNOTATION), "{told}");
    let object = "appconnector/directory";
    let by = Some("grace@example.com");
    story.annotate(object, APPROVED_BY_ANNOTATION, by).await;
    story.ns.kubectl_ok(&words).await;
    eventually("it is taken", async || match vips(&servers[1]).await {
        2 => Ok(()),
        n => Err(n),
    })
    .await;

    // Who let it run is in the audit, and in an event.
    let (_, digest) = approved.split_once('=').unwrap();
    assert_eq!(story.told("directory", "RemovalsApproved").await, 1);
    let cause = format!("approved by grace@example.com as {digest}");
    let log = operator.log();
    let audited = log.lines().find(|line| line.contains(&cause));
    let audited = audited.unwrap_or_else(|| panic!("{cause}: {log}"));
    tells(audited, &["directory0", "Disable"]);
}

/// One pull request, two roles, and in each application as many as may: it is one mistake, and the plan says so before.
#[tokio::test]
async fn a_mistake_over_two_applications_is_held_in_both_as_was_planned() {
    let servers = [ScimServer::scimmy().await, ScimServer::scim2_server().await];
    let (story, operator) = company("overall-planned", &servers).await;
    let roles = TARGETS.map(|target| {
        let rule = format!("{} && employee.employeeId == '{target}0'", all_of(target));
        role(target, &rule)
    });
    let pull_request = PullRequest::of(&roles);
    let path = pull_request.path().to_str().unwrap();
    let words = ["plan", "--output", "json", "--guard-max-removals", "2"];
    let words = [&words[..], &["--filename", path]].concat();
    let (code, said) = told(&story, &words, true).await;
    let plan: Value = serde_json::from_str(&said).unwrap_or_else(|why| panic!("{why}: {said}"));
    assert_eq!((code, &plan["totals"]["held"]), (3, &json!(4)), "{plan:#}");
    let held = plan["connectors"].as_array().unwrap().iter();
    let held: Vec<&str> = held.map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(held, TARGETS);

    let before = operator.log().matches("Disable").count();
    let [chat, directory] = roles;
    tokio::join!(story.apply_role(chat), story.apply_role(directory));
    for target in TARGETS {
        let told = story.held(target).await;
        tells(
            &told,
            &[
                "2 people would lose",
                "2 may of 6 people by the operator's own limit",
            ],
        );
    }
    for server in &servers {
        assert_eq!(vips(server).await, 3);
    }
    assert_eq!(operator.log().matches("Disable").count(), before);
}
