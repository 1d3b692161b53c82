//! A mistake in Git would take the access of four hundred people away.

use jiff::SignedDuration;
use kube::api::{DeleteParams, ListParams};
use rollcall::api::Employee;
use rollcall::api::app_connector::AppConnectorStatus;
use rollcall::api::employee::AccountState;
use rollcall::api::{APPROVED_BY_ANNOTATION, APPROVED_REMOVALS_ANNOTATION};
use serde_json::{Value, json};

use super::kit::{Story, clerk, connector, day, lines_of_writes, message, template, writes};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const SALES: i64 = 400;
const FINANCE: i64 = 20;

fn sales(rule: &str) -> Value {
    template("sales", rule, &[("directory", &["staff"])])
}

const RIGHT: &str = "employee.department == 'Sales'";
const WRONG: &str = "employee.department == 'Slaes'";

/// Four hundred in sales and twenty in finance, all with their accounts; no more than the default limits.
async fn company(story: &Story, server: &ScimServer) {
    story.credential("directory", server).await;
    let mut guarded = connector("directory", server);
    guarded["spec"].as_object_mut().unwrap().remove("guard");
    story.apply_connector(guarded).await;
    story.apply_role(sales(RIGHT)).await;
    story
        .apply_role(template(
            "finance",
            "employee.department == 'Finance'",
            &[("directory", &["staff"])],
        ))
        .await;
    for n in 0..SALES + FINANCE {
        let department = if n < SALES { "Sales" } else { "Finance" };
        let (name, id) = (format!("p{n}"), n.to_string());
        let ends = json!({"endDate": day(3), "timeZone": "UTC"});
        let more = if n == 0 { ends } else { json!({}) };
        story
            .apply_person(clerk(&name, &id, department, more))
            .await;
    }
    for n in 0..SALES + FINANCE {
        story.provisioned(&format!("p{n}"), 1).await;
    }
}

/// Waits until the connector says that so many are held.
async fn held(story: &Story, people: i64) -> AppConnectorStatus {
    let found = story.connector("directory", "holds them", |connector| {
        let status = connector.status.as_ref().unwrap();
        status.held.iter().any(|held| held.people == people)
    });
    let status = found.await.status.unwrap();
    let told = message(&status.conditions, "DeprovisioningHeld");
    let command = format!("{APPROVED_REMOVALS_ANNOTATION}={}", digest(&status));
    assert!(told.contains(&command), "{told}");
    status
}

fn digest(status: &AppConnectorStatus) -> String {
    status.held[0].digest.clone()
}

async fn nothing_is_held(story: &Story) -> AppConnectorStatus {
    let found = story.connector("directory", "holds nothing", |connector| {
        let status = connector.status.as_ref().unwrap();
        let mut told = status.conditions.iter();
        status.held.is_empty() && told.all(|c| c.type_ != "DeprovisioningHeld")
    });
    found.await.status.unwrap()
}

async fn staff(server: &ScimServer) -> i64 {
    i64::try_from(server.group_member_ids("staff").await.len()).unwrap()
}

#[tokio::test]
async fn a_mistake_in_git_is_held_and_taken_back_or_approved() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("guarded").await;
    let operator = Operator::start(&story.ns).await;
    company(&story, &server).await;
    assert_eq!(staff(&server).await, SALES + FINANCE);

    let before = writes(&server).await.len();
    story.apply_role(sales(WRONG)).await;
    let told = held(&story, SALES).await;
    let first = digest(&told);
    let causes = told.held[0].causes.clone();
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert_eq!(causes[0].why, "the RoleTemplate sales is not held any more");
    let told = story
        .person("p7", "waits for an approval", |status| {
            status.accounts[0].reason.as_deref() == Some("DeprovisioningHeld")
        })
        .await;
    assert_eq!(told.accounts[0].state, AccountState::Pending);
    assert_eq!(writes(&server).await.len(), before, "nothing was written");

    // An operator that is started anew holds the same.
    operator.stop().await.unwrap();
    let operator = Operator::start(&story.ns).await;
    assert_eq!(digest(&held(&story, SALES).await), first);
    assert_eq!(
        writes(&server).await.len(),
        before,
        "nor by the next operator"
    );

    // Taken back: then nothing happens.
    story.apply_role(sales(RIGHT)).await;
    nothing_is_held(&story).await;
    story.provisioned("p7", 1).await;
    assert_eq!(writes(&server).await.len(), before, "and then neither");

    // The same mistake again; somebody whose last day comes meanwhile is out all the same.
    story.apply_role(sales(WRONG)).await;
    held(&story, SALES).await;
    operator.clock.shift(SignedDuration::from_hours(4 * 24));
    story
        .person_says("p0", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    let second = digest(&held(&story, SALES - 1).await);
    assert_eq!(staff(&server).await, SALES + FINANCE - 1);

    // An approval of something else changes nothing, and is told.
    let other = format!("sha256:{}", "0".repeat(64));
    let object = "appconnector/directory";
    let annotation = APPROVED_REMOVALS_ANNOTATION;
    story.annotate(object, annotation, Some(&other)).await;
    story
        .connector_says("directory", "DeprovisioningHeld", "True", "ApprovalLapsed")
        .await;
    assert_eq!(staff(&server).await, SALES + FINANCE - 1);

    // It was meant: then all of it runs, and it is known who said so.
    story
        .annotate(object, APPROVED_BY_ANNOTATION, Some("grace@example.com"))
        .await;
    story.annotate(object, annotation, Some(&second)).await;
    let approved = nothing_is_held(&story).await;
    eventually("those of finance are left", async || {
        let left = staff(&server).await;
        if left == FINANCE { Ok(()) } else { Err(left) }
    })
    .await;
    let last = approved.guard.unwrap().last_approval.unwrap();
    assert_eq!((last.digest, last.people), (second, SALES - 1));
    assert_eq!(last.by.as_deref(), Some("grace@example.com"));
}

/// Everybody's object is deleted at once, where that disables accounts: the objects wait with what is held.
#[tokio::test]
async fn a_namespace_that_is_emptied_is_held_with_its_objects() {
    const PEOPLE: i64 = 24;
    let server = ScimServer::scimmy().await;
    let story = Story::new("guarded-emptied").await;
    let operator = Operator::start(&story.ns).await;
    story.credential("directory", &server).await;
    let mut strict = connector("directory", &server);
    strict["spec"]["deletion"] = json!({"policy": "Disable"});
    strict["spec"].as_object_mut().unwrap().remove("guard");
    story.apply_connector(strict).await;
    story.apply_role(sales(RIGHT)).await;
    for n in 0..PEOPLE {
        let (name, id) = (format!("p{n}"), n.to_string());
        story
            .apply_person(clerk(&name, &id, "Sales", json!({})))
            .await;
    }
    for n in 0..PEOPLE {
        story.provisioned(&format!("p{n}"), 1).await;
    }
    let before = writes(&server).await.len();
    let people = story.ns.api::<Employee>();
    let (all, at_once) = (ListParams::default(), DeleteParams::default());
    people.delete_collection(&at_once, &all).await.unwrap();
    let first = digest(&held(&story, PEOPLE).await);
    operator.stop().await.unwrap();
    let operator = Operator::start(&story.ns).await;
    let told = held(&story, PEOPLE).await;
    assert_eq!(digest(&told), first, "after a restart as well");
    assert_eq!(told.held[0].causes[0].why, "the Employee is deleted");
    assert_eq!(people.list(&all).await.unwrap().items.len(), 24);
    assert_eq!(writes(&server).await.len(), before, "nothing was written");
    let annotation = APPROVED_REMOVALS_ANNOTATION;
    story
        .annotate("appconnector/directory", annotation, Some(&first))
        .await;
    eventually("all objects are gone", async || {
        let left = people.list(&all).await.unwrap().items.len();
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
    let sent = writes(&server).await;
    let sent = lines_of_writes(&sent[before..]);
    let accounts = sent.iter().filter(|line| line.contains("/Users/"));
    assert_eq!(accounts.count(), 24, "each once: {sent:#?}");
    operator.stop().await.unwrap();
}
