//! Initial passwords: kept where whoever hands them over finds them, and nowhere else, and not for ever.

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Secret;
use kube::api::DeleteParams;
use serde_json::json;

use super::kit::{openldap, person};
use crate::stories::kit::{Story, Told, clerk, everyone, tells};
use crate::support::directory::Looker;
use crate::support::openldap::OpenLdap;
use crate::support::operator::Operator;
use crate::support::wait::eventually;

const NAME: &str = "directory.1.initial-password";

fn text(secret: &Secret, key: &str) -> String {
    let value = &secret.data.as_ref().unwrap()[key];
    String::from_utf8(value.0.clone()).unwrap()
}

#[tokio::test]
async fn one_is_kept_lets_in_and_expires() {
    let server = OpenLdap::start().await;
    let story = Story::new("ldap-passwords").await;
    let operator = Operator::start(&story.ns).await;
    story
        .ns
        .credential("directory", server.password(), &server.hosts())
        .await;
    let mut connector = openldap("directory", &server);
    let policy = json!({"length": 30, "punctuation": "-", "mustChange": false, "keepFor": "36h"});
    connector["spec"]["account"]["initialPassword"] = policy;
    story.apply_connector(connector.clone()).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(clerk("ada", "1", "Sales", json!({})))
        .await;
    let status = story.provisioned("ada", 1).await;

    let secrets = story.ns.api::<Secret>();
    let kept = secrets.get(NAME).await.unwrap();
    assert_eq!(kept.type_.as_deref(), Some("kubernetes.io/basic-auth"));
    assert_eq!(text(&kept, "username"), "ada.example");
    let password = text(&kept, "password");
    assert_eq!(password.len(), 30);
    let let_in = Looker::sign_in(server.port(), None, &person("ada.example"), &password).await;
    assert!(let_in.is_some());
    // It does not stand in the directory as it is.
    let stored = server
        .looker()
        .await
        .values(&person("ada.example"), "userPassword")
        .await;
    assert!(
        stored.iter().all(|stored| stored.starts_with('{')),
        "{stored:?}"
    );
    let everything = story
        .ns
        .kubectl_ok(&["get", "employees,appconnectors,events", "-o", "yaml"])
        .await;
    assert!(!everything.contains(&password));
    assert!(!operator.metrics().await.contains(&password));
    assert!(!format!("{status:?}").contains(&password));

    // What nobody labelled is nobody's to delete.
    let own = json!({"metadata": {"name": "own", "annotations": {"rollcall.dev/expires-at": "2020-01-01T00:00:00Z"}}});
    story.ns.apply::<Secret>(own).await.unwrap();
    operator.clock.shift(SignedDuration::from_hours(35));
    story
        .apply_person(clerk("bob", "2", "Sales", json!({})))
        .await;
    story.provisioned("bob", 1).await;
    assert!(secrets.get_opt(NAME).await.unwrap().is_some());
    operator.clock.shift(SignedDuration::from_hours(2));
    eventually(
        "it is deleted when its time is over",
        async || match secrets.get_opt(NAME).await.unwrap() {
            None => Ok(()),
            there => Err(there.map(|secret| secret.metadata)),
        },
    )
    .await;
    assert!(secrets.get_opt("own").await.unwrap().is_some());
    assert!(
        secrets
            .get_opt("directory.2.initial-password")
            .await
            .unwrap()
            .is_some()
    );
    story.provisioned("ada", 1).await;
}

/// A Secret of that name that is somebody else's is left alone, and no account is made that nobody could use.
#[tokio::test]
async fn what_can_not_be_kept_is_not_given() {
    let server = OpenLdap::start().await;
    let story = Story::new("ldap-unkept").await;
    let _operator = Operator::start(&story.ns).await;
    let own = json!({"metadata": {"name": NAME}, "stringData": {"password": "not yours", "username": "ada.example"}});
    story.ns.apply::<Secret>(own).await.unwrap();
    story
        .ns
        .credential("directory", server.password(), &server.hosts())
        .await;
    let mut connector = openldap("directory", &server);
    connector["spec"]["account"]["initialPassword"] = json!({});
    story.apply_connector(connector.clone()).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(clerk("ada", "1", "Sales", json!({})))
        .await;
    story
        .apply_person(clerk("bob", "2", "Sales", json!({})))
        .await;
    let why = story
        .person_says("ada", "Ready", "False", "PasswordNotKept")
        .await;
    tells(&why, &[NAME, "somebody else's"]);
    story.provisioned("bob", 1).await;
    assert_eq!(
        server
            .looker()
            .await
            .values(&person("ada.example"), "uid")
            .await
            .len(),
        0
    );
    let secrets = story.ns.api::<Secret>();
    assert_eq!(
        text(&secrets.get(NAME).await.unwrap(), "password"),
        "not yours"
    );

    secrets
        .delete(NAME, &DeleteParams::default())
        .await
        .unwrap();
    story
        .annotate(
            "employee/ada",
            "rollcall.dev/reconcile-requested-at",
            Some("now"),
        )
        .await;
    story.provisioned("ada", 1).await;
}

/// An operator that was killed between making an entry and setting its password leaves it half made. Here it
/// stands under a name that is not even the one that the person gets.
#[tokio::test]
async fn what_was_left_half_made_is_made_anew() {
    let server = OpenLdap::start().await;
    let mut looker = server.looker().await;
    let story = Story::new("ldap-half-made").await;
    let half = person("half.made");
    let mark = format!("it/{}/1#being-made", story.ns.name);
    let attributes: [(&str, &[&str]); 5] = [
        ("objectClass", &["inetOrgPerson"]),
        ("uid", &["half.made"]),
        ("cn", &["ada Example"]),
        ("sn", &["Example"]),
        ("employeeNumber", &[&mark]),
    ];
    looker.add(&half, &attributes).await;
    let _operator = Operator::start(&story.ns).await;
    story
        .ns
        .credential("directory", server.password(), &server.hosts())
        .await;
    let mut connector = openldap("directory", &server);
    connector["spec"]["account"]["initialPassword"] = json!({"mustChange": false});
    story.apply_connector(connector).await;
    story
        .connector("directory", "tells what is half made", |connector| {
            let status = connector.status.as_ref();
            status.is_some_and(|status| {
                let is_told = status.conditions.iter().any(|c| c.message.contains(&half));
                is_told && status.orphaned_accounts.is_empty()
            })
        })
        .await;

    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(clerk("ada", "1", "Sales", json!({})))
        .await;
    story.provisioned("ada", 1).await;
    assert!(looker.values(&half, "uid").await.is_empty(), "it is gone");
    let made = looker
        .values(&person("ada.example"), "employeeNumber")
        .await;
    assert_eq!(made.len(), 1);
    assert!(made.iter().all(|mark| !mark.contains('#')), "{made:?}");
    let secrets = story.ns.api::<Secret>();
    let password = text(&secrets.get(NAME).await.unwrap(), "password");
    let let_in = Looker::sign_in(server.port(), None, &person("ada.example"), &password).await;
    assert!(let_in.is_some());
}

/// One that the directory's policy refuses is told, and no account is left without a password. It was kept before it was
/// sent, and another takes its place once ours are as the directory wants them.
#[tokio::test]
async fn one_that_the_policy_refuses_is_told() {
    let server = OpenLdap::start().await;
    let mut looker = server.looker().await;
    let policy = "cn=default,ou=policies,dc=example,dc=org";
    looker.set(policy, "pwdMinLength", &["40"]).await;
    let story = Story::new("ldap-refused").await;
    let _operator = Operator::start(&story.ns).await;
    let hosts = server.hosts();
    let credential = story.ns.credential("directory", server.password(), &hosts);
    credential.await;
    let mut connector = openldap("directory", &server);
    connector["spec"]["account"]["initialPassword"] = json!({"length": 30});
    story.apply_connector(connector.clone()).await;
    story.apply_role(everyone("all", "directory", &[])).await;
    story
        .apply_person(clerk("ada", "1", "Sales", json!({})))
        .await;
    let told = Told::new(
        "InvalidValue",
        "spec.account.initialPassword",
        &["constraintViolation (19)", "Password"],
        "as the directory's policy wants it",
    );
    let why = story
        .person_says("ada", "Ready", "False", told.reason)
        .await;
    let kept = story.ns.api::<Secret>().get(NAME).await.unwrap();
    told.is_in(&why, &text(&kept, "password"));
    let there = looker.values(&person("ada.example"), "uid").await;
    assert_eq!(there.len(), 0);

    connector["spec"]["account"]["initialPassword"] = json!({"length": 50});
    story.apply_connector(connector).await;
    story.provisioned("ada", 1).await;
    let kept = story.ns.api::<Secret>().get(NAME).await.unwrap();
    let password = text(&kept, "password");
    assert_eq!(password.len(), 50);
    let ada = person("ada.example");
    let let_in = Looker::sign_in(server.port(), None, &ada, &password).await;
    assert!(let_in.is_some());
}
