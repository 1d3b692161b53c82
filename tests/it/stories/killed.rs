//! Story 10: the operator is killed in the middle of fifty joiners, again and again.

use std::collections::BTreeSet;

use rollcall::api::Employee;
use serde_json::json;

use super::kit::{Story, connector, employee, everyone, is, writes};
use crate::support::operator::OperatorProcess;
use crate::support::targets::ScimServer;
use crate::support::wait::{eventually_within, wait_for};

const PEOPLE: usize = 50;

/// When it is killed, by the writes that the target has seen in all: before most accounts, among the
/// creations, and among the memberships.
const POINTS: [usize; 4] = [1, 14, 32, 56];

async fn fifty_joiners(server: ScimServer) {
    let story = Story::new("killed").await;
    // Slow enough that each kill meets work in flight.
    let mut object = connector("directory", &server);
    object["spec"]["sync"] = json!({
        "interval": "1s", "requestsPerSecond": 40, "concurrency": 4, "membershipBatch": 10,
    });
    object["spec"]["account"]["manager"] = json!("FromManagerRef");
    story.credential("directory", &server).await;
    story.apply_connector(object).await;
    story
        .apply_role(everyone("all", "directory", &["staff", "news", "mail"]))
        .await;
    let mut people = Vec::new();
    for i in 0..PEOPLE {
        let name = format!("person-{i}");
        // Two share each name.
        let mut object = employee(&name, &i.to_string(), "Pat", &format!("Smith{}", i / 2));
        if i > 0 {
            object["spec"]["managerRef"] = json!({"name": "person-0"});
        }
        story.apply_person(object).await;
        people.push(name);
    }
    for point in POINTS {
        let mut operator = OperatorProcess::start(&story.ns).await;
        eventually_within(
            std::time::Duration::from_secs(30),
            "the target has seen enough writes",
            async || {
                let seen = writes(&server).await.len();
                if seen >= point {
                    Ok(())
                } else {
                    Err((seen, operator.log()))
                }
            },
        )
        .await;
        let seen = writes(&server).await.len();
        operator.kill();
        assert!(seen < 68, "all was done before the kill: {seen} writes");
    }
    let _operator = OperatorProcess::start(&story.ns).await;
    let api = story.ns.api::<Employee>();
    for name in &people {
        let person = wait_for(&api, name, "is ready", |p: &Employee| {
            p.status
                .as_ref()
                .is_some_and(|s| is(&s.conditions, "Ready", "True"))
        })
        .await;
        let account = &person.status.unwrap().accounts[0];
        let user = server
            .user_by_name(account.username.as_deref().unwrap())
            .await
            .unwrap();
        assert_eq!(user["id"].as_str(), account.account_id.as_deref());
        let held: Vec<_> = account
            .entitlements
            .iter()
            .map(|e| e.name.as_str())
            .collect();
        assert_eq!(held, ["mail", "news", "staff"]);
    }
    let users = server.users().await;
    let marks: BTreeSet<_> = users
        .iter()
        .map(|u| u["externalId"].as_str().unwrap())
        .collect();
    assert_eq!((users.len(), marks.len()), (PEOPLE, PEOPLE));
    let ids: BTreeSet<_> = users
        .iter()
        .map(|u| u["id"].as_str().unwrap().to_owned())
        .collect();
    let mut groups: Vec<_> = server.groups().await;
    groups.sort_by_key(|g| g["displayName"].to_string());
    let names: Vec<_> = groups
        .iter()
        .map(|g| g["displayName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["mail", "news", "staff"]);
    for name in names {
        let members = server.group_member_ids(name).await;
        assert_eq!(members.len(), PEOPLE, "{name} has doubled members");
        assert_eq!(members.into_iter().collect::<BTreeSet<_>>(), ids);
    }
    let connector = story
        .connector("directory", "counts everyone", |c| {
            c.status.as_ref().unwrap().accounts == i64::try_from(PEOPLE).unwrap()
        })
        .await;
    assert_eq!(connector.status.unwrap().orphans, 0);
}

#[tokio::test]
pub async fn scimmy_gets_fifty_accounts_and_no_more() {
    fifty_joiners(ScimServer::scimmy().await).await;
}

#[tokio::test]
async fn scim2_server_gets_fifty_accounts_and_no_more() {
    fifty_joiners(ScimServer::scim2_server().await).await;
}
