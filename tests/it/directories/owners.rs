//! Somebody leaves who manages groups: they pass to the manager, others who own them stay, and the status shows it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::kit::{domain, group, openldap, person};
use crate::stories::kit::{Story, clerk, day, everyone, stands, step, tells};
use crate::support::directory::Looker;
use crate::support::openldap::OpenLdap;
use crate::support::operator::Operator;
use crate::support::samba::{self, Samba};

/// Ada reports to Grace; Alan has nothing to do with either.
const PEOPLE: [(&str, Option<&str>); 3] = [("grace", None), ("alan", None), ("ada", Some("grace"))];

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn reports_to(name: &str, manager: Option<&str>, mut more: Value) -> Value {
    if let Some(manager) = manager {
        more["managerRef"] = json!({"name": manager});
    }
    clerk(name, name, "Sales", more)
}

/// They have accounts in a directory that hands over what leavers own.
async fn are_there(story: &Story, mut connector: Value, password: &str, hosts: &str) {
    connector["spec"]["leaver"] = json!({
        "transferOwnershipTo": "Manager",
        "retain": "1d",
        "then": "Delete",
    });
    story.ns.credential("directory", password, hosts).await;
    story.apply_connector(connector).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for (name, manager) in PEOPLE {
        let person = reports_to(name, manager, json!({}));
        story.apply_person(person).await;
    }
    for (name, _) in PEOPLE {
        story.provisioned(name, 1).await;
    }
}

/// Ada leaves, and the status tells that these groups passed to Grace.
async fn leaves(story: &Story, groups: &[String]) {
    let gone = reports_to("ada", Some("grace"), json!({"endDate": day(-1)}));
    story.apply_person(gone).await;
    let status = story.offboarded("ada").await;
    assert_eq!(
        stands(&status, "directory", "TransferOwnership"),
        "Verified"
    );
    let told = step(&status, "directory", "TransferOwnership");
    assert!(told["at"].is_string() && told["attempts"] == 1, "{told:#}");
    let evidence = told["message"].as_str().unwrap();
    tells(
        evidence,
        &[&format!("{} passed to grace.example", groups.len())],
    );
    for group in groups {
        tells(evidence, &[group]);
    }
    let report = story.report("ada", jiff::Timestamp::now()).await;
    let passed = report.passed_on.iter().map(|passed| passed.what.as_str());
    assert_eq!(passed.collect::<Vec<_>>(), [evidence], "{report:#?}");
}

/// Her account is deleted when its time is over, and what she owned has its owners all the same.
async fn is_deleted(story: &Story, operator: &Operator) {
    operator.clock.shift(jiff::SignedDuration::from_hours(25));
    let is_retired = |status: &Value| status["stage"] == "Retired";
    let status = story.status("ada", "is retired", is_retired).await;
    assert_eq!(stands(&status, "directory", "Delete"), "Verified");
}

/// As the values of an attribute of some entries are.
async fn are(looker: &mut Looker, attribute: &str, wanted: &[(String, BTreeSet<String>)]) {
    for (dn, values) in wanted {
        assert_eq!(looker.values(dn, attribute).await, *values, "{dn}");
    }
}

#[tokio::test]
async fn of_groups_in_openldap() {
    let server = OpenLdap::start().await;
    let story = Story::new("ldap-owners").await;
    let operator = Operator::start(&story.ns).await;
    let connector = openldap("directory", &server);
    are_there(&story, connector, server.password(), &server.hosts()).await;
    let mut looker = server.looker().await;
    let [grace, alan, ada] =
        ["grace", "alan", "ada"].map(|name| person(&format!("{name}.example")));
    for (name, owners) in [
        ("payroll", vec![ada.as_str()]),
        ("board", vec![&ada, &alan]),
        ("both", vec![&ada, &grace]),
        ("other", vec![&alan]),
    ] {
        let attributes: [(&str, &[&str]); 3] = [
            ("objectClass", &["groupOfNames"]),
            ("member", &["cn=nobody"]),
            ("owner", &owners),
        ];
        looker.add(&group(name), &attributes).await;
    }
    leaves(&story, &["payroll", "board", "both"].map(group)).await;
    let wanted = [
        (group("payroll"), set(&[&grace])),
        (group("board"), set(&[&alan, &grace])),
        (group("both"), set(&[&grace])),
        (group("other"), set(&[&alan])),
    ];
    are(&mut looker, "owner", &wanted).await;
    is_deleted(&story, &operator).await;
    assert_eq!(looker.values(&ada, "uid").await, set(&[]));
    are(&mut looker, "owner", &wanted).await;
}

#[tokio::test]
async fn of_groups_in_a_domain() {
    if !samba::is_possible() {
        return;
    }
    let server = Samba::start().await;
    let story = Story::new("domain-owners").await;
    let operator = Operator::start(&story.ns).await;
    let connector = domain("directory", &server);
    are_there(&story, connector, server.password(), &server.host()).await;
    let mut looker = server.looker().await;
    let [grace, alan, ada] = ["grace", "alan", "ada"]
        .map(|name| format!("CN={name}.example,OU=People,{}", samba::SUFFIX));
    let team = |name: &str| format!("CN={name},OU=Teams,{}", samba::SUFFIX);
    for (name, manager) in [("Payroll", &ada), ("Board", &ada), ("Other", &alan)] {
        let attributes: [(&str, &[&str]); 3] = [
            ("objectClass", &["group"]),
            ("sAMAccountName", &[name]),
            ("managedBy", &[manager]),
        ];
        looker.add(&team(name), &attributes).await;
    }
    leaves(&story, &["Payroll", "Board"].map(team)).await;
    let wanted = [
        (team("Payroll"), set(&[&grace])),
        (team("Board"), set(&[&grace])),
        (team("Other"), set(&[&alan])),
    ];
    are(&mut looker, "managedBy", &wanted).await;
    is_deleted(&story, &operator).await;
    assert_eq!(looker.values(&ada, "cn").await, set(&[]));
    are(&mut looker, "managedBy", &wanted).await;
}
