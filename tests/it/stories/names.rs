//! Story 6: names that clash, and names of the whole world.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::kit::{Story, connector, cycles, employee, everyone, usernames, writes};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

/// User names by employeeId, from the marks in the target.
async fn names_by_id(server: &ScimServer) -> BTreeMap<String, String> {
    let users = server.users().await;
    let mut out = BTreeMap::new();
    for user in &users {
        let Some(mark) = user["externalId"].as_str() else {
            continue;
        };
        let id = mark.rsplit('/').next().unwrap().to_owned();
        let name = user["userName"].as_str().unwrap().to_owned();
        assert_eq!(out.insert(id, name), None, "a second account: {users:#?}");
    }
    out
}

fn expected(names: &[(&str, &str)]) -> BTreeMap<String, String> {
    names
        .iter()
        .map(|(id, name)| ((*id).to_owned(), (*name).to_owned()))
        .collect()
}

/// Whoever has the lower employeeId has the name, whoever was there first and however urgent; someone
/// who comes later changes nobody's name.
#[tokio::test]
async fn namesakes_are_told_apart_by_employee_id() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("namesakes").await;
    // The higher id is the older object, and a contractor with a last day.
    let mut contractor = employee("ada-two", "2002", "Ada", "Lovelace");
    contractor["spec"]["endDate"] = json!("2099-12-31");
    story.apply_person(contractor).await;
    let first = employee("ada-one", "1001", "Ada", "Lovelace");
    story.apply_person(first).await;
    story.apply_role(everyone("all", "directory", &[])).await;
    let operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    let one = story.provisioned("ada-one", 1).await;
    let two = story.provisioned("ada-two", 1).await;
    assert_eq!(one.accounts[0].username.as_deref(), Some("ada.lovelace"));
    assert_eq!(two.accounts[0].username.as_deref(), Some("ada.lovelace2"));

    // A third, whose id is lower than both.
    let third = employee("ada-three", "0003", "Ada", "Lovelace");
    story.apply_person(third).await;
    story.provisioned("ada-three", 1).await;
    let names = expected(&[
        ("1001", "ada.lovelace"),
        ("2002", "ada.lovelace2"),
        ("0003", "ada.lovelace3"),
    ]);
    assert_eq!(names_by_id(&server).await, names);

    // Started anew, everyone keeps their own.
    operator.stop().await.unwrap();
    let before = writes(&server).await;
    let _operator = Operator::start(&story.ns).await;
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, before);
    assert_eq!(names_by_id(&server).await, names);
}

/// History in one target gives no right to a name in the next.
#[tokio::test]
async fn history_elsewhere_does_not_win_a_name() {
    let old = ScimServer::scimmy().await;
    let new = ScimServer::scim2_server().await;
    let story = Story::new("namesakes-new").await;
    let mut contractor = employee("ada-two", "2002", "Ada", "Lovelace");
    contractor["spec"]["endDate"] = json!("2099-12-31");
    story.apply_person(contractor).await;
    story.apply_role(everyone("old", "old", &[])).await;
    story.apply_role(everyone("new", "new", &[])).await;
    let operator = Operator::start(&story.ns).await;
    story.connect("old", &old).await;
    story
        .person("ada-two", "has its old account", |s| {
            s.accounts
                .iter()
                .any(|a| a.connector == "old" && a.account_id.is_some())
        })
        .await;
    story
        .apply_person(employee("ada-one", "1001", "Ada", "Lovelace"))
        .await;
    story
        .person("ada-one", "has its old account", |s| {
            s.accounts
                .iter()
                .any(|a| a.connector == "old" && a.account_id.is_some())
        })
        .await;
    story.connect("new", &new).await;
    story.provisioned("ada-one", 2).await;
    story.provisioned("ada-two", 2).await;
    let names = expected(&[("1001", "ada.lovelace"), ("2002", "ada.lovelace2")]);
    assert_eq!(names_by_id(&new).await, names);
    // There, the one that came first keeps what it had.
    let names = expected(&[("1001", "ada.lovelace2"), ("2002", "ada.lovelace")]);
    assert_eq!(names_by_id(&old).await, names);
    drop(operator);
}

/// A name that someone else has there, of whatever case, is passed over, and that account stays as
/// it is.
#[tokio::test]
async fn a_taken_name_is_passed_over() {
    let server = ScimServer::scim2_server().await;
    let stranger = json!({"userName": "Ada.Lovelace", "displayName": "Someone else"});
    server.create_user(stranger).await;
    let before = server.user_by_name("ada.lovelace").await;
    let story = Story::new("taken").await;
    let _operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(employee("ada", "1001", "Ada", "Lovelace"))
        .await;
    let status = story.provisioned("ada", 1).await;
    assert_eq!(
        status.accounts[0].username.as_deref(),
        Some("ada.lovelace2")
    );
    assert_eq!(server.user_by_name("ada.lovelace").await, before);
    assert_eq!(
        server.group_members("staff").await,
        BTreeSet::from(["ada.lovelace2".to_owned()])
    );
    cycles(&server, 2).await;
    assert_eq!(usernames(&server).await, ["Ada.Lovelace", "ada.lovelace2"]);
}

/// People are called what they are called; each gets one account with a name the target can hold, and
/// their own name as it is written.
#[tokio::test]
async fn names_of_the_whole_world() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("world").await;
    let long = "Wolfeschlegel".repeat(20)[..200].to_owned();
    let people = [
        ("greek", "1", "Ελένη", "Παπαδοπούλου"),
        ("chinese", "2", "小明", "王"),
        ("irish", "3", "Sinéad", "O'Connor"),
        ("long", "4", "Hubert", long.as_str()),
        ("long-too", "5", "Hubert", long.as_str()),
        ("german", "6", "Jürgen", "Groß-Müller"),
        ("hidden", "7", "\u{1F600}", "\u{1F600}"),
    ];
    let mut object = connector("directory", &server);
    object["spec"]["account"]["username"] = json!([
        "employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()",
        "'employee' + employee.employeeId",
    ]);
    story.credential("directory", &server).await;
    story.apply_connector(object).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for (name, id, given, family) in people {
        story.apply_person(employee(name, id, given, family)).await;
    }
    let operator = Operator::start(&story.ns).await;
    for (name, id, given, family) in people {
        let status = story.provisioned(name, 1).await;
        let username = status.accounts[0].username.clone().unwrap();
        assert!(username.is_ascii() && username.len() <= 64, "{username}");
        let user = server.user_by_name(&username).await.unwrap();
        assert_eq!(user["displayName"], format!("{given} {family}"), "{id}");
    }
    let names = names_by_id(&server).await;
    assert_eq!(names["3"], "sinead.oconnor");
    assert_ne!(names["4"], names["5"]);
    assert_eq!(server.group_member_ids("staff").await.len(), people.len());

    operator.stop().await.unwrap();
    let before = writes(&server).await;
    let _operator = Operator::start(&story.ns).await;
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, before);
    assert_eq!(names_by_id(&server).await, names);
}
