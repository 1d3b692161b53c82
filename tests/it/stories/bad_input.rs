//! Story 13: what can't work says so, with the field and what to do, and stops nobody else.

use kube::api::DeleteParams;
use rollcall::api::employee::AccountState;
use rollcall::api::{Employee, RoleTemplate};
use serde_json::json;

use super::kit::{
    Story, connector, cycles, employee, everyone, is, says, tells, usernames, writes,
};
use crate::support::operator::Operator;
use crate::support::targets::ScimServer;

/// A company in which all is well, whose people must not notice what others write.
async fn company(name: &str) -> (Story, ScimServer, Operator) {
    let server = ScimServer::scimmy().await;
    let story = Story::new(name).await;
    let operator = Operator::start(&story.ns).await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(employee("ada", "1", "Ada", "Lovelace"))
        .await;
    story.provisioned("ada", 1).await;
    (story, server, operator)
}

/// Someone new gets an account, whatever else is broken.
async fn others_go_on(story: &Story) {
    story
        .apply_person(employee("new", "999", "New", "Comer"))
        .await;
    story
        .person("new", "has an account", |s| {
            s.accounts.iter().any(|a| {
                a.connector == "directory"
                    && a.account_id.is_some()
                    && a.entitlements.iter().any(|e| e.since.is_some())
            })
        })
        .await;
}

#[tokio::test]
async fn employees_that_can_not_work() {
    let (story, server, _operator) = company("bad-people").await;
    // A zone that has the form of one.
    let mut lost = employee("lost", "2", "Lost", "Soul");
    lost["spec"]["timeZone"] = json!("Europe/Atlantis");
    story.apply_person(lost.clone()).await;
    let message = story
        .person_says("lost", "Stalled", "True", "UnknownTimeZone")
        .await;
    tells(
        &message,
        &["spec.timeZone", "Europe/Atlantis", "Europe/Berlin"],
    );
    story
        .person_says("lost", "Ready", "False", "UnknownTimeZone")
        .await;
    lost["spec"]["timeZone"] = json!("Europe/Athens");
    story.apply_person(lost).await;
    story.provisioned("lost", 1).await;

    // A role that may still come.
    let mut waits = employee("waits", "3", "Waits", "Longer");
    waits["spec"]["roles"] = json!([{"name": "pilot"}]);
    story.apply_person(waits).await;
    let status = story
        .person("waits", "has what is there and waits for the rest", |s| {
            is(&s.conditions, "Reconciling", "True")
                && s.accounts
                    .iter()
                    .any(|a| a.account_id.is_some() && a.reason.is_none())
        })
        .await;
    assert!(!is(&status.conditions, "Stalled", "True"));
    tells(
        &super::kit::message(&status.conditions, "Ready"),
        &["pilot"],
    );
    story
        .apply_role(json!({
            "metadata": {"name": "pilot"},
            "spec": {"grants": [{"connector": "directory", "entitlements": ["cockpit"]}]},
        }))
        .await;
    story.provisioned("waits", 1).await;
    assert_eq!(
        server.group_members("cockpit").await,
        std::collections::BTreeSet::from(["waits.longer".to_owned()])
    );

    others_go_on(&story).await;
}

/// A manager who may still come is told of, and blocks nothing.
#[tokio::test]
async fn a_manager_who_does_not_exist() {
    let (story, _server, _operator) = company("no-manager").await;
    let mut led = employee("led", "4", "Led", "Zeppelin");
    led["spec"]["managerRef"] = json!({"name": "boss"});
    story.apply_person(led).await;
    let boss = employee("boss", "5", "The", "Boss");
    for round in ["never there", "gone"] {
        let status = story
            .person("led", round, |s| {
                says(&s.conditions, "Ready", "False", "ManagerMissing")
                    && is(&s.conditions, "Reconciling", "True")
                    && s.accounts.iter().any(|a| a.state == AccountState::Active)
            })
            .await;
        let message = super::kit::message(&status.conditions, "Ready");
        tells(&message, &["spec.managerRef", "boss"]);
        story.apply_person(boss.clone()).await;
        story.provisioned("boss", 1).await;
        story.provisioned("led", 1).await;
        let people = story.ns.api::<Employee>();
        people
            .delete("boss", &DeleteParams::default())
            .await
            .unwrap();
    }
    others_go_on(&story).await;
}

/// Two objects claim one employeeId.
#[tokio::test]
async fn one_employee_id_on_two_objects() {
    let (story, server, _operator) = company("twice").await;
    story
        .apply_person(employee("impostor", "1", "Im", "Postor"))
        .await;
    let message = story
        .person_says("impostor", "Stalled", "True", "DuplicateEmployeeId")
        .await;
    tells(&message, &["spec.employeeId 1", "ada", "delete one"]);
    let before = writes(&server).await;
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, before);
    assert_eq!(usernames(&server).await, ["ada.lovelace"]);
    story.provisioned("ada", 1).await;

    // The first goes; the second takes the account over, under the name it has.
    let id = server.user_by_name("ada.lovelace").await.unwrap()["id"].clone();
    let people = story.ns.api::<Employee>();
    people
        .delete("ada", &DeleteParams::default())
        .await
        .unwrap();
    let status = story.provisioned("impostor", 1).await;
    assert_eq!(status.accounts[0].account_id.as_deref(), id.as_str());
    assert!(!is(&status.conditions, "Stalled", "True"));
    let user = server.user_by_name("ada.lovelace").await.unwrap();
    assert_eq!(user["displayName"], "Im Postor");
    assert_eq!(server.users().await.len(), 1);
    others_go_on(&story).await;
}

#[tokio::test]
async fn role_templates_that_can_not_work() {
    let (story, server, _operator) = company("bad-roles").await;
    let before = server.group_members("staff").await;
    let role = |name: &str, match_: &str, includes: &[&str]| {
        json!({
            "metadata": {"name": name},
            "spec": {
                "match": match_,
                "includes": includes,
                "grants": [{"connector": "directory", "entitlements": [name]}],
            },
        })
    };
    story
        .apply_role(role("typo", "employee.jobTtle == 'Manager'", &[]))
        .await;
    let message = story
        .role_says("typo", "Stalled", "True", "CelUnknownField")
        .await;
    tells(&message, &["spec.match", "jobTtle", "jobTitle"]);
    story.apply_role(role("chicken", "true", &["egg"])).await;
    story.apply_role(role("egg", "false", &["chicken"])).await;
    for name in ["chicken", "egg"] {
        let message = story
            .role_says(name, "Stalled", "True", "IncludesCycle")
            .await;
        tells(&message, &["includes", "chicken", "egg"]);
    }
    story.apply_role(role("hopes", "false", &["to-come"])).await;
    let message = story
        .role_says("hopes", "Reconciling", "True", "RoleMissing")
        .await;
    tells(&message, &["to-come"]);
    story
        .apply_role(json!({
            "metadata": {"name": "elsewhere"},
            "spec": {"match": "false", "grants": [{"connector": "missing", "entitlements": ["x"]}]},
        }))
        .await;
    let message = story
        .role_says("elsewhere", "Reconciling", "True", "ConnectorMissing")
        .await;
    tells(&message, &["missing"]);
    // Nobody lost anything, and whoever comes gets what can be decided.
    others_go_on(&story).await;
    assert!(server.group_members("staff").await.is_superset(&before));

    // A role that people hold is broken: they keep it, and get nothing else of it.
    story
        .apply_role(json!({
            "metadata": {"name": "all"},
            "spec": {"match": "employee.nam.given == 'Ada'", "grants": [{"connector": "directory", "entitlements": ["staff"]}]},
        }))
        .await;
    story
        .role_says("all", "Stalled", "True", "CelUnknownField")
        .await;
    let sent = writes(&server).await;
    cycles(&server, 2).await;
    assert_eq!(writes(&server).await, sent);
    assert!(server.group_members("staff").await.is_superset(&before));
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story.role_says("all", "Ready", "True", "InForce").await;
    let roles = story.ns.api::<RoleTemplate>();
    for name in ["typo", "chicken", "egg"] {
        roles.delete(name, &DeleteParams::default()).await.unwrap();
    }
    story.provisioned("ada", 1).await;
    cycles(&server, 1).await;
    assert_eq!(writes(&server).await, sent);
}

#[tokio::test]
pub async fn connectors_that_can_not_work() {
    let (story, server, _operator) = company("bad-targets").await;
    let other = ScimServer::scim2_server().await;
    story.credential("other", &other).await;
    story
        .apply_role(everyone("other", "other", &["mail"]))
        .await;
    for (attributes, usernames, parts) in [
        (
            json!({"titel": "employee.jobTitle"}),
            json!(["employee.name.given"]),
            vec!["titel", "title"],
        ),
        (
            json!({"title": "employee.jobTtle"}),
            json!(["employee.name.given"]),
            vec!["spec.account.attributes", "jobTtle", "jobTitle"],
        ),
        (
            json!({"title": "employee.jobTitle"}),
            json!(["employee.name.given +"]),
            vec!["spec.account.username[0]"],
        ),
        (
            json!({"title": "employee.attributes"}),
            json!(["employee.name.given", "employee.roles"]),
            vec![
                "spec.account.username[1]",
                "this gives list(string), and text is needed here",
                "spec.account.attributes[title]",
                "this gives map(string, string)",
                "convert it, for instance with string()",
            ],
        ),
    ] {
        let mut object = connector("other", &other);
        object["spec"]["account"]["attributes"] = attributes;
        object["spec"]["account"]["username"] = usernames;
        story.apply_connector(object).await;
        let found = story
            .connector("other", "is stalled", |c| {
                let conditions = &c.status.as_ref().unwrap().conditions;
                is(conditions, "Stalled", "True") && is(conditions, "Ready", "False")
            })
            .await;
        let conditions = found.status.unwrap().conditions;
        tells(&super::kit::message(&conditions, "Stalled"), &parts);
        // A person waits for it: nothing in their own object cures it.
        let status = story
            .person("ada", "waits for the connector", |s| {
                is(&s.conditions, "Reconciling", "True")
            })
            .await;
        assert!(!is(&status.conditions, "Stalled", "True"));
        tells(
            &super::kit::message(&status.conditions, "Ready"),
            &["other"],
        );
    }
    assert_eq!(writes(&other).await, []);
    others_go_on(&story).await;
    story.apply_connector(connector("other", &other)).await;
    story.provisioned("ada", 2).await;
    story.provisioned("new", 2).await;
    assert_eq!(
        writes(&server)
            .await
            .iter()
            .filter(|w| w.method == "DELETE")
            .count(),
        0
    );
}

/// Accounts that are nobody's, apart from those that a pattern names.
#[tokio::test]
async fn patterns_of_ignored_orphans() {
    let server = ScimServer::scimmy().await;
    for name in [
        "svc-backup",
        "SVC-Mail",
        "svcless",
        "mallory",
        "x1",
        "x12",
        "m{a}[1]",
    ] {
        server.create_user(json!({"userName": name})).await;
    }
    let story = Story::new("ignored").await;
    let _operator = Operator::start(&story.ns).await;
    story.credential("directory", &server).await;
    let mut object = connector("directory", &server);
    object["spec"]["orphans"] = json!({"ignore": ["svc-*", "x?"]});
    story.apply_connector(object.clone()).await;
    let orphans = async |expected: &[&str]| {
        let found = story
            .connector("directory", "reports the orphans", |c| {
                let status = c.status.as_ref().unwrap();
                let names: Vec<_> = status
                    .orphaned_accounts
                    .iter()
                    .map(|o| o.username.as_str())
                    .collect();
                names == expected
            })
            .await;
        let status = found.status.unwrap();
        assert_eq!(usize::try_from(status.orphans).unwrap(), expected.len());
    };
    orphans(&["mallory", "m{a}[1]", "svcless", "x12"]).await;
    // Nothing else in a pattern has a meaning of its own.
    object["spec"]["orphans"] = json!({"ignore": ["svc*", "x*", "m{a}[1]"]});
    story.apply_connector(object.clone()).await;
    orphans(&["mallory"]).await;
    object["spec"]["orphans"] = json!({"ignore": ["*"]});
    story.apply_connector(object).await;
    orphans(&[]).await;
    assert_eq!(writes(&server).await, []);
}
