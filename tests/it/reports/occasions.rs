//! Everything else that administrators are told of by e-mail: not before it has lasted for a while, and once, over
//! restarts too. Of somebody who is not out in time `stories::away` tells.

use jiff::{SignedDuration, Timestamp};
use rollcall::api::Employee;
use rollcall::api::conditions::DAY_ONE_READY;
use serde_json::json;

use crate::stories::kit::{
    Story, clerk, condition_says, connector_with, day, everyone, is, tells, template, username,
};
use crate::support::mail::{MailServer, Protection, events};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const ALL: [&str; 4] = [
    "ConnectorTrouble",
    "LeaverReport",
    "NewOrphans",
    "NotReadyOnDayOne",
];

/// The mail about an event, its long lines joined.
fn about(mails: &[String], event: &str) -> String {
    let head = format!("X-Rollcall-Event: {event}\r\n");
    let mail = mails.iter().find(|mail| mail.contains(&head)).unwrap();
    mail.replace("\r\n ", " ").replace("=\r\n", "")
}

async fn connect(story: &Story, name: &str, server: &ScimServer) {
    story.credential(name, server).await;
    story
        .apply_connector(connector_with(name, server, json!({})))
        .await;
}

/// Bob begins today, and a group that he was promised is not there; somebody made an account by hand, and a connector
/// leads to a server that is down.
async fn all_goes_wrong(story: &Story, directory: &ScimServer, down: &ScimServer) {
    directory.create_group("staff").await;
    connect(story, "directory", directory).await;
    connect(story, "down", down).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let begins = json!({"startDate": day(0)});
    story.apply_person(clerk("bob", "2", "Legal", begins)).await;
    let nowhere: &[(&str, &[&str])] = &[("directory", &["nowhere"])];
    let legal = template("legal", "employee.department == 'Legal'", nowhere);
    story.apply_role(legal).await;
    story
        .apply_person(clerk("eve", "3", "Sales", json!({})))
        .await;
    story.provisioned("eve", 1).await;
    let mallory = json!({"userName": "mallory", "active": true});
    directory.create_user(mallory).await;

    story
        .connector("directory", "tells of mallory", |c| {
            c.status.as_ref().unwrap().orphans == 1
        })
        .await;
    story
        .connector_says("down", "Ready", "False", "TargetUnreachable")
        .await;
    story
        .status("bob", "is not ready", |status| {
            let whole = json!({"status": status});
            condition_says(&whole, DAY_ONE_READY, "False", "NotInPlace", "directory")
        })
        .await;
}

/// Waits until notices of these events were counted with this result.
async fn counts(operator: &Operator, events: &[&str], result: &str) {
    eventually("the notices are counted", async || {
        let metrics = operator.metrics().await;
        let is_counted = |event: &&str| {
            let labels = format!("sink=\"email\",event=\"{event}\",result=\"{result}\"");
            let mut lines = metrics.lines();
            lines.any(|l| l.starts_with("rollcall_notices_total") && l.contains(&labels))
        };
        if events.iter().all(is_counted) {
            Ok(())
        } else {
            Err(metrics)
        }
    })
    .await;
}

#[tokio::test]
async fn what_lasts_is_told_once() {
    let mail = MailServer::start(Protection::Plain).await;
    let directory = ScimServer::scimmy().await;
    let down = ScimServer::scim2_server_down();
    let story = Story::new("occasions").await;
    let config = mail.config("");
    let minutes = SignedDuration::from_mins;
    let operator = Operator::start_notifying(&story.ns, &config, minutes(0)).await;
    let began = Timestamp::now();
    all_goes_wrong(&story, &directory, &down).await;

    // All of it may pass by itself yet: somebody who leaves now is what the first mail is about.
    let shifted = minutes(10) - Timestamp::now().duration_since(began);
    operator.clock.shift(shifted);
    let gone = json!({"endDate": day(-1)});
    story.apply_person(clerk("eve", "3", "Sales", gone)).await;
    assert_eq!(events(&mail.receives(1).await), ["LeaverReport"]);

    let more = minutes(32);
    operator.clock.shift(more);
    let mails = mail.receives(ALL.len()).await;
    assert_eq!(events(&mails), ALL);
    let place = &story.ns.name;
    let trouble = about(&mails, "ConnectorTrouble");
    tells(
        &trouble,
        &[
            &format!("AppConnector {place}/down: does not work since"),
            "(TargetUnreachable)",
        ],
    );
    let orphans = about(&mails, "NewOrphans");
    tells(
        &orphans,
        &[
            &format!("AppConnector {place}/directory: something new that nobody declared"),
            "Undeclared account mallory",
        ],
    );
    let first_day = about(&mails, "NotReadyOnDayOne");
    tells(
        &first_day,
        &[&format!("Employee {place}/bob: not everything is in place")],
    );
    counts(&operator, &ALL, "Sent").await;
    operator.stop().await.unwrap();

    // Another operator finds the same, and something that is new.
    let operator = Operator::start_notifying(&story.ns, &config, shifted + more).await;
    counts(&operator, &ALL, "Known").await;
    let oscar = json!({"userName": "oscar", "active": true});
    directory.create_user(oscar).await;
    story
        .connector("directory", "tells of oscar", |c| {
            c.status.as_ref().unwrap().orphans == 2
        })
        .await;
    operator.clock.shift(more);
    let mails = mail.receives(ALL.len() + 1).await;
    assert_eq!(mails.len(), ALL.len() + 1, "{:?}", events(&mails));
    let about_oscar = mails.iter().filter(|mail| mail.contains("oscar"));
    assert_eq!(about_oscar.count(), 1);
    bob_works_all_the_same(&story, &directory).await;
}

async fn bob_works_all_the_same(story: &Story, directory: &ScimServer) {
    let bob = directory.user_by_name(&username("bob")).await.unwrap();
    assert_eq!(bob["active"], true);
    let bob = story.ns.api::<Employee>().get("bob").await.unwrap();
    assert!(is(&bob.status.unwrap().conditions, "Ready", "False"));
}
