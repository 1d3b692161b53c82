//! A connector's address changes: where the accounts came along, all goes on; where they did not, somebody is
//! asked, and until then nothing is done and nothing forgotten, also by the next operator.

use kube::api::{Patch, PatchParams};
use rollcall::api::AppConnector;
use serde_json::{Value, json};

use super::kit::{Story, cycles, employee, everyone, tells, usernames, writes};
use crate::support::operator::OperatorProcess;
use crate::support::targets::ScimServer;

const PEOPLE: [(&str, &str); 2] = [("ada", "1"), ("bob", "2")];

/// Puts into one server what stands in another, with identifiers of its own.
async fn copied(from: &ScimServer, to: &ScimServer) {
    let group = to.create_group("staff").await;
    for user in from.users().await {
        let mut copy = user.as_object().unwrap().clone();
        for own in ["id", "meta", "groups"] {
            copy.remove(own);
        }
        let copy = to.create_user(Value::Object(copy)).await;
        to.add_member(&group, &copy).await;
    }
}

/// Lets the connector lead to another server, for which its credential is good as well.
async fn lead_to(story: &Story, server: &ScimServer) {
    story.credential("directory", server).await;
    let patch = json!({"spec": {"scim": {"baseUrl": server.base_url().as_str()}}});
    let connectors = story.ns.api::<AppConnector>();
    let parameters = PatchParams::default();
    connectors
        .patch("directory", &parameters, &Patch::Merge(patch))
        .await
        .unwrap();
}

/// The identifier that a person's status has for the one account.
async fn account_of(story: &Story, name: &str) -> String {
    let status = story.provisioned(name, 1).await;
    status.accounts[0].account_id.clone().unwrap()
}

async fn is_asked(story: &Story, from: &ScimServer, to: &ScimServer) -> String {
    let why = story
        .connector_says("directory", "Ready", "False", "TargetMoved")
        .await;
    let leads = format!("leads to scim {} now", to.base_url());
    let were = format!("they were in scim {}", from.base_url());
    tells(
        &why,
        &[
            &leads,
            "0 of 2 recorded accounts are found",
            &were,
            "point it back",
        ],
    );
    for (name, _) in PEOPLE {
        let waits = story
            .person_says(name, "Ready", "False", "TargetMoved")
            .await;
        tells(&waits, &["directory"]);
    }
    why
}

#[tokio::test]
async fn its_accounts_came_along_or_somebody_is_asked() {
    let home = ScimServer::scimmy().await;
    let copy = ScimServer::scimmy().await;
    let other = ScimServer::scim2_server().await;
    let story = Story::new("moved").await;
    let mut operator = OperatorProcess::start(&story.ns).await;
    story.connect("directory", &home).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for (name, id) in PEOPLE {
        story
            .apply_person(employee(name, id, name, "Example"))
            .await;
    }
    let first = account_of(&story, "ada").await;
    account_of(&story, "bob").await;

    // The application moves to another machine, with everything in it.
    copied(&home, &copy).await;
    let at_home = writes(&home).await;
    lead_to(&story, &copy).await;
    story
        .connector("directory", "is at home at the new address", |c| {
            let target = c.status.as_ref().unwrap().target.as_deref();
            target.is_some_and(|target| target.ends_with(copy.base_url().as_str()))
        })
        .await;
    story
        .connector_says("directory", "Ready", "True", "InOrder")
        .await;
    let ada = copy.user_by_name("ada.example").await.unwrap();
    story
        .person("ada", "is known by the identifier there", |s| {
            s.accounts[0].account_id.as_deref() == ada["id"].as_str()
        })
        .await;
    let moved = account_of(&story, "ada").await;
    account_of(&story, "bob").await;
    assert_ne!(moved, first);
    cycles(&copy, 2).await;
    assert_eq!(writes(&copy).await, [], "nothing is to be done there");

    // A mistake, or another application: who knows?
    lead_to(&story, &other).await;
    let question = is_asked(&story, &copy, &other).await;
    // A newcomer has to wait as well.
    story
        .apply_person(employee("eve", "3", "eve", "Example"))
        .await;
    let waits = story
        .person_says("eve", "Ready", "False", "TargetMoved")
        .await;
    tells(&waits, &["directory"]);
    cycles(&other, 2).await;
    assert_eq!(writes(&other).await, []);

    operator.kill();
    let _operator = OperatorProcess::start(&story.ns).await;
    cycles(&other, 2).await;
    assert_eq!(is_asked(&story, &copy, &other).await, question);
    assert_eq!(writes(&other).await, []);
    let remembered = story
        .person("ada", "is remembered", |s| s.accounts.len() == 1)
        .await;
    assert_eq!(remembered.accounts[0].account_id.as_deref(), Some(&*moved));

    // As the question itself says.
    let answer = &question[question.find("kubectl annotate").unwrap()..];
    let (command, rest) = answer.rsplit_once('\'').unwrap();
    assert_eq!(rest, "");
    let line = format!("{command}' --namespace {}", story.ns.name);
    let folder = tempfile::tempdir().unwrap();
    let said = story.ns.control_plane().shell(folder.path(), &line).await;
    assert!(said.ok, "{line}: {}", said.err);
    for name in ["ada", "bob", "eve"] {
        account_of(&story, name).await;
    }
    story
        .connector_says("directory", "Ready", "True", "InOrder")
        .await;
    let names = ["ada.example", "bob.example", "eve.example"];
    assert_eq!(usernames(&other).await, names);
    // Where they were before, they are left as they are.
    assert_eq!(writes(&copy).await, []);
    assert_eq!(writes(&home).await, at_home);
}
