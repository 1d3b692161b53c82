//! Fault story 7: the API server restarts, refuses, forgets where a watch stood, and others write to
//! our objects meanwhile. Nothing is lost, and nothing is written to a target twice.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use kube::api::{DeleteParams, Patch, PatchParams};
use rollcall::api::{Employee, FINALIZER};
use serde_json::{Value, json};

use super::kit::{Story, connector, cycles, employee, everyone, is, usernames, writes};
use crate::support::controlplane::PrivateControlPlane;
use crate::support::namespace::Namespace;
use crate::support::operator::{Operator, OperatorProcess};
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::{eventually, eventually_within};

/// The API server's own way of refusing.
fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

fn refusal(code: u16, reason: &str, message: &str) -> Verdict {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    if code == 429 {
        headers.push(("retry-after", "1".to_owned()));
    }
    let body = status(code, reason, message).to_string();
    Verdict::Answer(code, headers, body.into_bytes())
}

fn is_watch(asked: &Asked) -> bool {
    asked.method == "GET" && asked.path.contains("watch=")
}

fn is_status(asked: &Asked) -> bool {
    asked.method == "PATCH" && asked.path.contains("/status")
}

async fn creations(server: &ScimServer) -> usize {
    let writes = writes(server).await;
    let create = |r: &&_| {
        let r: &crate::support::targets::LoggedRequest = r;
        r.method == "POST" && r.path.ends_with("/Users")
    };
    writes.iter().filter(create).count()
}

/// Each request is refused twice, with the wish to wait, before the server takes it.
#[tokio::test]
async fn it_refuses_with_429() {
    const PEOPLE: usize = 20;
    let refused: Mutex<HashMap<String, u8>> = Mutex::default();
    let judge = move |asked: &Asked| {
        let path = asked.path.split('?').next().unwrap();
        let key = format!("{} {path} {}", asked.method, is_watch(asked));
        let mut refused = refused.lock().unwrap();
        let times = refused.entry(key).or_default();
        *times += 1;
        if *times > 2 {
            return Verdict::Pass;
        }
        refusal(
            429,
            "TooManyRequests",
            "too many requests, please try again later",
        )
    };
    let server = ScimServer::scimmy().await;
    let story = Story::new("api-429").await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for i in 0..PEOPLE {
        let person = employee(&format!("p{i}"), &i.to_string(), "Pat", &format!("S{i}"));
        story.apply_person(person).await;
    }
    let proxy = Proxy::before_api_server(judge).await;
    let _operator = Operator::start_through(&story.ns, &proxy).await;
    for i in 0..PEOPLE {
        story.provisioned(&format!("p{i}"), 1).await;
    }
    assert_eq!(creations(&server).await, PEOPLE);
    // A status is written again until it is taken, and then no more.
    let written = || -> Vec<usize> {
        let seen = proxy.seen();
        let times = |i| {
            let path = format!("/employees/p{i}/status");
            seen.iter().filter(|s| s.path.contains(&path)).count()
        };
        (0..PEOPLE).map(times).collect()
    };
    cycles(&server, 1).await;
    let times = written();
    assert!(times.iter().all(|times| *times > 2), "{times:?}");
    cycles(&server, 3).await;
    assert_eq!(written(), times);
}

/// How the API server says that it does not remember where a watch stood.
#[derive(Clone, Copy)]
enum Expired {
    /// Instead of the watch.
    AtOnce,
    /// In the watch.
    InTheStream,
}

/// While nothing is seen a person goes, one comes, and one is edited; then every watch has expired.
async fn a_watch_expires(how: Expired) {
    const BLIND: u8 = 0;
    const SEEING: u8 = 1;
    let mood = Arc::new(AtomicU8::new(BLIND));
    let state = Arc::clone(&mood);
    let before: Mutex<HashSet<String>> = Mutex::default();
    let judge = move |asked: &Asked| {
        if !is_watch(asked) {
            return Verdict::Pass;
        }
        let words = asked.path.split(['?', '&']);
        let version = words.filter(|word| word.starts_with("resourceVersion="));
        let version: String = version.collect();
        let mut before = before.lock().unwrap();
        match state.load(Ordering::SeqCst) {
            // It ends before it has shown anything.
            BLIND => {
                before.insert(version);
                Verdict::Answer(200, Vec::new(), Vec::new())
            }
            // However often it is asked, it does not remember.
            _ if before.contains(&version) => {
                let message = "too old resource version: 1 (2)";
                match how {
                    Expired::AtOnce => refusal(410, "Expired", message),
                    Expired::InTheStream => {
                        let object = status(410, "Expired", message);
                        let event = json!({"type": "ERROR", "object": object});
                        Verdict::Answer(200, Vec::new(), format!("{event}\n").into_bytes())
                    }
                }
            }
            _ => Verdict::Pass,
        }
    };
    let server = ScimServer::scim2_server().await;
    let story = Story::new("api-410").await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let bob = employee("bob", "2", "Bob", "Noyce");
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story.apply_person(bob.clone()).await;
    let proxy = Proxy::before_api_server(judge).await;
    let operator = Operator::start_through(&story.ns, &proxy).await;
    story.provisioned("ada", 1).await;
    story.provisioned("bob", 1).await;
    let before = writes(&server).await.len();

    let people = story.ns.api::<Employee>();
    people
        .delete("ada", &DeleteParams::default())
        .await
        .unwrap();
    let mut promoted = bob;
    promoted["spec"]["jobTitle"] = json!("Director");
    story.apply_person(promoted).await;
    story
        .apply_person(employee("cyd", "3", "Cyd", "Marsh"))
        .await;
    story.apply_role(everyone("more", "directory", &[])).await;
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await.len(), before, "nothing was seen");

    mood.store(SEEING, Ordering::SeqCst);
    story.provisioned("cyd", 1).await;
    eventually("the edit is carried out", async || {
        let user = server.user_by_name("bob.noyce").await.unwrap();
        if user["title"] == "Director" {
            Ok(())
        } else {
            Err(user)
        }
    })
    .await;
    story.provisioned("bob", 1).await;
    story
        .connector("directory", "shows the account that was released", |c| {
            let orphans = &c.status.as_ref().unwrap().orphaned_accounts;
            orphans.len() == 1
                && orphans[0].username == "ada.lovelace"
                && orphans[0].kind == "Released"
        })
        .await;
    story.role_says("more", "Ready", "True", "InForce").await;
    // One account, one membership, one edit; and from now on what changes is seen as ever.
    assert_eq!(writes(&server).await.len(), before + 3);
    story
        .apply_person(employee("dan", "4", "Dan", "Kaye"))
        .await;
    story.provisioned("dan", 1).await;
    assert_eq!(creations(&server).await, 4);
    operator.stop().await.unwrap();
}

#[tokio::test]
async fn a_watch_is_refused_with_410() {
    a_watch_expires(Expired::AtOnce).await;
}

#[tokio::test]
async fn a_watch_says_410_in_its_stream() {
    a_watch_expires(Expired::InTheStream).await;
}

/// Another client labels, and edits, what is being worked on; and each of our writes meets a conflict.
#[tokio::test]
async fn others_write_to_the_same_objects() {
    const PEOPLE: usize = 20;
    let refused: Mutex<HashMap<String, u8>> = Mutex::default();
    let judge = move |asked: &Asked| {
        if !is_status(asked) {
            return Verdict::Pass;
        }
        let path = asked.path.split('?').next().unwrap().to_owned();
        let mut refused = refused.lock().unwrap();
        let times = refused.entry(path).or_default();
        *times += 1;
        let message = "the object has been modified; please apply your changes to the latest version and try again";
        if *times > 2 {
            return Verdict::Pass;
        }
        refusal(409, "Conflict", message)
    };
    let server = ScimServer::scimmy().await;
    let story = Story::new("api-conflicts").await;
    let proxy = Proxy::before_api_server(judge).await;
    let _operator = Operator::start_through(&story.ns, &proxy).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let people = story.ns.api::<Employee>();
    for i in 0..PEOPLE {
        let name = format!("p{i}");
        let person = employee(&name, &i.to_string(), "Pat", &format!("S{i}"));
        story.apply_person(person).await;
        for label in ["one", "two", "three"] {
            let labels = json!({"metadata": {"labels": {"touched": label}}});
            let parameters = PatchParams::default();
            people
                .patch(&name, &parameters, &Patch::Merge(labels))
                .await
                .unwrap();
        }
    }
    for i in 0..PEOPLE {
        story.provisioned(&format!("p{i}"), 1).await;
        let object = people.get(&format!("p{i}")).await.unwrap();
        assert_eq!(object.metadata.labels.unwrap()["touched"], "three");
    }
    assert_eq!(creations(&server).await, PEOPLE);
    assert_eq!(server.group_member_ids("staff").await.len(), PEOPLE);
}

/// What we wrote is there, and we are not told: neither a status nor a finalizer is lost or doubled.
#[tokio::test]
async fn its_answers_are_lost() {
    let lost: Mutex<HashSet<String>> = Mutex::default();
    let judge = move |asked: &Asked| {
        let path = asked.path.split('?').next().unwrap().to_owned();
        if asked.is_write() && lost.lock().unwrap().insert(path) {
            Verdict::Lose
        } else {
            Verdict::Pass
        }
    };
    let server = ScimServer::scim2_server().await;
    let story = Story::new("api-lost").await;
    let proxy = Proxy::before_api_server(judge).await;
    let mut operator = OperatorProcess::start_through(&story.ns, &proxy).await;
    story.credential("directory", &server).await;
    let mut object = connector("directory", &server);
    object["spec"]["deletion"] = json!({"policy": "Disable"});
    story.apply_connector(object).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let names = ["ada", "bob", "cyd"];
    for (i, name) in names.iter().enumerate() {
        let person = employee(name, &i.to_string(), name, "Lost");
        story.apply_person(person).await;
    }
    let people = story.ns.api::<Employee>();
    for name in names {
        story.provisioned(name, 1).await;
        let object = people.get(name).await.unwrap();
        assert_eq!(object.metadata.finalizers.unwrap(), [FINALIZER]);
    }
    assert_eq!(creations(&server).await, names.len());
    let parameters = DeleteParams::default();
    people.delete("ada", &parameters).await.unwrap();
    eventually("the object is gone", async || {
        match people.get_opt("ada").await.unwrap() {
            None => Ok(()),
            Some(object) => Err(object),
        }
    })
    .await;
    let user = server.user_by_name("ada.lost").await.unwrap();
    assert_eq!(user["active"], json!(false));
    let lost = proxy
        .seen()
        .into_iter()
        .filter(|s| !s.told && s.status == Some(200));
    // A status and a finalizer of each.
    assert!(lost.count() >= 2 * names.len());
    assert!(operator.terminate().await, "{}", operator.log());
}

/// Only the operator may write status; where somebody does all the same, it is put right, and no
/// target is touched for it.
#[tokio::test]
async fn a_status_that_was_edited_by_hand_is_put_right() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("api-status").await;
    let operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for (name, id, given, family) in [
        ("ada", "1", "Ada", "Lovelace"),
        ("bob", "2", "Bob", "Noyce"),
    ] {
        story.apply_person(employee(name, id, given, family)).await;
    }
    let ada = story.provisioned("ada", 1).await;
    let bob = story.provisioned("bob", 1).await;
    let before = writes(&server).await;
    let edits = [
        // Her account is somebody else's, she holds nothing, and all is well.
        json!([{"op": "replace", "path": "/status/accounts/0/accountId", "value": bob.accounts[0].account_id}]),
        json!([{"op": "replace", "path": "/status/accounts/0/username", "value": "root"}]),
        json!([{"op": "remove", "path": "/status/accounts"}]),
        json!([{"op": "replace", "path": "/status/conditions", "value": []}]),
        json!([{"op": "replace", "path": "/status", "value": {}}]),
    ];
    for edit in edits {
        let edit = edit.to_string();
        let words = [
            "patch",
            "employee/ada",
            "--subresource=status",
            "--type=json",
            "-p",
            &edit,
        ];
        let said = story.ns.kubectl_ok(&words).await;
        assert!(said.contains("patched"), "{said}");
        story
            .person("ada", "is told as before", |s| {
                // Since when it is so is lost with the condition.
                let mut seen = s.clone();
                for (c, was) in seen.conditions.iter_mut().zip(&ada.conditions) {
                    c.last_transition_time = was.last_transition_time.clone();
                }
                seen == ada
            })
            .await;
    }
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, before);
    operator.stop().await.unwrap();
}

/// The API server is killed in the middle of a storm, and comes back with what it had.
#[tokio::test]
async fn it_restarts() {
    const PEOPLE: usize = 60;
    let control_plane = PrivateControlPlane::start().await;
    let server = ScimServer::scimmy().await;
    let story = Story {
        ns: Namespace::new_in(control_plane.get(), "api-restart").await,
    };
    story.credential("directory", &server).await;
    let mut object = connector("directory", &server);
    object["spec"]["sync"] = json!({"interval": "1s", "requestsPerSecond": 40});
    story.apply_connector(object).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for i in 0..PEOPLE {
        let person = employee(&format!("p{i}"), &i.to_string(), "Pat", &format!("S{i}"));
        story.apply_person(person).await;
    }
    let mut operator = OperatorProcess::start(&story.ns).await;
    eventually("accounts are made", async || {
        let made = creations(&server).await;
        if made > 10 { Ok(()) } else { Err(made) }
    })
    .await;
    control_plane.kill_api_server();
    // What was planned is carried out meanwhile; nobody can be told.
    eventually("the target is worked on", async || {
        let made = creations(&server).await;
        if made > 20 {
            Ok(())
        } else {
            Err((made, operator.log()))
        }
    })
    .await;
    control_plane.start_api_server().await;
    story
        .apply_person(employee("late", "900", "Lou", "Late"))
        .await;
    let mut leaver = employee("p0", "0", "Pat", "S0");
    leaver["spec"]["endDate"] = json!("2021-01-01");
    story.apply_person(leaver).await;
    for i in 1..PEOPLE {
        let name = format!("p{i}");
        let people = story.ns.api::<Employee>();
        eventually_within(
            crate::support::wait::PATIENCE * 2,
            "everyone is ready",
            async || {
                let person = people.get(&name).await.map_err(|e| e.to_string())?;
                let status = person.status.unwrap_or_default();
                if is(&status.conditions, "Ready", "True") && status.accounts.len() == 1 {
                    Ok(())
                } else {
                    Err(format!("{status:?}"))
                }
            },
        )
        .await;
    }
    story.provisioned("late", 1).await;
    story
        .person_says("p0", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    cycles(&server, 2).await;
    assert_eq!(creations(&server).await, PEOPLE + 1);
    assert_eq!(usernames(&server).await.len(), PEOPLE + 1);
    assert_eq!(server.group_member_ids("staff").await.len(), PEOPLE);
    assert!(operator.terminate().await, "{}", operator.log());
}
