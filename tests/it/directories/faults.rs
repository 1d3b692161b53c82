//! What goes wrong between us and a directory, and within it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::kit::{connect, group, openldap, person};
use crate::stories::kit::{Story, clerk, day, everyone, is, tells};
use crate::support::directory::Looker;
use crate::support::openldap::{BIND_DN, OpenLdap, SUFFIX};
use crate::support::operator::Operator;
use crate::support::wait::eventually;
use crate::support::wire_proxy::{Fate, Language, WireProxy};

const PEOPLE: [(&str, &str); 4] = [("ada", "1"), ("bob", "2"), ("eve", "3"), ("fay", "4")];

/// Answers to writes are lost after they were carried out: by the directory's own record nothing is done twice, and
/// nothing is left.
#[tokio::test]
async fn lost_answers() {
    let server = OpenLdap::with(&[("AUDIT", "1")]).await;
    let mut looker = server.looker().await;
    let verbs = ["Add", "Modify", "Rename"];
    let counts: [AtomicU32; 3] = Default::default();
    let lost: Arc<[AtomicU32; 3]> = Arc::default();
    let noted = Arc::clone(&lost);
    let proxy = WireProxy::before(Language::Ldap, server.port(), move |asked| {
        let verb = asked.what.split(' ').next().unwrap();
        let Some(n) = verbs.iter().position(|one| *one == verb) else {
            return Fate::Pass;
        };
        // Every other one, for a while.
        let count = counts[n].fetch_add(1, Ordering::Relaxed);
        if count.is_multiple_of(2) && count < 8 {
            noted[n].fetch_add(1, Ordering::Relaxed);
            return Fate::Lose;
        }
        Fate::Pass
    })
    .await;
    let story = Story::new("ldap-lost").await;
    let _operator = Operator::start(&story.ns).await;
    story
        .ns
        .credential("directory", server.password(), &proxy.host())
        .await;
    let mut connector = openldap("directory", &server);
    connector["spec"]["ldap"]["servers"] = json!([format!("ldap://{}", proxy.host())]);
    connector["spec"]["ldap"]["startTLS"] = json!(false);
    story.apply_connector(connector).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for (name, id) in PEOPLE {
        story
            .apply_person(clerk(name, id, "Sales", json!({})))
            .await;
    }
    for (name, _) in PEOPLE {
        story.provisioned(name, 1).await;
    }
    for (name, id) in &PEOPLE[..2] {
        let gone = json!({"endDate": day(-2)});
        story.apply_person(clerk(name, id, "Sales", gone)).await;
    }
    for (name, _) in &PEOPLE[..2] {
        story
            .person_says(name, "AccessRevoked", "True", "ReadBackDisabled")
            .await;
    }
    let left = BTreeSet::from([person("eve.example"), person("fay.example")]);
    holds_who_is_left(&mut looker, &left).await;
    let done = server.changes();
    let once: BTreeSet<&String> = done.iter().collect();
    assert_eq!(
        done.len(),
        once.len(),
        "something was done twice: {done:#?}"
    );
    // People and their group are made, and put together; two are locked, and taken out.
    let wanted = PEOPLE.len() + 1 + PEOPLE.len() + 2 + 2;
    assert_eq!(done.len(), wanted, "{done:#?}");

    looker.rename(&person("eve.example"), "uid=somebody").await;
    eventually("eve has her name again", async || {
        let there = server.below(&format!("ou=people,{SUFFIX}")).await;
        let names: BTreeSet<_> = there.into_keys().collect();
        let wanted: BTreeSet<_> = PEOPLE
            .iter()
            .map(|(name, _)| person(&format!("{name}.example")))
            .collect();
        if names == wanted { Ok(()) } else { Err(names) }
    })
    .await;
    holds_who_is_left(&mut looker, &left).await;
    let more = server.changes().split_off(done.len());
    let renamed = more.iter().filter(|change| change.contains(" modrdn "));
    assert_eq!(renamed.count(), 1, "{more:#?}");
    for (verb, count) in verbs.iter().zip(&*lost) {
        assert!(count.load(Ordering::Relaxed) > 0, "no {verb} was lost");
    }
}

async fn holds_who_is_left(looker: &mut Looker, left: &BTreeSet<String>) {
    eventually("the group holds who is left", async || {
        let mut members = looker.values(&group("staff"), "member").await;
        members.retain(|member| member.contains("ou=people"));
        if members == *left {
            Ok(())
        } else {
            Err(members)
        }
    })
    .await;
}

/// The server cuts listings short: that is told, and what is not seen is not taken to be gone.
#[tokio::test]
async fn a_size_limit() {
    let server = OpenLdap::with(&[("SIZE_LIMIT", "3")]).await;
    let story = Story::new("ldap-limit").await;
    let _operator = Operator::start(&story.ns).await;
    connect(&story, "directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for (name, id) in PEOPLE {
        story
            .apply_person(clerk(name, id, "Sales", json!({})))
            .await;
    }
    for (name, _) in PEOPLE {
        story.provisioned(name, 1).await;
    }
    story
        .apply_person(clerk("gil", "5", "Sales", json!({})))
        .await;
    let why = story
        .connector_says("directory", "InventoryComplete", "False", "Partial")
        .await;
    tells(
        &why,
        &[
            "sizeLimitExceeded (4)",
            "spec.ldap.bind",
            "paging does not lift it",
        ],
    );
    // Nobody is made twice, and nobody's access is touched.
    story.provisioned("gil", 1).await;
    let there = server.below(&format!("ou=people,{SUFFIX}")).await;
    assert_eq!(there.len(), 5);
    for (name, _) in PEOPLE {
        story.provisioned(name, 1).await;
    }
}

/// The first of several servers is down: the next one is asked. A connection that ends is opened again.
#[tokio::test]
async fn the_next_server_is_asked() {
    let mut first = OpenLdap::start().await;
    let mut second = OpenLdap::start().await;
    first.stop();
    let story = Story::new("ldap-next").await;
    let _operator = Operator::start(&story.ns).await;
    let hosts = format!("{}, {}", first.hosts(), second.hosts());
    story
        .ns
        .credential("directory", second.password(), &hosts)
        .await;
    let mut connector = openldap("directory", &second);
    connector["spec"]["ldap"]["servers"] = json!([first.url(), second.url()]);
    story.apply_connector(connector).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(clerk("ada", "1", "Sales", json!({})))
        .await;
    story.provisioned("ada", 1).await;

    // The connection ends under our hands: the next operation opens another.
    second.stop();
    story
        .apply_person(clerk("bob", "2", "Sales", json!({})))
        .await;
    story
        .connector("directory", "is not reached", |c| {
            is(&c.status.as_ref().unwrap().conditions, "Ready", "False")
        })
        .await;
    second.run().await;
    story.provisioned("bob", 1).await;
}

/// The password is changed in the directory first and in the Secret later, or the other way round.
#[tokio::test]
async fn a_rotated_password() {
    let server = OpenLdap::start().await;
    let mut looker = server.looker().await;
    let story = Story::new("ldap-rotated").await;
    let _operator = Operator::start(&story.ns).await;
    connect(&story, "directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(clerk("ada", "1", "Sales", json!({})))
        .await;
    story.provisioned("ada", 1).await;
    looker
        .set(BIND_DN, "userPassword", &["another-password-1"])
        .await;
    let why = story
        .connector_says("directory", "Ready", "False", "Unauthorized")
        .await;
    tells(&why, &["invalidCredentials (49)", "cn=rollcall"]);
    assert!(!why.contains(server.password()), "{why}");
    story
        .ns
        .credential("directory", "another-password-1", &server.hosts())
        .await;
    story
        .apply_person(clerk("bob", "2", "Sales", json!({})))
        .await;
    story.provisioned("bob", 1).await;
    story.provisioned("ada", 1).await;

    // The other way round: the Secret is ahead, and somebody says when the directory has followed.
    let hosts = server.hosts();
    story
        .ns
        .credential("directory", "another-password-2", &hosts)
        .await;
    let why = story
        .connector_says("directory", "Ready", "False", "Unauthorized")
        .await;
    tells(&why, &["invalidCredentials (49)", "spec.ldap.bind"]);
    assert!(!why.contains("another-password"), "{why}");
    story
        .apply_person(clerk("eve", "3", "Sales", json!({})))
        .await;
    story
        .person_says("eve", "Ready", "False", "Unauthorized")
        .await;
    looker
        .set(BIND_DN, "userPassword", &["another-password-2"])
        .await;
    let now = Some("the directory has it");
    let asked = "rollcall.dev/reconcile-requested-at";
    story.annotate("appconnector/directory", asked, now).await;
    for name in ["ada", "bob", "eve"] {
        story.provisioned(name, 1).await;
    }
}
