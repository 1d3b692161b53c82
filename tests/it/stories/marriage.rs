//! A name changes by marriage: the accounts are the same ones, under a new user name where the connector allows it.

use rollcall::api::EmployeeStatus;
use rollcall::api::employee::AccountStatus;
use serde_json::{Value, json};

use super::kit::{Story, connector, employee, everyone, template, user_id};
use crate::databases;
use crate::directories::kit::{group, openldap, person};
use crate::support::directory::Looker;
use crate::support::openldap::OpenLdap;
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

fn following(mut connector: Value) -> Value {
    connector["spec"]["account"]["usernameChanges"] = json!("Follow");
    connector
}

/// User names by connector.
fn names(status: &EmployeeStatus) -> Vec<(&str, &str, Vec<&str>)> {
    let accounts = status.accounts.iter();
    let told = accounts.map(|account| {
        let former = account.former_usernames.iter().map(String::as_str);
        let name = account.username.as_deref().unwrap_or_default();
        (account.connector.as_str(), name, former.collect())
    });
    told.collect()
}

/// In a directory, a database and a SCIM server that follow, and in one that does not. Memberships stay, and whoever comes
/// with the former name does not get it.
#[tokio::test]
async fn the_account_stays_and_its_user_name_follows() {
    let (directory, database, chat, wiki) = tokio::join!(
        OpenLdap::start(),
        Postgres::start(),
        ScimServer::scimmy(),
        ScimServer::scim2_server()
    );
    let mut looker = directory.looker().await;
    let story = Story::new("marriage").await;
    let operator = Operator::start(&story.ns).await;
    let hosts = directory.hosts();
    let secret = directory.password();
    story.ns.credential("directory", secret, &hosts).await;
    let followed = following(openldap("directory", &directory));
    story.apply_connector(followed).await;
    let users = databases::connector("database", &database, database.users(), &json!({}));
    let host = databases::Server::host(&database);
    let secret = databases::Server::password(&database);
    story.ns.credential("database", secret, &host).await;
    story.apply_connector(following(users)).await;
    story.credential("chat", &chat).await;
    story
        .apply_connector(following(connector("chat", &chat)))
        .await;
    story.connect("wiki", &wiki).await;
    let grants: Vec<(&str, &[&str])> = ["directory", "database", "chat", "wiki"]
        .map(|name| (name, &["staff"] as &[&str]))
        .to_vec();
    story.apply_role(template("all", "true", &grants)).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    let before = story.provisioned("ada", 4).await;
    let ids = |status: &EmployeeStatus| {
        let accounts = status.accounts.iter();
        accounts.map(|a| a.account_id.clone()).collect::<Vec<_>>()
    };

    story
        .apply_person(employee("ada", "1", "Ada", "King"))
        .await;
    let after = story
        .person("ada", "is called by her new name", |status| {
            let renamed = |name: &str| name == "ada.king";
            let called = names(status);
            called.iter().filter(|(_, name, _)| renamed(name)).count() == 3
        })
        .await;
    assert_eq!(
        names(&after),
        [
            ("chat", "ada.king", vec!["ada.lovelace"]),
            ("database", "ada.king", vec!["ada.lovelace"]),
            ("directory", "ada.king", vec!["ada.lovelace"]),
            ("wiki", "ada.lovelace", vec![]),
        ]
    );
    assert_eq!(ids(&after), ids(&before), "other accounts than before");
    let ready = story.provisioned("ada", 4).await;
    let holds = |account: &AccountStatus| {
        let held = account.entitlements.iter().map(|e| e.since.clone());
        held.collect::<Vec<_>>()
    };
    let (since, still): (Vec<_>, Vec<_>) = (
        before.accounts.iter().map(holds).collect(),
        ready.accounts.iter().map(holds).collect(),
    );
    assert_eq!(still, since, "the group was taken and given anew");

    // As the targets themselves have it.
    let entry = person("ada.king");
    let members = looker.values(&group("staff"), "member").await;
    assert!(members.contains(&entry), "{members:?}");
    assert!(!members.contains(&person("ada.lovelace")), "{members:?}");
    assert_eq!(looker.values(&entry, "sn").await.first().unwrap(), "King");
    let in_staff = "SELECT r.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid \
                    JOIN pg_roles r ON r.oid = m.member WHERE g.rolname = 'staff'";
    assert_eq!(database.column("postgres", in_staff).await, ["ada.king"]);
    assert!(chat.group_members("staff").await.contains("ada.king"));
    assert!(wiki.group_members("staff").await.contains("ada.lovelace"));

    // Whoever was Ada Lovelace once, nobody else is, also after a restart.
    operator.stop().await.unwrap();
    let _operator = Operator::start(&story.ns).await;
    story
        .apply_person(employee("namesake", "0", "Ada", "Lovelace"))
        .await;
    let namesake = story.provisioned("namesake", 4).await;
    for (connector, name, former) in names(&namesake) {
        assert_eq!((name, former), ("ada.lovelace2", vec![]), "{connector}");
    }

    takes_it_back(&story, &mut looker, &before).await;
}

/// She takes her former name again: it was kept for her.
async fn takes_it_back(story: &Story, looker: &mut Looker, before: &EmployeeStatus) {
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story
        .person("ada", "is called as before", |status| {
            let called = names(status);
            called.iter().all(|(connector, name, former)| {
                let kept: &[&str] = if *connector == "wiki" {
                    &[]
                } else {
                    &["ada.king"]
                };
                *name == "ada.lovelace" && former == kept
            })
        })
        .await;
    eventually("the directory has her old name again", async || {
        let id = looker.values(&person("ada.lovelace"), "entryUUID").await;
        let is_hers = id.first() == before.accounts[2].account_id.as_ref();
        if is_hers { Ok(()) } else { Err(id) }
    })
    .await;
}

/// A user name that follows meets somebody else's, whom no listing of ours made: the next one is taken.
#[tokio::test]
async fn the_next_name_is_taken_where_the_new_one_is_somebody_elses() {
    let chat = ScimServer::scim2_server().await;
    let stranger = json!({"userName": "Ada.King", "displayName": "Someone else"});
    chat.create_user(stranger).await;
    let story = Story::new("marriage-taken").await;
    let _operator = Operator::start(&story.ns).await;
    story.credential("chat", &chat).await;
    story
        .apply_connector(following(connector("chat", &chat)))
        .await;
    story.apply_role(everyone("all", "chat", &[])).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story.provisioned("ada", 1).await;
    let id = user_id(&chat, "ada.lovelace").await;
    story
        .apply_person(employee("ada", "1", "Ada", "King"))
        .await;
    story
        .person("ada", "has the next name", |status| {
            names(status) == [("chat", "ada.king2", vec!["ada.lovelace"])]
        })
        .await;
    assert_eq!(user_id(&chat, "ada.king2").await, id);
    let other = chat.user_by_name("ada.king").await.unwrap();
    assert_eq!(other["displayName"], "Someone else");
}
