//! Two instances: one works, the other stands by, and takes over whatever happens to the first.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use k8s_openapi::api::coordination::v1::Lease;
use serde_json::json;

use super::kit::{Story, connector, employee, everyone, writes};
use crate::support::operator::{Candidate, Times};
use crate::support::proxy::{Proxy, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const PEOPLE: usize = 30;

/// Long enough that nobody takes over within a test but by being handed the Lease.
const PATIENT: Times = Times {
    lease: "300s",
    renew: "200s",
};

const HASTY: Times = Times {
    lease: "4s",
    renew: "2s",
};

async fn joiners(story: &Story, server: &ScimServer) {
    // Slow enough that the end of the first meets work in flight.
    let mut object = connector("directory", server);
    object["spec"]["sync"] = json!({
        "interval": "1s", "requestsPerSecond": 10, "concurrency": 4, "membershipBatch": 10,
    });
    story.credential("directory", server).await;
    story.apply_connector(object).await;
    story
        .apply_role(everyone("all", "directory", &["staff", "news"]))
        .await;
    for i in 0..PEOPLE {
        let family = format!("Smith{i}");
        let person = employee(&format!("person-{i}"), &i.to_string(), "Pat", &family);
        story.apply_person(person).await;
    }
}

async fn all_are_there_once(story: &Story, server: &ScimServer) {
    for i in 0..PEOPLE {
        story.provisioned(&format!("person-{i}"), 1).await;
    }
    let users = server.users().await;
    let marks: BTreeSet<_> = users.iter().map(|u| u["externalId"].to_string()).collect();
    assert_eq!((users.len(), marks.len()), (PEOPLE, PEOPLE));
    for group in ["staff", "news"] {
        let members = server.group_member_ids(group).await;
        let once: BTreeSet<_> = members.iter().collect();
        assert_eq!((members.len(), once.len()), (PEOPLE, PEOPLE), "{group}");
    }
    let written = writes(server).await;
    let made = written
        .iter()
        .filter(|r| r.method == "POST" && r.path.contains("/Users"))
        .count();
    assert_eq!(made, PEOPLE, "nobody is made twice: {written:#?}");
}

async fn target_has_seen(server: &ScimServer, count: usize) {
    eventually("the target has seen enough writes", async || {
        let seen = writes(server).await.len();
        if seen >= count { Ok(()) } else { Err(seen) }
    })
    .await;
}

/// Whoever stands by asks for the Lease, and for nothing else.
fn only_asked_for_the_lease(proxy: &Proxy) {
    let seen = proxy.seen();
    assert!(!seen.is_empty());
    for request in seen {
        let lease = request.path.contains("/leases/");
        assert!(request.method == "GET" && lease, "{request:?}");
    }
}

#[tokio::test]
async fn the_other_takes_over_from_one_that_is_killed() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("leader-killed").await;
    let [one_way, other_way] = [
        Proxy::before_api_server(|_| Verdict::Pass).await,
        Proxy::before_api_server(|_| Verdict::Pass).await,
    ];
    let mut one = Candidate::start(&story.ns, &one_way, "one", &HASTY);
    one.leads().await;
    let mut other = Candidate::start(&story.ns, &other_way, "other", &HASTY);
    let words = other.stands_by().await;
    assert!(words.contains("one_"), "{words}");
    for (candidate, leads) in [(&one, "rollcall_leader 1"), (&other, "rollcall_leader 0")] {
        let metrics = candidate.page("/metrics").await.unwrap().1;
        assert!(metrics.lines().any(|l| l == leads), "{metrics}");
    }
    assert_eq!(other.page("/healthz").await.unwrap().0, 200);

    joiners(&story, &server).await;
    target_has_seen(&server, 12).await;
    one.process().kill();
    let seen = writes(&server).await.len();
    only_asked_for_the_lease(&other_way);
    assert!(seen < PEOPLE, "all was done before the kill: {seen} writes");

    other.leads().await;
    all_are_there_once(&story, &server).await;
    let metrics = other.page("/metrics").await.unwrap().1;
    assert!(metrics.lines().any(|l| l == "rollcall_leader 1"));
}

#[tokio::test]
async fn an_orderly_end_hands_over_at_once() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("leader-ends").await;
    let way = Proxy::before_api_server(|_| Verdict::Pass).await;
    let mut one = Candidate::start(&story.ns, &way, "one", &PATIENT);
    one.leads().await;
    let mut other = Candidate::start(&story.ns, &way, "other", &PATIENT);
    other.stands_by().await;
    joiners(&story, &server).await;
    target_has_seen(&server, 12).await;

    assert!(one.terminate().await, "{}", one.log());
    other.leads().await;
    all_are_there_once(&story, &server).await;
    assert!(other.terminate().await, "{}", other.log());
    // Nobody holds it now.
    let lease = story.ns.api::<Lease>().get("rollcall").await.unwrap();
    assert_eq!(lease.spec.unwrap().holder_identity, None);
}

/// It ends while the Lease still says that it leads, so that there are never two.
#[tokio::test]
async fn one_that_is_cut_off_ends_before_the_other_begins() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("leader-cut-off").await;
    let cut = Arc::new(AtomicBool::new(false));
    let is_cut = Arc::clone(&cut);
    let one_way = Proxy::before_api_server(move |_| {
        if is_cut.load(Ordering::SeqCst) {
            Verdict::Refuse
        } else {
            Verdict::Pass
        }
    })
    .await;
    let other_way = Proxy::before_api_server(|_| Verdict::Pass).await;
    let mut one = Candidate::start(&story.ns, &one_way, "one", &HASTY);
    one.leads().await;
    let mut other = Candidate::start(&story.ns, &other_way, "other", &HASTY);
    other.stands_by().await;
    joiners(&story, &server).await;
    target_has_seen(&server, 12).await;

    cut.store(true, Ordering::SeqCst);
    let ended = eventually("it ends by itself", async || {
        one.process().ended().ok_or("it runs")
    })
    .await;
    let lease = story.ns.api::<Lease>().get("rollcall").await.unwrap();
    let holder = lease.spec.unwrap().holder_identity.unwrap();
    assert!(holder.starts_with("one_"), "{holder} began before it ended");
    assert_eq!(ended.code(), Some(1));
    let log = one.log();
    assert!(
        log.contains("lost the Lease: it could not be renewed"),
        "{log}"
    );

    other.leads().await;
    all_are_there_once(&story, &server).await;
}
