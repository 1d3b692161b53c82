//! A company to measure with: people, one role, one connector, and what they cost.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use rollcall::api::{AppConnector, Employee, RoleTemplate};
use serde_json::{Value, json};

use crate::stand_in::StandIn;
use crate::support::controlplane::control_plane;
use crate::support::namespace::Namespace;
use crate::support::openldap::OpenLdap;
use crate::support::postgres::Postgres;
use crate::support::targets::ScimServer;

/// Groups that everyone gets.
pub const GROUPS: usize = 5;
/// Calls in flight at a target, the operator's and the raw client's.
pub const CONCURRENCY: usize = 16;
/// Manifests applied at the same time.
const APPLIED: usize = 32;
/// How long a run may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_mins(20);

/// What the people's accounts are in.
pub enum Target {
    /// The fast stand-in.
    StandIn(StandIn),
    /// A real SCIMMY.
    Scimmy(Box<ScimServer>),
    /// A real OpenLDAP.
    OpenLdap(Box<OpenLdap>),
    /// A real PostgreSQL, whose own roles are the accounts.
    Postgres(Box<Postgres>),
}

/// Which kind of target is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The fast stand-in.
    StandIn,
    /// A real SCIMMY.
    Scimmy,
    /// A real OpenLDAP.
    OpenLdap,
    /// A real PostgreSQL.
    Postgres,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::StandIn, Self::Scimmy, Self::OpenLdap, Self::Postgres];

    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::StandIn => "stand-in",
            Self::Scimmy => "SCIMMY",
            Self::OpenLdap => "OpenLDAP",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Target {
    /// An empty target with the groups.
    pub async fn new(kind: Kind) -> Self {
        match kind {
            Kind::StandIn => {
                let target = StandIn::start().await;
                target.make_groups(&groups());
                Self::StandIn(target)
            }
            Kind::Scimmy => {
                let target = ScimServer::scimmy().await;
                for group in groups() {
                    target.create_group(&group).await;
                }
                Self::Scimmy(Box::new(target))
            }
            Kind::OpenLdap => {
                let target = OpenLdap::start().await;
                let mut looker = target.looker().await;
                for group in groups() {
                    let dn = format!("cn={group},ou=groups,dc=example,dc=org");
                    let entry: [(&str, &[&str]); 2] = [
                        ("objectClass", &["groupOfNames"]),
                        ("member", &["cn=nobody"]),
                    ];
                    looker.add(&dn, &entry).await;
                }
                Self::OpenLdap(Box::new(target))
            }
            Kind::Postgres => {
                let target = Postgres::start().await;
                let roles: Vec<String> = groups()
                    .iter()
                    .map(|group| format!("CREATE ROLE \"{group}\""))
                    .collect();
                let admin = target.admin("postgres").await;
                admin.batch_execute(&roles.join("; ")).await.unwrap();
                Self::Postgres(Box::new(target))
            }
        }
    }

    /// The part of a connector's spec that speaks of it, its Secret being called `name`.
    pub fn spec(&self, name: &str) -> Value {
        let ldap = json!({
            "cn": "employee.name.display", "sn": "employee.name.family",
            "title": "employee.jobTitle", "mail": "employee.email",
        });
        let scim = json!({
            "displayName": "employee.name.display", "title": "employee.jobTitle",
            "emails[type eq \"work\"].value": "employee.email",
        });
        let (protocol, mut block, pointer, ca, attributes) = match self {
            Self::StandIn(_) | Self::Scimmy(_) => {
                let block = json!({
                    "baseUrl": self.base_url(),
                    "auth": {"bearer": {"secretKeyRef": {"name": name, "key": "token"}}},
                });
                ("scim", block, "/auth/bearer/secretKeyRef/name", None, scim)
            }
            Self::OpenLdap(target) => {
                let pointer = "/bind/passwordSecretKeyRef/name";
                ("ldap", target.block(), pointer, Some(target.ca_pem()), ldap)
            }
            Self::Postgres(target) => {
                let pointer = "/auth/passwordSecretKeyRef/name";
                (
                    "sql",
                    target.users(),
                    pointer,
                    Some(target.ca_pem()),
                    json!({}),
                )
            }
        };
        *block.pointer_mut(pointer).unwrap() = json!(name);
        let tls = ca.map(|ca| json!({"caBundle": ca}));
        json!({
            protocol: block,
            "account": {
                "username": ["employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()"],
                "attributes": attributes,
            },
            // What is measured has many leave or move at once.
            "guard": {"maxPercent": 100, "leavers": {"maxPercent": 100}},
            "sync": {"concurrency": CONCURRENCY, "membershipBatch": 100, "pageSize": 1000, "tls": tls},
        })
    }

    pub fn base_url(&self) -> String {
        match self {
            Self::StandIn(target) => target.base_url(),
            Self::Scimmy(target) => target.base_url().to_string(),
            Self::OpenLdap(target) => target.url(),
            Self::Postgres(target) => target.host(),
        }
    }

    pub fn host(&self) -> String {
        match self {
            Self::StandIn(target) => target.host.clone(),
            Self::Scimmy(target) => target.host().to_owned(),
            Self::OpenLdap(target) => target.hosts(),
            Self::Postgres(target) => target.host(),
        }
    }

    pub fn token(&self) -> &str {
        match self {
            Self::StandIn(_) => "any",
            Self::Scimmy(target) => target.token(),
            Self::OpenLdap(target) => target.password(),
            Self::Postgres(target) => target.password(),
        }
    }

    /// Requests so far, without those of the benchmark itself, where the target tells.
    pub async fn requests(&self) -> Option<usize> {
        match self {
            Self::StandIn(target) => {
                let seen = target.seen();
                Some(usize::try_from(seen.reads + seen.writes).unwrap())
            }
            Self::Scimmy(target) => Some(target.requests().await.len()),
            Self::OpenLdap(_) | Self::Postgres(_) => None,
        }
    }

    /// Fails unless exactly these many people are there, each once and in each group.
    pub async fn verify(&self, people: usize) {
        let (users, sizes) = match self {
            Self::StandIn(target) => {
                let sizes = target.group_sizes();
                (target.seen().users, sizes.into_values().collect::<Vec<_>>())
            }
            Self::Scimmy(target) => {
                let mut sizes = Vec::new();
                for group in groups() {
                    let ids = target.group_member_ids(&group).await;
                    let once: BTreeSet<_> = ids.iter().collect();
                    assert_eq!(ids.len(), once.len(), "{group} has doubled members");
                    sizes.push(ids.len());
                }
                (target.users().await.len(), sizes)
            }
            Self::OpenLdap(target) => {
                let mut looker = target.looker().await;
                let mut sizes = Vec::new();
                for group in groups() {
                    let dn = format!("cn={group},ou=groups,dc=example,dc=org");
                    let members = looker.values(&dn, "member").await;
                    sizes.push(members.iter().filter(|m| m.contains("ou=people")).count());
                }
                (
                    target.below("ou=people,dc=example,dc=org").await.len(),
                    sizes,
                )
            }
            Self::Postgres(target) => {
                let count = async |query: &str| -> usize {
                    let counted = target.column("postgres", query).await;
                    counted[0].parse().unwrap()
                };
                let mut sizes = Vec::new();
                for group in groups() {
                    let query = format!(
                        "SELECT count(*)::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                         JOIN pg_roles r ON r.oid = m.member WHERE g.rolname = '{group}' AND r.rolcanlogin
                         AND r.rolname LIKE 'p%.example'"
                    );
                    sizes.push(count(&query).await);
                }
                let users = "SELECT count(*)::text FROM pg_roles WHERE rolname LIKE 'p%.example'";
                (count(users).await, sizes)
            }
        };
        assert_eq!(users, people, "accounts in the end");
        assert_eq!(
            sizes,
            vec![people; GROUPS],
            "members of each group in the end"
        );
    }
}

/// Names of the groups that everyone gets.
pub fn groups() -> Vec<String> {
    (0..GROUPS).map(|n| format!("group-{n}")).collect()
}

/// Object name of a person.
pub fn name(n: usize) -> String {
    format!("person-{n:06}")
}

/// The user name that the connector gives a person.
pub fn username(n: usize) -> String {
    format!("p{n:06}.example")
}

/// A namespace with its objects.
pub struct Company {
    pub namespace: Namespace,
}

impl Company {
    pub async fn new(story: &str) -> Self {
        Self {
            namespace: Namespace::new(story).await,
        }
    }

    /// The connector `name` to a target, with its credential.
    pub async fn connect(&self, name: &str, target: &Target, interval: &str) {
        let (token, host) = (target.token(), target.host());
        self.namespace.credential(name, token, &host).await;
        let mut spec = target.spec(name);
        spec["sync"]["interval"] = json!(interval);
        let connector = json!({"metadata": {"name": name}, "spec": spec});
        self.namespace
            .apply::<AppConnector>(connector)
            .await
            .unwrap();
    }

    /// The role that gives people of a department groups in connectors.
    pub async fn role(&self, name: &str, rule: &str, connectors: &[&str], groups: &[String]) {
        let grants: Vec<_> = connectors
            .iter()
            .map(|c| json!({"connector": c, "entitlements": groups}))
            .collect();
        let manifest =
            json!({"metadata": {"name": name}, "spec": {"match": rule, "grants": grants}});
        self.namespace
            .apply::<RoleTemplate>(manifest)
            .await
            .unwrap();
    }

    /// Makes the Employees of a range.
    pub async fn employ(&self, range: std::ops::Range<usize>) {
        self.employ_with(range, &json!({})).await;
    }

    /// The same, with more facts of each.
    pub async fn employ_with(&self, range: std::ops::Range<usize>, more: &Value) {
        let api = self.namespace.api::<Employee>();
        stream::iter(range)
            .map(|n| {
                let api = api.clone();
                let mut person = employee(n);
                if let (Value::Object(spec), Value::Object(more)) = (&mut person["spec"], more) {
                    spec.extend(more.clone());
                }
                async move {
                    let employee = serde_json::from_value(person).unwrap();
                    api.create(&PostParams::default(), &employee)
                        .await
                        .map(drop)
                }
            })
            .buffer_unordered(APPLIED)
            .try_collect::<()>()
            .await
            .unwrap();
    }

    /// Ends a person's employment.
    pub async fn terminate(&self, n: usize) {
        let patch = json!({"spec": {"endDate": "2020-06-01"}});
        let parameters = PatchParams::default();
        let api = self.namespace.api::<Employee>();
        api.patch(&name(n), &parameters, &Patch::Merge(patch))
            .await
            .unwrap();
    }

    /// Waits until so many people are as `wanted`.
    pub async fn wait(&self, count: usize, wanted: impl Fn(&Employee) -> bool) {
        let search = async {
            let api: Api<Employee> = self.namespace.api();
            let stream = watcher(api, watcher::Config::default()).default_backoff();
            let mut stream = std::pin::pin!(stream.applied_objects());
            let mut done = BTreeSet::new();
            while let Some(step) = stream.next().await {
                let Ok(employee) = step else { continue };
                if wanted(&employee) {
                    done.insert(employee.name_any());
                    if done.len() == count {
                        return;
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, search)
            .await
            .expect("the run is stuck");
    }
}

/// Whether a person has everything and says so.
pub fn is_ready(employee: &Employee) -> bool {
    employee.status.as_ref().is_some_and(|s| {
        s.conditions
            .iter()
            .any(|c| c.type_ == "Ready" && c.status == "True")
            && !s.accounts.is_empty()
    })
}

fn employee(n: usize) -> Value {
    json!({"metadata": {"name": name(n)}, "spec": {
        "employeeId": format!("{n:06}"),
        "name": {"given": format!("P{n:06}"), "family": "Example"},
        "email": format!("p{n:06}@example.com"),
        "department": if n.is_multiple_of(2) { "Marketing" } else { "Engineering" },
        "jobTitle": "Specialist", "location": "Berlin", "costCenter": "4711",
        "startDate": "2020-01-01", "timeZone": "Europe/Berlin",
    }})
}

/// How many requests the API server has answered that concern our kinds, Secrets and events, by what its
/// own metrics say: all, and those that write.
pub async fn kubernetes_requests() -> (u64, u64) {
    let (origin, http) = control_plane().await.direct();
    let url = origin.join("metrics").unwrap();
    let text = http.get(url).send().await.unwrap().text().await.unwrap();
    let ours = [
        "group=\"rollcall.dev\"",
        "group=\"events.k8s.io\"",
        "resource=\"secrets\"",
    ];
    let (mut all, mut writes) = (0, 0);
    for line in text
        .lines()
        .filter(|l| l.starts_with("apiserver_request_total{"))
    {
        if ours.iter().any(|part| line.contains(part)) && !line.contains("verb=\"WATCH\"") {
            let count = line
                .rsplit(' ')
                .next()
                .and_then(|n| n.parse::<f64>().ok())
                .unwrap_or(0.0);
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count"
            )]
            let count = count as u64;
            all += count;
            if !line.contains("verb=\"LIST\"") && !line.contains("verb=\"GET\"") {
                writes += count;
            }
        }
    }
    (all, writes)
}

/// Seconds since an instant.
pub fn seconds_since(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64()
}
