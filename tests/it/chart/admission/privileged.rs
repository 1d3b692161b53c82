//! Ceilings for what is privileged.

use rollcall::api::{Employee, RoleTemplate};
use serde_json::{Value, json};

use super::kit::{Guarded, person, role};

/// A release for which some things are privileged. `grace` may let roles give them.
async fn guarded(story: &str, allow_match: bool) -> Guarded {
    let entitlements = json!([
        {"connector": "directory", "entitlement": "domain-admins"},
        {"connector": "db-*", "entitlement": "*owner?"},
        {"connector": "vault"},
        {"entitlement": "it's (root) \"all\""},
    ]);
    let privileged = json!({"entitlements": entitlements, "allowMatch": allow_match});
    let story = Guarded::with(story, &json!({"privileged": privileged})).await;
    story.bind("privileged-granter", "grace").await;
    story.bind("edit", "grace").await;
    story
}

fn giving(name: &str, connector: &str, entitlements: &[&str]) -> Value {
    let grant = json!({"connector": connector, "entitlements": entitlements});
    role(name, &json!({"grants": [grant]}))
}

#[tokio::test]
async fn roles_give_it_where_the_author_may() {
    let story = guarded("privileged", false).await;
    for (connector, entitlement, told) in [
        (
            "directory",
            Some("domain-admins"),
            "domain-admins in directory",
        ),
        // As names are compared.
        (
            "directory",
            Some("Domain-Admins"),
            "Domain-Admins in directory",
        ),
        (
            "db-billing",
            Some("schema-owners"),
            "schema-owners in db-billing",
        ),
        (
            "vault",
            Some("readers"),
            "an account in vault, readers in vault",
        ),
        ("vault", None, "an account in vault"),
        (
            "chat",
            Some("it's (root) \"all\""),
            "it's (root) \"all\" in chat",
        ),
    ] {
        let entitlements: Vec<&str> = entitlement.into_iter().collect();
        let wanted = giving("root", connector, &entitlements);
        let said = story
            .refuses::<RoleTemplate>("privileged-grants", "eve", &wanted)
            .await;
        for part in [
            &format!("eve may not let a RoleTemplate give {told}, which is privileged"),
            "the verb grant-privileged on roletemplates",
            &format!("{}-privileged-granter", story.name),
        ] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
    }
    for (connector, entitlement) in [
        ("directory", "staff"),
        ("directory", "domain-admins-of-old"),
        ("directory-of-others", "domain-admins"),
        ("db-billing", "schema-owner"),
        ("mydb-billing", "schema-owners"),
        ("vault-of-others", "readers"),
    ] {
        let wanted = giving("plain", connector, &[entitlement]);
        story.admits::<RoleTemplate>("eve", &wanted).await;
    }

    let mut root = giving("root", "directory", &["domain-admins"]);
    story.admits::<RoleTemplate>("grace", &root).await;
    // What is there is no obstacle to those who edit the rest.
    root["spec"]["description"] = json!("Looks after the directory");
    root["spec"]["grants"][0]["entitlements"] = json!(["domain-admins", "staff"]);
    story.admits::<RoleTemplate>("eve", &root).await;
    root["spec"]["grants"]
        .as_array_mut()
        .unwrap()
        .push(json!({"connector": "vault"}));
    let said = story
        .refuses::<RoleTemplate>("privileged-grants", "eve", &root)
        .await;
    assert!(said.contains("give an account in vault,"), "{said}");
    story.admits::<RoleTemplate>("grace", &root).await;
    // Less is always admitted, and more again is not.
    story
        .admits::<RoleTemplate>("eve", &giving("root", "directory", &["staff"]))
        .await;
    story
        .refuses::<RoleTemplate>("privileged-grants", "eve", &root)
        .await;
}

#[tokio::test]
async fn roles_do_not_hand_it_out_by_match() {
    let story = guarded("by-match", false).await;
    let mut root = giving("root", "directory", &["domain-admins"]);
    root["spec"]["match"] = json!("true");
    let said = story
        .refuses::<RoleTemplate>("privileged-grants", "grace", &root)
        .await;
    for part in [
        "match would hand out domain-admins in directory",
        "leave match out, and name the role in spec.roles",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    root["spec"].as_object_mut().unwrap().remove("match");
    story.admits::<RoleTemplate>("grace", &root).await;
    // Nor does it come later.
    root["spec"]["match"] = json!("employee.department == 'IT'");
    for somebody in ["eve", "grace"] {
        let said = story
            .refuses::<RoleTemplate>("privileged-grants", somebody, &root)
            .await;
        assert!(said.contains("match would hand out"), "{said}");
    }
    root["spec"]["grants"][0]["entitlements"] = json!(["staff"]);
    story.admits::<RoleTemplate>("eve", &root).await;
}

#[tokio::test]
async fn roles_may_hand_it_out_by_match_where_values_say_so() {
    let story = guarded("match-allowed", true).await;
    let mut root = giving("root", "directory", &["domain-admins"]);
    root["spec"]["match"] = json!("employee.department == 'IT'");
    story
        .refuses::<RoleTemplate>("privileged-grants", "eve", &root)
        .await;
    story.admits::<RoleTemplate>("grace", &root).await;
    root["spec"]["description"] = json!("Looks after the directory");
    story.admits::<RoleTemplate>("eve", &root).await;
    // Whom it is handed out to is said by those who may.
    root["spec"]["match"] = json!("true");
    let said = story
        .refuses::<RoleTemplate>("privileged-grants", "eve", &root)
        .await;
    assert!(
        said.contains("changed only by those who have the verb grant-privileged"),
        "{said}"
    );
    story.admits::<RoleTemplate>("grace", &root).await;
    root["spec"].as_object_mut().unwrap().remove("match");
    story.admits::<RoleTemplate>("eve", &root).await;
}

/// Otherwise whoever may write a role would hand out what another one gives.
#[tokio::test]
async fn roles_do_not_include_it() {
    let story = guarded("included", false).await;
    let root = giving("root", "directory", &["domain-admins"]);
    story.admits::<RoleTemplate>("grace", &root).await;
    let everyone = role("everyone", &json!({"match": "true", "includes": ["root"]}));
    for somebody in ["eve", "grace"] {
        let said = story
            .refuses::<RoleTemplate>("privileged-includes", somebody, &everyone)
            .await;
        for part in [
            "includes names root, which gives domain-admins in directory",
            "take it out, and name root in spec.roles",
        ] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
    }
    // Neither the other way round.
    let everyone = role("everyone", &json!({"match": "true", "includes": ["base"]}));
    story.admits::<RoleTemplate>("eve", &everyone).await;
    let base = giving("base", "vault", &[]);
    let said = story
        .refuses::<RoleTemplate>("privileged-includes", "grace", &base)
        .await;
    assert!(
        said.contains(
            "RoleTemplate everyone includes this one, and its holders would get an account in vault"
        ),
        "{said}"
    );
    story
        .admits::<RoleTemplate>("eve", &giving("base", "directory", &["staff"]))
        .await;
    // One that gives it may include others.
    let mut root = root;
    root["spec"]["includes"] = json!(["base"]);
    story.admits::<RoleTemplate>("eve", &root).await;
}

#[tokio::test]
async fn people_are_given_it_for_a_time_and_on_somebodys_word() {
    let story = guarded("terms", false).await;
    story
        .admits::<RoleTemplate>("grace", &giving("root", "directory", &["domain-admins"]))
        .await;
    story
        .admits::<RoleTemplate>("eve", &giving("plain", "directory", &["staff"]))
        .await;
    let plain = json!({"name": "plain"});
    for terms in [
        json!({"name": "root"}),
        json!({"name": "root", "until": "2031-06-30"}),
        json!({"name": "root", "approvedBy": "grace"}),
    ] {
        let ada = person("ada", &json!([plain, terms]));
        let said = story
            .refuses::<Employee>("privileged-roles", "eve", &ada)
            .await;
        for part in [
            "role root gives domain-admins in directory, which is privileged",
            "say until (its last day) and approvedBy",
        ] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
    }
    let with_terms = json!({"name": "root", "until": "2031-06-30", "approvedBy": "grace"});
    let ada = person("ada", &json!([plain, with_terms]));
    story.admits::<Employee>("eve", &ada).await;
    // Nor is it made to last.
    let forever = json!([plain, {"name": "root", "approvedBy": "grace"}]);
    story
        .refuses::<Employee>("privileged-roles", "eve", &person("ada", &forever))
        .await;
    story
        .admits::<Employee>("eve", &person("ada", &json!([plain])))
        .await;
}

/// What was given before the role gave such a thing stays, and is no obstacle to anything else.
#[tokio::test]
async fn people_who_have_it_are_not_shut_in() {
    let story = guarded("terms-before", false).await;
    story
        .admits::<RoleTemplate>("eve", &giving("root", "directory", &["staff"]))
        .await;
    let mut ada = person("ada", &json!([{"name": "root"}]));
    story.admits::<Employee>("eve", &ada).await;
    story
        .admits::<RoleTemplate>("grace", &giving("root", "directory", &["domain-admins"]))
        .await;
    story
        .refuses::<Employee>(
            "privileged-roles",
            "eve",
            &person("bob", &json!([{"name": "root"}])),
        )
        .await;

    ada["spec"]["jobTitle"] = json!("Director");
    story.admits::<Employee>("eve", &ada).await;
    ada["spec"]["roles"] = json!([{"name": "root", "reason": "on call"}, {"name": "other"}]);
    story.admits::<Employee>("eve", &ada).await;
    ada["spec"]["roles"] = json!([{"name": "root", "until": "2031-06-30"}]);
    story.admits::<Employee>("eve", &ada).await;
    ada["spec"]["roles"] = json!([]);
    story.admits::<Employee>("eve", &ada).await;
}
