//! Story 12: `mode: DryRun` says what would be done, and only reads.

use rollcall::api::employee::AccountState;
use serde_json::json;

use super::kit::{Story, connector, cycles, employee, everyone, is, tells, usernames, writes};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

#[tokio::test]
pub async fn dry_run_only_reads() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("dry-run").await;
    // One account that is right but for its title and groups, and a leaver's that is still open.
    let mark = |id: &str| format!("it/{}/{id}", story.ns.name);
    let bob = server
        .create_user(json!({
            "userName": "bob.noyce", "externalId": mark("2"), "active": true,
            "displayName": "Bob Noyce", "title": "Old title",
        }))
        .await;
    server
        .create_user(json!({
            "userName": "cyd.marsh", "externalId": mark("3"), "active": true,
            "displayName": "Cyd Marsh", "title": "Manager",
        }))
        .await;
    server.create_group("staff").await;
    let before = server.users().await;

    let mut dry = connector("directory", &server);
    dry["spec"]["mode"] = json!("DryRun");
    story.credential("directory", &server).await;
    story.apply_connector(dry).await;
    story
        .apply_role(everyone("all", "directory", &["staff", "news"]))
        .await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story
        .apply_person(employee("bob", "2", "Bob", "Noyce"))
        .await;
    let mut leaver = employee("cyd", "3", "Cyd", "Marsh");
    leaver["spec"]["endDate"] = json!("2021-01-01");
    story.apply_person(leaver).await;
    let operator = Operator::start(&story.ns).await;

    let would = async |name: &str, parts: &[&str]| {
        let status = story
            .person(name, "is told what would be done", |s| {
                s.accounts.iter().any(|a| {
                    a.state == AccountState::Pending && a.reason.as_deref() == Some("DryRun")
                })
            })
            .await;
        tells(status.accounts[0].message.as_deref().unwrap(), parts);
        assert!(is(&status.conditions, "Ready", "False"));
        assert!(is(&status.conditions, "Reconciling", "True"));
    };
    would("ada", &["create ada.lovelace", "news", "staff"]).await;
    would("bob", &["title", "news", "staff"]).await;
    would("cyd", &["disable"]).await;
    let seen = story
        .connector("directory", "counts what would be done", |c| {
            c.status
                .as_ref()
                .unwrap()
                .dry_run
                .as_ref()
                .is_some_and(|d| {
                    (d.create, d.update, d.disable, d.add_entitlements) == (1, 1, 1, 4)
                })
        })
        .await;
    let counts = seen.status.unwrap().dry_run.unwrap();
    assert_eq!((counts.enable, counts.remove_entitlements), (0, 0));
    cycles(&server, 3).await;
    assert_eq!(writes(&server).await, []);
    assert_eq!(server.users().await, before);

    story.apply_connector(connector("directory", &server)).await;
    story.provisioned("ada", 1).await;
    story.provisioned("bob", 1).await;
    story
        .person_says("cyd", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    story
        .connector("directory", "no longer speaks of a dry run", |c| {
            c.status.as_ref().unwrap().dry_run.is_none()
        })
        .await;
    assert_eq!(
        usernames(&server).await,
        ["ada.lovelace", "bob.noyce", "cyd.marsh"]
    );
    assert_eq!(server.user_by_name("bob.noyce").await.unwrap()["id"], bob);
    assert_eq!(
        server.user_by_name("bob.noyce").await.unwrap()["title"],
        "Manager"
    );
    assert_eq!(
        server.user_by_name("cyd.marsh").await.unwrap()["active"],
        false
    );
    operator.stop().await.unwrap();
}
