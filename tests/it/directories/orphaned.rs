//! An account in a directory whose Employee is gone: disabled, taken back, deleted.

use jiff::SignedDuration;
use kube::api::DeleteParams;
use rollcall::api::Employee;
use serde_json::{Value, json};

use super::kit::{group, openldap, person};
use crate::stories::kit::{Story, clerk, everyone};
use crate::support::openldap::{OpenLdap, SUFFIX};
use crate::support::operator::Operator;

async fn go(story: &Story, name: &str) {
    let api = story.ns.api::<Employee>();
    api.delete(name, &DeleteParams::default()).await.unwrap();
}

async fn orphan(story: &Story, what: &str, reason: &str) {
    story
        .connector("directory", what, |c| {
            let told = &c.status.as_ref().unwrap().orphaned_accounts;
            told.iter()
                .any(|o| o.username == "ada.example" && o.reason.as_deref() == Some(reason))
        })
        .await;
}

#[tokio::test]
async fn who_is_gone_is_shut_out_and_in_the_end_deleted() {
    let server = OpenLdap::start().await;
    let story = Story::new("ldap-orphaned").await;
    let operator = Operator::start(&story.ns).await;
    let hosts = server.hosts();
    story
        .ns
        .credential("directory", server.password(), &hosts)
        .await;
    let mut strict = openldap("directory", &server);
    strict["spec"]["orphans"] = json!({"policy": "Delete", "after": "1d", "retain": "2d"});
    story.apply_connector(strict).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let come = async |name: &str| {
        let clerk: Value = clerk(name, name, "Sales", json!({}));
        story.apply_person(clerk).await;
        story.provisioned(name, 1).await
    };
    come("ada").await;
    come("bob").await;
    go(&story, "ada").await;
    orphan(&story, "leaves her alone", "OrphanGrace").await;
    operator.clock.shift(SignedDuration::from_hours(26));
    orphan(&story, "shuts her out", "OrphanRetained").await;

    // She is back: the same entry, with its group.
    let status = come("ada").await;
    assert_eq!(status.accounts[0].entitlements.len(), 1);
    let below = server.below(&format!("ou=groups,{SUFFIX}")).await;
    let members = &below[&group("staff")].attrs["member"];
    assert!(members.contains(&person("ada.example")), "{members:?}");

    go(&story, "ada").await;
    orphan(&story, "leaves her alone again", "OrphanGrace").await;
    operator.clock.shift(SignedDuration::from_hours(26));
    orphan(&story, "shuts her out again", "OrphanRetained").await;
    operator.clock.shift(SignedDuration::from_hours(50));
    story
        .connector("directory", "has no orphans", |c| {
            c.status.as_ref().unwrap().orphans == 0
        })
        .await;
    let below = server.below(&format!("ou=people,{SUFFIX}")).await;
    assert!(!below.contains_key(&person("ada.example")));
    assert!(below.contains_key(&person("bob.example")));
}
