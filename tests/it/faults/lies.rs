//! Targets that lie: what they accept and do not do, what they show and is not so. It is reported with a
//! reason, never believed, and never looped on.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::kinds::kind;
use super::stage::Stage;
use crate::stories::kit::{is, message, tells, usernames};
use crate::support::proxy::Verdict;
use crate::support::targets::ScimServer;

/// Success, with nothing behind it.
fn accepted() -> Verdict {
    Verdict::Answer(204, vec![], vec![])
}

#[tokio::test]
async fn memberships_are_accepted_and_not_stored() {
    let stage = Stage::set("lie-members", ScimServer::scim2_server().await).await;
    stage.lies(|asked| {
        if kind(asked).starts_with("PATCH Groups \"add\"") {
            accepted()
        } else {
            Verdict::Pass
        }
    });
    stage.person(1, json!({})).await;
    let told = stage
        .story
        .person_says("p1", "Ready", "False", "NotApplied")
        .await;
    tells(&told, &["directory", "give staff", "does not show it"]);
    stage.nothing_is_looped_on(8, 1).await;
    stage
        .story
        .person_says("p1", "Ready", "False", "NotApplied")
        .await;
    stage.is_honest();
    stage.story.provisioned("p1", 1).await;
    assert_eq!(stage.server.group_member_ids("staff").await.len(), 1);
}

#[tokio::test]
async fn removals_are_accepted_and_not_carried_out() {
    let server = ScimServer::scimmy_with(&[("IGNORE_MEMBER_REMOVE", "1")]).await;
    let stage = Stage::set("lie-removals", server).await;
    stage.person(1, json!({})).await;
    stage.story.provisioned("p1", 1).await;
    let role = json!({
        "metadata": {"name": "all"},
        "spec": {"match": "true", "grants": [{"connector": "directory"}]},
    });
    stage.story.apply_role(role).await;
    let told = stage
        .story
        .person_says("p1", "Ready", "False", "NotApplied")
        .await;
    tells(&told, &["still a member"]);
    stage.nothing_is_looped_on(8, 1).await;
}

#[tokio::test]
async fn changes_are_accepted_and_not_applied() {
    let stage = Stage::set("lie-changes", ScimServer::scimmy().await).await;
    stage.person(1, json!({})).await;
    stage.story.provisioned("p1", 1).await;
    stage.lies(|asked| {
        if kind(asked).starts_with("PATCH Users") {
            accepted()
        } else {
            Verdict::Pass
        }
    });
    stage.person(1, json!({"jobTitle": "Director"})).await;
    let status = stage
        .story
        .person("p1", "is told what was not applied", |s| {
            s.accounts[0].reason.as_deref() == Some("NotApplied")
        })
        .await;
    let told = message(&status.conditions, "Ready");
    tells(&told, &["directory", "title", "what it showed before"]);
    stage.nothing_is_looped_on(6, 1).await;

    // Neither is a disable believed: it is read back.
    let gone = json!({"jobTitle": "Director", "endDate": "2021-01-01"});
    stage.person(1, gone).await;
    let told = stage
        .story
        .person_says("p1", "Ready", "False", "NotApplied")
        .await;
    tells(&told, &["disable", "by hand"]);
    let status = stage.story.person("p1", "has left", |_| true).await;
    assert!(!is(&status.conditions, "AccessRevoked", "True"));
    stage.nothing_is_looped_on(12, 1).await;
    stage.is_honest();
    stage
        .story
        .person_says("p1", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
}

#[tokio::test]
async fn accounts_are_accepted_and_not_made() {
    let stage = Stage::set("lie-creates", ScimServer::scimmy().await).await;
    stage.lies(|asked| {
        if !kind(asked).starts_with("POST Users") {
            return Verdict::Pass;
        }
        let mut user = asked.body.clone();
        user["id"] = json!(format!("x{}", fastrand::u32(..)));
        let json = ("content-type", "application/scim+json".to_owned());
        Verdict::Answer(201, vec![json], user.to_string().into_bytes())
    });
    stage.person(1, json!({})).await;
    let told = stage
        .story
        .person_says("p1", "Ready", "False", "NotApplied")
        .await;
    tells(&told, &["directory", "make the account"]);
    stage.nothing_is_looped_on(8, 1).await;
    assert_eq!(usernames(&stage.server).await, [""; 0]);
    stage.is_honest();
    stage.story.provisioned("p1", 1).await;
    assert_eq!(usernames(&stage.server).await, ["pat.n1"]);
}

#[tokio::test]
async fn every_answer_is_a_login_page() {
    let stage = Stage::set("lie-login", ScimServer::scimmy().await).await;
    stage.person(1, json!({})).await;
    stage.story.provisioned("p1", 1).await;
    stage.lies(|_| {
        let html = ("content-type", "text/html".to_owned());
        Verdict::Answer(200, vec![html], b"<html>Please log in</html>".to_vec())
    });
    stage.person(1, json!({"jobTitle": "Director"})).await;
    stage.person(2, json!({})).await;
    let (type_, reason) = ("InventoryComplete", "UnintelligibleAnswer");
    let told = stage
        .story
        .connector_says("directory", type_, "False", reason)
        .await;
    tells(&told, &["HTML", "base URL"]);
    for person in ["p1", "p2"] {
        let told = stage
            .story
            .person_says(person, "Ready", "False", "UnintelligibleAnswer")
            .await;
        tells(&told, &["directory", "HTML"]);
    }
    stage.nothing_is_looped_on(8, 2).await;
    stage.is_honest();
    stage.story.provisioned("p1", 1).await;
    stage.story.provisioned("p2", 1).await;
    assert_eq!(usernames(&stage.server).await, ["pat.n1", "pat.n2"]);
}

/// Our mark is stored, and a search for it finds nobody.
#[tokio::test]
async fn a_filter_on_our_mark_finds_nobody() {
    let stage = Stage::set("lie-filter", ScimServer::scimmy().await).await;
    let lost = Mutex::new(false);
    stage.lies(move |asked| {
        if asked.path.contains("filter=externalId") {
            return Verdict::Edit(Box::new(|mut list| {
                list["totalResults"] = json!(0);
                list["Resources"] = json!([]);
                list
            }));
        }
        let first = asked.method == "POST"
            && asked.path.contains("/Users")
            && !std::mem::replace(&mut *lost.lock().unwrap(), true);
        if first { Verdict::Lose } else { Verdict::Pass }
    });
    stage.person(1, json!({})).await;
    let status = stage.story.provisioned("p1", 1).await;
    let users = stage.server.users().await;
    assert_eq!(users.len(), 1, "{users:#?}");
    assert_eq!(
        users[0]["id"].as_str(),
        status.accounts[0].account_id.as_deref()
    );
}

#[tokio::test]
async fn filters_are_ignored() {
    let server = ScimServer::scimmy_with(&[("IGNORE_FILTER", "1")]).await;
    server.create_user(json!({"userName": "stranger"})).await;
    let stage = Stage::set("lie-ignored", server).await;
    let lost = Mutex::new(0);
    stage.lies(move |asked| {
        let makes = asked.method == "POST" && asked.path.contains("/Users");
        let mut lost = lost.lock().unwrap();
        *lost += usize::from(makes);
        if makes && *lost <= 2 {
            Verdict::Lose
        } else {
            Verdict::Pass
        }
    });
    for n in 1..=3 {
        stage.person(n, json!({})).await;
    }
    for n in 1..=3 {
        stage.story.provisioned(&format!("p{n}"), 1).await;
    }
    let names = usernames(&stage.server).await;
    assert_eq!(names, ["pat.n1", "pat.n2", "pat.n3", "stranger"]);
}

/// Pages that lie about themselves: whoever is missing from them is not made again, nobody is disabled,
/// and the connector says that it has not seen everything.
async fn pages_lie(name: &str, lie: fn(Value, u64) -> Value) {
    let stage = Stage::set_with(name, ScimServer::scimmy().await, json!({"pageSize": 4})).await;
    for n in 0..10 {
        stage.person(n, json!({})).await;
    }
    for n in 0..10 {
        stage.story.provisioned(&format!("p{n}"), 1).await;
    }
    let before = stage.writes();
    stage.lies(move |asked| {
        if !asked.path.contains("/Users?startIndex=") || asked.path.contains("filter=") {
            return Verdict::Pass;
        }
        let start = asked.path.split("startIndex=").nth(1).unwrap();
        let start = start.split('&').next().unwrap().parse().unwrap();
        Verdict::Edit(Box::new(move |page| lie(page, start)))
    });
    stage
        .story
        .connector_says("directory", "InventoryComplete", "False", "Partial")
        .await;
    stage.listed_again(4).await;
    assert_eq!(stage.writes(), before);
    stage.is_honest();
    for n in 0..10 {
        stage.story.provisioned(&format!("p{n}"), 1).await;
    }
    stage.listed_again(1).await;
    assert_eq!(stage.writes(), before);
}

/// Each page leaves its last row out.
#[tokio::test]
async fn pages_are_short() {
    let short = |mut page: Value, _| {
        page["Resources"].as_array_mut().unwrap().pop();
        page
    };
    pages_lie("lie-short", short).await;
}

/// The second page is the first once more, and so is each after it.
#[tokio::test]
async fn pages_repeat() {
    let first: fn(Value, u64) -> Value = |mut page, start| {
        static FIRST: Mutex<Value> = Mutex::new(Value::Null);
        let mut first = FIRST.lock().unwrap();
        if start == 1 {
            *first = page["Resources"].clone();
        } else {
            page["Resources"] = first.clone();
        }
        page
    };
    pages_lie("lie-repeat", first).await;
}

/// The total is another one on each page.
#[tokio::test]
async fn totals_change() {
    let changing = |mut page: Value, start| {
        page["totalResults"] = json!(10 + start);
        page
    };
    pages_lie("lie-totals", changing).await;
}
