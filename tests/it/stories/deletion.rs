//! Story 7: objects are deleted. Nothing hangs, and nobody loses an account by it unless the connector
//! says so.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use kube::Resource;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use rollcall::api::{AppConnector, Employee, FINALIZER, RoleTemplate};
use serde_json::{Value, json};

use super::kit::{
    Story, connector, cycles, employee, everyone, group_id, is, tells, user_id, usernames, writes,
};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;
use crate::support::wait::{eventually, wait_for};

/// Deletes every object of a kind and waits until none is left.
async fn delete_all<K>(story: &Story)
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let api = story.ns.api::<K>();
    let all = ListParams::default();
    api.delete_collection(&DeleteParams::default(), &all)
        .await
        .unwrap();
    eventually("all are gone", async || {
        let left = api.list(&all).await.unwrap().items;
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
}

async fn delete_person(story: &Story, name: &str) {
    let api = story.ns.api::<Employee>();
    api.delete(name, &DeleteParams::default()).await.unwrap();
}

/// Waits until an Employee object is gone.
async fn gone(story: &Story, name: &str) {
    let api = story.ns.api::<Employee>();
    eventually("the object is gone", async || {
        api.get_opt(name).await.unwrap().map_or(Ok(()), Err)
    })
    .await;
}

/// The kinds of orphans in a connector's status, by user name.
async fn orphans(story: &Story, connector: &str, expected: &[(&str, &str)]) {
    let wanted: BTreeSet<_> = expected.iter().copied().collect();
    story
        .connector(connector, "reports the orphans", |c| {
            let status = c.status.as_ref().unwrap();
            let found: BTreeSet<_> = status
                .orphaned_accounts
                .iter()
                .map(|o| (o.username.as_str(), o.kind.as_str()))
                .collect();
            found == wanted
                && is(&status.conditions, "OrphanedAccounts", "True") != wanted.is_empty()
        })
        .await;
}

async fn people(story: &Story) {
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story
        .apply_person(employee("bob", "2", "Bob", "Noyce"))
        .await;
}

/// Everything at once, and back again in any order.
#[tokio::test]
pub async fn a_namespace_is_emptied_and_filled_again() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("emptied").await;
    let _operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    let role = everyone("all", "directory", &["staff"]);
    story.apply_role(role.clone()).await;
    people(&story).await;
    story.provisioned("ada", 1).await;
    story.provisioned("bob", 1).await;
    let sent = writes(&server).await;
    let users = server.users().await;

    // One Employee first: no finalizer, no delay, and the account is told of.
    let ada = story.ns.api::<Employee>().get("ada").await.unwrap();
    assert_eq!(ada.finalizers(), [""; 0]);
    delete_person(&story, "ada").await;
    gone(&story, "ada").await;
    orphans(&story, "directory", &[("ada.lovelace", "Released")]).await;
    // Back: taken over again.
    people(&story).await;
    story.provisioned("ada", 1).await;
    orphans(&story, "directory", &[]).await;

    // Everything else, roles first, which is the worst order.
    delete_all::<RoleTemplate>(&story).await;
    delete_all::<Employee>(&story).await;
    orphans(
        &story,
        "directory",
        &[("ada.lovelace", "Released"), ("bob.noyce", "Released")],
    )
    .await;
    delete_all::<AppConnector>(&story).await;

    // The connector and the people are back before any role says what they may have.
    story.apply_connector(connector("directory", &server)).await;
    people(&story).await;
    let message = story
        .person_says("bob", "Ready", "False", "OriginUnknown")
        .await;
    tells(&message, &["directory", "no RoleTemplate"]);
    story
        .person_says(
            "bob",
            "OrphanedCredentials",
            "True",
            "CredentialsWithoutGrant",
        )
        .await;
    cycles(&server, 2).await;
    story.apply_role(role).await;
    for name in ["ada", "bob"] {
        let status = story.provisioned(name, 1).await;
        let held: Vec<_> = status.accounts[0]
            .entitlements
            .iter()
            .map(|e| e.name.as_str())
            .collect();
        assert_eq!(held, ["staff"]);
        assert_eq!(status.orphaned_credentials, []);
    }
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, sent);
    assert_eq!(server.users().await, users);
}

/// Every object of the namespace is deleted at the same moment, Secrets too, with the operator running
/// or away; then all of it is applied again, people and roles at the same moment.
async fn everything_at_once(name: &str, server: &ScimServer, away: bool) {
    let story = Story::new(name).await;
    let operator = Operator::start(&story.ns).await;
    story.connect("directory", server).await;
    let role = everyone("all", "directory", &["staff"]);
    story.apply_role(role.clone()).await;
    people(&story).await;
    story.provisioned("ada", 1).await;
    story.provisioned("bob", 1).await;
    cycles(server, 1).await;
    let sent = writes(server).await;
    let users = server.users().await;
    let mut operators = vec![operator];
    if away {
        operators.remove(0).stop().await.unwrap();
    }
    tokio::join!(
        delete_all::<Employee>(&story),
        delete_all::<RoleTemplate>(&story),
        delete_all::<AppConnector>(&story),
        delete_all::<Secret>(&story),
    );
    if away {
        operators.push(Operator::start(&story.ns).await);
    }

    // What is really missing is all that is written.
    let staff = group_id(server, "staff").await;
    let ada = user_id(server, "ada.lovelace").await;
    server.remove_member(&staff, &ada).await;
    story.connect("directory", server).await;
    let released = [("ada.lovelace", "Released"), ("bob.noyce", "Released")];
    orphans(&story, "directory", &released).await;
    tokio::join!(people(&story), story.apply_role(role));
    story.provisioned("ada", 1).await;
    story.provisioned("bob", 1).await;
    orphans(&story, "directory", &[]).await;
    cycles(server, 2).await;
    let written = writes(server).await;
    assert!(written.starts_with(&sent), "{written:#?}");
    let [one] = &written[sent.len()..] else {
        panic!("{written:#?}");
    };
    assert_eq!(one.method, "PATCH");
    assert!(one.path.ends_with(&format!("/Groups/{staff}")), "{one:?}");
    assert_eq!(server.users().await, users);
}

#[tokio::test]
async fn everything_is_deleted_at_once_scimmy() {
    let server = ScimServer::scimmy().await;
    everything_at_once("at-once-a", &server, false).await;
}

#[tokio::test]
async fn everything_is_deleted_at_once_scim2_server() {
    let server = ScimServer::scim2_server().await;
    everything_at_once("at-once-b", &server, false).await;
}

#[tokio::test]
async fn everything_is_deleted_while_no_operator_runs() {
    let server = ScimServer::scim2_server().await;
    everything_at_once("at-once-c", &server, true).await;
}

/// A connector whose policy is `Disable`, beside one that releases.
#[tokio::test]
pub async fn a_policy_disables_before_the_object_may_go() {
    let strict = ScimServer::scimmy().await;
    let lenient = ScimServer::scim2_server().await;
    let story = Story::new("disable").await;
    let _operator = Operator::start(&story.ns).await;
    story.credential("strict", &strict).await;
    story.apply_connector(disabling(&strict)).await;
    story.connect("lenient", &lenient).await;
    let mut role = everyone("all", "strict", &["staff"]);
    role["spec"]["grants"]
        .as_array_mut()
        .unwrap()
        .push(json!({"connector": "lenient", "entitlements": ["mail"]}));
    story.apply_role(role).await;
    people(&story).await;
    story.provisioned("ada", 2).await;
    story.provisioned("bob", 2).await;
    let ada = story.ns.api::<Employee>().get("ada").await.unwrap();
    assert_eq!(ada.finalizers(), [FINALIZER]);
    let untouched = writes(&lenient).await;

    delete_person(&story, "ada").await;
    gone(&story, "ada").await;
    // It was let go after the proof, which is a read of that account.
    let id = strict.user_by_name("ada.lovelace").await.unwrap()["id"].clone();
    let requests = strict.requests().await;
    let of_hers = |r: &&crate::support::targets::LoggedRequest| {
        r.path.contains(&format!("/Users/{}", id.as_str().unwrap()))
    };
    let trail: Vec<&str> = requests
        .iter()
        .filter(of_hers)
        .map(|r| r.method.as_str())
        .collect();
    assert!(
        matches!(trail.as_slice(), [.., "PATCH", "GET"]),
        "{trail:?}"
    );
    let ada = strict.user_by_name("ada.lovelace").await.unwrap();
    assert_eq!(ada["active"], false);
    assert_eq!(
        strict.group_members("staff").await,
        BTreeSet::from(["bob.noyce".to_owned()])
    );
    orphans(&story, "lenient", &[("ada.lovelace", "Released")]).await;
    assert_eq!(writes(&lenient).await, untouched);
    // Bob is nobody's business.
    assert_eq!(
        strict.user_by_name("bob.noyce").await.unwrap()["active"],
        true
    );
}

/// The finalizer is there before the target hears of the person.
#[tokio::test]
async fn the_finalizer_comes_first() {
    let mut server = ScimServer::scim2_server_down();
    let story = Story::new("finalizer").await;
    let _operator = Operator::start(&story.ns).await;
    story.credential("strict", &server).await;
    story.apply_connector(disabling(&server)).await;
    story.apply_role(everyone("all", "strict", &[])).await;
    people(&story).await;
    let api = story.ns.api::<Employee>();
    eventually("the finalizer is there", async || {
        let ada = api.get("ada").await.unwrap();
        if ada.finalizers() == [FINALIZER] {
            Ok(())
        } else {
            Err(ada)
        }
    })
    .await;
    // Nothing is held up by someone who has no account there yet.
    delete_person(&story, "bob").await;
    server.start().await;
    story.provisioned("ada", 1).await;
    gone(&story, "bob").await;
    assert_eq!(usernames(&server).await, ["ada.lovelace"]);
}

fn disabling(server: &ScimServer) -> Value {
    let mut object = connector("strict", server);
    object["spec"]["deletion"] = json!({"policy": "Disable"});
    object
}

/// What can't be reached holds the object until it gives way: deleted, broken by its author, or told
/// to release.
#[tokio::test]
async fn a_finalizer_gives_way() {
    let story = Story::new("gives-way").await;
    let operator = Operator::start(&story.ns).await;
    let mut server = ScimServer::scim2_server().await;
    story.credential("strict", &server).await;
    let broken = {
        let mut object = disabling(&server);
        object["spec"]["account"]["attributes"] = json!({"tittle.x[": "employee.jobTitle"});
        object
    };
    let released = connector("strict", &server);
    let dry = {
        let mut object = disabling(&server);
        object["spec"]["mode"] = json!("DryRun");
        object
    };
    story
        .apply_role(everyone("all", "strict", &["staff"]))
        .await;
    for (round, change) in [Some(broken), Some(released), Some(dry), None]
        .into_iter()
        .enumerate()
    {
        story.apply_connector(disabling(&server)).await;
        let name = format!("round-{round}");
        story
            .apply_person(employee(&name, &name, "Round", &format!("R{round}")))
            .await;
        story.provisioned(&name, 1).await;
        let user = format!("round.r{round}");
        server.stop();
        delete_person(&story, &name).await;
        story
            .connector_says("strict", "Connected", "False", "TargetUnreachable")
            .await;
        let held = story.ns.api::<Employee>().get(&name).await.unwrap();
        assert_eq!(held.finalizers(), [FINALIZER], "{user} must be held");
        if let Some(change) = change {
            story.apply_connector(change).await;
        } else {
            let api = story.ns.api::<AppConnector>();
            api.delete("strict", &DeleteParams::default())
                .await
                .unwrap();
        }
        gone(&story, &name).await;
        server.start().await;
    }
    operator.stop().await.unwrap();
}

/// The object is deleted while no operator runs, and before any status told of the account: a start
/// looks at the target before it lets go.
#[tokio::test]
pub async fn an_operator_that_was_away_disables_first() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("away").await;
    let operator = Operator::start(&story.ns).await;
    story.credential("strict", &server).await;
    story.apply_connector(disabling(&server)).await;
    story
        .apply_role(everyone("all", "strict", &["staff"]))
        .await;
    people(&story).await;
    story.provisioned("ada", 1).await;
    operator.stop().await.unwrap();
    // As after a kill between the creation and the status. Nobody but an operator may write that.
    let resource = format!("employees/{}/ada", story.ns.name);
    let forget = |ada: &mut Value| ada["status"] = json!({"observedGeneration": -1});
    story.ns.control_plane().smuggle(&resource, forget).await;
    wait_for(
        &story.ns.api(),
        "ada",
        "has a status that tells nothing",
        |ada: &Employee| {
            ada.status
                .as_ref()
                .is_some_and(|s| s.observed_generation == -1)
        },
    )
    .await;
    delete_person(&story, "ada").await;
    let _operator = Operator::start(&story.ns).await;
    gone(&story, "ada").await;
    let ada = server.user_by_name("ada.lovelace").await.unwrap();
    assert_eq!(ada["active"], false);
}
