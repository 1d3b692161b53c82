//! Groups of numbers (`posixGroup`, RFC 2307), where members stand by their user names: those that somebody made, as
//! each needs a number.

use std::collections::BTreeSet;

use rollcall::connectors::ldap::{Groups, LdapConnector, MemberForm};
use rollcall::connectors::{Connector, ErrorKind, HolderChange, WritePermit};
use rollcall::domain::account::{AttributeChanges, Completeness};
use rollcall::domain::ids::{AccountId, EntitlementId, EntitlementName, Username};
use serde_json::json;

use super::kit::{alone, group, newcomer, openldap, person};
use crate::stories::kit::{Story, clerk, day, everyone, tells, template};
use crate::support::directory::Looker;
use crate::support::openldap::{OpenLdap, SUFFIX};
use crate::support::operator::Operator;
use crate::support::wait::eventually;

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// A group that somebody made.
async fn put(looker: &mut Looker, name: &str, number: &str, members: &[&str]) {
    let mut attributes: Vec<(&str, &[&str])> = vec![("objectClass", &["posixGroup"])];
    let number = [number];
    attributes.push(("gidNumber", &number));
    if !members.is_empty() {
        attributes.push(("memberUid", members));
    }
    looker.add(&group(name), &attributes).await;
}

async fn members(looker: &mut Looker, name: &str) -> BTreeSet<String> {
    looker.values(&group(name), "memberUid").await
}

fn connector(server: &OpenLdap) -> LdapConnector {
    alone(
        server,
        Groups {
            base: format!("ou=groups,{SUFFIX}"),
            object_classes: vec!["posixGroup".to_owned()],
            filter: "(objectClass=posixGroup)".to_owned(),
            name: "cn".to_owned(),
            member: "memberUid".to_owned(),
            form: MemberForm::Username,
            placeholder: None,
            can_create: false,
        },
    )
}

async fn holders(connector: &LdapConnector, name: &str) -> (EntitlementId, Vec<AccountId>) {
    let listed = connector.list().await.unwrap().entitlements;
    let found = listed.into_iter().find(|one| one.name.as_str() == name);
    let found = found.unwrap();
    assert_eq!(found.completeness, Completeness::Complete, "{name}");
    (found.id, found.holders)
}

/// Given and taken, each twice, followed through a rename and gone with the account. Who is called the same in other
/// letters is somebody else, as the schema has it.
#[tokio::test]
async fn members_are_user_names_in_exactly_their_letters() {
    let server = OpenLdap::start().await;
    let mut looker = server.looker().await;
    put(&mut looker, "staff", "1000", &["ADA", "root"]).await;
    put(&mut looker, "empty", "1001", &[]).await;
    let connector = connector(&server);
    let permit = WritePermit::issue();
    connector.probe().await.unwrap();
    let ada = newcomer("ada", "1");
    let ada = connector.create(&permit, &ada, None).await.unwrap().id;
    let (staff, held) = holders(&connector, "staff").await;
    assert!(held.is_empty(), "ADA is not ada");
    let (empty, held) = holders(&connector, "empty").await;
    assert!(held.is_empty());

    let gives = HolderChange {
        add: vec![ada.clone()],
        remove: Vec::new(),
    };
    let hers = gives.add.as_slice();
    let takes = HolderChange {
        add: Vec::new(),
        remove: vec![ada.clone()],
    };
    let change = async |group: &EntitlementId, change: &HolderChange| {
        let results = connector.change_holders(&permit, group, change).await;
        assert!(results.unwrap().iter().all(|(_, result)| result.is_ok()));
    };
    for _ in 0..2 {
        change(&staff, &gives).await;
        let there = members(&mut looker, "staff").await;
        assert_eq!(there, set(&["ADA", "ada", "root"]));
        assert_eq!(holders(&connector, "staff").await.1, hers);
    }
    for _ in 0..2 {
        change(&staff, &takes).await;
        assert_eq!(members(&mut looker, "staff").await, set(&["ADA", "root"]));
        assert!(holders(&connector, "staff").await.1.is_empty());
    }
    change(&staff, &gives).await;
    change(&empty, &gives).await;

    for name in ["countess", "Countess"] {
        let renamed = AttributeChanges {
            username: Some(Username::new(name)),
            ..AttributeChanges::default()
        };
        connector.update(&permit, &ada, &renamed).await.unwrap();
        let there = members(&mut looker, "staff").await;
        assert_eq!(there, set(&["ADA", "root", name]));
        assert_eq!(members(&mut looker, "empty").await, set(&[name]));
        assert_eq!(holders(&connector, "staff").await.1, hers);
    }
    connector.delete(&permit, &ada).await.unwrap();
    assert_eq!(members(&mut looker, "staff").await, set(&["ADA", "root"]));
    assert_eq!(members(&mut looker, "empty").await, set(&[]));

    let more = EntitlementName::new("more");
    let refused = connector.create_entitlement(&permit, &more).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unsupported);
    tells(&refused.message, &["gidNumber", "make it in the directory"]);
}

/// Joining, being renamed by somebody, moving, leaving and coming back.
#[tokio::test]
async fn a_working_life() {
    let server = OpenLdap::start().await;
    let mut looker = server.looker().await;
    for (name, number) in [("staff", "1000"), ("Sales", "1001"), ("Support", "1002")] {
        put(&mut looker, name, number, &["root"]).await;
    }
    let story = Story::new("ldap-posix").await;
    let _operator = Operator::start(&story.ns).await;
    let mut connector = openldap("directory", &server);
    connector["spec"]["ldap"]["groups"]["kind"] = json!("PosixGroup");
    let hosts = server.hosts();
    story
        .ns
        .credential("directory", server.password(), &hosts)
        .await;
    story.apply_connector(connector).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for name in ["Sales", "Support", "Legal"] {
        let is_there = format!("employee.department == '{name}'");
        let role = template(&name.to_lowercase(), &is_there, &[("directory", &[name])]);
        story.apply_role(role).await;
    }
    let hold = async |looker: &mut Looker, wanted: [(&str, &[&str]); 3]| {
        for (name, wanted) in wanted {
            let wanted = &set(wanted) | &set(&["root"]);
            eventually("the groups are as they should be", async || {
                let there = members(looker, name).await;
                if there == wanted {
                    Ok(())
                } else {
                    Err((name, there))
                }
            })
            .await;
        }
    };
    let ada = |department: &str, more| clerk("ada", "1", department, more);
    let hers: &[&str] = &["ada.example"];
    story.apply_person(ada("Sales", json!({}))).await;
    story.provisioned("ada", 1).await;
    let in_sales = [("staff", hers), ("Sales", hers), ("Support", &[][..])];
    hold(&mut looker, in_sales).await;

    let entry = person("ada.example");
    looker.rename(&entry, "uid=countess").await;
    eventually("she has her name again", async || {
        let name = looker.values(&entry, "uid").await;
        if name == set(hers) { Ok(()) } else { Err(name) }
    })
    .await;
    story.provisioned("ada", 1).await;
    hold(&mut looker, in_sales).await;

    story.apply_person(ada("Support", json!({}))).await;
    story.provisioned("ada", 1).await;
    let in_support = [("staff", hers), ("Sales", &[][..]), ("Support", hers)];
    hold(&mut looker, in_support).await;

    let gone = ada("Support", json!({"endDate": day(-2)}));
    story.apply_person(gone).await;
    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    hold(
        &mut looker,
        ["staff", "Sales", "Support"].map(|name| (name, &[][..])),
    )
    .await;
    story.apply_person(ada("Support", json!({}))).await;
    story.provisioned("ada", 1).await;
    hold(&mut looker, in_support).await;

    // A group that nobody made.
    story
        .apply_person(clerk("bob", "2", "Legal", json!({})))
        .await;
    let why = story
        .person_says("bob", "Ready", "False", "Unsupported")
        .await;
    tells(&why, &["Legal", "gidNumber", "make it in the directory"]);
}
