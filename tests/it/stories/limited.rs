//! Limits on an entitlement: only so many may hold it, and only people of a type.

use std::collections::BTreeSet;

use rollcall::api::EmployeeStatus;
use rollcall::api::employee::GrantState;
use serde_json::{Value, json};

use super::kit::{
    Story, clerk, connector, cycles, everyone, group_id, is, tells, user_id, username,
};
use crate::support::operator::{Operator, OperatorProcess};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const PEOPLE: usize = 20;

fn name(n: usize) -> String {
    format!("p{n}")
}

/// Ids of two digits, so that their order is the one of the numbers.
fn person(n: usize, more: Value) -> Value {
    clerk(&name(n), &format!("{n:02}"), "Sales", more)
}

async fn limit(story: &Story, server: &ScimServer, limit: Value) {
    let mut object = connector("directory", server);
    object["spec"]["entitlements"] = json!({"missing": "Create", "limits": [limit]});
    // Slow enough for a kill to meet work in flight.
    object["spec"]["sync"]["requestsPerSecond"] = json!(30);
    object["spec"]["sync"]["membershipBatch"] = json!(1);
    story.apply_connector(object).await;
}

fn usernames(people: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    people.into_iter().map(|n| username(&name(n))).collect()
}

/// Waits until exactly these are in a group; at no instant are there more than may be.
async fn holders(server: &ScimServer, group: &str, people: BTreeSet<String>, max: usize) {
    eventually("they hold it", async || {
        let members = server.group_members(group).await;
        assert!(members.len() <= max, "{members:?}");
        if members == people {
            Ok(())
        } else {
            Err(members)
        }
    })
    .await;
}

fn state(status: &EmployeeStatus, group: &str) -> Option<GrantState> {
    let mut grants = status.accounts.iter().flat_map(|a| &a.entitlements);
    grants.find(|grant| grant.name == group).map(|g| g.state)
}

/// What `rollcall explain employee` says of a group.
async fn explained(story: &Story, name: &str, group: &str) -> (String, String) {
    let told = story.explained(name).await;
    let held = told["accounts"][0]["entitlements"].as_array().unwrap();
    let found = held.iter().find(|e| e["name"] == group).unwrap();
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    (text("state"), text("why"))
}

#[tokio::test]
async fn no_more_hold_it_than_may_whoever_comes_first_and_whenever_the_operator_is_killed() {
    let server = ScimServer::scim2_server().await;
    server.create_group("keys").await;
    let story = Story::new("limited").await;
    story.credential("directory", &server).await;
    limit(
        &story,
        &server,
        json!({"entitlement": "keys", "maxHolders": 3}),
    )
    .await;
    story
        .apply_role(everyone("all", "directory", &["staff", "keys"]))
        .await;
    for n in (0..PEOPLE).rev() {
        story.apply_person(person(n, json!({}))).await;
    }
    for round in 1..=3 {
        let mut operator = OperatorProcess::start(&story.ns).await;
        eventually("something was written", async || {
            let made = super::kit::usernames(&server).await.len();
            let members = server.group_members("keys").await.len();
            assert!(members <= 3);
            let enough = made >= round * 5 || made >= PEOPLE;
            if enough { Ok(()) } else { Err(made) }
        })
        .await;
        operator.kill();
    }

    let _operator = Operator::start(&story.ns).await;
    holders(&server, "keys", usernames(0..3), 3).await;
    let why = story
        .person_says("p7", "Ready", "False", "EntitlementLimitReached")
        .await;
    tells(
        &why,
        &["at most 3", "keys", "directory", "3 do", "maxHolders"],
    );
    let status = story
        .person("p7", "waits for a place and is in staff", |status| {
            state(status, "staff") == Some(GrantState::Held)
        })
        .await;
    assert_eq!(state(&status, "keys"), Some(GrantState::Pending));
    assert!(is(&status.conditions, "Reconciling", "True"));
    assert!(!is(&status.conditions, "Stalled", "True"));
    let (_, why) = explained(&story, "p7", "keys").await;
    tells(&why, &["given by all", "as many hold it as may"]);

    // Whoever waits makes no noise.
    holders(&server, "staff", usernames(0..PEOPLE), PEOPLE).await;
    cycles(&server, 2).await;
    let writes = server.requests().await.len();
    cycles(&server, 3).await;
    let log = super::kit::since(&server, writes).await;
    let log: Vec<_> = log.into_iter().filter(|r| r.method != "GET").collect();
    assert!(log.is_empty(), "{log:#?}");

    // Somebody leaves, and the next one by id comes in.
    let gone = person(1, json!({"endDate": "2021-01-01"}));
    story.apply_person(gone).await;
    holders(&server, "keys", usernames([0, 2, 3]), 3).await;
    story.provisioned("p3", 1).await;

    // A limit that is lowered takes nothing; what somebody adds by hand counts.
    limit(
        &story,
        &server,
        json!({"entitlement": "keys", "maxHolders": 1}),
    )
    .await;
    cycles(&server, 3).await;
    holders(&server, "keys", usernames([0, 2, 3]), 3).await;
    story.provisioned("p2", 1).await;
    let by_hand = user_id(&server, &username("p9")).await;
    let keys = group_id(&server, "keys").await;
    server.add_member(&keys, &by_hand).await;
    story.provisioned("p9", 1).await;
    limit(
        &story,
        &server,
        json!({"entitlement": "keys", "maxHolders": 5}),
    )
    .await;
    holders(&server, "keys", usernames([0, 2, 3, 4, 9]), 5).await;
}

#[tokio::test]
async fn only_people_of_a_type_are_given_it_and_nobody_loses_it() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("only-types").await;
    let _operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff", "keys"]))
        .await;
    let contractor = json!({"type": "Contractor"});
    story.apply_person(person(1, contractor.clone())).await;
    story.provisioned("p1", 1).await;
    limit(
        &story,
        &server,
        json!({"entitlement": "KEY?", "onlyTypes": ["Employee"]}),
    )
    .await;

    // Who had it before keeps it, and is told of.
    let why = story
        .person_says("p1", "Stalled", "True", "EntitlementNotForType")
        .await;
    tells(
        &why,
        &[
            "keys",
            "directory",
            "type Employee",
            "type Contractor",
            "all",
        ],
    );
    for (n, kind) in [(2, "Contractor"), (3, "Employee")] {
        story.apply_person(person(n, json!({"type": kind}))).await;
    }
    story.provisioned("p3", 1).await;
    story
        .person_says("p2", "Stalled", "True", "EntitlementNotForType")
        .await;
    let status = story
        .person("p2", "is in staff", |status| {
            state(status, "staff") == Some(GrantState::Held)
        })
        .await;
    assert_eq!(state(&status, "keys"), None);
    holders(&server, "keys", usernames([1, 3]), 2).await;
    let (state, why) = explained(&story, "p2", "keys").await;
    assert_eq!(state, "Lacking", "{why}");
    tells(&why, &["for the type Employee alone"]);
    let (state, why) = explained(&story, "p1", "keys").await;
    assert_eq!(state, "Held", "{why}");
    tells(&why, &["given by all", "for the type Employee alone"]);

    // An edit cures it.
    story
        .apply_person(person(2, json!({"type": "Employee"})))
        .await;
    story.provisioned("p2", 1).await;
    holders(&server, "keys", usernames([1, 2, 3]), 3).await;
}
