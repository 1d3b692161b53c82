//! Accounts that are nobody's, where a connector says what is to become of them; and memberships that no role gives.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use kube::api::DeleteParams;
use rollcall::api::Employee;
use rollcall::api::app_connector::OrphanedAccount;
use serde_json::{Value, json};

use super::kit::{
    Story, clerk, connector, cycles, everyone, group_id, id_of, lines_of_writes, position, since,
    template, username, writes,
};
use crate::support::operator::Operator;
use crate::support::targets::{LoggedRequest, ScimServer};
use crate::support::wait::eventually;

const WEEK: SignedDuration = SignedDuration::from_hours(8 * 24);

fn strict(server: &ScimServer, orphans: Value) -> Value {
    let mut strict = connector("directory", server);
    strict["spec"]["orphans"] = orphans;
    strict["spec"].as_object_mut().unwrap().remove("guard");
    strict
}

async fn company(story: &Story, server: &ScimServer, orphans: Value, names: &[&str]) {
    story.credential("directory", server).await;
    story.apply_connector(strict(server, orphans)).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for name in names {
        come(story, name).await;
    }
    for name in names {
        story.provisioned(name, 1).await;
    }
}

/// The same `employeeId` as ever.
async fn come(story: &Story, name: &str) {
    story
        .apply_person(clerk(name, name, "Sales", json!({})))
        .await;
}

async fn go(story: &Story, name: &str) {
    let api = story.ns.api::<Employee>();
    api.delete(name, &DeleteParams::default()).await.unwrap();
}

/// Waits until an account is told of as an orphan, so.
async fn orphan(
    story: &Story,
    name: &str,
    what: &str,
    wanted: impl Fn(&OrphanedAccount) -> bool,
) -> OrphanedAccount {
    let named = |c: &rollcall::api::AppConnector| {
        let told = &c.status.as_ref().unwrap().orphaned_accounts;
        let found = told.iter().find(|o| o.username == username(name));
        found.cloned()
    };
    let what = format!("{name} {what}");
    let seen = story.connector("directory", &what, |c| named(c).is_some_and(|o| wanted(&o)));
    named(&seen.await).unwrap()
}

fn stands(state: &'static str) -> impl Fn(&OrphanedAccount) -> bool {
    move |orphan| orphan.state.as_deref() == Some(state)
}

async fn no_orphans(story: &Story) {
    story
        .connector("directory", "has no orphans", |c| {
            c.status.as_ref().unwrap().orphans == 0
        })
        .await;
}

async fn active(server: &ScimServer, name: &str) -> bool {
    let user = server.user_by_name(&username(name)).await.unwrap();
    user["active"] == true
}

#[tokio::test]
async fn who_is_gone_is_disabled_after_the_grace_and_enabled_when_back() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("orphaned").await;
    let operator = Operator::start(&story.ns).await;
    for (name, mark) in [("foreign", "other/people/9"), ("stranger", "")] {
        let user = json!({"userName": name, "externalId": mark, "active": true});
        server.create_user(user).await;
    }
    let orphans = json!({
        "policy": "Disable",
        "ignore": ["eve.*"],
        "exceptions": [
            {"username": "dan.*", "reason": "a contractor who comes back"},
            {"username": "old.*", "reason": "a migration", "until": "2020-01-01"},
        ],
    });
    let names = ["ada", "bob", "cyd", "dan", "eve", "fay"];
    company(&story, &server, orphans.clone(), &names).await;
    let mut connector = strict(&server, orphans);
    connector["spec"]["protected"] = json!({"accounts": ["cyd.*"]});
    story.apply_connector(connector).await;
    let expired = story
        .connector("directory", "tells what is over", |c| {
            let status = c.status.as_ref().unwrap();
            !status.expired_exceptions.is_empty()
        })
        .await;
    let expired = expired.status.unwrap().expired_exceptions;
    assert_eq!((expired.len(), expired[0].username.as_str()), (1, "old.*"));

    let sent = writes(&server).await;
    for name in ["ada", "bob", "cyd", "dan", "eve"] {
        go(&story, name).await;
    }
    let told = orphan(&story, "ada", "waits", stands("Waiting")).await;
    let due = told.due_at.unwrap().0;
    assert!(
        due >= told.since.0 + SignedDuration::from_hours(7 * 24),
        "{due}"
    );
    orphan(&story, "bob", "waits", stands("Waiting")).await;
    // One turns out to be somebody's within the time: nothing was done, and nothing is.
    come(&story, "bob").await;
    story.provisioned("bob", 1).await;
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, sent);

    let ada = id_of(&server, "ada").await;
    let mark = server.requests().await.len();
    operator.clock.shift(WEEK);
    orphan(&story, "ada", "is disabled", stands("Disabled")).await;
    cycles(&server, 2).await;
    let requests = since(&server, mark).await;
    let path = format!("/Users/{ada}");
    assert_eq!(
        lines_of_writes(&requests).len(),
        1,
        "{:?}",
        lines_of_writes(&requests)
    );
    let write = requests.iter().position(LoggedRequest::is_write).unwrap();
    assert!(requests[write].path.contains(&path));
    let read = position(&requests[..write], "GET", &path);
    assert!(read.is_some(), "it was read right before");
    assert!(!active(&server, "ada").await);
    for name in ["bob", "cyd", "dan", "eve", "fay"] {
        assert!(active(&server, name).await, "{name}");
    }
    for name in ["foreign", "stranger"] {
        assert_eq!(server.user_by_name(name).await.unwrap()["active"], true);
    }
    let staff = server.group_members("staff").await;
    assert_eq!(staff.len(), names.len(), "what they hold stays: {staff:?}");
    let told = story
        .connector("directory", "tells of the stranger", |c| {
            let told = &c.status.as_ref().unwrap().orphaned_accounts;
            told.iter()
                .any(|o| o.username == "stranger" && o.reason.as_deref() == Some("NeverOurs"))
        })
        .await;
    let told = told.status.unwrap().orphaned_accounts;
    let names: BTreeSet<&str> = told.iter().map(|o| o.username.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["ada.example", "stranger"]));

    // The manifest comes late: she has what she had.
    come(&story, "ada").await;
    let status = story.provisioned("ada", 1).await;
    assert_eq!(status.accounts[0].entitlements.len(), 1);
    assert_eq!(id_of(&server, "ada").await, ada);
    assert!(active(&server, "ada").await);
    let requests = since(&server, mark).await;
    assert_eq!(lines_of_writes(&requests).len(), 2);
}

#[tokio::test]
async fn who_is_gone_is_deleted_after_a_time_disabled() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("orphaned-delete").await;
    let operator = Operator::start(&story.ns).await;
    let orphans = json!({"policy": "Delete", "after": "36h", "retain": "10d"});
    company(&story, &server, orphans, &["ada", "bob"]).await;
    let ada = id_of(&server, "ada").await;
    go(&story, "ada").await;
    orphan(&story, "ada", "waits", stands("Waiting")).await;
    operator.clock.shift(SignedDuration::from_hours(38));
    let told = orphan(&story, "ada", "is kept", |orphan| {
        orphan.reason.as_deref() == Some("OrphanRetained")
    });
    let told = told.await;
    assert_eq!((told.active, told.kept_for), (Some(false), Some(864_000)));
    assert!(!active(&server, "ada").await);

    // An operator that is started anew goes on from there.
    operator.stop().await.unwrap();
    let by = SignedDuration::from_hours(38 + 9 * 24);
    let operator = Operator::start_shifted(&story.ns, by).await;
    cycles(&server, 3).await;
    let still = orphan(&story, "ada", "is kept", stands("Waiting")).await;
    assert_eq!(still.kept_since, told.kept_since);
    let mark = server.requests().await.len();
    operator.clock.shift(SignedDuration::from_hours(26));
    no_orphans(&story).await;
    let requests = since(&server, mark).await;
    let path = format!("/Users/{ada}");
    let gone = position(&requests, "DELETE", &path).unwrap();
    assert!(position(&requests[..gone], "GET", &path).is_some());
    assert_eq!(lines_of_writes(&requests).len(), 1);
    assert!(active(&server, "bob").await);
}

#[tokio::test]
async fn a_namespace_that_is_emptied_is_held_and_taken_back() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("orphaned-wave").await;
    let operator = Operator::start(&story.ns).await;
    let names: Vec<String> = (0..40).map(|n| format!("p{n}")).collect();
    let people: Vec<&str> = names.iter().map(String::as_str).collect();
    company(
        &story,
        &server,
        json!({"policy": "Disable", "after": "2d"}),
        &people,
    )
    .await;
    let sent = writes(&server).await;
    let words = ["delete", "employees", "--all", "--wait=true"];
    story.ns.kubectl_ok(&words).await;
    story
        .connector("directory", "has forty orphans", |c| {
            c.status.as_ref().unwrap().orphans == 40
        })
        .await;
    operator.clock.shift(SignedDuration::from_hours(3 * 24));
    let held = async || {
        let found = story.connector("directory", "holds them", |c| {
            let mut held = c.status.as_ref().unwrap().held.iter();
            held.any(|held| held.people == 40)
        });
        found.await.status.unwrap()
    };
    let status = held().await;
    story.held("directory").await;
    let told = status.held[0].clone();
    assert_eq!(told.disable, 40);
    assert!(told.employees.contains(&username("p7")), "{told:?}");
    orphan(&story, "p7", "is held", stands("Held")).await;
    operator.stop().await.unwrap();
    let by = SignedDuration::from_hours(3 * 24 + 1);
    let _operator = Operator::start_shifted(&story.ns, by).await;
    assert_eq!(held().await.held[0].digest, told.digest);
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, sent);

    // All of it is applied again.
    for name in &people {
        come(&story, name).await;
    }
    for name in &people {
        story.provisioned(name, 1).await;
    }
    no_orphans(&story).await;
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, sent);
    story
        .connector("directory", "holds nothing", |c| {
            c.status.as_ref().unwrap().held.is_empty()
        })
        .await;
}

#[tokio::test]
async fn what_would_be_done_in_a_dry_run_is_counted() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("orphaned-dry").await;
    let operator = Operator::start(&story.ns).await;
    company(&story, &server, json!({"policy": "Disable"}), &["ada"]).await;
    let mut dry = strict(&server, json!({"policy": "Disable"}));
    dry["spec"]["mode"] = json!("DryRun");
    story.apply_connector(dry).await;
    let sent = writes(&server).await;
    go(&story, "ada").await;
    orphan(&story, "ada", "waits", stands("Waiting")).await;
    operator.clock.shift(WEEK);
    orphan(&story, "ada", "would be disabled", |orphan| {
        orphan.reason.as_deref() == Some("DryRun")
    })
    .await;
    story
        .connector("directory", "counts it", |c| {
            let counts = c.status.as_ref().unwrap().dry_run.as_ref();
            counts.is_some_and(|counts| counts.disable == 1)
        })
        .await;
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, sent);
}

#[tokio::test]
async fn a_membership_that_no_role_gives_is_taken_away_where_roles_alone_give_it() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("orphaned-rogue").await;
    let _operator = Operator::start(&story.ns).await;
    story.credential("directory", &server).await;
    let mut strict = connector("directory", &server);
    strict["spec"]["entitlements"]["authoritative"] = json!(["vip*"]);
    story.apply_connector(strict).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let sales = template(
        "sales",
        "employee.department == 'Sales'",
        &[("directory", &["vip"])],
    );
    story.apply_role(sales).await;
    for (name, department) in [("ada", "Sales"), ("bob", "Support")] {
        story
            .apply_person(clerk(name, name, department, json!({})))
            .await;
        story.provisioned(name, 1).await;
    }
    let wine = server.create_group("wine").await;
    let vip = group_id(&server, "vip").await;
    let stranger = server.create_user(json!({"userName": "stranger"})).await;
    let bob = id_of(&server, "bob").await;
    let mark = server.requests().await.len();
    for group in [&wine, &vip] {
        server.add_member(group, &bob).await;
    }
    server.add_member(&vip, &stranger).await;
    eventually("he is out of it again", async || {
        let members = server.group_members("vip").await;
        let wanted = BTreeSet::from([username("ada"), "stranger".to_owned()]);
        if members == wanted {
            Ok(())
        } else {
            Err(members)
        }
    })
    .await;
    let requests = since(&server, mark).await;
    let path = format!("/Users/{bob}");
    assert!(position(&requests, "GET", &path).is_some(), "read before");
    // Elsewhere it is told of.
    story
        .person("bob", "is told of", |status| {
            let told = status.orphaned_credentials.iter();
            told.map(|o| o.name.as_str()).eq(["wine"])
        })
        .await;
    cycles(&server, 2).await;
    assert_eq!(server.group_members("wine").await.len(), 1);
    assert_eq!(server.group_members("staff").await.len(), 2);
    assert_eq!(server.group_members("vip").await.len(), 2);
}
