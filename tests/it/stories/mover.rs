//! Story 2: a mover loses the old groups only after the new ones are there, everywhere.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use rollcall::api::Employee;
use serde_json::json;

use super::kit::{
    Company, account, clerk, company, condition_says, cycles, group_id, id_of, is_ready,
    lines_of_writes, position, since, template, username,
};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

/// `marketing` and `sales` each give a group of their own and one that they share.
async fn two_departments(company: &Company, directory: &ScimServer, chat: &ScimServer) {
    for group in ["everyone", "shared", "marketing", "sales"] {
        directory.create_group(group).await;
        chat.create_group(group).await;
    }
    company
        .connect_with("directory", directory, json!({}))
        .await;
    company.connect_with("chat", chat, json!({})).await;
    let everyone: &[(&str, &[&str])] = &[("directory", &["everyone"])];
    company
        .apply_role(template("everyone", "employee.type != ''", everyone))
        .await;
    for (name, department) in [("marketing", "Marketing"), ("sales", "Sales")] {
        let rule = format!("employee.department == '{department}'");
        let groups: &[&str] = &["shared", name];
        let grants = [("directory", groups), ("chat", groups)];
        company.apply_role(template(name, &rule, &grants)).await;
    }
}

#[tokio::test]
pub async fn a_mover_loses_the_old_groups_only_after_the_new_ones_are_there() {
    company("mover", async |company| {
        let directory = ScimServer::scim2_server().await;
        let chat = ScimServer::scimmy().await;
        two_departments(company, &directory, &chat).await;
        company
            .apply_person(clerk("ada", "1", "Marketing", json!({})))
            .await;
        company
            .apply_person(clerk("bob", "2", "Marketing", json!({})))
            .await;
        company.all_ready(&["ada", "bob"]).await;
        let marks = [
            directory.requests().await.len(),
            chat.requests().await.len(),
        ];

        company
            .apply_person(clerk("ada", "1", "Sales", json!({})))
            .await;
        company.all_ready(&["ada"]).await;
        let ada = BTreeSet::from([username("ada")]);
        let bob = BTreeSet::from([username("bob")]);
        let both: BTreeSet<_> = ada.union(&bob).cloned().collect();
        for (server, mark) in [&directory, &chat].into_iter().zip(marks) {
            assert_eq!(server.group_members("sales").await, ada);
            assert_eq!(server.group_members("marketing").await, bob);
            assert_eq!(server.group_members("shared").await, both);
            let log = since(server, mark).await;
            let sales = position(&log, "PATCH", &group_id(server, "sales").await);
            let marketing = position(&log, "PATCH", &group_id(server, "marketing").await);
            assert!(sales.is_some() && sales < marketing, "{log:#?}");
            for untouched in ["shared", "everyone"] {
                let id = group_id(server, untouched).await;
                let touched = lines_of_writes(&log).into_iter().find(|w| w.contains(&id));
                assert_eq!(touched, None, "{untouched} is held before and after");
            }
            // The department is an attribute too; nothing else is written.
            assert_eq!(lines_of_writes(&log).len(), 3, "{log:#?}");
        }
    })
    .await;
}

#[tokio::test]
pub async fn removals_wait_for_additions_in_a_target_that_is_down() {
    company("mover-waits", async |company| {
        let directory = ScimServer::scim2_server().await;
        let chat = ScimServer::scimmy().await;
        let mut wiki = ScimServer::scim2_server_down();
        two_departments(company, &directory, &chat).await;
        let create = json!({"entitlements": {"missing": "Create"}});
        company.connect_with("wiki", &wiki, create).await;
        let rule = "employee.department == 'Sales'";
        company
            .apply_role(template("wiki", rule, &[("wiki", &["price-lists"])]))
            .await;
        company
            .apply_person(clerk("ada", "1", "Marketing", json!({})))
            .await;
        company.all_ready(&["ada"]).await;
        let mark = directory.requests().await.len();

        company
            .apply_person(clerk("ada", "1", "Sales", json!({})))
            .await;
        let waiting = company
            .seen_employee("ada", "waits", |e| {
                account(e, "directory")["reason"] == "WaitingForAdditions"
                    && account(e, "chat")["reason"] == "WaitingForAdditions"
            })
            .await;
        assert_eq!(account(&waiting, "wiki")["state"], "Pending", "{waiting:#}");
        cycles(&directory, 1).await;
        let marketing = group_id(&directory, "marketing").await;
        let log = since(&directory, mark).await;
        assert_eq!(position(&log, "PATCH", &marketing), None, "{log:#?}");
        let ada = BTreeSet::from([username("ada")]);
        for server in [&directory, &chat] {
            assert_eq!(server.group_members("sales").await, ada);
            assert_eq!(server.group_members("marketing").await, ada);
        }

        wiki.start().await;
        // Whenever an old group is seen to be lost, the new one elsewhere is there.
        eventually("the old group is lost", async || {
            let gone = directory.group_members("marketing").await.is_empty()
                || chat.group_members("marketing").await.is_empty();
            if gone {
                Ok(())
            } else {
                Err("ada is in marketing")
            }
        })
        .await;
        assert_eq!(wiki.group_members("price-lists").await, ada);
        company.seen_employee("ada", "is ready", is_ready).await;
        for server in [&directory, &chat] {
            assert_eq!(server.group_members("marketing").await, BTreeSet::new());
        }
    })
    .await;
}

#[tokio::test]
async fn after_the_hold_time_removals_run_and_say_so() {
    company("mover-hold", async |company| {
        let directory = ScimServer::scim2_server().await;
        let chat = ScimServer::scimmy().await;
        let wiki = ScimServer::scim2_server_down();
        two_departments(company, &directory, &chat).await;
        company.connect_with("wiki", &wiki, json!({})).await;
        let rule = "employee.department == 'Sales'";
        company
            .apply_role(template("wiki", rule, &[("wiki", &["price-lists"])]))
            .await;
        company
            .apply_person(clerk("ada", "1", "Marketing", json!({})))
            .await;
        company.all_ready(&["ada"]).await;
        company
            .apply_person(clerk("ada", "1", "Sales", json!({})))
            .await;
        company
            .seen_employee("ada", "waits", |e| {
                account(e, "directory")["reason"] == "WaitingForAdditions"
            })
            .await;
        let user = id_of(&directory, "ada").await;

        company.operator.clock.shift(SignedDuration::from_hours(23));
        cycles(&directory, 1).await;
        assert_eq!(
            directory.group_members("marketing").await.len(),
            1,
            "a day is not over"
        );
        let mark = directory.requests().await.len();
        company.operator.clock.shift(SignedDuration::from_hours(1));
        for server in [&directory, &chat] {
            eventually("the old group is lost", async || {
                let members = server.group_members("marketing").await;
                if members.is_empty() {
                    Ok(())
                } else {
                    Err(members)
                }
            })
            .await;
        }
        eventually("both applications tell why", async || {
            match company.events("ada", "HoldExpired").await {
                2 => Ok(()),
                told => Err(told),
            }
        })
        .await;
        let ada = company
            .seen_employee("ada", "still waits for the wiki", |e| {
                account(e, "directory")["state"] == "Active"
                    && account(e, "chat")["state"] == "Active"
            })
            .await;
        assert!(
            !is_ready(&ada)
                && condition_says(&ada, "Reconciling", "True", "TargetUnreachable", "wiki"),
            "{ada:#}"
        );
        let log = since(&directory, mark).await;
        let about_ada: Vec<_> = log.iter().filter(|r| r.path.contains(&user)).collect();
        assert_eq!(about_ada, Vec::<&_>::new());
        assert_eq!(lines_of_writes(&log).len(), 1, "{log:#?}");
        let listed = company.now::<Employee>("ada").await;
        assert_eq!(listed["status"]["stage"], "Active");
    })
    .await;
}
