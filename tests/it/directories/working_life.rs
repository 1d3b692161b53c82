//! Joining, moving, leaving and coming back, in directories.

use std::collections::BTreeSet;

use serde_json::json;

use super::kit::{connect, group, join, openldap, person};
use crate::stories::kit::{Story, clerk, day, everyone, template};
use crate::support::directory::Looker;
use crate::support::openldap::OpenLdap;
use crate::support::operator::Operator;
use crate::support::samba::{self, Samba};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// Members of a group in OpenLDAP that are people.
async fn members(looker: &mut Looker, name: &str) -> BTreeSet<String> {
    let mut members = looker.values(&group(name), "member").await;
    members.retain(|member| member.contains("ou=people"));
    members
}

#[tokio::test]
async fn in_openldap() {
    let server = OpenLdap::start().await;
    let mut looker = server.looker().await;
    let story = Story::new("ldap-life").await;
    let operator = Operator::start(&story.ns).await;
    connect(&story, "directory", &server).await;
    let department = |name: &str| {
        let rule = format!("employee.department == '{name}'");
        template(&name.to_lowercase(), &rule, &[("directory", &[name])])
    };
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for name in ["Sales", "Support"] {
        story.apply_role(department(name)).await;
    }
    let eve = clerk("eve", "1", "Sales", json!({}));
    story.apply_person(eve).await;
    let ada = |more| clerk("ada", "2", "Sales", more);
    story
        .apply_person(ada(json!({"managerRef": {"name": "eve"}})))
        .await;
    let joined = story.provisioned("ada", 1).await;
    let entry = person("ada.example");
    let uuid = looker.values(&entry, "entryUUID").await;
    assert_eq!(
        joined.accounts[0].account_id.as_ref(),
        uuid.first(),
        "known by what never changes"
    );
    let namespace = &story.ns.name;
    let holds = [
        ("uid", "ada.example".to_owned()),
        ("cn", "ada Example".to_owned()),
        ("title", "Clerk".to_owned()),
        ("departmentNumber", "Sales".to_owned()),
        ("employeeNumber", format!("it/{namespace}/2")),
    ];
    for (attribute, value) in holds {
        assert_eq!(looker.values(&entry, attribute).await, set(&[&value]));
    }
    story.provisioned("eve", 1).await;
    let both = set(&[&entry, &person("eve.example")]);
    for name in ["staff", "Sales"] {
        assert_eq!(members(&mut looker, name).await, both, "{name}");
    }

    // The manager follows, once the connector manages that.
    let mut managing = openldap("directory", &server);
    managing["spec"]["account"]["manager"] = json!("FromManagerRef");
    story.apply_connector(managing).await;
    eventually("ada's manager is eve", async || {
        let manager = looker.values(&entry, "manager").await;
        if manager == set(&[&person("eve.example")]) {
            Ok(())
        } else {
            Err(manager)
        }
    })
    .await;

    // Somebody renames her behind our back: put back, and no membership is lost on the way.
    looker.rename(&entry, "uid=countess").await;
    eventually("she has her name again", async || {
        let name = looker.values(&entry, "uid").await;
        if name == set(&["ada.example"]) {
            Ok(())
        } else {
            Err(name)
        }
    })
    .await;
    assert_eq!(looker.values(&entry, "entryUUID").await, uuid);
    story.provisioned("ada", 1).await;
    assert_eq!(members(&mut looker, "staff").await, both);

    moves_and_leaves(&story, &mut looker, &uuid).await;
    operator.stop().await.unwrap();
}

/// The rest of that life: a transfer, the end, and coming back.
async fn moves_and_leaves(story: &Story, looker: &mut Looker, uuid: &BTreeSet<String>) {
    let entry = person("ada.example");
    // A transfer.
    let moved = clerk(
        "ada",
        "2",
        "Support",
        json!({"managerRef": {"name": "eve"}}),
    );
    story.apply_person(moved.clone()).await;
    let status = story
        .person("ada", "holds what Support holds, and no more", |s| {
            let mut names: Vec<_> = s.accounts[0]
                .entitlements
                .iter()
                .map(|e| e.name.as_str())
                .collect();
            names.sort_unstable();
            names == ["Support", "staff"]
        })
        .await;
    assert_eq!(status.accounts.len(), 1);
    eventually("the old group goes last", async || {
        let (old, new) = (
            members(looker, "Sales").await,
            members(looker, "Support").await,
        );
        if new == set(&[&entry]) && old == set(&[&person("eve.example")]) {
            Ok(())
        } else {
            Err((old, new))
        }
    })
    .await;

    // The last one of a group leaves: a group of names can't be empty, and does not become it.
    let mut leaver = moved.clone();
    leaver["spec"]["endDate"] = json!(day(-2));
    story.apply_person(leaver).await;
    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    let locked = looker.values(&entry, "pwdAccountLockedTime").await;
    assert_eq!(locked, set(&["000001010000Z"]));
    eventually("she is in no group", async || {
        let left = members(looker, "Support").await;
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
    assert_eq!(
        looker.values(&group("Support"), "cn").await,
        set(&["Support"])
    );

    // And comes back to the same account.
    story.apply_person(moved).await;
    let back = story.provisioned("ada", 1).await;
    assert_eq!(back.accounts[0].account_id.as_ref(), uuid.first());
    assert_eq!(
        looker.values(&entry, "pwdAccountLockedTime").await,
        set(&[])
    );
    assert_eq!(members(looker, "Support").await, set(&[&entry]));
}

/// One person in three applications of three ages, and one status that says it all.
#[tokio::test]
async fn in_scim_openldap_and_active_directory_at_once() {
    if !samba::is_possible() {
        return;
    }
    let chat = ScimServer::scimmy().await;
    let directory = OpenLdap::start().await;
    let forest = Samba::start().await;
    let story = Story::new("three-targets").await;
    let _operator = Operator::start(&story.ns).await;
    story.connect("chat", &chat).await;
    connect(&story, "directory", &directory).await;
    join(&story, "forest", &forest).await;
    for connector in ["chat", "directory", "forest"] {
        story
            .apply_role(everyone(connector, connector, &["staff"]))
            .await;
    }
    let ada = clerk("ada", "1", "Sales", json!({}));
    story.apply_person(ada.clone()).await;
    let status = story.provisioned("ada", 3).await;
    let names: Vec<_> = status
        .accounts
        .iter()
        .map(|a| a.username.clone().unwrap())
        .collect();
    assert_eq!(names, ["ada.example"; 3]);

    // The password that she begins with is in a Secret, lets her in, and is shown nowhere else.
    let kept = story.ns.kubectl_ok(&[
        "get",
        "secret",
        "forest.1.initial-password",
        "--output=jsonpath={.data.password}",
    ]);
    let kept = String::from_utf8(base64_decoded(&kept.await)).unwrap();
    let dn = "CN=ada.example,OU=People,DC=example,DC=test";
    let mut looker = forest.looker().await;
    assert_eq!(looker.values(dn, "userAccountControl").await, set(&["512"]));
    assert_eq!(
        looker.values(dn, "memberOf").await,
        set(&["CN=staff,OU=Teams,DC=example,DC=test"])
    );
    // It must be changed first, which a bind can't do.
    assert_eq!(looker.values(dn, "pwdLastSet").await, set(&["0"]));
    looker.set(dn, "pwdLastSet", &["-1"]).await;
    assert!(forest.sign_in(dn, &kept).await.is_some());

    let mut leaver = ada.clone();
    leaver["spec"]["endDate"] = json!(day(-2));
    story.apply_person(leaver).await;
    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    assert_eq!(looker.values(dn, "userAccountControl").await, set(&["514"]));
    assert!(forest.sign_in(dn, &kept).await.is_none());
    eventually("she is in no group", async || {
        let left = looker.values(dn, "memberOf").await;
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
    let mut there = directory.looker().await;
    let locked = there
        .values(&person("ada.example"), "pwdAccountLockedTime")
        .await;
    assert_eq!(locked, set(&["000001010000Z"]));
    assert_eq!(
        chat.user_by_name("ada.example").await.unwrap()["active"],
        false
    );

    story.apply_person(ada).await;
    story.provisioned("ada", 3).await;
    assert_eq!(looker.values(dn, "userAccountControl").await, set(&["512"]));
}

fn base64_decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD
        .decode(text.trim())
        .unwrap()
}
