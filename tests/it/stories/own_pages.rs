//! Story 14: the operator's own pages, its end, and what it says to whom.

use std::collections::BTreeMap;

use k8s_openapi::api::events::v1::Event;
use kube::api::{ListParams, Patch, PatchParams};
use rollcall::api::{AppConnector, Employee, RoleTemplate};
use serde_json::{Value, json};

use super::kit::{Story, cycles, employee, everyone, is, tells, usernames, writes};
use crate::support::operator::{Operator, OperatorProcess};
use crate::support::process::{Tied, free_port};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

/// Everything that `/metrics` is to tell of a small company.
#[tokio::test]
async fn metrics_tell_of_people_targets_and_orphans() {
    let server = ScimServer::scimmy().await;
    server.create_user(json!({"userName": "stranger"})).await;
    let mut down = ScimServer::scim2_server_down();
    let story = Story::new("metrics").await;
    let operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story.connect("down", &down).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    let mut upcoming = employee("bob", "2", "Bob", "Noyce");
    upcoming["spec"]["startDate"] = json!("2099-01-01");
    story.apply_person(upcoming).await;
    story.provisioned("ada", 1).await;
    story.ready("bob").await;
    cycles(&server, 1).await;
    let ns = &story.ns.name;
    let expected = [
        format!("rollcall_employees{{namespace=\"{ns}\",stage=\"Active\",ready=\"true\"}} 1"),
        format!("rollcall_employees{{namespace=\"{ns}\",stage=\"Upcoming\",ready=\"true\"}} 1"),
        format!("rollcall_orphaned_accounts{{namespace=\"{ns}\",connector=\"directory\"}} 1"),
        format!("rollcall_orphaned_credentials{{namespace=\"{ns}\",connector=\"directory\"}} 0"),
        format!("rollcall_inventory_age_seconds{{namespace=\"{ns}\",connector=\"directory\"}} "),
        format!("rollcall_writes_total{{namespace=\"{ns}\",connector=\"directory\","),
        "rollcall_events_dropped_total 0".to_owned(),
        "rollcall_build_info{".to_owned(),
    ];
    eventually("the metrics tell all of it", async || {
        let metrics = operator.metrics().await;
        let missing: Vec<_> = expected
            .iter()
            .filter(|line| !metrics.lines().any(|l| l.starts_with(line.as_str())))
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err((format!("{missing:?}"), metrics))
        }
    })
    .await;
    let metrics = operator.metrics().await;
    assert!(metrics.ends_with("# EOF\n"));
    assert!(!metrics.contains(server.token()));
    // What is not known has no age.
    assert!(!metrics.contains(&format!(
        "rollcall_inventory_age_seconds{{namespace=\"{ns}\",connector=\"down\"}}"
    )));
    down.start().await;
    eventually("its age is told", async || {
        let metrics = operator.metrics().await;
        let line =
            format!("rollcall_inventory_age_seconds{{namespace=\"{ns}\",connector=\"down\"}}");
        if metrics.contains(&line) {
            Ok(())
        } else {
            Err(metrics)
        }
    })
    .await;
}

/// Before it has seen everything it says so; it is alive all the same.
#[tokio::test]
async fn not_ready_before_everything_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    // An API server that takes connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let kubeconfig = folder.path().join("config");
    let cluster = format!("http://{}", silent.local_addr().unwrap());
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": cluster}}],
        "users": [{"name": "c", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let program = env!("CARGO_BIN_EXE_rollcall");
    let arguments = [
        "run",
        "--installation",
        "it",
        "--namespace",
        "people",
        "--listen",
        &address,
        "--kubeconfig",
        kubeconfig.to_str().unwrap(),
    ];
    let log = folder.path().join("log");
    let mut process = Tied::start(program.as_ref(), arguments, &[], &log);
    let page = async |page: &str| {
        let answer = reqwest::get(format!("http://{address}/{page}")).await;
        let answer = answer.map_err(|e| e.to_string())?;
        Ok::<_, String>((answer.status().as_u16(), answer.text().await.unwrap()))
    };
    let (status, why) = eventually("it says what it waits for", async || {
        match page("readyz").await {
            Ok((status, text)) if text.contains("employees") => Ok((status, text)),
            other => Err((other, std::fs::read_to_string(&log))),
        }
    })
    .await;
    assert_eq!(status, 503);
    tells(
        &why,
        &[
            "employees in people",
            "roletemplates in people",
            "appconnectors in people",
            "secrets in people",
        ],
    );
    assert_eq!(page("healthz").await.unwrap(), (200, "ok\n".to_owned()));
    // Also without a word from the cluster, it ends when asked to.
    process.signal("TERM");
    let status = eventually("it ends", async || process.ended().ok_or("it runs")).await;
    assert!(status.success(), "{status}: {}", process.output());
}

/// What is under way when it is asked to end may end; nothing is begun.
#[tokio::test]
async fn an_orderly_end() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("end").await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for i in 0..40 {
        let object = employee(
            &format!("p{i}"),
            &i.to_string(),
            "Pat",
            &format!("Smith{i}"),
        );
        story.apply_person(object).await;
    }
    let mut operator = OperatorProcess::start(&story.ns).await;
    eventually("it is at work", async || {
        let seen = writes(&server).await.len();
        if seen >= 5 { Ok(()) } else { Err(seen) }
    })
    .await;
    assert!(operator.terminate().await, "{}", operator.log());
    let sent = server.requests().await;
    // Every request was answered, and each account that was made is whole.
    assert!(sent.iter().all(|r| r.status < 400), "{sent:#?}");
    let made = sent
        .iter()
        .filter(|r| r.method == "POST" && r.path.contains("/Users"))
        .count();
    assert_eq!(usernames(&server).await.len(), made);
    let after = server.requests().await;
    assert_eq!(after, sent, "something was sent after the end");

    let _operator = OperatorProcess::start(&story.ns).await;
    for i in 0..40 {
        story.provisioned(&format!("p{i}"), 1).await;
    }
    assert_eq!(server.users().await.len(), 40);
    assert_eq!(server.group_member_ids("staff").await.len(), 40);
}

/// Whatever someone writes into a status is replaced, and nothing else happens for it.
#[tokio::test]
async fn a_status_edited_by_hand_is_healed() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("healed").await;
    let _operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    let told = story.provisioned("ada", 1).await;
    let sent = writes(&server).await;
    let lie = json!({"status": {
        "stage": "Retired", "accounts": [], "roles": [],
        "conditions": [{
            "type": "Ready", "status": "False", "reason": "Lie", "message": "a lie",
            "lastTransitionTime": "2020-01-01T00:00:00Z",
        }],
    }});
    macro_rules! lie {
        ($kind:ty, $name:expr, $lie:expr) => {
            story
                .ns
                .api::<$kind>()
                .patch_status($name, &PatchParams::default(), &Patch::Merge($lie))
                .await
                .unwrap()
        };
    }
    lie!(Employee, "ada", &lie);
    let healed = story.provisioned("ada", 1).await;
    assert_eq!(healed.accounts, told.accounts);
    assert_eq!(healed.roles, told.roles);
    assert_eq!(healed.stage, told.stage);
    lie!(RoleTemplate, "all", &json!({"status": {"holders": 77}}));
    lie!(
        AppConnector,
        "directory",
        &json!({"status": {"accounts": 77}})
    );
    eventually("both tell the truth", async || {
        let role = story.ns.api::<RoleTemplate>().get("all").await.unwrap();
        let target = story
            .ns
            .api::<AppConnector>()
            .get("directory")
            .await
            .unwrap();
        let seen = (
            role.status.unwrap().holders,
            target.status.unwrap().accounts,
        );
        if seen == (1, 1) { Ok(()) } else { Err(seen) }
    })
    .await;
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, sent);
}

/// Reasons of the events of the namespace, by object, each with how often it was told.
async fn told(story: &Story) -> BTreeMap<(String, String), i32> {
    let events = story.ns.api::<Event>().list(&ListParams::default()).await;
    let mut out = BTreeMap::new();
    for event in events.unwrap() {
        let about = event.regarding.unwrap_or_default();
        let object = format!("{} {}", about.kind.unwrap(), about.name.unwrap());
        let times = event.series.map_or(1, |s| s.count);
        *out.entry((object, event.reason.unwrap())).or_default() += times;
    }
    out
}

#[tokio::test]
async fn an_event_is_told_once() {
    let server = ScimServer::scimmy().await;
    server.create_user(json!({"userName": "stranger"})).await;
    let story = Story::new("events").await;
    let operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let mut leaver = employee("ada", "1", "Ada", "Lovelace");
    story.apply_person(leaver.clone()).await;
    story.provisioned("ada", 1).await;
    leaver["spec"]["endDate"] = json!("2021-01-01");
    story.apply_person(leaver).await;
    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    let mut lost = employee("lost", "2", "Lost", "Soul");
    lost["spec"]["timeZone"] = json!("Europe/Atlantis");
    story.apply_person(lost).await;
    story
        .person_says("lost", "Stalled", "True", "UnknownTimeZone")
        .await;
    let broken: Value =
        json!({"metadata": {"name": "typo"}, "spec": {"match": "employee.jobTtle == ''"}});
    story.apply_role(broken).await;
    // Bob holds what no policy gives him.
    story
        .apply_person(employee("bob", "3", "Bob", "Noyce"))
        .await;
    story.provisioned("bob", 1).await;
    let bob = server.user_by_name("bob.noyce").await.unwrap();
    let group = server.create_group("vip").await;
    server.add_member(&group, bob["id"].as_str().unwrap()).await;
    let grants = json!([{"connector": "directory", "entitlements": ["vip"]}]);
    story
        .apply_role(json!({"metadata": {"name": "vip"}, "spec": {"grants": grants}}))
        .await;
    story
        .connector("directory", "reports the stranger", |c| {
            is(
                &c.status.as_ref().unwrap().conditions,
                "OrphanedAccounts",
                "True",
            )
        })
        .await;
    let once = |object: &str, reason: &str| ((object.to_owned(), reason.to_owned()), 1);
    let expected = BTreeMap::from([
        once("Employee ada", "AccessRevoked"),
        once("Employee lost", "Stalled"),
        once("RoleTemplate typo", "Stalled"),
        once("AppConnector directory", "OrphanedAccounts"),
        once("Employee bob", "OrphanedCredentials"),
        once("RoleTemplate vip", "OrphanedCredentials"),
    ]);
    eventually("each is told", async || {
        let seen = told(&story).await;
        if expected.keys().all(|k| seen.contains_key(k)) {
            Ok(())
        } else {
            Err(seen)
        }
    })
    .await;
    operator.stop().await.unwrap();
    let _operator = Operator::start(&story.ns).await;
    cycles(&server, 3).await;
    assert_eq!(told(&story).await, expected);
}
