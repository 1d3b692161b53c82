//! Story 5, second part: a hundred manifests arrive in random order, what others rest on last. All
//! converge, and nobody is told that an edit is needed.

use rollcall::api::{AppConnector, Employee, RoleTemplate};
use serde_json::{Value, json};

use super::kit::{
    Company, Witness, account, clerk, company, condition, condition_says, connector_with,
    is_observed, is_ready, is_true, template, username,
};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const PEOPLE: usize = 84;
const TEAMS: usize = 10;

fn name(i: usize) -> String {
    format!("p{i}")
}

/// Everyone but the last reports to someone who may come later; every third names a role.
fn people() -> Vec<Value> {
    let person = |i: usize| {
        let mut more = json!({});
        if i + 1 < PEOPLE {
            more["managerRef"] = json!({"name": name(manager_of(i))});
        }
        if i.is_multiple_of(3) {
            more["roles"] = json!([{"name": "lead"}]);
        }
        let team = format!("T{}", i % (TEAMS));
        clerk(&name(i), &format!("{i}"), &team, more)
    };
    (0..PEOPLE).map(person).collect()
}

fn roles() -> Vec<Value> {
    let teams = (0..TEAMS).map(|t| {
        let rule = format!("employee.department == 'T{t}'");
        let groups = [format!("team-{t}")];
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        template(&format!("team-{t}"), &rule, &[("chat", &groups)])
    });
    let everyone = template(
        "everyone",
        "employee.type != ''",
        &[("directory", &["all"])],
    );
    let mut lead = template("lead", "false", &[("chat", &["leads"])]);
    lead["spec"].as_object_mut().unwrap().remove("match");
    teams.chain([everyone, lead]).collect()
}

fn nobody_is_stalled(witnesses: &[&Witness]) {
    for witness in witnesses {
        let versions = witness.all();
        let told = versions.iter().filter(|v| is_observed(v)).count();
        assert!(told >= 2, "hardly any status was seen: {versions:#?}");
    }
    for version in witnesses.iter().flat_map(|w| w.all()) {
        assert!(!is_true(&version, "Stalled"), "{version:#}");
        if !is_observed(&version) || is_ready(&version) {
            continue;
        }
        let waits = condition(&version, "Reconciling");
        let told = waits.is_some_and(|c| !c["message"].as_str().unwrap_or_default().is_empty());
        assert!(told, "it does not say what it waits for: {version:#}");
    }
}

async fn apply_people(company: &Company, rng: &mut fastrand::Rng) {
    let mut people = people();
    rng.shuffle(&mut people);
    for person in people {
        company.apply_person(person).await;
    }
}

#[tokio::test]
async fn a_hundred_manifests_in_random_order_converge() {
    company("random", async |company| {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let directory = ScimServer::scim2_server().await;
        let chat = ScimServer::scimmy().await;
        let witnesses = [
            Witness::of::<Employee>(&company.ns),
            Witness::of::<RoleTemplate>(&company.ns),
            Witness::of::<AppConnector>(&company.ns),
        ];
        let witnesses: Vec<&Witness> = witnesses.iter().collect();

        apply_people(company, &mut rng).await;
        company
            .seen_employee("p0", "waits for its role", |e| {
                condition_says(e, "Reconciling", "True", "RoleMissing", "lead")
            })
            .await;
        let mut roles = roles();
        let secrets_and_connectors = 4;
        assert_eq!(PEOPLE + roles.len() + secrets_and_connectors, 100);
        rng.shuffle(&mut roles);
        for role in roles {
            company.apply_role(role).await;
        }
        company
            .seen_employee("p1", "waits for the connectors", |e| {
                account(e, "chat")["reason"] == "ConnectorMissing"
                    && account(e, "directory")["reason"] == "ConnectorMissing"
            })
            .await;
        company
            .seen_template("lead", "waits for its connector", |t| {
                condition_says(t, "Reconciling", "True", "ConnectorMissing", "chat")
            })
            .await;
        let create = json!({"entitlements": {"missing": "Create"}});
        let mut targets = [("directory", &directory), ("chat", &chat)];
        rng.shuffle(&mut targets);
        for (name, server) in targets {
            company
                .apply_connector(connector_with(name, server, create.clone()))
                .await;
        }
        for (name, server) in targets {
            company
                .seen_connector(name, "waits for its Secret", |c| {
                    condition_says(c, "Reconciling", "True", "SecretMissing", name)
                })
                .await;
            assert_eq!(
                server.requests().await,
                [],
                "nothing is sent without a credential"
            );
        }
        company
            .seen_employee("p1", "waits for the connectors", |e| {
                is_true(e, "Reconciling") && !is_ready(e)
            })
            .await;
        rng.shuffle(&mut targets);
        for (name, server) in targets {
            company
                .ns
                .credential(name, server.token(), server.host())
                .await;
        }

        everything_is_there(company, &directory, &chat).await;
        nobody_is_stalled(&witnesses);
        assert!(
            witnesses[0].all().len() >= 2 * PEOPLE,
            "the witness saw too little"
        );
    })
    .await;
}

async fn everything_is_there(company: &Company, directory: &ScimServer, chat: &ScimServer) {
    for i in 0..PEOPLE {
        company.all_ready(&[&name(i)]).await;
    }
    for app in ["directory", "chat"] {
        company.seen_connector(app, "is ready", is_ready).await;
    }
    for role in ["everyone", "lead", "team-0"] {
        company.seen_template(role, "is in force", is_ready).await;
    }
    assert_eq!(directory.group_member_ids("all").await.len(), PEOPLE);
    let leads = chat.group_member_ids("leads").await;
    assert_eq!(leads.len(), PEOPLE.div_ceil(3));
    for server in [directory, chat] {
        assert_eq!(server.users().await.len(), PEOPLE);
        managers_are_right(server).await;
    }
}

/// Each account names its manager's account, whoever came first. A manager blocks nobody, so that may
/// follow after everything else.
async fn managers_are_right(server: &ScimServer) {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    eventually("each account names its manager's", async || {
        let users = server.users().await;
        let find = |i: usize| {
            let wanted = username(&name(i));
            users.iter().find(|u| u["userName"] == wanted).unwrap()
        };
        let wrong: Vec<usize> = (0..PEOPLE - 1)
            .filter(|i| find(*i)[enterprise]["manager"]["value"] != find(manager_of(*i))["id"])
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    })
    .await;
}

fn manager_of(i: usize) -> usize {
    (i * 7 + 1) % PEOPLE
}
