//! Somebody leaves while the directory is down for a day: the other application does not wait for it, what is told is
//! true at any time, and the directory is the first thing done once it is back.

use jiff::{SignedDuration, Timestamp};
use rollcall::runtime::clock::Clock as _;
use serde_json::{Value, json};

use super::kit::{
    Story, account, clerk, condition_says, day, everyone, is_true, stands, tells, username,
};
use crate::directories::kit::{openldap, person};
use crate::support::mail::{MailServer, Protection, events};
use crate::support::openldap::OpenLdap;
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

const LOCK: &str = "pwdAccountLockedTime";

/// When a day of the calendar begins, in UTC.
fn begins(day: &str) -> Timestamp {
    format!("{day}T00:00:00Z").parse().unwrap()
}

async fn two_targets(story: &Story, chat: &ScimServer, directory: &OpenLdap) {
    story.connect("chat", chat).await;
    let mut object = openldap("directory", directory);
    object["spec"]["leaver"] = json!({"revoke": ["Passwords"]});
    // What is asked for first is done first.
    object["spec"]["sync"]["concurrency"] = json!(1);
    let hosts = directory.hosts();
    story
        .ns
        .credential("directory", directory.password(), &hosts)
        .await;
    story.apply_connector(object).await;
    for target in ["chat", "directory"] {
        story.apply_role(everyone(target, target, &["staff"])).await;
    }
}

async fn seen(story: &Story, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let whole = |status: &Value| json!({"status": status});
    let seen = story.status(name, what, |status| wanted(&whole(status)));
    whole(&seen.await)
}

#[tokio::test]
async fn a_directory_that_is_down_for_a_day_delays_nobody_else_and_is_told_of() {
    let mail = MailServer::start(Protection::Plain).await;
    let chat = ScimServer::scimmy().await;
    let mut directory = OpenLdap::with(&[("AUDIT", "1")]).await;
    let story = Story::new("away").await;
    let config = mail.config("leaverDeadline: 24h");
    let operator = Operator::start_notifying(&story.ns, &config, SignedDuration::ZERO).await;
    two_targets(&story, &chat, &directory).await;
    let leaves = json!({"endDate": day(1)});
    let over = begins(&day(2));
    story.apply_person(clerk("ada", "1", "Sales", leaves)).await;
    story.provisioned("ada", 2).await;

    directory.stop();
    story
        .connector_says("directory", "Connected", "False", "TargetUnreachable")
        .await;
    operator.clock.set(over);
    let ada = seen(&story, "ada", "is out of the chat", |e| {
        account(e, "chat")["state"] == "Disabled"
            && account(e, "directory")["reason"] == "TargetUnreachable"
            && stands(&e["status"], "chat", "RemoveEntitlements") == "Verified"
    })
    .await;
    let in_chat = chat.user_by_name(&username("ada")).await.unwrap();
    assert_eq!(in_chat["active"], false);
    assert_eq!(chat.group_member_ids("staff").await.len(), 0);
    assert_eq!(ada["status"]["stage"], "Departed");
    assert!(condition_says(
        &ada,
        "AccessRevoked",
        "False",
        "NotYetProven",
        "directory"
    ));
    assert!(!is_true(&ada, "Ready"));
    assert!(ada["status"]["offboarding"].get("completedAt").is_none());
    for step in ["Disable", "RevokePasswords", "RemoveEntitlements"] {
        let stands = stands(&ada["status"], "directory", step);
        assert!(
            !["Verified", "Requested", "NotPossible"].contains(&stands.as_str()),
            "{step} {stands}"
        );
    }
    let report = story.report("ada", operator.clock.now()).await;
    assert!(!report.offboarding.complete && !report.no_credential_left);
    let left = report.credentials_left.iter();
    assert!(left.clone().all(|left| left.connector == "directory"));
    assert!(
        left.clone().any(|left| left.kind == "Account"),
        "{report:#?}"
    );

    // Somebody joins, and waits for it as well.
    story
        .apply_person(clerk("bob", "2", "Sales", json!({})))
        .await;
    seen(&story, "bob", "has one account", |e| {
        account(e, "chat")["state"] == "Active"
            && account(e, "directory")["reason"] == "TargetUnreachable"
    })
    .await;

    // She is not out in time, and administrators are told: of that, of what it leaves open, and of the directory.
    let late = over + SignedDuration::from_hours(24);
    operator.clock.set(late);
    let mails = mail.receives(3).await;
    let told = ["ConnectorTrouble", "LeaverOverdue", "NewOrphans"];
    assert_eq!(events(&mails), told);
    let overdue = mails.iter().find(|mail| mail.contains("OVERDUE: Leaver"));
    let overdue = overdue.unwrap();
    tells(overdue, &["ada Example", "directory"]);
    assert!(!overdue.contains("No credential is left."));

    let before = directory.changes().len();
    directory.run().await;
    let ada = seen(&story, "ada", "is out everywhere", |e| {
        is_true(e, "AccessRevoked") && e["status"]["offboarding"]["completedAt"].is_string()
    })
    .await;
    let verified = |name: &str| -> Timestamp {
        let account = account(&ada, name);
        account["lastVerified"].as_str().unwrap().parse().unwrap()
    };
    assert!(verified("chat") < late && verified("directory") >= late);
    let mut looker = directory.looker().await;
    let entry = person("ada.example");
    assert_eq!(looker.values(&entry, LOCK).await.len(), 1);
    story.provisioned("bob", 2).await;
    let changes = directory.changes().split_off(before);
    assert!(
        changes[0].starts_with(&entry) && changes[0].contains(LOCK),
        "something came before her: {changes:#?}"
    );

    // The report is whole now, and comes as one more mail.
    let report = story.report("ada", operator.clock.now()).await;
    assert!(report.offboarding.complete);
    let mails = mail.receives(4).await;
    let told = [
        "ConnectorTrouble",
        "LeaverOverdue",
        "LeaverReport",
        "NewOrphans",
    ];
    assert_eq!(events(&mails), told);
}
