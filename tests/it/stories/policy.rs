//! Story 5, first part: a RoleTemplate changes, breaks or disappears, and exactly the people concerned
//! notice.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use kube::api::DeleteParams;
use rollcall::api::{Employee, RoleTemplate};
use serde_json::{Value, json};

use super::kit_a::{
    Company, account, connector, employee, group_id, id_of, is_ready, is_true, listings, says,
    since, story, template, username, writes,
};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const MARKETING: &str = "employee.department == 'Marketing'";

/// Two people in Marketing and two in Sales. Zoe has an account by the role `visitor` alone.
async fn four_people(company: &Company, server: &ScimServer) {
    for group in ["everyone", "marketing", "budget", "visitors"] {
        server.create_group(group).await;
    }
    company.connect("directory", server, json!({})).await;
    let staff = "employee.type == 'Employee'";
    company
        .role(template("everyone", staff, &[("directory", &["everyone"])]))
        .await;
    company
        .role(template(
            "marketing",
            MARKETING,
            &[("directory", &["marketing"])],
        ))
        .await;
    let visitors = "employee.type == 'Visitor'";
    company
        .role(template(
            "visitor",
            visitors,
            &[("directory", &["visitors"])],
        ))
        .await;
    company
        .employ(employee("ada", "1", "Marketing", json!({})))
        .await;
    company
        .employ(employee("bob", "2", "Marketing", json!({})))
        .await;
    company
        .employ(employee("carl", "3", "Sales", json!({"costCenter": "12"})))
        .await;
    company
        .employ(employee("dora", "4", "Sales", json!({"costCenter": "13"})))
        .await;
    company
        .employ(employee("zoe", "5", "None", json!({"type": "Visitor"})))
        .await;
    company.ready(&["ada", "bob", "carl", "dora", "zoe"]).await;
}

fn names(people: &[&str]) -> BTreeSet<String> {
    people.iter().map(|p| username(p)).collect()
}

async fn members_become(server: &ScimServer, group: &str, people: &[&str]) {
    let wanted = names(people);
    eventually(&format!("{group} has the members {wanted:?}"), async || {
        let members = server.group_members(group).await;
        if members == wanted {
            Ok(())
        } else {
            Err(members)
        }
    })
    .await;
}

#[tokio::test]
pub async fn a_changed_template_reaches_exactly_the_people_concerned() {
    story("policy", async |company| {
        let server = ScimServer::scimmy().await;
        four_people(company, &server).await;
        listings(&server, 1).await;
        let version =
            async |name| company.now::<Employee>(name).await["metadata"]["resourceVersion"].clone();
        let before = [
            version("carl").await,
            version("dora").await,
            version("zoe").await,
        ];
        let mark = server.requests().await.len();

        let both: &[&str] = &["marketing", "budget"];
        company
            .role(template("marketing", MARKETING, &[("directory", both)]))
            .await;
        members_become(&server, "budget", &["ada", "bob"]).await;
        company
            .template("marketing", "has given it to both", |t| {
                t["status"]["holders"] == 2 && t["status"]["provisioned"] == 2
            })
            .await;
        let rule = "employee.department == 'Marketing' && employee.name.given != 'bob'";
        company
            .role(template("marketing", rule, &[("directory", both)]))
            .await;
        members_become(&server, "budget", &["ada"]).await;
        members_become(&server, "marketing", &["ada"]).await;
        company.ready(&["ada", "bob"]).await;
        listings(&server, 1).await;

        let log = since(&server, mark).await;
        for person in ["ada", "bob", "carl", "dora", "zoe"] {
            let id = id_of(&server, person).await;
            let asked: Vec<_> = log.iter().filter(|r| r.path.contains(&id)).collect();
            assert_eq!(asked, Vec::<&_>::new(), "groups alone change, not {person}");
        }
        let given = format!("/Groups/{}", group_id(&server, "budget").await);
        let taken = format!("/Groups/{}", group_id(&server, "marketing").await);
        let asked: Vec<_> = log.iter().filter(|r| r.is_write()).collect();
        let of = |path: &str| asked.iter().filter(|r| r.path.contains(path)).count();
        assert_eq!(
            (of(&given) <= 3, of(&taken), asked.len()),
            (true, 1, of(&given) + 1),
            "{asked:#?}"
        );
        let after = [
            version("carl").await,
            version("dora").await,
            version("zoe").await,
        ];
        assert_eq!(
            before, after,
            "nothing is said of people whom it does not concern"
        );
        assert_eq!(
            server.group_members("everyone").await,
            names(&["ada", "bob", "carl", "dora"])
        );
    })
    .await;
}

#[tokio::test]
async fn a_deleted_template_keeps_its_grants_for_an_hour() {
    story("policy-gone", async |company| {
        let server = ScimServer::scim2_server().await;
        four_people(company, &server).await;
        let mark = server.requests().await.len();
        for role in ["marketing", "visitor"] {
            let api = company.namespace.api::<RoleTemplate>();
            api.delete(role, &DeleteParams::default()).await.unwrap();
        }
        let kept = |employee: &Value, role: &str| {
            let roles = employee["status"]["roles"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            roles
                .iter()
                .any(|r| r["name"] == role && r["kept"].is_string())
        };
        let ada = company
            .employee("ada", "is told that it is kept", |e| kept(e, "marketing"))
            .await;
        let grants = account(&ada, "directory")["entitlements"]
            .as_array()
            .unwrap()
            .clone();
        assert!(
            grants
                .iter()
                .any(|g| g["name"] == "marketing" && g["state"] == "Kept"),
            "{ada:#}"
        );
        company
            .employee("zoe", "is told that it is kept", |e| kept(e, "visitor"))
            .await;
        company.operator.clock.shift(SignedDuration::from_mins(58));
        listings(&server, 1).await;
        assert_eq!(writes(&since(&server, mark).await), Vec::<String>::new());

        company.operator.clock.shift(SignedDuration::from_mins(2));
        members_become(&server, "marketing", &[]).await;
        members_become(&server, "visitors", &[]).await;
        let zoe = company
            .employee("zoe", "has lost the account", |e| {
                account(e, "directory")["state"] == "Disabled"
            })
            .await;
        assert!(!kept(&zoe, "visitor"), "{zoe:#}");
        let user = server.user_by_name(&username("zoe")).await.unwrap();
        assert_eq!(user["active"], false);
        company
            .employee("ada", "no longer has the role", |e| {
                is_ready(e) && !e["status"]["roles"].to_string().contains("marketing")
            })
            .await;
        assert_eq!(
            server.group_members("everyone").await,
            names(&["ada", "bob", "carl", "dora"])
        );
    })
    .await;
}

#[tokio::test]
async fn a_broken_template_keeps_its_grants_until_it_is_mended() {
    story("policy-broken", async |company| {
        let server = ScimServer::scimmy().await;
        four_people(company, &server).await;
        let mark = server.requests().await.len();

        let misspelt = "employee.departmnt == 'Marketing'";
        let grants: &[(&str, &[&str])] = &[("directory", &["marketing", "budget"])];
        company.role(template("marketing", misspelt, grants)).await;
        let stalled = company
            .template("marketing", "is stalled", |t| is_true(t, "Stalled"))
            .await;
        let message = super::kit_a::condition(&stalled, "Stalled").unwrap()["message"].clone();
        for words in ["spec.match", "line 1, column", "department"] {
            assert!(message.as_str().unwrap().contains(words), "{message}");
        }
        assert_eq!(company.told("marketing", "Stalled").await, 1);
        let ada = company
            .employee("ada", "keeps the grant", |e| {
                account(e, "directory")["entitlements"]
                    .to_string()
                    .contains("Kept")
            })
            .await;
        assert!(!is_true(&ada, "Stalled"), "{ada:#}");
        // Others go on: a newcomer gets what the sound templates give.
        company
            .employ(employee("fay", "6", "Sales", json!({})))
            .await;
        company.ready(&["fay"]).await;
        listings(&server, 1).await;
        let log = since(&server, mark).await;
        for group in ["marketing", "budget"] {
            let id = group_id(&server, group).await;
            assert_eq!(writes(&log).into_iter().find(|w| w.contains(&id)), None);
        }
        members_become(&server, "marketing", &["ada", "bob"]).await;

        company.role(template("marketing", MARKETING, grants)).await;
        company.template("marketing", "is in force", is_ready).await;
        members_become(&server, "budget", &["ada", "bob"]).await;
        company.ready(&["ada", "bob"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_broken_connector_leaves_accounts_as_they_are_until_it_is_mended() {
    story("connector-broken", async |company| {
        let server = ScimServer::scim2_server().await;
        let chat = ScimServer::scimmy().await;
        four_people(company, &server).await;
        company.connect("chat", &chat, json!({})).await;
        company
            .role(template(
                "chat",
                "employee.department == 'Sales'",
                &[("chat", &[])],
            ))
            .await;
        company.ready(&["carl", "dora"]).await;
        let mark = server.requests().await.len();

        let broken = json!({"account": {"attributes": {"title": "employee.jobTitle.nope()"}}});
        company.app(connector("directory", &server, broken)).await;
        let stalled = company
            .connector("directory", "is stalled", |c| is_true(c, "Stalled"))
            .await;
        let message = super::kit_a::condition(&stalled, "Stalled").unwrap()["message"].clone();
        for words in ["spec.account.attributes[title]", "line 1, column", "nope"] {
            assert!(message.as_str().unwrap().contains(words), "{message}");
        }
        let manager = json!({"jobTitle": "Manager"});
        company
            .employ(employee("carl", "3", "Sales", manager))
            .await;
        let carl = company
            .employee("carl", "waits", |e| {
                account(e, "directory")["reason"] == "ConnectorBroken"
                    && account(e, "chat")["state"] == "Active"
            })
            .await;
        assert!(
            says(&carl, "Reconciling", "True", "ConnectorBroken", "directory"),
            "{carl:#}"
        );
        assert!(!is_true(&carl, "Stalled"));
        eventually("the other application goes on", async || {
            let user = chat.user_by_name(&username("carl")).await.unwrap();
            if user["title"] == "Manager" {
                Ok(())
            } else {
                Err(user)
            }
        })
        .await;
        listings(&server, 1).await;
        assert_eq!(writes(&since(&server, mark).await), Vec::<String>::new());

        company
            .app(connector("directory", &server, json!({})))
            .await;
        company.connector("directory", "is ready", is_ready).await;
        company.ready(&["ada", "bob", "carl", "dora", "zoe"]).await;
        let carl = server.user_by_name(&username("carl")).await.unwrap();
        assert_eq!(carl["title"], "Manager");
    })
    .await;
}

#[tokio::test]
async fn an_evaluation_that_fails_for_one_person_keeps_what_that_person_has() {
    story("policy-fails", async |company| {
        let server = ScimServer::scim2_server().await;
        four_people(company, &server).await;
        let rule = "employee.department == 'Sales' && int(employee.costCenter) < 20";
        company
            .role(template("budget", rule, &[("directory", &["budget"])]))
            .await;
        members_become(&server, "budget", &["carl", "dora"]).await;
        company.ready(&["carl", "dora"]).await;

        let odd = json!({"costCenter": "twelve"});
        company.employ(employee("carl", "3", "Sales", odd)).await;
        let carl = company
            .employee("carl", "is told of the failure", |e| {
                says(e, "Ready", "False", "MatchFailed", "budget")
            })
            .await;
        assert!(
            is_true(&carl, "Reconciling") && !is_true(&carl, "Stalled"),
            "{carl:#}"
        );
        let mark = server.requests().await.len();
        let other = json!({"costCenter": "30"});
        company.employ(employee("dora", "4", "Sales", other)).await;
        members_become(&server, "budget", &["carl"]).await;
        company.ready(&["dora"]).await;
        company.template("budget", "stays in force", is_ready).await;
        let log = since(&server, mark).await;
        assert_eq!(writes(&log).len(), 1, "dora alone: {log:#?}");

        company
            .employ(employee("carl", "3", "Sales", json!({"costCenter": "12"})))
            .await;
        company.ready(&["carl"]).await;
        members_become(&server, "budget", &["carl"]).await;
    })
    .await;
}
