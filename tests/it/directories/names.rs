//! Names of entries come and go; who an account is does not.

use std::collections::BTreeSet;

use serde_json::json;

use super::kit::{connect, group, openldap, person};
use crate::stories::kit::{Story, clerk, day, everyone, tells};
use crate::support::openldap::{BIND_DN, OpenLdap, SUFFIX};
use crate::support::operator::Operator;
use crate::support::wait::eventually;

/// Where groups follow nobody, they still name people who are long gone. Whoever gets such a name is not in
/// their groups.
#[tokio::test]
async fn nobody_inherits_the_groups_of_a_name() {
    let server = OpenLdap::with(&[("REFINT", "0")]).await;
    let mut looker = server.looker().await;
    let (ada, bob) = (person("ada.example"), person("bob.example"));
    let class: (&str, &[&str]) = ("objectClass", &["groupOfNames"]);
    let admins = group("admins");
    let both: &[&str] = &[&ada, &bob];
    looker
        .add(&admins, &[class, ("cn", &["admins"]), ("member", both)])
        .await;
    let only = group("only");
    looker
        .add(&only, &[class, ("cn", &["only"]), ("member", &[&ada])])
        .await;
    let story = Story::new("ldap-heirs").await;
    let _operator = Operator::start(&story.ns).await;
    connect(&story, "directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(clerk("ada", "1", "Sales", json!({})))
        .await;
    story.provisioned("ada", 1).await;
    assert_eq!(
        looker.values(&admins, "member").await,
        BTreeSet::from([bob])
    );
    let left = looker.values(&only, "member").await;
    assert!(!left.contains(&ada) && left.len() == 1, "{left:?}");
    let staff = looker.values(&group("staff"), "member").await;
    assert!(staff.contains(&ada), "{staff:?}");
}

/// An entry that somebody moved out of sight is not gone: nobody is made twice, and nobody counts as disabled.
#[tokio::test]
async fn what_is_out_of_sight_is_not_taken_to_be_gone() {
    let server = OpenLdap::start().await;
    let mut looker = server.looker().await;
    let story = Story::new("ldap-elsewhere").await;
    let _operator = Operator::start(&story.ns).await;
    connect(&story, "directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for (name, id) in [("ada", "1"), ("bob", "2")] {
        story
            .apply_person(clerk(name, id, "Sales", json!({})))
            .await;
        story.provisioned(name, 1).await;
    }
    let (here, gone) = (format!("ou=people,{SUFFIX}"), format!("ou=gone,{SUFFIX}"));
    let there = format!("uid=ada.example,{gone}");
    looker
        .relocate(&person("ada.example"), "uid=ada.example", &gone)
        .await;
    let why = story
        .person_says("ada", "Ready", "False", "InvalidValue")
        .await;
    tells(&why, &[&there, "spec.ldap.accounts.base", "put it back"]);
    assert_eq!(
        looker.values(&person("ada.example"), "uid").await.len(),
        0,
        "made twice"
    );

    // A leaver who is out of sight is no proof of anything.
    let leaver = clerk("ada", "1", "Sales", json!({"endDate": day(-2)}));
    story.apply_person(leaver).await;
    let why = story
        .person_says("ada", "Ready", "False", "InvalidValue")
        .await;
    tells(&why, &["put it back"]);
    looker.relocate(&there, "uid=ada.example", &here).await;
    story
        .annotate(
            "employee/ada",
            "rollcall.dev/reconcile-requested-at",
            Some("now"),
        )
        .await;
    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    let locked = looker
        .values(&person("ada.example"), "pwdAccountLockedTime")
        .await;
    assert_eq!(locked.len(), 1);
    story.provisioned("bob", 1).await;
}

/// The account that we sign in as is nobody's, whatever mark somebody puts on it.
#[tokio::test]
async fn our_own_account_is_never_changed() {
    let server = OpenLdap::start().await;
    let mut looker = server.looker().await;
    let story = Story::new("ldap-own").await;
    let _operator = Operator::start(&story.ns).await;
    let mark = format!("it/{}/1", story.ns.name);
    let classes = [
        "organizationalRole",
        "simpleSecurityObject",
        "extensibleObject",
    ];
    looker.set(BIND_DN, "objectClass", &classes).await;
    looker.set(BIND_DN, "uid", &["service"]).await;
    looker.set(BIND_DN, "employeeNumber", &[&mark]).await;
    story
        .ns
        .credential("directory", server.password(), &server.hosts())
        .await;
    let mut connector = openldap("directory", &server);
    let accounts = &mut connector["spec"]["ldap"]["accounts"];
    accounts["base"] = json!(SUFFIX);
    accounts["dn"] = json!(format!("uid={{username}},ou=people,{SUFFIX}"));
    accounts["filter"] = json!("(objectClass=*)");
    story.apply_connector(connector).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let leaver = clerk("ada", "1", "Sales", json!({"endDate": day(-2)}));
    story.apply_person(leaver).await;
    let why = story
        .person_says("ada", "Ready", "False", "Forbidden")
        .await;
    tells(&why, &["spec.ldap.bind", "never changed"]);
    eventually("it is as it was", async || {
        let locked = looker.values(BIND_DN, "pwdAccountLockedTime").await;
        if locked.is_empty() {
            Ok(())
        } else {
            Err(locked)
        }
    })
    .await;
}
