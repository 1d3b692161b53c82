//! A person with two accounts in one application, one for every day and an administrator's: two connectors,
//! each of which takes the other's accounts for somebody else's.

use kube::api::{Patch, PatchParams};
use rollcall::api::employee::AccountState;
use rollcall::api::{AppConnector, RoleTemplate};
use serde_json::json;

use super::kit::{
    Story, connector, cycles, day, employee, everyone, tells, template, usernames, writes,
};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

#[tokio::test]
async fn one_for_every_day_and_one_for_administration() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("two-accounts").await;
    let operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story.credential("admins", &server).await;
    let mut admins = connector("admins", &server);
    admins["spec"]["account"]["purpose"] = json!("admin");
    // The same names: each is given once in an application, whoever asks.
    story.apply_connector(admins).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let root = template(
        "root",
        "employee.jobTitle == 'Administrator'",
        &[("admins", &["root", "staff"])],
    );
    story.apply_role(root).await;
    let mut ada = employee("ada", "1", "Ada", "Lovelace");
    ada["spec"]["jobTitle"] = json!("Administrator");
    story.apply_person(ada.clone()).await;
    story
        .apply_person(employee("bob", "2", "Bob", "Builder"))
        .await;
    let status = story.provisioned("ada", 2).await;
    story.provisioned("bob", 1).await;
    let mut names: Vec<_> = status.accounts.iter().map(|a| a.username.clone()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            Some("ada.lovelace".to_owned()),
            Some("ada.lovelace2".to_owned())
        ]
    );
    for name in ["directory", "admins"] {
        let seen = story
            .connector(name, "sees its own accounts alone", |c| {
                let status = c.status.as_ref().unwrap();
                status.accounts == if name == "admins" { 1 } else { 2 }
            })
            .await;
        assert_eq!(seen.status.unwrap().orphans, 0, "{name}");
    }
    for role in ["all", "root"] {
        let api = story.ns.api::<RoleTemplate>();
        let status = api.get(role).await.unwrap().status.unwrap();
        assert_eq!(
            status.orphans, 0,
            "{role}: {:?}",
            status.orphaned_credentials
        );
    }
    let before = writes(&server).await;
    cycles(&server, 3).await;
    assert_eq!(writes(&server).await, before, "they undo each other's work");

    // What it is for can't be changed: the accounts would not be known any more.
    for purpose in [json!("root"), json!(null)] {
        let change = Patch::Merge(json!({"spec": {"account": {"purpose": purpose}}}));
        let connectors = story.ns.api::<AppConnector>();
        let refused = connectors
            .patch("admins", &PatchParams::default(), &change)
            .await;
        tells(
            &refused.unwrap_err().to_string(),
            &["account.purpose is immutable"],
        );
    }

    ada["spec"]["endDate"] = json!(day(-2));
    story.apply_person(ada).await;
    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    let status = story.person("ada", "is out", |_| true).await;
    assert_eq!(status.accounts.len(), 2);
    assert!(
        status
            .accounts
            .iter()
            .all(|a| a.state == AccountState::Disabled)
    );
    assert_eq!(usernames(&server).await.len(), 3);
    operator.stop().await.unwrap();
}
