//! What `rollcall plan` says of accounts that are nobody's is what becomes of them once it is merged.

use std::collections::BTreeSet;

use kube::api::DeleteParams;
use rollcall::api::Employee;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::kit::{Story, clerk, connector, everyone, id_of, writes};
use super::planned::{PullRequest, done, line, plan, told};
use crate::support::operator::OperatorProcess;
use crate::support::targets::ScimServer;

fn person(name: &str) -> Value {
    clerk(name, name, "Sales", json!({}))
}

fn directory(server: &ScimServer, orphans: Value) -> Value {
    let mut object = connector("directory", server);
    object["spec"]["orphans"] = orphans;
    object
}

/// Each change of a plan with accounts that are nobody's: whose, where, what.
fn changes(plan: &Value) -> BTreeSet<String> {
    let orphans = plan["orphans"].as_array().unwrap().iter();
    let lines = orphans.flat_map(|orphan| {
        let whose = match orphan["employeeId"].as_str() {
            Some(of) => json!(of),
            None => json!(format!(
                "undeclared:{}",
                orphan["accountId"].as_str().unwrap()
            )),
        };
        let changes = orphan["changes"].as_array().unwrap().iter();
        changes.map(move |change| {
            assert_eq!(change["already"], false, "{change}");
            line(&whose, &orphan["connector"], &change["verb"], &[])
        })
    });
    lines.collect()
}

async fn company(story: &Story, server: &ScimServer, object: Value, names: &[&str]) {
    story.credential("directory", server).await;
    story.apply_connector(object).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for name in names {
        story.apply_person(person(name)).await;
    }
    for name in names {
        story.provisioned(name, 1).await;
    }
}

async fn delete(story: &Story, name: &str) {
    let api = story.ns.api::<Employee>();
    api.delete(name, &DeleteParams::default()).await.unwrap();
}

async fn orphans(story: &Story, number: i64, spared: i64) {
    let what = format!("tells of {number} orphans, and {spared} that are none");
    story
        .connector("directory", &what, |c| {
            let status = c.status.as_ref().unwrap();
            (status.orphans, status.spared) == (number, Some(spared))
        })
        .await;
}

/// The plan from what `rollcall export` writes.
async fn offline(story: &Story, path: &str) -> (i32, Value) {
    let (code, state) = told(story, &["export"], true).await;
    assert_eq!(code, 0, "{state}");
    for name in [
        "ada.example",
        "bob.example",
        "stranger",
        "svc-",
        "root",
        "in secret",
    ] {
        assert!(!state.contains(name), "{name} is in {state}");
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state.json");
    std::fs::write(&file, &state).unwrap();
    let file = file.to_str().unwrap();
    let words = ["plan", "-f", path, "-o", "json", "--offline", file];
    let (code, text) = told(story, &words, false).await;
    (code, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn what_a_pull_request_does_with_accounts_of_nobody_is_what_then_runs() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("planned-orphans").await;
    let mut operator = OperatorProcess::start(&story.ns).await;
    let user = json!({"userName": "stranger", "active": true});
    server.create_user(user).await;
    let report = directory(&server, json!({"policy": "Report"}));
    company(&story, &server, report, &["ada", "bob", "cyd", "dan"]).await;
    delete(&story, "ada").await;
    delete(&story, "bob").await;
    orphans(&story, 3, 0).await;

    let disable = directory(
        &server,
        json!({
            "policy": "Disable", "after": "1s",
            "exceptions": [{"username": "bob.example", "reason": "comes back"}],
        }),
    );
    let pull_request = PullRequest::of(std::slice::from_ref(&disable));
    let (code, planned) = plan(&story, &pull_request).await;
    assert_eq!((code, &planned["people"]), (2, &json!([])), "{planned:#}");
    let expected = changes(&planned);
    assert_eq!(
        expected,
        BTreeSet::from(["ada directory Disable ".to_owned()])
    );
    let mark = operator.log().len();
    story.apply_connector(disable).await;
    story
        .connector("directory", "has disabled one", |c| {
            let told = &c.status.as_ref().unwrap().orphaned_accounts;
            told.iter().any(|o| o.state.as_deref() == Some("Disabled"))
        })
        .await;
    orphans(&story, 2, 1).await;
    assert_eq!(done(&operator.log().split_off(mark)), expected);
    let (code, again) = plan(&story, &pull_request).await;
    assert_eq!((code, &again["orphans"]), (0, &json!([])), "{again:#}");

    // The exception is gone, whoever was never ours is an orphan as any other, and so is who has no manifest any more.
    let orphanage = json!({"policy": "Delete", "which": "All", "after": "1s", "retain": "2s"});
    let objects = [
        directory(&server, orphanage),
        everyone("all", "directory", &["staff"]),
        person("cyd"),
    ];
    let pull_request = PullRequest::of(&objects);
    let path = pull_request.path().to_str().unwrap();
    let words = ["plan", "-f", path, "--prune", "-o", "json"];
    let (code, text) = told(&story, &words, true).await;
    assert_eq!(code, 2, "{text}");
    let planned: Value = serde_json::from_str(&text).unwrap();
    let stranger = server.user_by_name("stranger").await.unwrap()["id"].clone();
    let stranger = format!("undeclared:{}", stranger.as_str().unwrap());
    let both = |who: &str| ["Disable", "Delete"].map(|verb| format!("{who} directory {verb} "));
    let each = ["bob", "dan", stranger.as_str()].into_iter().flat_map(both);
    let mut wanted: BTreeSet<String> = each.collect();
    wanted.insert("ada directory Delete ".to_owned());
    assert_eq!(changes(&planned), wanted, "{planned:#}");
    let page = told(&story, &["plan", "-f", path, "--prune"], true).await.1;
    let said = "Of accounts that are nobody's: 3 to disable, 4 to delete.";
    assert!(page.contains(said), "{page}");

    let mark = operator.log().len();
    story.apply_connector(objects[0].clone()).await;
    delete(&story, "dan").await;
    orphans(&story, 0, 0).await;
    story
        .connector("directory", "has one account", |c| {
            let inventory = c.status.as_ref().unwrap().inventory.as_ref();
            inventory.is_some_and(|inventory| inventory.accounts == 1)
        })
        .await;
    assert_eq!(done(&operator.log().split_off(mark)), wanted);
    assert!(operator.terminate().await);
}

#[tokio::test]
async fn more_accounts_of_nobody_than_the_guard_lets_through_fail_the_pull_request() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("planned-orphans-held").await;
    let _operator = OperatorProcess::start(&story.ns).await;
    let guarded = |orphans: Value| {
        let mut object = directory(&server, orphans);
        object["spec"]["guard"] = json!({"alwaysAllowed": 1});
        object["spec"]["protected"] = json!({"accounts": ["root"]});
        object["spec"]["orphans"]["ignore"] = json!(["svc-*"]);
        object["spec"]["orphans"]["exceptions"] =
            json!([{"username": "a.stranger", "reason": "in secret"}]);
        object
    };
    let names = ["ada", "bob", "cyd"];
    company(
        &story,
        &server,
        guarded(json!({"policy": "Report"})),
        &names,
    )
    .await;
    for name in ["ada", "bob"] {
        delete(&story, name).await;
    }
    orphans(&story, 2, 0).await;
    let merged = guarded(json!({"policy": "Disable", "after": "1s"}));
    let pull_request = PullRequest::of(std::slice::from_ref(&merged));
    let path = pull_request.path().to_str().unwrap();
    for (code, planned) in [
        plan(&story, &pull_request).await,
        offline(&story, path).await,
    ] {
        assert_eq!(
            (code, &planned["verdict"]),
            (3, &json!("Held")),
            "{planned:#}"
        );
        assert_eq!(planned["connectors"][0]["held"]["people"], 2);
        let held = planned["orphans"].as_array().unwrap().iter();
        let held = held.filter(|orphan| orphan["changes"][0]["held"] == true);
        assert_eq!(held.count(), 2, "{planned:#}");
    }
    let sent = writes(&server).await;
    let ada = id_of(&server, "ada").await;
    story.apply_connector(merged).await;
    story
        .connector("directory", "holds them", |c| {
            let mut held = c.status.as_ref().unwrap().held.iter();
            held.any(|held| held.people == 2)
        })
        .await;
    assert_eq!(writes(&server).await, sent);
    assert_eq!(id_of(&server, "ada").await, ada);
    // It is nothing new, with names or without.
    for (code, planned) in [
        plan(&story, &pull_request).await,
        offline(&story, path).await,
    ] {
        assert_eq!(
            (code, &planned["verdict"]),
            (0, &json!("Nothing")),
            "{planned:#}"
        );
        assert_eq!(planned["orphans"][0]["changes"][0]["already"], true);
    }
}
