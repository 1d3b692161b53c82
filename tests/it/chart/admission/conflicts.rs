//! Two roles that nobody may hold both of.

use rollcall::api::{Employee, RoleTemplate};
use serde_json::json;

use super::kit::{Guarded, person, role};

#[tokio::test]
async fn are_not_newly_given_by_name() {
    let story = Guarded::with("conflicts", &json!({})).await;
    let apart = json!({"conflictsWith": ["books-payments"]});
    for (name, spec) in [
        ("orders-goods", apart),
        ("books-payments", json!({})),
        ("reads-mail", json!({})),
    ] {
        story
            .admits::<RoleTemplate>("eve", &role(name, &spec))
            .await;
    }

    // Whichever of the two states it.
    let both = json!([{"name": "books-payments"}, {"name": "orders-goods"}]);
    let said = story
        .refuses::<Employee>("conflicts", "eve", &person("ada", &both))
        .await;
    for part in [
        "spec.roles names orders-goods and books-payments",
        "RoleTemplate orders-goods says that nobody may hold both",
        "take one out",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    let one = json!([{"name": "orders-goods"}, {"name": "reads-mail"}, {"name": "comes-later"}]);
    story.admits::<Employee>("eve", &person("ada", &one)).await;
    // Beside one that is held already.
    let said = story
        .refuses::<Employee>("conflicts", "eve", &person("ada", &both))
        .await;
    assert!(said.contains("orders-goods and books-payments"), "{said}");
    // A change from one to the other is none.
    let other = json!([{"name": "books-payments"}]);
    story
        .admits::<Employee>("eve", &person("ada", &other))
        .await;
}

/// Who held both before that was a conflict is not shut in: facts can be edited, and one of the two taken out.
#[tokio::test]
async fn are_not_refused_where_both_were_there_before() {
    let story = Guarded::with("conflicts-before", &json!({})).await;
    for name in ["one", "two", "three"] {
        story
            .admits::<RoleTemplate>("eve", &role(name, &json!({})))
            .await;
    }
    let mut ada = person("ada", &json!([{"name": "one"}, {"name": "two"}]));
    story.admits::<Employee>("eve", &ada).await;
    let conflict = json!({"conflictsWith": ["two", "three"]});
    story
        .admits::<RoleTemplate>("eve", &role("one", &conflict))
        .await;
    let pair = json!([{"name": "one"}, {"name": "two"}]);
    story
        .refuses::<Employee>("conflicts", "eve", &person("bob", &pair))
        .await;

    ada["spec"]["jobTitle"] = json!("Director");
    story.admits::<Employee>("eve", &ada).await;
    ada["spec"]["roles"] = json!([{"name": "one"}, {"name": "two"}, {"name": "three"}]);
    let said = story.refuses::<Employee>("conflicts", "eve", &ada).await;
    assert!(said.contains("names one and three,"), "{said}");
    ada["spec"]["roles"] = json!([{"name": "two"}, {"name": "three"}]);
    story.admits::<Employee>("eve", &ada).await;
}
