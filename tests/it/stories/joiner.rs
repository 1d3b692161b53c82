//! Story 1: a joiner gets accounts and groups in two targets, and everything that waits for the object
//! is told when it is so.

use std::collections::BTreeSet;
use std::time::Instant;

use rollcall::api::Employee;
use serde_json::{Value, json};

use super::kit::{
    Company, Witness, account, clerk, company, is_observed, is_ready, is_true, template, username,
};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

async fn everyone_is_in(company: &Company, directory: &ScimServer, chat: &ScimServer) {
    let create = json!({"entitlements": {"missing": "Create"}});
    directory.create_group("everyone").await;
    company
        .connect_with("directory", directory, json!({}))
        .await;
    company.connect_with("chat", chat, create).await;
    let grants: &[(&str, &[&str])] = &[("directory", &["everyone"]), ("chat", &["everyone"])];
    company
        .apply_role(template("everyone", "employee.type == 'Employee'", grants))
        .await;
    company
        .apply_person(clerk("grace", "1", "Board", json!({})))
        .await;
    company.all_ready(&["grace"]).await;
}

#[tokio::test]
pub async fn a_joiner_gets_accounts_and_groups_in_two_targets() {
    company("joiner", async |company| {
        let directory = ScimServer::scim2_server().await;
        let chat = ScimServer::scimmy().await;
        everyone_is_in(company, &directory, &chat).await;

        let witness = Witness::of::<Employee>(&company.ns);
        let before = company.status_writes().await;
        let began = Instant::now();
        let boss = json!({"managerRef": {"name": "grace"}});
        let made = company
            .apply_person(clerk("ada", "2", "Marketing", boss))
            .await;
        assert_eq!(
            made.status.unwrap().observed_generation,
            -1,
            "an object that nobody has looked at reads as in progress"
        );
        let wait = [
            "wait",
            "--for=condition=Ready",
            "employee/ada",
            "--timeout=60s",
        ];
        company.ns.kubectl_ok(&wait).await;
        let lasted = began.elapsed();

        let boss_of = [boss_id(&directory).await, boss_id(&chat).await];
        for (server, boss) in [&directory, &chat].into_iter().zip(boss_of) {
            let ada = server.user_by_name(&username("ada")).await.unwrap();
            assert_eq!(ada["active"], true);
            assert_eq!(ada["displayName"], "ada Example");
            assert_eq!(ada["title"], "Clerk");
            assert_eq!(ada["emails"][0]["value"], "ada@example.com");
            assert_eq!(ada["emails"][0]["type"], "work");
            assert_eq!(ada[ENTERPRISE]["department"], "Marketing");
            assert_eq!(ada[ENTERPRISE]["employeeNumber"], "2");
            assert_eq!(ada[ENTERPRISE]["manager"]["value"], boss.as_str());
            let mark = format!("it/{}/2", company.ns.name);
            assert_eq!(ada["externalId"], mark.as_str());
            let members = BTreeSet::from([username("ada"), username("grace")]);
            assert_eq!(server.group_members("everyone").await, members);
        }

        let ada = company.now::<Employee>("ada").await;
        assert_eq!(ada["status"]["summary"]["accounts"], "2/2");
        for name in ["directory", "chat"] {
            let account = account(&ada, name);
            assert_eq!(account["state"], "Active");
            assert_eq!(account["entitlements"][0]["state"], "Held");
        }
        let columns = company.ns.kubectl_ok(&["get", "employee", "ada"]).await;
        for word in ["Active", "True", "2/2"] {
            assert!(columns.contains(word), "{word} is not in\n{columns}");
        }

        // Never current before it was so, and one write where all went well. Work that lasts longer
        // than that on a busy machine is told of on the way, at most once in three seconds.
        let versions = witness.versions_of("ada");
        assert!(versions.len() >= 2, "as made, and as told: {versions:#?}");
        for version in versions {
            assert!(
                !is_observed(&version) || is_ready(&version) || is_true(&version, "Reconciling"),
                "this reads as done and is not: {version:#}"
            );
        }
        let writes = company.status_writes().await - before;
        let allowed = 1 + lasted.as_secs() / 3;
        assert!(
            (1..=allowed).contains(&writes),
            "{writes} status writes for a joiner, in {lasted:?}"
        );
    })
    .await;
}

async fn boss_id(server: &ScimServer) -> String {
    super::kit::id_of(server, "grace").await
}

#[tokio::test]
async fn a_missing_entitlement_is_reported_or_made_as_the_connector_says() {
    company("missing", async |company| {
        let directory = ScimServer::scim2_server().await;
        let chat = ScimServer::scimmy().await;
        everyone_is_in(company, &directory, &chat).await;
        let rule = "employee.department == 'Marketing'";
        let grants: &[(&str, &[&str])] = &[("directory", &["marketing"]), ("chat", &["marketing"])];
        company
            .apply_role(template("marketing", rule, grants))
            .await;
        company
            .apply_person(clerk("ada", "2", "Marketing", json!({})))
            .await;

        let ada = company
            .seen_employee("ada", "waits for a group", |e| {
                account(e, "directory")["reason"] == "EntitlementMissing"
                    && account(e, "chat")["state"] == "Active"
            })
            .await;
        assert!(
            is_true(&ada, "Reconciling") && !is_true(&ada, "Stalled"),
            "{ada:#}"
        );
        let grant = grant(&ada, "directory", "marketing");
        assert_eq!(grant["reason"], "EntitlementMissing");
        assert_eq!(grant["state"], "Pending");
        let message = account(&ada, "directory")["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(message.contains("marketing"), "{message}");
        let ada_alone = BTreeSet::from([username("ada")]);
        assert_eq!(chat.group_members("marketing").await, ada_alone);
        let both = BTreeSet::from([username("ada"), username("grace")]);
        eventually("the rest is not held up", async || {
            let members = directory.group_members("everyone").await;
            if members == both {
                Ok(())
            } else {
                Err(members)
            }
        })
        .await;
        assert!(directory.group_by_name("marketing").await.is_none());

        directory.create_group("marketing").await;
        company.all_ready(&["ada"]).await;
        assert_eq!(directory.group_members("marketing").await, ada_alone);
        company
            .seen_template("marketing", "counts its holder", |t| {
                t["status"]["holders"] == 1 && t["status"]["provisioned"] == 1
            })
            .await;
    })
    .await;
}

fn grant<'a>(employee: &'a Value, connector: &str, name: &str) -> &'a Value {
    let grants = account(employee, connector)["entitlements"].as_array();
    let found = grants.into_iter().flatten().find(|g| g["name"] == name);
    found.unwrap_or(&Value::Null)
}
