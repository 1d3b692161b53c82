//! Applications that are hard to read back: one does not keep our mark, so that one account is made
//! there, and no more, and the status says why; one can't be searched, so that a listing ends doubts.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::kit::{Story, connector_to, employee, everyone, tells};
use crate::scim::scripted::{Reply, ScriptedServer};
use crate::support::operator::{Operator, OperatorProcess};
use crate::support::wait::eventually;

/// Takes users in, and keeps everything but `externalId`.
async fn drops_marks() -> ScriptedServer {
    let users: Mutex<Vec<Value>> = Mutex::default();
    ScriptedServer::start(move |seen| {
        let mut users = users.lock().unwrap();
        match seen.line().as_str() {
            "GET /Users" if seen.path.contains("filter=") => {
                let hits: Vec<Value> = users
                    .iter()
                    .filter(|user| seen.path.contains(user["userName"].as_str().unwrap()))
                    .cloned()
                    .collect();
                Reply::list(&hits)
            }
            "GET /Users" => Reply::list(&users),
            "POST /Users" => {
                let mut user = seen.body.clone();
                user.as_object_mut().unwrap().remove("externalId");
                user["id"] = json!((users.len() + 1).to_string());
                users.push(user.clone());
                Reply::json(201, &user)
            }
            "GET /Groups" => Reply::list(&[]),
            line => match line.strip_prefix("GET /Users/") {
                Some(id) => match users.iter().find(|user| user["id"] == id) {
                    Some(user) => Reply::json(200, user),
                    None => Reply::error(404, "", "no such user"),
                },
                None => Reply::error(404, "", "no such thing"),
            },
        }
    })
    .await
}

fn listings(server: &ScriptedServer) -> usize {
    let seen = server.seen();
    seen.iter().filter(|s| s.line() == "GET /Groups").count()
}

#[tokio::test]
async fn an_application_that_drops_our_mark_gets_one_account_and_the_status_says_why() {
    let server = drops_marks().await;
    let story = Story::new("forgetful").await;
    let mut operator = OperatorProcess::start(&story.ns).await;
    let url = server.base_url();
    story
        .ns
        .credential("directory", "the-token", url.authority())
        .await;
    story.apply_role(everyone("all", "directory", &[])).await;
    // All at once: the first of them goes alone.
    for n in 1..=12 {
        let name = format!("ada-{n}");
        let person = employee(&name, &n.to_string(), "Ada", &format!("Number{n}"));
        story.apply_person(person).await;
    }
    story
        .apply_connector(connector_to("directory", url.as_str()))
        .await;
    for n in 1..=12 {
        let name = format!("ada-{n}");
        let message = story
            .person_says(&name, "Ready", "False", "MarkNotKept")
            .await;
        tells(&message, &["externalId", "account 1"]);
    }
    // Whoever comes after a crash gets none, and is told why.
    operator.kill();
    let _operator = OperatorProcess::start(&story.ns).await;
    story
        .apply_person(employee("mary", "99", "Mary", "Shelley"))
        .await;
    let message = story
        .person_says("mary", "Ready", "False", "MarkNotKept")
        .await;
    tells(&message, &["externalId", "account 1"]);
    let before = listings(&server);
    eventually("it is listed again", async || {
        let now = listings(&server);
        if now > before + 2 { Ok(()) } else { Err(now) }
    })
    .await;
    assert_eq!(server.writes(), ["POST /Users"]);
}

/// Refuses every filter. The answer to Ada's first create is lost after it was done, to Bob's before.
async fn unsearchable() -> ScriptedServer {
    let users: Mutex<Vec<Value>> = Mutex::default();
    let lost: Mutex<Vec<String>> = Mutex::default();
    ScriptedServer::start(move |seen| {
        let (mut users, mut lost) = (users.lock().unwrap(), lost.lock().unwrap());
        match seen.line().as_str() {
            "GET /Users" if seen.path.contains("filter=") => Reply::error(501, "", "no filters"),
            "GET /Users" => Reply::list(&users),
            "POST /Users" => {
                let mut user = seen.body.clone();
                let who = user["externalId"].as_str().unwrap().to_owned();
                let first = !lost.contains(&who);
                if first {
                    lost.push(who.clone());
                }
                if first && who.ends_with("/2") {
                    return Reply::Die;
                }
                user["id"] = json!((users.len() + 1).to_string());
                users.push(user.clone());
                if first && who.ends_with("/1") {
                    return Reply::Die;
                }
                Reply::json(201, &user)
            }
            "GET /Groups" => Reply::list(&[]),
            line => match line.strip_prefix("GET /Users/") {
                Some(id) => match users.iter().find(|user| user["id"] == id) {
                    Some(user) => Reply::json(200, user),
                    None => Reply::error(404, "", "no such user"),
                },
                None => Reply::error(404, "", "no such thing"),
            },
        }
    })
    .await
}

#[tokio::test]
async fn an_application_that_cannot_be_searched_is_listed_after_a_lost_answer() {
    let server = unsearchable().await;
    let story = Story::new("unsearchable").await;
    let _operator = Operator::start(&story.ns).await;
    let url = server.base_url();
    let host = url.authority();
    story.ns.credential("directory", "the-token", host).await;
    let mut directory = connector_to("directory", url.as_str());
    // Nobody waits for the next listing that is due by itself.
    directory["spec"]["sync"]["interval"] = json!("1h");
    story.apply_connector(directory).await;
    story.apply_role(everyone("all", "directory", &[])).await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story
        .apply_person(employee("bob", "2", "Bob", "Moran"))
        .await;
    story.provisioned("ada", 1).await;
    story.provisioned("bob", 1).await;
    // Ada's once, Bob's again.
    assert_eq!(server.writes(), ["POST /Users"; 3]);
}
