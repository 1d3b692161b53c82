//! Story 5, first part: a RoleTemplate changes, breaks or disappears, and exactly the people concerned
//! notice.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use kube::api::DeleteParams;
use rollcall::api::{Employee, RoleTemplate};
use serde_json::{Value, json};

use super::kit::{
    Company, account, clerk, company, condition_says, connector_with, cycles, group_id, id_of,
    is_ready, is_true, lines_of_writes, since, template, username,
};
use crate::support::targets::{LoggedRequest, ScimServer};
use crate::support::wait::eventually;

const MARKETING: &str = "employee.department == 'Marketing'";

/// Two people in Marketing and two in Sales. Zoe has an account by the role `visitor` alone.
async fn four_people(company: &Company, server: &ScimServer) {
    for group in ["everyone", "marketing", "budget", "visitors"] {
        server.create_group(group).await;
    }
    company.connect_with("directory", server, json!({})).await;
    let staff = "employee.type == 'Employee'";
    company
        .apply_role(template("everyone", staff, &[("directory", &["everyone"])]))
        .await;
    company
        .apply_role(template(
            "marketing",
            MARKETING,
            &[("directory", &["marketing"])],
        ))
        .await;
    let visitors = "employee.type == 'Visitor'";
    company
        .apply_role(template(
            "visitor",
            visitors,
            &[("directory", &["visitors"])],
        ))
        .await;
    company
        .apply_person(clerk("ada", "1", "Marketing", json!({})))
        .await;
    company
        .apply_person(clerk("bob", "2", "Marketing", json!({})))
        .await;
    company
        .apply_person(clerk("carl", "3", "Sales", json!({"costCenter": "12"})))
        .await;
    company
        .apply_person(clerk("dora", "4", "Sales", json!({"costCenter": "13"})))
        .await;
    company
        .apply_person(clerk("zoe", "5", "None", json!({"type": "Visitor"})))
        .await;
    company
        .all_ready(&["ada", "bob", "carl", "dora", "zoe"])
        .await;
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

/// The paths of requests that concern single accounts, searches for them included: all but listings.
fn about_accounts(log: &[LoggedRequest]) -> Vec<String> {
    let listing = |r: &&LoggedRequest| {
        r.method == "GET" && r.path.contains("/Users?") && !r.path.contains("filter=")
    };
    log.iter()
        .filter(|r| r.path.contains("/Users") && !listing(r))
        .map(|r| r.path.clone())
        .collect()
}

#[tokio::test]
pub async fn a_changed_template_reaches_exactly_the_people_concerned() {
    company("policy", async |company| {
        let server = ScimServer::scimmy().await;
        four_people(company, &server).await;
        cycles(&server, 1).await;
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
            .apply_role(template("marketing", MARKETING, &[("directory", both)]))
            .await;
        members_become(&server, "budget", &["ada", "bob"]).await;
        company
            .seen_template("marketing", "has given it to both", |t| {
                t["status"]["holders"] == 2 && t["status"]["provisioned"] == 2
            })
            .await;
        let rule = "employee.department == 'Marketing' && employee.name.given != 'bob'";
        company
            .apply_role(template("marketing", rule, &[("directory", both)]))
            .await;
        members_become(&server, "budget", &["ada"]).await;
        members_become(&server, "marketing", &["ada"]).await;
        company.all_ready(&["ada", "bob"]).await;
        cycles(&server, 1).await;

        let log = since(&server, mark).await;
        assert_eq!(about_accounts(&log), [""; 0], "groups alone change");
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

        // Where an account changes, it is that account alone that sees a request.
        let mark = server.requests().await.len();
        let zoe = format!("/Users/{}", id_of(&server, "zoe").await);
        let guests = "employee.type == 'Guest'";
        company
            .apply_role(template("visitor", guests, &[("directory", &["visitors"])]))
            .await;
        company
            .seen_employee("zoe", "has lost the account", |e| {
                account(e, "directory")["state"] == "Disabled"
            })
            .await;
        cycles(&server, 1).await;
        let asked = about_accounts(&since(&server, mark).await);
        assert!(asked.iter().all(|path| path.ends_with(&zoe)), "{asked:#?}");
        assert!(asked.len() >= 2, "disabled, and read back: {asked:#?}");
        assert_eq!([version("carl").await, version("dora").await], after[..2]);
        assert_eq!(
            server.group_members("everyone").await,
            names(&["ada", "bob", "carl", "dora"])
        );
    })
    .await;
}

#[tokio::test]
async fn a_deleted_template_keeps_its_grants_for_an_hour() {
    company("policy-gone", async |company| {
        let server = ScimServer::scim2_server().await;
        four_people(company, &server).await;
        let mark = server.requests().await.len();
        for role in ["marketing", "visitor"] {
            let api = company.ns.api::<RoleTemplate>();
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
            .seen_employee("ada", "is told that it is kept", |e| kept(e, "marketing"))
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
            .seen_employee("zoe", "is told that it is kept", |e| kept(e, "visitor"))
            .await;
        company.operator.clock.shift(SignedDuration::from_mins(58));
        cycles(&server, 1).await;
        assert_eq!(
            lines_of_writes(&since(&server, mark).await),
            Vec::<String>::new()
        );

        company.operator.clock.shift(SignedDuration::from_mins(2));
        members_become(&server, "marketing", &[]).await;
        members_become(&server, "visitors", &[]).await;
        let zoe = company
            .seen_employee("zoe", "has lost the account", |e| {
                account(e, "directory")["state"] == "Disabled"
            })
            .await;
        assert!(!kept(&zoe, "visitor"), "{zoe:#}");
        let user = server.user_by_name(&username("zoe")).await.unwrap();
        assert_eq!(user["active"], false);
        company
            .seen_employee("ada", "no longer has the role", |e| {
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
    company("policy-broken", async |company| {
        let server = ScimServer::scimmy().await;
        four_people(company, &server).await;
        let mark = server.requests().await.len();

        let misspelt = "employee.departmnt == 'Marketing'";
        let grants: &[(&str, &[&str])] = &[("directory", &["marketing", "budget"])];
        company
            .apply_role(template("marketing", misspelt, grants))
            .await;
        let stalled = company
            .seen_template("marketing", "is stalled", |t| is_true(t, "Stalled"))
            .await;
        let message = super::kit::condition(&stalled, "Stalled").unwrap()["message"].clone();
        for words in ["spec.match", "line 1, column", "department"] {
            assert!(message.as_str().unwrap().contains(words), "{message}");
        }
        assert_eq!(company.told("marketing", "Stalled").await, 1);
        let ada = company
            .seen_employee("ada", "keeps the grant", |e| {
                account(e, "directory")["entitlements"]
                    .to_string()
                    .contains("Kept")
            })
            .await;
        assert!(!is_true(&ada, "Stalled"), "{ada:#}");
        // Others go on: a newcomer gets what the sound templates give.
        company
            .apply_person(clerk("fay", "6", "Sales", json!({})))
            .await;
        company.all_ready(&["fay"]).await;
        cycles(&server, 1).await;
        let log = since(&server, mark).await;
        for group in ["marketing", "budget"] {
            let id = group_id(&server, group).await;
            assert_eq!(
                lines_of_writes(&log).into_iter().find(|w| w.contains(&id)),
                None
            );
        }
        members_become(&server, "marketing", &["ada", "bob"]).await;

        company
            .apply_role(template("marketing", MARKETING, grants))
            .await;
        company
            .seen_template("marketing", "is in force", is_ready)
            .await;
        members_become(&server, "budget", &["ada", "bob"]).await;
        company.all_ready(&["ada", "bob"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_broken_connector_leaves_accounts_as_they_are_until_it_is_mended() {
    company("connector-broken", async |company| {
        let server = ScimServer::scim2_server().await;
        let chat = ScimServer::scimmy().await;
        four_people(company, &server).await;
        company.connect_with("chat", &chat, json!({})).await;
        company
            .apply_role(template(
                "chat",
                "employee.department == 'Sales'",
                &[("chat", &[])],
            ))
            .await;
        company.all_ready(&["carl", "dora"]).await;
        let mark = server.requests().await.len();

        let broken = json!({"account": {"attributes": {"title": "employee.jobTitle.nope()"}}});
        company
            .apply_connector(connector_with("directory", &server, broken))
            .await;
        let stalled = company
            .seen_connector("directory", "is stalled", |c| is_true(c, "Stalled"))
            .await;
        let message = super::kit::condition(&stalled, "Stalled").unwrap()["message"].clone();
        for words in ["spec.account.attributes[title]", "line 1, column", "nope"] {
            assert!(message.as_str().unwrap().contains(words), "{message}");
        }
        let manager = json!({"jobTitle": "Manager"});
        company
            .apply_person(clerk("carl", "3", "Sales", manager))
            .await;
        let carl = company
            .seen_employee("carl", "waits", |e| {
                account(e, "directory")["reason"] == "ConnectorBroken"
                    && account(e, "chat")["state"] == "Active"
            })
            .await;
        assert!(
            condition_says(&carl, "Reconciling", "True", "ConnectorBroken", "directory"),
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
        cycles(&server, 1).await;
        assert_eq!(
            lines_of_writes(&since(&server, mark).await),
            Vec::<String>::new()
        );

        company
            .apply_connector(connector_with("directory", &server, json!({})))
            .await;
        company
            .seen_connector("directory", "is ready", is_ready)
            .await;
        company
            .all_ready(&["ada", "bob", "carl", "dora", "zoe"])
            .await;
        let carl = server.user_by_name(&username("carl")).await.unwrap();
        assert_eq!(carl["title"], "Manager");
    })
    .await;
}

#[tokio::test]
async fn an_evaluation_that_fails_for_one_person_keeps_what_that_person_has() {
    company("policy-fails", async |company| {
        let server = ScimServer::scim2_server().await;
        four_people(company, &server).await;
        let rule = "employee.department == 'Sales' && int(employee.costCenter) < 20";
        company
            .apply_role(template("budget", rule, &[("directory", &["budget"])]))
            .await;
        members_become(&server, "budget", &["carl", "dora"]).await;
        company.all_ready(&["carl", "dora"]).await;

        let odd = json!({"costCenter": "twelve"});
        company.apply_person(clerk("carl", "3", "Sales", odd)).await;
        let carl = company
            .seen_employee("carl", "is told of the failure", |e| {
                condition_says(e, "Ready", "False", "MatchFailed", "budget")
            })
            .await;
        assert!(
            is_true(&carl, "Reconciling") && !is_true(&carl, "Stalled"),
            "{carl:#}"
        );
        let mark = server.requests().await.len();
        let other = json!({"costCenter": "30"});
        company
            .apply_person(clerk("dora", "4", "Sales", other))
            .await;
        members_become(&server, "budget", &["carl"]).await;
        company.all_ready(&["dora"]).await;
        company
            .seen_template("budget", "stays in force", is_ready)
            .await;
        let log = since(&server, mark).await;
        assert_eq!(lines_of_writes(&log).len(), 1, "dora alone: {log:#?}");

        company
            .apply_person(clerk("carl", "3", "Sales", json!({"costCenter": "12"})))
            .await;
        company.all_ready(&["carl"]).await;
        members_become(&server, "budget", &["carl"]).await;
    })
    .await;
}
