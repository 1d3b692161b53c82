//! A company with four targets, each behind a proxy that does what the story says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::super::connector;
use super::seen::Account;
use crate::directories::kit::{domain, openldap};
use crate::faults::kinds::kind;
use crate::stories::kit::{Story, clerk, day, everyone, template};
use crate::support::openldap::{BIND_DN, OpenLdap};
use crate::support::postgres::Postgres;
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::samba::Samba;
use crate::support::targets::ScimServer;
use crate::support::wire_proxy::{self, Fate, Language, WireProxy};

/// The connectors: to SCIM, OpenLDAP, Active Directory and PostgreSQL.
pub const TARGETS: [&str; 4] = ["chat", "directory", "forest", "warehouse"];

/// What becomes of a write, by its target and what it asks for.
type Judge = Arc<dyn Fn(&'static str, &str) -> Fate + Send + Sync>;

pub struct Company {
    pub story: Story,
    pub chat: ScimServer,
    pub directory: OpenLdap,
    pub forest: Samba,
    pub warehouse: Postgres,
    ways: Ways,
    people: BTreeMap<String, Declared>,
}

struct Ways {
    chat: Proxy,
    /// The token that the proxy takes for that of the server.
    token: Arc<Mutex<String>>,
    directory: WireProxy,
    forest: WireProxy,
    warehouse: WireProxy,
}

/// What is declared of one person.
struct Declared {
    id: String,
    department: &'static str,
    gone: bool,
}

impl Company {
    pub async fn found(
        name: &str,
        judge: impl Fn(&'static str, &str) -> Fate + Send + Sync + 'static,
    ) -> Self {
        // One after the other: a domain is long in the making, and longer beside others.
        let forest = Samba::start().await;
        let chat = ScimServer::scimmy().await;
        let directory = OpenLdap::start().await;
        let warehouse = Postgres::start().await;
        let judge: Judge = Arc::new(judge);
        let token = Arc::new(Mutex::new(chat.token().to_owned()));
        let ways = Ways {
            chat: before_chat(&chat, &token, Arc::clone(&judge)).await,
            token,
            directory: WireProxy::before(
                Language::Ldap,
                directory.port(),
                writes_to(TARGETS[1], &judge),
            )
            .await,
            forest: WireProxy::before_tls(
                Language::Ldap,
                forest.port(),
                forest.ca_pem(),
                writes_to(TARGETS[2], &judge),
            )
            .await,
            warehouse: WireProxy::before(
                Language::Postgres,
                warehouse.port(),
                writes_to(TARGETS[3], &judge),
            )
            .await,
        };
        let company = Self {
            story: Story::new(name).await,
            chat,
            directory,
            forest,
            warehouse,
            ways,
            people: BTreeMap::new(),
        };
        company.connect().await;
        company
    }

    async fn connect(&self) {
        let story = &self.story;
        let passwords = [
            self.chat.token(),
            self.directory.password(),
            self.forest.password(),
            self.warehouse.password(),
        ];
        for (target, password) in TARGETS.into_iter().zip(passwords) {
            self.credential(target, password).await;
        }
        for connector in self.connectors() {
            story.apply_connector(connector).await;
        }
        for target in TARGETS {
            story.apply_role(everyone(target, target, &["staff"])).await;
        }
        for department in ["Sales", "Support"] {
            let is_there = format!("employee.department == '{department}'");
            let group: &[&str] = &[department];
            let grants = TARGETS.map(|target| (target, group));
            let role = template(&department.to_lowercase(), &is_there, &grants);
            story.apply_role(role).await;
        }
    }

    fn connectors(&self) -> [Value; 4] {
        let ways = &self.ways;
        let chat = crate::stories::kit::connector_to(TARGETS[0], ways.chat.base_url().as_str());
        let mut directory = openldap(TARGETS[1], &self.directory);
        directory["spec"]["ldap"]["servers"] = json!([format!("ldap://{}", ways.directory.host())]);
        directory["spec"]["ldap"]["startTLS"] = json!(false);
        let mut forest = domain(TARGETS[2], &self.forest);
        forest["spec"]["ldap"]["servers"] = json!([format!("ldaps://{}", ways.forest.host())]);
        forest["spec"]["sync"]["tls"]["caBundle"] = json!(ways.forest.ca_pem());
        let users = self.warehouse.users();
        let mut warehouse = connector(TARGETS[3], &self.warehouse, users, &json!({}));
        let url = format!("postgres://{}/postgres", ways.warehouse.host());
        warehouse["spec"]["sql"]["url"] = json!(url);
        warehouse["spec"]["sql"]["encryption"] = json!("None");
        [chat, directory, forest, warehouse]
    }

    async fn credential(&self, target: &str, password: &str) {
        let ways = &self.ways;
        let host = match target {
            "chat" => ways.chat.host(),
            "directory" => ways.directory.host(),
            "forest" => ways.forest.host(),
            _ => ways.warehouse.host(),
        };
        self.story.ns.credential(target, password, &host).await;
    }

    /// Changes the password or token of each of them, there and in its Secret.
    pub async fn rotate(&self, new: &str) {
        new.clone_into(&mut self.ways.token.lock().unwrap());
        let mut looker = self.directory.looker().await;
        looker.set(BIND_DN, "userPassword", &[new]).await;
        self.forest.change_password(new).await;
        let admin = self.warehouse.admin("postgres").await;
        let alter = format!("ALTER ROLE rollcall PASSWORD '{new}'");
        admin.batch_execute(&alter).await.unwrap();
        for target in TARGETS {
            self.credential(target, new).await;
        }
    }

    async fn declare(&mut self, name: &str, department: &'static str, gone: bool) {
        let id = name.to_owned();
        let mut more = json!({});
        if gone {
            more["endDate"] = json!(day(-2));
        }
        self.story
            .apply_person(clerk(name, &id, department, more))
            .await;
        let declared = Declared {
            id,
            department,
            gone,
        };
        self.people.insert(name.to_owned(), declared);
    }

    pub async fn joins(&mut self, name: &str) {
        self.declare(name, "Sales", false).await;
    }

    pub async fn moves(&mut self, name: &str) {
        self.declare(name, "Support", false).await;
    }

    pub async fn leaves(&mut self, name: &str) {
        let department = self.people[name].department;
        self.declare(name, department, true).await;
    }

    /// Waits until everybody's status says that all is as declared, and looks whether that is so: in each target
    /// everybody has one account, in exactly their groups, and nobody else has any.
    pub async fn all_is_right(&self) {
        for (name, person) in &self.people {
            if person.gone {
                let why = self
                    .story
                    .person_says(name, "AccessRevoked", "True", "ReadBackDisabled")
                    .await;
                assert!(why.starts_with("4 of 4"), "{why}");
                self.story.ready(name).await;
            } else {
                let wanted = person.groups();
                let holds = |account: &rollcall::api::employee::AccountStatus| {
                    let mut names: Vec<_> = account.entitlements.iter().map(|e| &e.name).collect();
                    names.sort();
                    names == wanted.iter().collect::<Vec<_>>()
                };
                self.story.provisioned(name, TARGETS.len()).await;
                self.story
                    .person(name, "holds what it should", |s| {
                        s.accounts.iter().all(holds)
                    })
                    .await;
            }
        }
        let wanted = self.people.iter().map(|(name, person)| Account {
            mark: format!("it/{}/{}", self.story.ns.name, person.id),
            username: format!("{name}.example"),
            active: !person.gone,
            groups: person.groups(),
        });
        let wanted: Vec<Account> = wanted.collect();
        for (target, seen) in self.seen().await {
            assert_eq!(seen, wanted, "{target}");
        }
    }
}

impl Declared {
    fn groups(&self) -> Vec<String> {
        if self.gone {
            return Vec::new();
        }
        vec![self.department.to_owned(), "staff".to_owned()]
    }
}

async fn before_chat(chat: &ScimServer, token: &Arc<Mutex<String>>, judge: Judge) -> Proxy {
    let (own, token) = (chat.token().to_owned(), Arc::clone(token));
    Proxy::before(&chat.base_url(), move |asked: &Asked| {
        let valid = token.lock().unwrap().clone();
        if asked.token.as_ref() != Some(&valid) {
            return Verdict::Answer(401, Vec::new(), Vec::new());
        }
        let fate = if asked.is_write() {
            judge(TARGETS[0], &kind(asked))
        } else {
            Fate::Pass
        };
        match fate {
            Fate::Pass if valid == own => Verdict::Pass,
            Fate::Pass => Verdict::PassWith(own.clone()),
            Fate::Refuse => Verdict::Refuse,
            Fate::Lose => Verdict::Lose,
            Fate::LoseAfter(then) => Verdict::LoseAfter(Box::new(move |_| then())),
            Fate::Deny(_, why) => Verdict::Answer(400, Vec::new(), why.into_bytes()),
        }
    })
    .await
}

/// Judges everything that changes a directory or a database.
fn writes_to(
    target: &'static str,
    judge: &Judge,
) -> impl Fn(&wire_proxy::Asked) -> Fate + Send + Sync + 'static {
    let judge = Arc::clone(judge);
    move |asked| {
        if asked.what == "sign in" || asked.what.starts_with("Bind ") {
            return Fate::Pass;
        }
        judge(target, &asked.what)
    }
}
