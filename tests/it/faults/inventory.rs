//! A listing that fails, is short, or is suddenly empty: nothing is taken away on the strength of it, the
//! connector says what is wrong, and whoever must be out is out all the same.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::stories::kit::{is, lines_of_writes, since, template, usernames};
use crate::support::proxy::{Asked, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

/// What the target shows when everything is listed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shown {
    /// An error of the server.
    Error,
    /// The login page of some portal, as a success.
    LoginPage,
    /// Half of the page, whose total says that there is more, and no page after it.
    Short,
    /// Half of everyone, as if that were all.
    Fewer,
    /// Nobody, and no group, as if that were all.
    Nothing,
    /// Everybody, and no group, as if that were all.
    NoGroups,
}

fn is_listing(asked: &Asked) -> bool {
    let lists = asked.path.contains("/Users?") || asked.path.contains("/Groups?");
    asked.method == "GET" && lists && !asked.path.contains("filter=")
}

fn verdict(shown: Shown, asked: &Asked) -> Verdict {
    if !is_listing(asked) {
        return Verdict::Pass;
    }
    match shown {
        Shown::Error => Verdict::Answer(500, vec![], b"out of order".to_vec()),
        Shown::LoginPage => {
            let html = ("content-type", "text/html".to_owned());
            Verdict::Answer(200, vec![html], b"<html>Please log in</html>".to_vec())
        }
        Shown::Short => Verdict::Edit(Box::new(|list| {
            let mut list = half(list);
            list["totalResults"] = json!(list["totalResults"].as_u64().unwrap() + 4);
            list
        })),
        Shown::Fewer if asked.path.contains("/Groups?") => Verdict::Pass,
        Shown::Fewer => Verdict::Edit(Box::new(|mut list| {
            let hidden = ["pat.n3", "pat.n4", "pat.n5"];
            let is_shown = |user: &Value| !hidden.iter().any(|name| user["userName"] == *name);
            list["Resources"].as_array_mut().unwrap().retain(is_shown);
            let all = list["totalResults"].as_u64().unwrap();
            list["totalResults"] = json!(all - hidden.len() as u64);
            list
        })),
        Shown::NoGroups if asked.path.contains("/Users?") => Verdict::Pass,
        Shown::Nothing | Shown::NoGroups => Verdict::Edit(Box::new(|mut list| {
            list["totalResults"] = json!(0);
            list["Resources"] = json!([]);
            list
        })),
    }
}

fn rows(list: &Value) -> &Vec<Value> {
    list["Resources"].as_array().unwrap()
}

fn half(mut list: Value) -> Value {
    let half = rows(&list).len() / 2;
    list["Resources"].as_array_mut().unwrap().truncate(half);
    list
}

const PEOPLE: usize = 6;

async fn nothing_is_taken_away(name: &str, server: ScimServer, shown: Shown, says: [&str; 2]) {
    let stage = Stage::set(name, server).await;
    let (story, server) = (&stage.story, &stage.server);
    let chat = &ScimServer::scimmy().await;
    story.connect("chat", chat).await;
    let more: &[(&str, &[&str])] = &[("directory", &["news"]), ("chat", &["general"])];
    story.apply_role(template("more", "true", more)).await;
    for n in 0..PEOPLE {
        stage.person(n, json!({})).await;
    }
    for n in 0..PEOPLE {
        story.provisioned(&format!("p{n}"), 2).await;
    }
    stage.listed_again(1).await;
    let marks = [server.requests().await.len(), chat.requests().await.len()];
    let before = (usernames(server).await, usernames(chat).await);

    stage.lies(move |asked| verdict(shown, asked));
    let [reason, words] = says;
    // The first one may have been begun before, and say something else.
    story
        .connector("directory", "says what is wrong", |connector| {
            let mut conditions = connector.status.iter().flat_map(|s| &s.conditions);
            conditions.any(|c| {
                let is_it = c.type_ == "InventoryComplete" && c.status == "False";
                is_it && c.reason == reason && c.message.contains(words)
            })
        })
        .await;
    stage.listed_again(3).await;
    for (server, mark) in [server, chat].into_iter().zip(marks) {
        assert_eq!(lines_of_writes(&since(server, mark).await), [""; 0]);
    }

    // Whoever must be out does not wait for a better listing.
    stage.person(0, json!({"endDate": "2021-01-01"})).await;
    for server in [server, chat] {
        eventually("the leaver is out", async || {
            let user = server.user_by_name("pat.n0").await.unwrap();
            if user["active"] == false {
                Ok(())
            } else {
                Err(user)
            }
        })
        .await;
    }
    stage.listed_again(2).await;
    for n in 1..PEOPLE {
        let user = server.user_by_name(&format!("pat.n{n}")).await.unwrap();
        assert_eq!(user["active"], true);
    }
    for (server, group) in [(server, "staff"), (server, "news"), (chat, "general")] {
        let members = server.group_members(group).await;
        let others = (1..PEOPLE).map(|n| format!("pat.n{n}"));
        let lost: Vec<_> = others.filter(|name| !members.contains(name)).collect();
        assert_eq!(lost, [""; 0], "{group}");
    }

    stage.is_honest();
    story
        .connector("directory", "sees everything again", |c| {
            is(
                &c.status.as_ref().unwrap().conditions,
                "InventoryComplete",
                "True",
            )
        })
        .await;
    story
        .person_says("p0", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    for n in 1..PEOPLE {
        story.provisioned(&format!("p{n}"), 2).await;
    }
    assert_eq!((usernames(server).await, usernames(chat).await), before);
    // The leaver's account was disabled once, and left its groups, and that was all.
    for (server, mark, groups) in [(server, marks[0], 2), (chat, marks[1], 1)] {
        let log = lines_of_writes(&since(server, mark).await);
        assert_eq!(log.len(), 1 + groups, "{log:#?}");
    }
}

#[tokio::test]
async fn a_listing_that_fails() {
    let says = ["ListingFailed", "500"];
    let story = nothing_is_taken_away("list-a", ScimServer::scimmy().await, Shown::Error, says);
    Box::pin(story).await;
}

#[tokio::test]
async fn a_listing_that_is_a_login_page() {
    let says = ["UnintelligibleAnswer", "HTML"];
    let server = ScimServer::scim2_server().await;
    let story = nothing_is_taken_away("list-b", server, Shown::LoginPage, says);
    Box::pin(story).await;
}

#[tokio::test]
async fn a_listing_that_is_short() {
    let says = ["Partial", "announced"];
    let story = nothing_is_taken_away("list-c", ScimServer::scimmy().await, Shown::Short, says);
    Box::pin(story).await;
}

#[tokio::test]
async fn a_listing_that_shows_fewer() {
    let says = ["Partial", "direct reads"];
    let server = ScimServer::scim2_server().await;
    let story = nothing_is_taken_away("list-d", server, Shown::Fewer, says);
    Box::pin(story).await;
}

#[tokio::test]
async fn a_listing_that_is_suddenly_empty() {
    let says = ["Partial", "suddenly empty"];
    let story = nothing_is_taken_away("list-e", ScimServer::scimmy().await, Shown::Nothing, says);
    Box::pin(story).await;
}

#[tokio::test]
async fn a_listing_without_any_group() {
    let says = ["Partial", "no entitlement at all"];
    let story = nothing_is_taken_away("list-f", ScimServer::scimmy().await, Shown::NoGroups, says);
    Box::pin(story).await;
}
