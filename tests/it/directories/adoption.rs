//! Five hundred accounts that were there before: those that are somebody's are taken over, and nothing else is
//! touched.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use rollcall::api::employee::AccountState;
use serde_json::{Value, json};

use super::kit::{group, openldap, person};
use crate::stories::kit::{Story, clerk, day, everyone, tells};
use crate::support::directory::Looker;
use crate::support::openldap::OpenLdap;
use crate::support::operator::Operator;
use crate::support::wait::eventually;

/// Accounts that fit exactly one person.
const FITTING: usize = 490;
/// People of whom two accounts fit, and one account that fits two people.
const AMBIGUOUS: usize = 5;
/// Accounts that fit nobody.
const NOBODYS: usize = 5;

/// What an entry holds, the number of its last change included.
type Entries = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

async fn entries(looker: &mut Looker) -> Entries {
    let base = "ou=people,dc=example,dc=org";
    let below = looker.below(base).await.into_iter();
    let held = below.map(|(dn, entry)| {
        let attributes = entry.attrs.into_iter();
        let attributes = attributes.map(|(name, values)| (name, values.into_iter().collect()));
        (dn, attributes.collect())
    });
    held.collect()
}

/// An entry that somebody made by hand.
async fn put(looker: &mut Looker, uid: &str, name: &str, title: &str) {
    let mail = format!("{}@EXAMPLE.com", name.to_uppercase());
    let full = format!("{name} Example");
    let attributes: [(&str, &[&str]); 9] = [
        ("objectClass", &["inetOrgPerson"]),
        ("uid", &[uid]),
        ("cn", &[&full]),
        ("sn", &["Example"]),
        ("givenName", &[name]),
        ("title", &[title]),
        ("departmentNumber", &["Sales"]),
        ("mail", &[&mail]),
        ("description", &["made by hand"]),
    ];
    looker.add(&person(uid), &attributes).await;
}

fn connector(server: &OpenLdap, mode: &str) -> Value {
    let mut connector = openldap("directory", server);
    connector["spec"]["mode"] = json!(mode);
    // What was read directly counts until the next listing: five hundred reads take a while.
    connector["spec"]["sync"]["interval"] = json!("10s");
    connector["spec"]["matching"] = json!({
        "rules": [
            {"attribute": "username", "equals": "employee.attributes['login']"},
            {"attribute": "mail", "equals": "employee.email"},
        ],
        "adopt": "WhenUnique",
    });
    connector
}

fn worker(name: &str, id: usize, more: &Value) -> Value {
    let mut spec = json!({"attributes": {"login": ""}});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    clerk(name, &id.to_string(), "Sales", spec)
}

/// How many writes of a verb there were, as metrics say.
async fn writes(operator: &Operator) -> BTreeMap<String, u64> {
    let metrics = operator.metrics().await;
    let mut counts = BTreeMap::new();
    let lines = metrics.lines();
    for line in lines.filter(|line| line.starts_with("rollcall_writes_total{")) {
        let (labels, count) = line.rsplit_once(' ').unwrap();
        let verb = labels.split("verb=\"").nth(1).unwrap();
        let verb = verb.split('"').next().unwrap();
        *counts.entry(verb.to_owned()).or_default() += count.parse::<u64>().unwrap();
    }
    counts
}

async fn hire(story: &Story, people: Vec<Value>) {
    let hired = futures::stream::iter(people)
        .map(|person| async move { drop(story.apply_person(person).await) })
        .buffer_unordered(16);
    hired.collect::<Vec<()>>().await;
}

/// The company and its directory, as they were before anybody thought of Rollcall.
async fn fill(looker: &mut Looker) -> Vec<Value> {
    let mut people = Vec::new();
    let mut members = vec!["cn=nobody".to_owned()];
    for n in 0..FITTING {
        let (uid, name) = (format!("old{n}"), format!("p{n}"));
        // One has a title of before.
        let title = if n == 1 { "Apprentice" } else { "Clerk" };
        put(looker, &uid, &name, title).await;
        // One lacks the group.
        if n != 2 {
            members.push(person(&uid));
        }
        people.push(worker(&name, n, &json!({})));
    }
    // Two people with two accounts each, and an account of two people.
    for n in 0..2 {
        for which in ["a", "b"] {
            put(
                looker,
                &format!("twice{n}{which}"),
                &format!("twice{n}"),
                "Clerk",
            )
            .await;
        }
        people.push(worker(&format!("twice{n}"), 1000 + n, &json!({})));
        let shared = json!({"email": "shared@example.com"});
        people.push(worker(&format!("shares{n}"), 2000 + n, &shared));
    }
    put(looker, "shared", "shared", "Clerk").await;
    for n in 0..NOBODYS {
        put(looker, &format!("nobody{n}"), &format!("gone{n}"), "Clerk").await;
    }
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let staff: [(&str, &[&str]); 2] = [("objectClass", &["groupOfNames"]), ("member", &members)];
    looker.add(&group("staff"), &staff).await;
    people
}

#[tokio::test]
async fn five_hundred_accounts_and_not_one_unwanted_write() {
    let server = OpenLdap::start().await;
    let mut looker = server.looker().await;
    let mut people = fill(&mut looker).await;
    let before = entries(&mut looker).await;
    assert_eq!(before.len(), FITTING + AMBIGUOUS + NOBODYS);
    let shows_changes = |held: &BTreeMap<_, _>| held.contains_key("entryCSN");
    assert!(before.values().all(shows_changes));
    let story = Story::new("ldap-adoption").await;
    // One of them left long ago, and nobody noticed.
    people[3] = worker("p3", 3, &json!({"endDate": day(-300)}));
    hire(&story, people).await;
    let role = everyone("all", "directory", &["staff"]);
    story.apply_role(role).await;
    let hosts = server.hosts();
    story
        .ns
        .credential("directory", server.password(), &hosts)
        .await;
    story.apply_connector(connector(&server, "DryRun")).await;
    let operator = Operator::start(&story.ns).await;

    // First it only says what it would do.
    story
        .connector("directory", "would take over all that fit", |c| {
            let dry_run = c.status.as_ref().and_then(|s| s.dry_run.clone());
            dry_run.is_some_and(|d| (d.adopt, d.create) == (490, 0))
        })
        .await;
    assert_eq!(entries(&mut looker).await, before);

    story.apply_connector(connector(&server, "Enforce")).await;
    story.ready("p0").await;
    eventually("everybody has their account", async || {
        let mut lacking = Vec::new();
        for n in 0..FITTING {
            let status = story
                .person(&format!("p{n}"), "was looked at", |_| true)
                .await;
            let wanted = if n == 3 {
                AccountState::Disabled
            } else {
                AccountState::Active
            };
            if status
                .accounts
                .iter()
                .all(|account| account.state != wanted)
            {
                lacking.push(n);
            }
        }
        if lacking.is_empty() {
            Ok(())
        } else {
            Err(lacking)
        }
    })
    .await;
    story
        .person_says("p3", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    // What somebody who left held before is nobody's gift, and stays.
    let wanted = [
        ("Adopt", FITTING as u64),
        ("AddEntitlements", 1),
        ("Disable", 1),
        ("Update", 1),
    ];
    let wanted = wanted.map(|(verb, n)| (verb.to_owned(), n)).into();
    assert_eq!(writes(&operator).await, wanted);

    as_they_were_but_for_the_mark(&story, &before, &entries(&mut looker).await);
    who_has_to_be_asked_about_is_told(&story).await;
    what_is_said_by_hand_decides(&story).await;
    a_wrong_match_is_let_go_of(&story, &mut looker).await;
    operator.stop().await.unwrap();
}

/// What is said by hand of the account in the directory.
fn link(mut said: Value) -> Value {
    said["connector"] = json!("directory");
    json!({"links": [said]})
}

fn as_they_were_but_for_the_mark(story: &Story, before: &Entries, after: &Entries) {
    assert_eq!(after.len(), before.len(), "no account was made");
    for (dn, held) in before {
        let name = dn.trim_start_matches("uid=");
        let n = name
            .strip_prefix("old")
            .and_then(|n| n.split(',').next()?.parse::<usize>().ok());
        let Some(n) = n else {
            assert_eq!(after[dn], *held, "{dn} is nobody's, and was touched");
            continue;
        };
        for (attribute, values) in held {
            let own =
                ["entryCSN", "modifiersName", "modifyTimestamp"].contains(&attribute.as_str());
            if !own && (n, attribute.as_str()) != (1, "title") {
                assert_eq!(after[dn].get(attribute), Some(values), "{dn} {attribute}");
            }
        }
        let mark = format!("it/{}/{n}", story.ns.name);
        assert_eq!(after[dn]["employeeNumber"], BTreeSet::from([mark]));
    }
}

async fn who_has_to_be_asked_about_is_told(story: &Story) {
    for n in 0..2 {
        let why = story
            .person_says(&format!("twice{n}"), "Ready", "False", "AmbiguousMatch")
            .await;
        tells(
            &why,
            &[&format!("twice{n}a"), &format!("twice{n}b"), "spec.links"],
        );
        let why = story
            .person_says(&format!("shares{n}"), "Ready", "False", "AmbiguousMatch")
            .await;
        tells(&why, &[&format!("fits {}", 2001 - n), "(shared)"]);
    }
    story
        .connector("directory", "tells of those that are nobody's", |c| {
            c.status.as_ref().is_some_and(|s| s.orphans == 10)
        })
        .await;
}

/// What is not shares0's any more fits shares1 alone.
async fn what_is_said_by_hand_decides(story: &Story) {
    let chosen = link(json!({"account": "twice0b"}));
    story.apply_person(worker("twice0", 1000, &chosen)).await;
    let status = story.provisioned("twice0", 1).await;
    assert_eq!(status.accounts[0].username.as_deref(), Some("twice0b"));
    let mut shares0 = link(json!({"not": ["shared"]}));
    shares0["email"] = json!("shares0@example.com");
    story.apply_person(worker("shares0", 2000, &shares0)).await;
    let status = story.provisioned("shares1", 1).await;
    assert_eq!(status.accounts[0].username.as_deref(), Some("shared"));
    let status = story.provisioned("shares0", 1).await;
    assert_eq!(
        status.accounts[0].username.as_deref(),
        Some("shares0.example")
    );
}

/// The account is let go of as it is, and another one is made.
async fn a_wrong_match_is_let_go_of(story: &Story, looker: &mut Looker) {
    let held = entries(looker).await[&person("old7")].clone();
    let wrong = link(json!({"not": ["old7"]}));
    story.apply_person(worker("p7", 7, &wrong)).await;
    let status = story
        .person("p7", "has another account", |s| {
            s.accounts.iter().any(|a| {
                a.username.as_deref() == Some("p7.example") && a.state == AccountState::Active
            })
        })
        .await;
    assert_eq!(status.accounts.len(), 1);
    let let_go = entries(looker).await[&person("old7")].clone();
    assert!(!let_go.contains_key("employeeNumber"), "{let_go:#?}");
    for attribute in [
        "title",
        "mail",
        "uid",
        "description",
        "pwdAccountLockedTime",
    ] {
        assert_eq!(let_go.get(attribute), held.get(attribute), "{attribute}");
    }
    let members = looker.values(&group("staff"), "member").await;
    assert!(members.contains(&person("old7")), "it lost its group");
}
