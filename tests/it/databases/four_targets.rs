//! People with accounts in SCIM, OpenLDAP, Active Directory and PostgreSQL at once, while the operator is killed
//! and every credential is changed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{connect, connector};
use crate::directories::kit;
use crate::stories::kit::{Story, clerk, day, everyone, usernames};
use crate::support::openldap::{BIND_DN, OpenLdap, SUFFIX};
use crate::support::operator::OperatorProcess;
use crate::support::postgres::Postgres;
use crate::support::samba::{self, Samba};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const PEOPLE: usize = 12;
const TARGETS: [&str; 4] = ["chat", "directory", "forest", "warehouse"];

struct Company {
    story: Story,
    chat: ScimServer,
    directory: OpenLdap,
    forest: Samba,
    warehouse: Postgres,
}

impl Company {
    async fn found() -> Self {
        let company = Self {
            story: Story::new("four-targets").await,
            chat: ScimServer::scimmy().await,
            directory: OpenLdap::start().await,
            forest: Samba::start().await,
            warehouse: Postgres::start().await,
        };
        let story = &company.story;
        story.connect("chat", &company.chat).await;
        kit::connect(story, "directory", &company.directory).await;
        kit::join(story, "forest", &company.forest).await;
        let users = connector(
            "warehouse",
            &company.warehouse,
            company.warehouse.users(),
            &json!({}),
        );
        connect(story, "warehouse", &company.warehouse, users).await;
        for name in TARGETS {
            story.apply_role(everyone(name, name, &["staff"])).await;
        }
        company
    }

    /// User names in each target, and how many there are in all.
    async fn accounts(&self) -> (BTreeMap<&'static str, BTreeSet<String>>, usize) {
        let named = |dn: String| {
            let (_, value) = dn.split(',').next().unwrap().split_once('=').unwrap();
            value.to_owned()
        };
        let people = format!("ou=people,{SUFFIX}");
        let directory = self.directory.below(&people).await;
        let people = format!("OU=People,{}", samba::SUFFIX);
        let forest = self.forest.looker().await.below(&people).await;
        let roles = "SELECT rolname::text FROM pg_roles WHERE rolname LIKE '%.example'";
        let all = BTreeMap::from([
            (
                TARGETS[0],
                usernames(&self.chat).await.into_iter().collect(),
            ),
            (TARGETS[1], directory.into_keys().map(named).collect()),
            (TARGETS[2], forest.into_keys().map(named).collect()),
            (
                TARGETS[3],
                self.warehouse
                    .column("postgres", roles)
                    .await
                    .into_iter()
                    .collect::<BTreeSet<_>>(),
            ),
        ]);
        let count = all.values().map(BTreeSet::len).sum();
        (all, count)
    }

    /// Changes the password or token of each of them, there and in its Secret.
    async fn rotate(&self) {
        let (new, ns) = ("Another-passw0rd-1", &self.story.ns);
        let mut looker = self.directory.looker().await;
        looker.set(BIND_DN, "userPassword", &[new]).await;
        ns.credential("directory", new, &self.directory.hosts())
            .await;
        self.forest.change_password(new).await;
        ns.credential("forest", new, &self.forest.host()).await;
        let admin = self.warehouse.admin("postgres").await;
        let alter = format!("ALTER ROLE rollcall PASSWORD '{new}'");
        admin.batch_execute(&alter).await.unwrap();
        ns.credential("warehouse", new, &self.warehouse.host())
            .await;
    }
}

#[tokio::test]
async fn killed_and_rotated() {
    if !samba::is_possible() {
        return;
    }
    let company = Company::found().await;
    let story = &company.story;
    let names: Vec<String> = (0..PEOPLE).map(|n| format!("p{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        story
            .apply_person(clerk(name, &n.to_string(), "Sales", json!({})))
            .await;
    }
    for point in [3, 15, 30] {
        let mut operator = OperatorProcess::start(&story.ns).await;
        eventually("enough accounts are there", async || {
            let (seen, count) = company.accounts().await;
            if count >= point {
                Ok(())
            } else {
                Err((seen, operator.log()))
            }
        })
        .await;
        operator.kill();
    }
    let operator = OperatorProcess::start(&story.ns).await;
    for name in &names {
        story.provisioned(name, TARGETS.len()).await;
    }
    let wanted: BTreeSet<String> = names.iter().map(|name| format!("{name}.example")).collect();
    let (seen, _) = company.accounts().await;
    for target in TARGETS {
        assert_eq!(seen[target], wanted, "{target}");
    }

    company.rotate().await;
    story
        .apply_person(clerk("late", "99", "Sales", json!({})))
        .await;
    story.provisioned("late", TARGETS.len()).await;
    let gone = json!({"endDate": day(-2)});
    story.apply_person(clerk("p0", "0", "Sales", gone)).await;
    let status = story
        .person("p0", "has left everywhere", |s| {
            s.accounts.len() == TARGETS.len()
                && s.accounts.iter().all(|a| a.last_verified.is_some())
        })
        .await;
    let why = story
        .person_says("p0", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    assert!(why.starts_with("4 of 4"), "{why}: {status:?}");
    let log = operator.log();
    for secret in [
        "Another-passw0rd-1",
        company.forest.password(),
        company.warehouse.password(),
    ] {
        assert!(!log.contains(secret), "a credential is in the log");
    }
}
