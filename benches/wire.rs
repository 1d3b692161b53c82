//! What a raw client says to each kind of target: one create a person, memberships in batches. It decides
//! nothing and proves nothing.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use ldap3::{Ldap, Mod};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::company::{CONCURRENCY, Target, groups, username};
use crate::support::directory::Looker;
use crate::support::openldap::{BIND_DN, OpenLdap};
use crate::support::postgres::Postgres;

/// A target, spoken to directly.
#[async_trait]
pub trait Wire: Send + Sync {
    /// Makes the account of a person, and tells what a membership calls it.
    async fn create(&self, n: usize) -> String;
    /// Puts accounts into a group.
    async fn join(&self, group: usize, accounts: &[String]);
}

/// The wire to a target.
pub async fn to(target: &Target) -> Box<dyn Wire> {
    match target {
        Target::StandIn(_) | Target::Scimmy(_) => Box::new(Scim::new(target).await),
        Target::OpenLdap(server) => Box::new(Directory::new(server).await),
        Target::Postgres(server) => Box::new(Database::new(server).await),
    }
}

struct Scim {
    http: reqwest::Client,
    base: String,
    token: String,
    groups: Vec<String>,
}

impl Scim {
    async fn new(target: &Target) -> Self {
        let mut scim = Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            base: target.base_url(),
            token: target.token().to_owned(),
            groups: Vec::new(),
        };
        let request = scim.http.get(format!("{}/Groups", scim.base));
        let answer = request.bearer_auth(&scim.token).send().await.unwrap();
        let listed: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let rows = listed["Resources"].as_array().unwrap();
        let ids = rows.iter().map(|g| g["id"].as_str().unwrap().to_owned());
        scim.groups = ids.collect();
        assert_eq!(scim.groups.len(), groups().len());
        scim
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let request = self.http.request(method, format!("{}/{path}", self.base));
        let request = request
            .bearer_auth(&self.token)
            .header("Content-Type", "application/scim+json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let text = answer.bytes().await.unwrap();
        serde_json::from_slice(&text).unwrap_or_default()
    }
}

#[async_trait]
impl Wire for Scim {
    async fn create(&self, n: usize) -> String {
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": username(n), "externalId": format!("raw/people/{n:06}"), "active": true,
            "displayName": format!("P{n:06} Example"), "title": "Specialist",
            "emails": [{"type": "work", "value": format!("p{n:06}@example.com")}],
        });
        let made = self.send(reqwest::Method::POST, "Users", &user).await;
        made["id"].as_str().unwrap().to_owned()
    }

    async fn join(&self, group: usize, accounts: &[String]) {
        let members: Vec<_> = accounts.iter().map(|id| json!({"value": id})).collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "add", "path": "members", "value": members}],
        });
        let path = format!("Groups/{}", self.groups[group]);
        self.send(reqwest::Method::PATCH, &path, &body).await;
    }
}

/// Takes one after the other of several connections.
struct Turn(AtomicUsize);

impl Turn {
    fn of<'c, C>(&self, connections: &'c [C]) -> &'c C {
        &connections[self.0.fetch_add(1, Ordering::Relaxed) % connections.len()]
    }
}

/// A connection to a directory, encrypted, as Rollcall signs in.
pub async fn connection(server: &OpenLdap) -> Ldap {
    let url = server.tls_url();
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let ca = Some(server.ca_pem());
    let signed_in = Looker::sign_in(port, ca, BIND_DN, server.password()).await;
    signed_in.unwrap().into()
}

struct Directory {
    connections: Vec<Ldap>,
    turn: Turn,
}

impl Directory {
    async fn new(server: &OpenLdap) -> Self {
        let mut connections = Vec::new();
        for _ in 0..4 {
            connections.push(connection(server).await);
        }
        Self {
            connections,
            turn: Turn(AtomicUsize::new(0)),
        }
    }
}

#[async_trait]
impl Wire for Directory {
    async fn create(&self, n: usize) -> String {
        let name = username(n);
        let dn = format!("uid={name},ou=people,dc=example,dc=org");
        let one = |value: &str| HashSet::from([value.to_owned()]);
        let entry = vec![
            ("objectClass".to_owned(), one("inetOrgPerson")),
            ("uid".to_owned(), one(&name)),
            (
                "employeeNumber".to_owned(),
                one(&format!("raw/people/{n:06}")),
            ),
            ("cn".to_owned(), one(&format!("P{n:06} Example"))),
            ("sn".to_owned(), one("Example")),
            ("title".to_owned(), one("Specialist")),
            ("mail".to_owned(), one(&format!("p{n:06}@example.com"))),
        ];
        let mut connection = self.turn.of(&self.connections).clone();
        connection.add(&dn, entry).await.unwrap().success().unwrap();
        dn
    }

    async fn join(&self, group: usize, accounts: &[String]) {
        let dn = format!("cn={},ou=groups,dc=example,dc=org", groups()[group]);
        let members: HashSet<&str> = accounts.iter().map(String::as_str).collect();
        let mut connection = self.turn.of(&self.connections).clone();
        let changed = connection.modify(&dn, vec![Mod::Add("member", members)]);
        changed.await.unwrap().success().unwrap();
    }
}

struct Database {
    connections: Vec<Client>,
    turn: Turn,
}

impl Database {
    async fn new(server: &Postgres) -> Self {
        let mut connections = Vec::new();
        for _ in 0..CONCURRENCY {
            let password = server.password();
            let signed_in = server.sign_in("rollcall", password, "postgres").await;
            connections.push(signed_in.unwrap());
        }
        Self {
            connections,
            turn: Turn(AtomicUsize::new(0)),
        }
    }
}

#[async_trait]
impl Wire for Database {
    async fn create(&self, n: usize) -> String {
        let name = format!("\"{}\"", username(n));
        // Statements sent together are one transaction.
        let both =
            format!("CREATE ROLE {name} LOGIN; COMMENT ON ROLE {name} IS 'raw/people/{n:06}'");
        self.turn
            .of(&self.connections)
            .batch_execute(&both)
            .await
            .unwrap();
        name
    }

    async fn join(&self, group: usize, accounts: &[String]) {
        let grant = format!("GRANT \"{}\" TO {}", groups()[group], accounts.join(", "));
        self.turn
            .of(&self.connections)
            .batch_execute(&grant)
            .await
            .unwrap();
    }
}
