//! Somebody comes back under another `employeeId`: it is told, and nothing is merged.

use serde_json::json;

use super::kit::{Story, day, employee, everyone, tells, user_id};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

#[tokio::test]
async fn a_likely_rehire_is_told_and_nothing_is_merged() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("rehired").await;
    let _operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let mut former = employee("ada-before", "1042", "Ada", "Lovelace");
    former["spec"]["startDate"] = json!(day(-900));
    story.apply_person(former.clone()).await;
    story.provisioned("ada-before", 1).await;
    let account = user_id(&server, "ada.lovelace").await;
    former["spec"]["endDate"] = json!(day(-30));
    story.apply_person(former.clone()).await;
    story
        .person_says("ada-before", "AccessRevoked", "True", "ReadBackDisabled")
        .await;

    let mut back = employee("ada-again", "2001", "Ada", "LOVELACE");
    back["spec"]["startDate"] = json!(day(-1));
    story.apply_person(back.clone()).await;
    let told = story
        .person_says("ada-again", "LikelyRehire", "True", "SameName")
        .await;
    tells(
        &told,
        &[
            "1042",
            "ada-before",
            "Nothing is merged",
            "spec.notFormerly",
        ],
    );
    // An account of her own, under a name of its own; the old one is as shut as before.
    let status = story.provisioned("ada-again", 1).await;
    let name = status.accounts[0].username.as_deref();
    assert_eq!(name, Some("ada.lovelace2"));
    assert_ne!(
        status.accounts[0].account_id.as_deref(),
        Some(account.as_str())
    );
    let old = server.user_by_name("ada.lovelace").await.unwrap();
    assert_eq!(
        (&old["active"], &old["id"]),
        (&json!(false), &json!(account))
    );

    // Somebody says that it is another person.
    back["spec"]["notFormerly"] = json!(["1042"]);
    story.apply_person(back.clone()).await;
    let gone = |status: &rollcall::api::EmployeeStatus| {
        let mut conditions = status.conditions.iter();
        conditions.all(|condition| condition.type_ != "LikelyRehire")
    };
    story.person("ada-again", "is not told of", gone).await;
    back["spec"]["notFormerly"] = json!([]);
    story.apply_person(back).await;
    story
        .person_says("ada-again", "LikelyRehire", "True", "SameName")
        .await;

    // Or the dates of the former one are corrected, and there are two of that name at the same time.
    former["spec"]["endDate"] = json!(day(30));
    story.apply_person(former.clone()).await;
    story.person("ada-again", "is a namesake", gone).await;
}

/// The Employee is gone, and its account is still there.
#[tokio::test]
async fn an_account_that_is_left_of_somebody_tells_as_well() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("rehired-account").await;
    let _operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story.apply_role(everyone("all", "directory", &[])).await;
    let former = employee("ada-before", "1042", "Ada", "Lovelace");
    story.apply_person(former).await;
    story.provisioned("ada-before", 1).await;
    story
        .ns
        .kubectl_ok(&["delete", "employee", "ada-before"])
        .await;
    let back = employee("ada-again", "2001", "Ada", "Lovelace");
    story.apply_person(back).await;
    let told = story
        .person_says("ada-again", "LikelyRehire", "True", "SameUsername")
        .await;
    tells(
        &told,
        &["ada.lovelace", "directory", "1042", "Nothing is merged"],
    );
    let status = story.provisioned("ada-again", 1).await;
    let name = status.accounts[0].username.as_deref();
    assert_eq!(name, Some("ada.lovelace2"));
}
