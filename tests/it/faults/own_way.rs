//! Applications that keep things their own way: names in other letters, values in another form, and people
//! whom they do not show to us.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::support::proxy::{Asked, Verdict};
use crate::support::targets::ScimServer;

/// Changes every user in an answer, wherever it stands.
fn each_user(answer: &mut Value, change: &dyn Fn(&mut Value)) {
    match answer {
        Value::Object(_) if answer["userName"].is_string() => change(answer),
        Value::Object(fields) => fields.values_mut().for_each(|one| each_user(one, change)),
        Value::Array(all) => all.iter_mut().for_each(|one| each_user(one, change)),
        _ => {}
    }
}

fn about_users(asked: &Asked) -> bool {
    asked.path.contains("/Users") && asked.method != "DELETE"
}

fn changed(change: fn(&mut Value)) -> impl Fn(&Asked) -> Verdict {
    move |asked| {
        if !about_users(asked) {
            return Verdict::Pass;
        }
        Verdict::Edit(Box::new(move |mut answer| {
            each_user(&mut answer, &change);
            answer
        }))
    }
}

/// Nothing more is written, however often it is listed.
async fn is_at_rest(stage: &Stage) {
    stage.listed_again(1).await;
    let before = stage.writes();
    stage.listed_again(5).await;
    assert_eq!(stage.writes(), before, "it is written again and again");
}

#[tokio::test]
async fn user_names_come_back_in_other_letters() {
    let stage = Stage::set("own-letters", ScimServer::scimmy().await).await;
    stage.lies(changed(|user| {
        let name = user["userName"].as_str().unwrap().to_uppercase();
        user["userName"] = json!(name);
    }));
    stage.person(1, json!({})).await;
    stage.story.provisioned("p1", 1).await;
    is_at_rest(&stage).await;
    stage.story.provisioned("p1", 1).await;
    assert_eq!(stage.server.users().await.len(), 1);
}

#[tokio::test]
async fn values_come_back_in_another_form() {
    let stage = Stage::set("own-form", ScimServer::scimmy().await).await;
    stage.lies(changed(|user| {
        if let Some(shown) = user["displayName"].as_str() {
            user["displayName"] = json!(format!("{} (Example Ltd)", shown.to_uppercase()));
        }
    }));
    stage.person(1, json!({})).await;
    stage.story.provisioned("p1", 1).await;
    is_at_rest(&stage).await;
    // What changes is written all the same, and once.
    let before = stage.writes();
    stage
        .person(
            1,
            json!({"name": {"given": "Pat", "family": "N1", "display": "Patricia"}}),
        )
        .await;
    stage.story.provisioned("p1", 1).await;
    is_at_rest(&stage).await;
    assert!(stage.writes() > before);
    let user = stage.server.user_by_name("pat.n1").await.unwrap();
    assert_eq!(user["displayName"], "Patricia");
}

#[tokio::test]
async fn who_is_not_shown_has_the_name_all_the_same() {
    let server = ScimServer::scim2_server().await;
    let hidden = server
        .create_user(json!({"userName": "pat.n1", "active": false}))
        .await;
    let stage = Stage::set("own-hidden", server).await;
    stage.lies(|asked| {
        if !about_users(asked) || asked.method != "GET" {
            return Verdict::Pass;
        }
        Verdict::Edit(Box::new(|mut list| {
            if let Some(rows) = list["Resources"].as_array_mut() {
                let before = rows.len();
                rows.retain(|user| user["userName"] != "pat.n1");
                let left_out = before - rows.len();
                let total = list["totalResults"].as_u64().unwrap_or_default();
                list["totalResults"] = json!(total - left_out as u64);
            }
            list
        }))
    });
    stage.person(1, json!({})).await;
    let status = stage.story.provisioned("p1", 1).await;
    assert_eq!(status.accounts[0].username.as_deref(), Some("pat.n12"));
    is_at_rest(&stage).await;
    let seen = stage.proxy.seen();
    let touched = seen.iter().filter(|s| s.method != "GET");
    assert_eq!(touched.filter(|s| s.path.contains(&hidden)).count(), 0);
    let user = stage.server.user_by_name("pat.n1").await.unwrap();
    assert_eq!(
        (&user["active"], &user["externalId"]),
        (&json!(false), &Value::Null)
    );
}
