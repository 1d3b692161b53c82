//! Story 4: what someone does by hand in a target is repaired, or reported, within one refresh; what
//! is not managed stays.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use super::kit::{
    Company, account, begins_listing, clerk, company, condition, condition_says, cycles, group_id,
    id_of, is_ready, is_true, lines_of_writes, since, template, username,
};
use crate::support::targets::{LoggedRequest, ScimServer};
use crate::support::wait::eventually;

const PEOPLE: [&str; 8] = [
    "attr", "name", "off", "unmarked", "out", "extra", "gone", "calm",
];

async fn drift(server: &ScimServer, company: &Company) {
    for group in ["everyone", "marketing"] {
        server.create_group(group).await;
    }
    company
        .connect_with(
            "directory",
            server,
            json!({"orphans": {"ignore": ["svc-*"]}}),
        )
        .await;
    let everyone: &[&str] = &["everyone"];
    company
        .apply_role(template(
            "everyone",
            "employee.type != ''",
            &[("directory", everyone)],
        ))
        .await;
    let rule = "employee.department == 'Marketing'";
    company
        .apply_role(template(
            "marketing",
            rule,
            &[("directory", &["marketing"])],
        ))
        .await;
    for (i, name) in PEOPLE.iter().enumerate() {
        let manifest = clerk(name, &format!("{}", i + 1), "Sales", json!({}));
        company.apply_person(manifest).await;
    }
    company.all_ready(&PEOPLE).await;
    let everybody: BTreeSet<_> = PEOPLE.iter().map(|p| username(p)).collect();
    assert_eq!(server.group_members("everyone").await, everybody);
    // Who joined is told by now, and what follows is told of the tampering alone.
    cycles(server, 1).await;

    let [attr, name, off, unmarked, out, extra, gone, calm] = ids(server).await;
    let mark = server.requests().await.len();
    let replace = |path: &str, value: serde_json::Value| json!([{"op": "replace", "path": path, "value": value}]);
    server
        .patch_user(&attr, replace("title", json!("Boss")))
        .await;
    server
        .patch_user(&attr, replace("nickName", json!("Kit")))
        .await;
    server
        .patch_user(&name, replace("userName", json!("someone.else")))
        .await;
    server
        .patch_user(&off, replace("active", json!(false)))
        .await;
    server
        .patch_user(&unmarked, json!([{"op": "remove", "path": "externalId"}]))
        .await;
    server
        .remove_member(&group_id(server, "everyone").await, &out)
        .await;
    let marketing = group_id(server, "marketing").await;
    server.add_member(&marketing, &extra).await;
    server.delete_user(&gone).await;
    let mallory = server.create_user(json!({"userName": "mallory"})).await;
    server.add_member(&marketing, &mallory).await;
    server.create_user(json!({"userName": "svc-backup"})).await;

    let tampered = server.requests().await.len();

    Box::pin(within_a_refresh(server, company, &gone, tampered)).await;
    reported(company).await;

    // Settled again: some repeats of the listing bring no write, here or there.
    let quiet_from = server.requests().await.len();
    let versions = company.versions().await;
    cycles(server, 1).await;
    assert_eq!(
        lines_of_writes(&since(server, quiet_from).await),
        Vec::<String>::new()
    );
    assert_eq!(company.versions().await, versions);

    let log = since(server, mark).await;
    for (who, id) in [
        ("unmarked", &unmarked),
        ("extra", &extra),
        ("calm", &calm),
        ("mallory", &mallory),
    ] {
        let asked: Vec<_> = log.iter().filter(|r| r.path.contains(id)).collect();
        assert_eq!(asked, Vec::<&_>::new(), "{who} is left alone");
    }
    let touched_marketing = lines_of_writes(&log)
        .into_iter()
        .find(|w| w.contains(&marketing));
    assert_eq!(
        touched_marketing, None,
        "nothing is taken away from a rogue holder"
    );

    undone_by_hand(server, company, [&unmarked, &extra, &mallory]).await;
}

async fn ids(server: &ScimServer) -> [String; 8] {
    let mut ids = Vec::new();
    for name in PEOPLE {
        ids.push(id_of(server, name).await);
    }
    ids.try_into().unwrap()
}

/// What is repaired, and what is reported, is so after the next listing.
async fn within_a_refresh(server: &ScimServer, company: &Company, gone: &str, tampered: usize) {
    let mallory_is_told = async {
        let listed = |c: &serde_json::Value| {
            let orphans = c["status"]["orphanedAccounts"].to_string();
            orphans.contains("mallory")
        };
        company
            .seen_connector("directory", "tells of mallory", listed)
            .await;
        let log = since(server, tampered).await;
        log.iter().filter(|r| begins_listing(r)).count()
    };
    let ((), begun) = tokio::join!(repaired(server, company, gone), mallory_is_told);
    assert!(begun <= 2, "{begun} listings until mallory was told of");
    let log = since(server, tampered).await;
    let last = log.iter().rposition(LoggedRequest::is_write).unwrap();
    let begun = log[..last].iter().filter(|r| begins_listing(r)).count();
    // The next one shows everything; another may begin while the last repair is under way.
    assert!(
        begun <= 2,
        "{begun} listings until all was repaired: {log:#?}"
    );
}

async fn repaired(server: &ScimServer, company: &Company, deleted: &str) {
    eventually("everything managed is repaired", async || {
        let attr = server
            .user_by_name(&username("attr"))
            .await
            .unwrap_or_default();
        let off = server
            .user_by_name(&username("off"))
            .await
            .unwrap_or_default();
        let seen = (
            attr["title"] == "Clerk",
            server.user_by_name(&username("name")).await.is_some(),
            off["active"] == true,
            server.group_members("everyone").await,
            server.user_by_name(&username("gone")).await.is_some(),
        );
        let members = |m: &BTreeSet<String>| PEOPLE.iter().all(|p| m.contains(&username(p)));
        if seen.0 && seen.1 && seen.2 && members(&seen.3) && seen.4 {
            Ok(())
        } else {
            Err(seen)
        }
    })
    .await;
    let attr = server.user_by_name(&username("attr")).await.unwrap();
    assert_eq!(attr["nickName"], "Kit", "what is not managed stays");
    assert_eq!(server.user_by_name("someone.else").await, None);
    assert_ne!(id_of(server, "gone").await, deleted);
    company
        .all_ready(&["attr", "name", "off", "out", "gone", "calm"])
        .await;
}

async fn reported(company: &Company) {
    let unmarked = company
        .seen_employee("unmarked", "is in conflict", |e| {
            account(e, "directory")["state"] == "Conflict"
        })
        .await;
    assert!(
        condition_says(&unmarked, "Ready", "False", "MarkMissing", "put the mark"),
        "{unmarked:#}"
    );
    assert!(!is_true(&unmarked, "Stalled"));
    assert_eq!(company.told("unmarked", "AccountConflict").await, 1);

    let extra = company
        .seen_employee("extra", "has an orphaned credential", |e| {
            is_true(e, "OrphanedCredentials")
        })
        .await;
    assert!(is_ready(&extra), "what is desired is there: {extra:#}");
    let listed = &extra["status"]["orphanedCredentials"];
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed:#}");
    assert_eq!(
        (
            &listed[0]["kind"],
            &listed[0]["name"],
            &listed[0]["connector"]
        ),
        (
            &json!("Entitlement"),
            &json!("marketing"),
            &json!("directory")
        )
    );
    assert_eq!(company.told("extra", "OrphanedCredentials").await, 1);

    let marketing = company
        .seen_template("marketing", "has two rogue holders", |t| {
            t["status"]["orphans"] == 2 && is_true(t, "OrphanedCredentials")
        })
        .await;
    assert_eq!(marketing["status"]["holders"], 0);
    let rogue = marketing["status"]["orphanedCredentials"]
        .as_array()
        .unwrap();
    let shown: BTreeSet<_> = rogue
        .iter()
        .map(|r| (r["username"].as_str(), r["employee"].as_str()))
        .collect();
    let extra = username("extra");
    let expected = BTreeSet::from([
        (Some(extra.as_str()), Some("extra")),
        (Some("mallory"), None),
    ]);
    assert_eq!(shown, expected, "{marketing:#}");
    assert_eq!(company.told("marketing", "OrphanedCredentials").await, 1);

    // The unmarked account, and the deleted one: the servers go on listing it as a member, which shows
    // again with the listing after the one that led to its direct read.
    company
        .seen_template("everyone", "has two holders without a grant", |t| {
            t["status"]["orphans"] == 2 && t["status"]["provisioned"] == PEOPLE.len() - 1
        })
        .await;

    let directory = company
        .seen_connector("directory", "lists the accounts nobody declared", |c| {
            c["status"]["orphans"] == 2
        })
        .await;
    let orphans = directory["status"]["orphanedAccounts"].as_array().unwrap();
    let shown: BTreeSet<_> = orphans
        .iter()
        .map(|o| (o["username"].as_str().unwrap(), o["kind"].as_str().unwrap()))
        .collect();
    // The account that lost its mark is nobody's, until its mark is put back.
    let unmarked = username("unmarked");
    let expected = BTreeSet::from([("mallory", "Undeclared"), (unmarked.as_str(), "Undeclared")]);
    assert_eq!(shown, expected, "{directory:#}");
    assert_eq!(company.told("directory", "OrphanedAccounts").await, 1);

    let labels = format!("namespace=\"{}\",connector=\"directory\"", company.ns.name);
    assert_eq!(
        company.metric("rollcall_orphaned_accounts", &labels).await,
        2
    );
    for (role, holders) in [("marketing", 2), ("everyone", 2)] {
        let labels = format!("namespace=\"{}\",role_template=\"{role}\"", company.ns.name);
        let shown = company.metric("rollcall_rogue_holders", &labels).await;
        assert_eq!(shown, holders, "{role}");
    }
    // What mallory holds is counted with the template; this is what people hold.
    assert_eq!(
        company
            .metric("rollcall_orphaned_credentials", &labels)
            .await,
        1
    );
    let columns = ["get", "roletemplates,appconnectors,employees", "-o", "wide"];
    let columns = company.ns.kubectl_ok(&columns).await;
    let row = |name: &str| {
        let row = columns.lines().find(|l| l.contains(name)).unwrap();
        row.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    // Name, Ready, Holders, Provisioned, Failures, Orphans.
    assert_eq!(row("/marketing")[5], "2", "{columns}");
    // Name, Type, Ready, Accounts, Orphans.
    assert_eq!(row("/directory")[4], "2", "{columns}");
    // Name, Stage, Ready, Accounts.
    assert_eq!(row("/unmarked")[2..4], ["False", "0/1"], "{columns}");
}

/// What a person mends by hand is seen, and nothing is said of it any more.
async fn undone_by_hand(
    server: &ScimServer,
    company: &Company,
    [unmarked, extra, mallory]: [&str; 3],
) {
    let mark = server.requests().await.len();
    let ours = format!("it/{}/4", company.ns.name);
    let put_back = json!([{"op": "add", "path": "externalId", "value": ours}]);
    server.patch_user(unmarked, put_back).await;
    let marketing = group_id(server, "marketing").await;
    server.remove_member(&marketing, extra).await;
    server.remove_member(&marketing, mallory).await;
    let deleted = server
        .send(Method::DELETE, &format!("Users/{mallory}"), None)
        .await;
    assert!(deleted.unwrap().0.is_success());
    company.all_ready(&PEOPLE).await;
    company
        .seen_employee("extra", "has no orphaned credential", |e| {
            condition(e, "OrphanedCredentials").is_none()
        })
        .await;
    company
        .seen_template("marketing", "has no rogue holder", |t| {
            t["status"]["orphans"] == 0 && condition(t, "OrphanedCredentials").is_none()
        })
        .await;
    company
        .seen_connector("directory", "has no orphan", |c| {
            c["status"]["orphans"] == 0 && condition(c, "OrphanedAccounts").is_none()
        })
        .await;
    assert_eq!(
        lines_of_writes(&since(server, mark).await),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn drift_is_repaired_or_reported_scim2_server() {
    company("drift-a", async |company| {
        let server = ScimServer::scim2_server().await;
        Box::pin(drift(&server, company)).await;
    })
    .await;
}

#[tokio::test]
pub async fn drift_is_repaired_or_reported_scimmy() {
    company("drift-b", async |company| {
        let server = ScimServer::scimmy().await;
        Box::pin(drift(&server, company)).await;
    })
    .await;
}
