//! A directory is restored from an older backup: whoever left since can sign in again, and whoever came is gone.

use std::collections::BTreeSet;

use rollcall::api::APPROVED_REMOVALS_ANNOTATION;
use serde_json::{Value, json};

use super::kit::{group, openldap, person};
use crate::stories::kit::{Story, clerk, tells, template, username};
use crate::support::openldap::{OpenLdap, SUFFIX};
use crate::support::operator::Operator;
use crate::support::wait::eventually;

const LEAVERS: usize = 6;
const LOCK: &str = "pwdAccountLockedTime";

fn leaver(n: usize, gone: bool) -> Value {
    let ends = json!({"endDate": "2021-01-01"});
    let more = if gone { ends } else { json!({}) };
    clerk(&format!("l{n}"), &format!("l{n}"), "Sales", more)
}

async fn connect(story: &Story, server: &OpenLdap, guard: Value) {
    let mut object = openldap("directory", server);
    object["spec"]["guard"] = guard;
    story.apply_connector(object).await;
}

/// Those who can't sign in.
async fn locked(server: &OpenLdap) -> BTreeSet<String> {
    let people = server.below(&format!("ou=people,{SUFFIX}")).await;
    let locked = people
        .into_iter()
        .filter(|(_, e)| e.attrs.contains_key(LOCK));
    locked.map(|(name, _)| name).collect()
}

async fn members(server: &OpenLdap, name: &str) -> BTreeSet<String> {
    let groups = server.below(&format!("ou=groups,{SUFFIX}")).await;
    let members = groups.get(&group(name)).and_then(|g| g.attrs.get("member"));
    members.into_iter().flatten().cloned().collect()
}

/// Eight in sales, with no limit to what may be taken from them.
async fn sales(story: &Story, server: &OpenLdap) {
    let hosts = server.hosts();
    story
        .ns
        .credential("directory", server.password(), &hosts)
        .await;
    let open = json!({"maxPercent": 100, "leavers": {"maxPercent": 100}});
    connect(story, server, open).await;
    for (role, department) in [("sales", "Sales"), ("finance", "Finance")] {
        let rule = format!("employee.department == '{department}'");
        let grants: &[(&str, &[&str])] = &[("directory", &[role])];
        story.apply_role(template(role, &rule, grants)).await;
    }
    for n in 0..LEAVERS {
        story.apply_person(leaver(n, false)).await;
    }
    for (name, id) in [("dan", "d"), ("eve", "e")] {
        story
            .apply_person(clerk(name, id, "Sales", json!({})))
            .await;
    }
    for name in ["l0", "l1", "l2", "l3", "l4", "l5", "dan", "eve"] {
        story.provisioned(name, 1).await;
    }
}

#[tokio::test]
async fn an_older_backup_is_brought_up_to_date_under_the_guard() {
    let mut server = OpenLdap::with(&[("AUDIT", "1")]).await;
    let story = Story::new("restored").await;
    let _operator = Operator::start(&story.ns).await;
    sales(&story, &server).await;
    let backup = server.back_up().await;

    // Six leave, dan moves, and fay comes; eve stays as she is.
    for n in 0..LEAVERS {
        story.apply_person(leaver(n, true)).await;
    }
    story
        .apply_person(clerk("dan", "d", "Finance", json!({})))
        .await;
    story
        .apply_person(clerk("fay", "f", "Sales", json!({})))
        .await;
    story.provisioned("dan", 1).await;
    story.provisioned("fay", 1).await;
    for n in 0..LEAVERS {
        story
            .person_says(
                &format!("l{n}"),
                "AccessRevoked",
                "True",
                "ReadBackDisabled",
            )
            .await;
    }
    assert_eq!(locked(&server).await.len(), LEAVERS);
    let few = json!({"alwaysAllowed": 4});
    connect(&story, &server, few).await;
    story
        .connector_says("directory", "Ready", "True", "InOrder")
        .await;

    server.restore(&backup).await;
    let known = server.changes().len();
    // What is to be there is there again at once; what would be taken is one wave, and too large.
    eventually("fay and dan are as declared", async || {
        let sales = members(&server, "sales").await;
        let finance = members(&server, "finance").await;
        let there = sales.contains(&person(&username("fay")));
        let moved = finance.contains(&person(&username("dan")));
        if there && moved {
            Ok(())
        } else {
            Err((sales, finance))
        }
    })
    .await;
    let found = story.connector("directory", "holds six", |c| {
        let held = c.status.iter().flat_map(|s| &s.held);
        held.clone().any(|held| held.people == 6)
    });
    let held = found.await.status.unwrap().held.remove(0);
    assert_eq!((held.disable, held.causes.len()), (6, 1), "{held:?}");
    assert_eq!(held.causes[0].why, "the last day is over");
    assert_eq!(locked(&server).await, BTreeSet::new());
    let word = Some(held.digest.as_str());
    story
        .annotate("appconnector/directory", APPROVED_REMOVALS_ANNOTATION, word)
        .await;
    eventually("those who left are out again", async || {
        let out = locked(&server).await;
        if out.len() == LEAVERS {
            Ok(())
        } else {
            Err(out)
        }
    })
    .await;
    // That dan is with sales again nobody declared, and nobody is known to have given it: it is told.
    let told = story
        .person_says(
            "dan",
            "OrphanedCredentials",
            "True",
            "CredentialsWithoutGrant",
        )
        .await;
    tells(&told, &["sales"]);
    // Nobody else was touched.
    let changes = server.changes().split_off(known);
    let eve = person(&username("eve"));
    assert!(!changes.iter().any(|c| c.contains(&eve)), "{changes:#?}");
}
