//! Story 5, second part: a hundred manifests arrive in random order, what others rest on last. All
//! converge, and nobody is told that an edit is needed.

use k8s_openapi::api::core::v1::Secret;
use rollcall::api::{AppConnector, Employee, RoleTemplate};
use serde_json::{Value, json};

use super::kit_a::{
    Company, Witness, account, condition, connector, employee, is_observed, is_ready, is_true,
    says, story, template, username,
};
use crate::support::targets::ScimServer;

const PEOPLE: usize = 84;
const TEAMS: usize = 11;

fn name(i: usize) -> String {
    format!("p{i}")
}

/// Everyone but the last reports to someone who may come later; every third names a role.
fn people() -> Vec<Value> {
    let person = |i: usize| {
        let mut more = json!({});
        if i + 1 < PEOPLE {
            more["managerRef"] = json!({"name": name((i * 7 + 1) % PEOPLE)});
        }
        if i.is_multiple_of(3) {
            more["roles"] = json!([{"name": "lead"}]);
        }
        let team = format!("T{}", i % (TEAMS - 2));
        employee(&name(i), &format!("{i}"), &team, more)
    };
    (0..PEOPLE).map(person).collect()
}

fn roles() -> Vec<Value> {
    let teams = (0..TEAMS - 2).map(|t| {
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
        company.employ(person).await;
    }
}

#[tokio::test]
async fn a_hundred_manifests_in_random_order_converge() {
    story("random", async |company| {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let directory = ScimServer::scim2_server().await;
        let chat = ScimServer::scimmy().await;
        let witnesses = [
            Witness::of::<Employee>(&company.namespace),
            Witness::of::<RoleTemplate>(&company.namespace),
            Witness::of::<AppConnector>(&company.namespace),
        ];
        let witnesses: Vec<&Witness> = witnesses.iter().collect();

        apply_people(company, &mut rng).await;
        company
            .employee("p0", "waits for its role", |e| {
                says(e, "Reconciling", "True", "RoleMissing", "lead")
            })
            .await;
        let mut roles = roles();
        assert_eq!(PEOPLE + roles.len() + 2 + 2, 99);
        roles.push(template(
            "spare",
            "employee.department == 'none'",
            &[("chat", &["spare"])],
        ));
        rng.shuffle(&mut roles);
        for role in roles {
            company.role(role).await;
        }
        company
            .employee("p1", "waits for the connectors", |e| {
                account(e, "chat")["reason"] == "ConnectorMissing"
                    && account(e, "directory")["reason"] == "ConnectorMissing"
            })
            .await;
        company
            .template("lead", "waits for its connector", |t| {
                says(t, "Reconciling", "True", "ConnectorMissing", "chat")
            })
            .await;
        let create = json!({"entitlements": {"missing": "Create"}});
        let mut targets = [("directory", &directory), ("chat", &chat)];
        rng.shuffle(&mut targets);
        for (name, server) in targets {
            company.app(connector(name, server, create.clone())).await;
        }
        for (name, server) in targets {
            company
                .connector(name, "waits for its Secret", |c| {
                    says(c, "Reconciling", "True", "SecretMissing", name)
                })
                .await;
            assert_eq!(
                server.requests().await,
                [],
                "nothing is sent without a credential"
            );
        }
        company
            .employee("p1", "waits for the connectors", |e| {
                is_true(e, "Reconciling") && !is_ready(e)
            })
            .await;
        rng.shuffle(&mut targets);
        for (name, server) in targets {
            company
                .namespace
                .credential(name, server.token(), server.host())
                .await;
        }

        for i in 0..PEOPLE {
            company.ready(&[&name(i)]).await;
        }
        for (name, _) in targets {
            company.connector(name, "is ready", is_ready).await;
        }
        for role in ["everyone", "lead", "team-0"] {
            company.template(role, "is in force", is_ready).await;
        }
        nobody_is_stalled(&witnesses);
        assert!(
            witnesses[0].all().len() >= 2 * PEOPLE,
            "the witness saw too little"
        );
        let (everyone, leads) = (PEOPLE, PEOPLE.div_ceil(3));
        assert_eq!(directory.group_member_ids("all").await.len(), everyone);
        assert_eq!(chat.group_member_ids("leads").await.len(), leads);
        for server in [&directory, &chat] {
            assert_eq!(server.users().await.len(), PEOPLE);
            managers_are_right(server).await;
        }
        let secrets = company.namespace.api::<Secret>();
        assert_eq!(
            secrets
                .list(&kube::api::ListParams::default())
                .await
                .unwrap()
                .items
                .len(),
            2
        );
    })
    .await;
}

/// Each account names its manager's account, whoever came first.
async fn managers_are_right(server: &ScimServer) {
    let users = server.users().await;
    let find = |who: &str| {
        users
            .iter()
            .find(|u| u["userName"] == username(who))
            .unwrap()
    };
    for i in 0..PEOPLE - 1 {
        let boss = find(&name((i * 7 + 1) % PEOPLE));
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let manager = &find(&name(i))[enterprise]["manager"]["value"];
        assert_eq!(*manager, boss["id"], "manager of p{i}");
    }
}
